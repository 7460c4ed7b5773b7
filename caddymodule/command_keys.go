// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

func keysCommand() *cobra.Command {
	return gather(&cobra.Command{
		Use:   "keys <command>",
		Short: "Lists and rotates the signing keys of a running Caddy",
	}, keysListCommand(), keysRotateCommand())
}

func keysListCommand() *cobra.Command {
	return jsonCommand(&cobra.Command{
		Use:   "list",
		Short: "Lists the signing keys, without the keys themselves",
		Long: "Lists the keys that sign sessions and assertions. A key is published as 'next' before it is 'signing'; one that\n" +
			"has signed goes on 'verifying' until the last session that it signed is over.",
	}, func(c *remote, out io.Writer, _ []string) error {
		return c.show(out, http.MethodGet, keysPath, order{}, new(keysAnswer))
	})
}

func keysRotateCommand() *cobra.Command {
	return jsonCommand(&cobra.Command{
		Use:   "rotate",
		Short: "Has new keys sign from soon on",
		Long: "Makes the successors of the keys that sign, on all machines that share the storage. They are published at once\n" +
			"and sign a while later. Nobody is signed out: what the old keys signed is good until it ends.\n" +
			"To end every session instead, give another 'secret'.",
	}, func(c *remote, out io.Writer, _ []string) error {
		return c.show(out, http.MethodPost, rotatePath, order{}, new(rotation))
	})
}

func (k *keysAnswer) print(s *sheet) { printKeys(s, k.Keys) }

// A rotation is the answer to a rotation.
type rotation struct{ rotateAnswer }

func (r *rotation) print(s *sheet) {
	printKeys(s, r.Keys)
	var first time.Time
	for _, k := range r.Keys {
		if k.State == "next" && (first.IsZero() || k.From.Before(first)) {
			first = k.From
		}
	}
	s.section()
	switch {
	case first.IsZero():
		s.line("The new keys sign already. Nobody is signed out.")
	case r.allUnderWay():
		s.line("A rotation is under way already; the next keys sign from " + moment(first) + " on. Nobody is signed out.")
	default:
		s.line("The new keys are published, and sign from " + moment(first) + " on. Nobody is signed out.")
	}
}

// allUnderWay reports whether no storage got new keys.
func (r *rotation) allUnderWay() bool {
	return len(r.UnderWay) > 0 && !slices.ContainsFunc(r.Keys, func(k keyStatus) bool { return !slices.Contains(r.UnderWay, k.Storage) })
}

// printKeys writes a table of keys, with their storages where there are several.
func printKeys(s *sheet, keys []keyStatus) {
	several := slices.ContainsFunc(keys, func(k keyStatus) bool { return k.Storage != keys[0].Storage })
	row := func(storage string, columns ...string) {
		if several {
			columns = append(columns, storage)
		}
		s.line(columns...)
	}
	row("STORAGE", "KEY", "USE", "ALGORITHM", "STATE", "SIGNS FROM", "VERIFIES UNTIL")
	for _, k := range keys {
		until := "-"
		if k.Until != nil {
			until = moment(*k.Until)
		}
		row(k.Storage, k.ID, k.Use, k.Algorithm, k.State, moment(k.From), until)
	}
}
