// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule/policytest"
)

// The exit codes of check, beside 0 where all is as expected.
const (
	exitFailed = 1 // a test failed
	exitWrong  = 2 // the file or the configuration cannot be used
)

// A policyCheck is what check is asked.
type policyCheck struct {
	config, adapter string
	asJSON          bool
}

func checkCommand() *cobra.Command {
	var c policyCheck
	cmd := &cobra.Command{
		Use:   "check <policy.yaml>",
		Short: "Tests a configuration against what you expect it to decide",
		Long: "Reads a file that says who comes from where and what is to become of them, asks the gates of a configuration\n" +
			"about each as 'explain' does, and tells which answers are other ones. Nothing is opened, sent or kept. It is for\n" +
			"a pipeline that tries a configuration before it is loaded. The file is described in docs/rehearsal.md.\n\n" +
			"The exit code is 0 if all tests are as expected, 1 if one is not, and 2 if the file or the configuration is wrong.",
		Args:         cobra.ArbitraryArgs, // a wrong number is told by an exit code of its own
		SilenceUsage: true,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		code, err := 0, takes("the file with the tests, such as policy.yaml; - is the standard input")(cmd, args)
		if err == nil {
			code, err = c.run(args[0], cmd.InOrStdin(), cmd.OutOrStdout())
		}
		if err != nil {
			code = exitWrong
			cmd.PrintErrln("Error:", err)
		}
		cmd.SilenceErrors = true // it is printed, and a test that failed is
		if code == exitFailed {
			return errFailed
		}
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
	}
	flags := cmd.Flags()
	flags.StringVarP(&c.config, "config", "c", "", "configuration file (default: the Caddyfile in this folder)")
	flags.StringVarP(&c.adapter, "adapter", "a", "", "name of the config adapter")
	flags.BoolVar(&c.asJSON, "json", false, "print JSON")
	return cmd
}

// errFailed makes the exit code 1.
var errFailed = errors.New("a test failed")

// run makes all tests of a file.
func (c *policyCheck) run(name string, in io.Reader, out io.Writer) (code int, err error) {
	file, err := readPolicy(name, in)
	if err != nil {
		return 0, err
	}
	st, err := openStage(c.config, c.adapter)
	if err != nil {
		return 0, err
	}
	defer st.close()
	if err := st.settle(file); err != nil {
		return 0, err
	}
	results := policytest.Results{}
	for i := range file.Tests {
		results = append(results, st.try(&file.Tests[i]))
	}
	if results.Failed() > 0 {
		code = exitFailed
	}
	if c.asJSON {
		return code, results.JSON(out)
	}
	return code, results.Text(out, file.Name)
}

func readPolicy(name string, in io.Reader) (*policytest.File, error) {
	if name == "-" {
		return policytest.Parse("standard input", in, nearest)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read from
	return policytest.Parse(name, file, nearest)
}

// settle finds addresses for the places that are given by their names.
func (st *stage) settle(file *policytest.File) error {
	names := file.Names()
	if len(names) == 0 {
		return nil
	}
	for _, e := range st.app.building.gates() {
		if e.places == nil {
			continue
		}
		found, err := policytest.FindPlaces(e.settings.GeoIP.Files, e.places.Locate, names)
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
		file.Settle(found)
		return nil
	}
	return fmt.Errorf("%s:%d: '%s' is the name of a place, and no site has 'geoip'; write an address, such as 203.0.113.7", file.Name, names[0].Line, names[0].Text)
}

// try asks the gates about one test.
func (st *stage) try(t *policytest.Test) policytest.Result {
	q, err := questionOf(t)
	if err != nil {
		return t.Fail(err)
	}
	a, err := st.ask(q)
	if err != nil {
		return t.Fail(err)
	}
	return t.Judge(policytest.Answer{Decision: a.Decision, Reason: a.Reason, Status: a.Status, Told: a.told(t.Want.Reason)})
}

// questionOf is a test as explain is asked it.
func questionOf(t *policytest.Test) (question, error) {
	target, err := url.ParseRequestURI(t.Path)
	if err != nil {
		return question{}, err
	}
	q := question{
		email: t.Email, ip: t.From.IP, target: target, path: t.Path, method: t.Method, host: t.Site, header: t.Header,
		user: cmp.Or(t.User, string(t.Email)), agent: cmp.Or(t.Agent, usualAgent), known: t.Remembered, session: t.Session, last: t.Coded,
		bound: t.Bound, passkey: t.Passkey,
	}
	var usual []netip.Addr
	for _, s := range t.Usual {
		usual = append(usual, s.IP)
	}
	q.usual = usual
	return q, nil
}

// told is what was decided and by what, a line each: the rules that speak, and the one
// that was expected to.
func (a *explanation) told(wanted string) (lines []string) {
	lines = append(lines, fmt.Sprintf("%s %s%s from %s", a.Method, a.Host, a.Path, a.IP))
	if a.Status != 0 {
		lines = append(lines, fmt.Sprintf("%d, %q", a.Status, a.Page))
	}
	for i := range a.Gates {
		j := &a.Gates[i]
		lines = append(lines, j.Person.text()+"; the path is "+scopes[j.Scope])
		if j.Place != nil {
			lines = append(lines, "in "+j.Place.text())
		}
		for _, v := range j.Votes {
			switch {
			case v.Says:
				lines = append(lines, fmt.Sprintf("%s (%s): %s", v.Reason, v.Effect, v.Why))
			case v.Reason == wanted:
				lines = append(lines, fmt.Sprintf("%s says no: %s", v.Reason, v.Why))
			}
		}
	}
	return append(lines, a.Notes...)
}
