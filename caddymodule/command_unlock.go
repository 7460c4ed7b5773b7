// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
)

func unlockCommand() *cobra.Command {
	return jsonCommand(&cobra.Command{
		Use:   "unlock <address>",
		Short: "Lets an address that is locked be tried and mailed again",
		Long: "Forgets the wrong codes and the mails that were counted for an address, and lifts the locks that they made, on all\n" +
			"machines that share the storage. It lets nobody in: a code is needed as before. Where somebody is guessing, they\n" +
			"can go on as well. Networks that the person has reported stay out. Whoever has been told to wait chooses 'Use a\n" +
			"different email' and enters the same one.",
		Args: takes(oneAddress),
	}, func(c *remote, out io.Writer, args []string) error {
		if err := requireAddress("unlock", args[0]); err != nil {
			return err
		}
		return c.show(out, http.MethodPost, unlockPath, order{Address: args[0]}, &lifted{address: args[0]})
	})
}

// lifted is the answer to an unlock.
type lifted struct {
	unlockAnswer
	address string
}

func (l *lifted) print(s *sheet) {
	if len(l.Lifted) == 0 {
		s.line("Nothing was counted for " + l.address + ", so it was not locked.")
		return
	}
	several := slices.ContainsFunc(l.Lifted, func(k liftedLock) bool { return k.Storage != l.Lifted[0].Storage })
	row := func(storage string, columns ...string) {
		if several {
			columns = append(columns, storage)
		}
		s.line(columns...)
	}
	s.line(l.address + " can be tried and mailed again. This was forgotten:")
	s.section()
	row("STORAGE", "OF", "LOCKED UNTIL", "WRONG CODES", "MAILS")
	for _, k := range l.Lifted {
		until := "-"
		if k.Until != nil {
			until = moment(*k.Until)
		}
		row(k.Storage, k.Crowd, until, strconv.Itoa(k.Tries), strconv.Itoa(k.Mails))
	}
}
