// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule/terminal"
)

// flagsOnly is for commands that take flags alone. Where one of them says whose records
// are meant, it names that one.
func flagsOnly(cmd *cobra.Command, args []string) error {
	err := cobra.NoArgs(cmd, args)
	switch {
	case err == nil:
		return nil
	case cmd.Flags().Lookup("user") != nil && strings.Contains(args[0], "@"):
		return fmt.Errorf("%w; use --user %s", err, terminal.Still(args[0]))
	default:
		return fmt.Errorf("%w; it takes flags alone, see --help", err)
	}
}

var (
	unknownFlag = regexp.MustCompile(`^unknown flag: --([a-z-]+)$`)
	flagName    = regexp.MustCompile(`(?m)^ +(?:-[a-z], )?--([a-z-]+)`)
)

// suggestFlag adds to the error about an unknown flag the one that was most likely meant.
func suggestFlag(cmd *cobra.Command, err error) error {
	said := unknownFlag.FindStringSubmatch(err.Error())
	if said == nil {
		return err
	}
	var known []string
	for _, match := range flagName.FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1) {
		known = append(known, match[1])
	}
	if near := nearestFlag(said[1], known); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}

// nearestFlag is the known flag that a word begins with, as "output" does with "out", or
// that is a slip of the finger away.
func nearestFlag(word string, known []string) string {
	for _, name := range known {
		if len(name) >= 3 && strings.HasPrefix(word, name) {
			return name
		}
	}
	return nearest(word, known)
}
