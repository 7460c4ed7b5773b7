// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

const commandsHead = `# Commands

This page is made from what ` + "`caddy doorcode <command> --help`" + ` prints, so that both say the same.

Commands that ask a running Caddy find it at ` + "`localhost:2019`" + `, or where ` + "`--config`" + ` or ` + "`--address`" + ` says; [admin.md](admin.md)
has the endpoints that they use. With ` + "`--json`" + ` they print the answer as it came. The exit code is 0 if all is well and 1
if not, unless a command says otherwise; what is wrong goes to the standard error.

`

// doorcodeCommand is our command as Caddy would run it.
func doorcodeCommand(t *testing.T) *cobra.Command {
	t.Helper()
	registered, ok := caddycmd.Commands()["doorcode"]
	if !ok {
		t.Fatal("caddy doorcode is not registered")
	}
	root, cmd := &cobra.Command{Use: "caddy"}, &cobra.Command{Use: "doorcode"}
	root.AddCommand(cmd)
	registered.CobraFunc(cmd)
	return cmd
}

// docs/commands.md says what the commands say of themselves.
func TestTheReferenceOfCommandsIsThatOfTheCommands(t *testing.T) {
	var page strings.Builder
	page.WriteString(commandsHead)
	for _, cmd := range doorcodeCommand(t).Commands() {
		describe(&page, cmd)
	}
	got := strings.TrimRight(page.String(), "\n") + "\n"
	const path = "../docs/commands.md"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, path), got); diff != "" {
		t.Errorf("%s is not what the commands say; run with -update (-page +commands):\n%s", path, diff)
	}
}

// describe writes the section of a command, and those of the commands below it.
func describe(page *strings.Builder, cmd *cobra.Command) {
	if cmd.Name() == "help" {
		return
	}
	page.WriteString("## " + strings.TrimPrefix(cmd.CommandPath(), "caddy doorcode ") + "\n\n" + cmd.Short + ".\n\n")
	if below := cmd.Commands(); len(below) > 0 {
		for _, one := range below {
			describe(page, one)
		}
		return
	}
	page.WriteString("    " + strings.TrimSuffix(cmd.UseLine(), " [flags]") + "\n\n")
	if cmd.Long != "" {
		page.WriteString(cmd.Long + "\n\n")
	}
	for line := range strings.Lines(cmd.LocalFlags().FlagUsages()) {
		page.WriteString("    " + strings.TrimRight(line, " \n") + "\n")
	}
	page.WriteString("\n")
}

// Whoever writes a program of their own finds each endpoint described.
func TestEveryEndpointIsDescribed(t *testing.T) {
	page := read(t, "../docs/admin.md")
	for _, route := range (caddymodule.AdminAPI{}).Routes() {
		if route.Pattern != "/doorcode/" && !strings.Contains(page, " "+route.Pattern+"`") {
			t.Errorf("docs/admin.md does not describe %s", route.Pattern)
		}
	}
}
