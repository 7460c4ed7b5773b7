// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// The exit codes of explain, beside 0 for a request that reaches the app and 1
// for a question that has no answer.
const (
	exitCheck = 3
	exitDeny  = 4
)

const (
	usualAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"

	mostUsual = 8 // places that are remembered of a person
)

// A question is what explain is asked.
type question struct {
	config, adapter string
	email           challenge.Email
	ip              netip.Addr
	target          *url.URL
	path            string // as it was written
	method, host    string
	user, agent     string
	header          http.Header // beside those that a browser sends
	known           bool
	usual           []netip.Addr
	session         bool
	bound, passkey  bool          // the browser has a key; the last proof was a passkey
	last            time.Duration // since the last proof; negative: not said
	asJSON          bool
}

// asked are the flags as they were written.
type asked struct {
	email, ip, session, last string
	usual                    []string
}

func explainCommand() *cobra.Command {
	var q question
	var a asked
	cmd := &cobra.Command{
		Use:   "explain --email <address> --ip <address> [--path <path>]",
		Short: "Tells what a configuration does with a request, and why",
		Long: "Loads a configuration as 'caddy validate' does and asks its gates about one request, with a person\n" +
			"who is made up as the flags say. Nothing is opened, sent or kept: everything is in memory.\n\n" +
			"The exit code is 0 if the request reaches the app, 3 if a code or passkey is asked for, 4 if it is\n" +
			"refused, and 1 if there is no answer.",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		code, err := 1, q.fill(a)
		if err == nil {
			code, err = explain(q, cmd.OutOrStdout())
		}
		if err != nil {
			return err
		}
		cmd.SilenceErrors = true // an exit code is no error to be printed
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
	}
	flags := cmd.Flags()
	flags.StringVarP(&q.config, "config", "c", "", "configuration file (default: the Caddyfile in this folder)")
	flags.StringVarP(&q.adapter, "adapter", "a", "", "name of the config adapter")
	flags.StringVar(&a.email, "email", "", "whose request it is (required)")
	flags.StringVar(&a.ip, "ip", "", "where it comes from (required)")
	flags.StringVar(&q.path, "path", "/", "what it asks for")
	flags.StringVar(&q.method, "method", http.MethodGet, "its method")
	flags.StringVar(&q.host, "host", "", "its host (default: the only one that has a gate)")
	flags.StringVar(&q.user, "user", "", "what an earlier step calls the person (default: the address)")
	flags.StringVar(&q.agent, "agent", usualAgent, "what the browser calls itself")
	flags.BoolVar(&q.known, "known-browser", false, "the browser is remembered")
	flags.StringArrayVar(&a.usual, "usual", nil, "where the person has signed in before; may be repeated, the first is where the last code was entered, or passkey used (default: nowhere yet)")
	flags.StringVar(&a.session, "session", "", "there is a session whose code was entered, or passkey used, so long ago")
	flags.BoolVar(&q.bound, "bound", false, "the browser has a key of its machine, and proves it; with --known-browser or --session")
	flags.BoolVar(&q.passkey, "passkey", false, "the last proof was a passkey, and no code; with --known-browser or --session")
	flags.StringVar(&a.last, "last", "", "how long ago the last code was entered, or passkey used (default: 24h)")
	flags.BoolVar(&q.asJSON, "json", false, "print JSON")
	return cmd
}

// explain answers a question.
func explain(q question, out io.Writer) (code int, err error) {
	e, err := rehearse(q)
	if err != nil {
		return 1, err
	}
	if q.asJSON {
		err = e.printJSON(out)
	} else {
		err = e.print(out)
	}
	switch e.Decision {
	case web.DecisionCheck:
		code = exitCheck
	case web.DecisionDeny:
		code = exitDeny
	}
	return code, err
}

// fill reads the flags that are not taken as they are.
func (q *question) fill(a asked) (err error) {
	if a.email == "" || a.ip == "" {
		return errors.New("--email and --ip say whose request it is and where it comes from")
	}
	if q.email, err = challenge.ParseEmail(a.email); err != nil {
		return fmt.Errorf("--email takes an address such as alice@example.com, got '%s'", a.email)
	}
	if q.ip, err = readIP("--ip", a.ip); err != nil {
		return err
	}
	if len(a.usual) > mostUsual {
		return fmt.Errorf("--usual may stand up to %d times, got %d", mostUsual, len(a.usual))
	}
	for _, text := range a.usual {
		ip, err := readIP("--usual", text)
		if err != nil {
			return err
		}
		q.usual = append(q.usual, ip)
	}
	if (q.bound || q.passkey) && !q.known && !q.session && a.session == "" {
		return errors.New("--bound and --passkey are about a browser that was here before; add --known-browser, or --session with a time such as 5m")
	}
	if q.user == "" {
		q.user = string(q.email)
	}
	return errors.Join(q.fillAge(a), q.fillTarget())
}

func readIP(flag, text string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%s takes an IP address such as 203.0.113.7, got '%s'", flag, text)
	}
	return ip.Unmap(), nil
}

// longestLast is how long what is known of a person lasts, without a new code.
const longestLast = 360 * day

// fillAge reads how old the last proof is.
func (q *question) fillAge(a asked) error {
	q.session, q.last = a.session != "", -1
	flag, text := "--last", a.last
	if q.session {
		if a.last != "" {
			return errors.New("--session says already how old the last code or passkey is; leave --last out")
		}
		flag, text = "--session", a.session
	}
	if text == "" {
		return nil
	}
	age, err := caddy.ParseDuration(text)
	if err != nil || age < 0 || age > longestLast {
		return fmt.Errorf("%s takes a duration such as 45m, 12h or 20d, up to %s, got '%s'", flag, brief(longestLast), text)
	}
	q.last = age
	return nil
}

func (q *question) fillTarget() error {
	target, err := url.ParseRequestURI(q.path)
	if err != nil || !strings.HasPrefix(q.path, "/") {
		return fmt.Errorf("--path takes a path such as /admin, got '%s'", q.path)
	}
	q.target = target
	if q.method == "" || strings.ContainsFunc(q.method, func(r rune) bool { return !httpguts.IsTokenRune(r) }) {
		return fmt.Errorf("--method takes a method such as POST, got '%s'", q.method)
	}
	return nil
}
