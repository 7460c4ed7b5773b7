// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func unguardCommand() *cobra.Command {
	return jsonCommand(&cobra.Command{
		Use:   "unguard <address>",
		Short: "Ends that a person's account is guarded",
		Long: "After somebody has reported a sign-in or a change that was not theirs, the account is guarded for seven days: new\n" +
			"browsers are not remembered and can change no way in. The person ends that by a code in a browser from before. Where\n" +
			"they have none left, you can, once you know who it is. What was suspended stays so: the person makes it anew.",
		Args: takes(oneAddress),
	}, func(c *remote, out io.Writer, args []string) error {
		if err := requireAddress("unguard", args[0]); err != nil {
			return err
		}
		return c.show(out, http.MethodPost, unguardPath, order{Address: args[0]}, &unguarded{address: args[0]})
	})
}

// unguarded is the answer to an unguard.
type unguarded struct {
	unguardAnswer
	address string
}

func (u *unguarded) print(s *sheet) {
	if len(u.Unguarded) == 0 {
		s.line("The account of " + u.address + " was not guarded.")
		return
	}
	s.line("The account of " + u.address + " is not guarded any more: " + strings.Join(u.Unguarded, ", ") + ".")
}
