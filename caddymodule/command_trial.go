// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A trial is a mail that shows whether mails arrive.
type trial struct {
	config, adapter, site string
	transport             int // which, from 1; 0: each
	paste, asJSON         bool
}

func sendTestCommand() *cobra.Command {
	var t trial
	cmd := &cobra.Command{
		Use:   "send-test (<address> | --paste)",
		Short: "Sends a real mail by the transports of a configuration, and shows what the servers say",
		Long: "Sends a test mail by each 'mail' line of a site, without starting Caddy, and prints what was said to the mail servers\n" +
			"and what they answered. Passwords, tokens, codes and links are left out. The exit code is 1 unless each was taken.\n\n" +
			"That a server took a mail does not mean that it arrives. Open it, have the mailbox show its source ('Show original',\n" +
			"'View source'), copy that, and let it be explained:\n\n" +
			"    caddy doorcode send-test --paste < source.txt\n\n" +
			"tells whether SPF, DKIM and DMARC pass for the sender, and what to do where they don't. It sends nothing, asks nobody,\n" +
			"and its exit code is 1 where something fails.",
		SilenceUsage: true,
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if t.paste && len(args) > 0 {
			return errors.New("--paste explains a mail that has arrived; leave the address out, or leave --paste out to send one")
		}
		if t.paste {
			return nil
		}
		return takes(oneAddress)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if t.paste {
			return t.explainPasted(cmd.InOrStdin(), cmd.ErrOrStderr(), cmd.OutOrStdout())
		}
		if err := requireAddress("send-test", args[0]); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		return t.send(ctx, args[0], cmd.OutOrStdout())
	}
	flags := cmd.Flags()
	flags.StringVarP(&t.config, "config", "c", "", "configuration file (default: the Caddyfile in this folder)")
	flags.StringVarP(&t.adapter, "adapter", "a", "", "name of the config adapter")
	flags.StringVar(&t.site, "site", "", "host of a site, where sites have mail of their own")
	flags.IntVar(&t.transport, "transport", 0, "only the n-th 'mail' line, from 1 (default: each)")
	flags.BoolVar(&t.paste, "paste", false, "explain the source of a mail that has arrived, from the standard input")
	flags.BoolVar(&t.asJSON, "json", false, "print JSON")
	return cmd
}

// A trialAnswer is what became of the mails.
type trialAnswer struct {
	Attempts []attempt `json:"attempts"`
}

// An attempt is one mail by one transport.
type attempt struct {
	Transport string   `json:"transport"`
	From      string   `json:"from"`
	MessageID string   `json:"message_id,omitempty"`
	Sent      bool     `json:"sent"`
	Took      float64  `json:"took_seconds"`
	Dialogue  []string `json:"dialogue"`
	Error     string   `json:"error,omitempty"`
}

// send sends the mails, and prints what is said while it is said.
func (t *trial) send(ctx context.Context, to string, out io.Writer) error {
	folder, err := os.MkdirTemp("", "doorcode-send-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // of certificates that nobody uses
	app, err := provisionedApp(t.config, t.adapter, folder)
	if err != nil {
		return err
	}
	e, err := app.oneMail(t.site)
	if err != nil {
		return err
	}
	if t.transport < 0 || t.transport > len(e.mails) {
		return fmt.Errorf("--transport takes 1 to %d: %s", len(e.mails), strings.Join(e.mailNames(), ", "))
	}
	answer, show := trialAnswer{[]attempt{}}, out
	if t.asJSON {
		show = io.Discard
	}
	for i, module := range e.mails {
		if t.transport != 0 && t.transport != i+1 {
			continue
		}
		if _, err := fmt.Fprintf(show, "%s\n", e.mailNames()[i]); err != nil {
			return err
		}
		a := e.try(ctx, module, to, show)
		a.Transport = e.mailNames()[i]
		a.print(show)
		answer.Attempts = append(answer.Attempts, a)
	}
	if t.asJSON {
		if err := printIndented(out, answer); err != nil {
			return err
		}
	} else if slices.ContainsFunc(answer.Attempts, func(a attempt) bool { return a.Sent && len(a.Dialogue) > 0 }) {
		fmt.Fprint(out, "Look into the mailbox, and into its spam folder. Then have it show the source of the mail, and give that to\n"+
			"'caddy doorcode send-test --paste', which tells whether SPF, DKIM and DMARC pass.\n")
	}
	return answer.fault()
}

// fault is an error if a transport did not take its mail.
func (t *trialAnswer) fault() error {
	failed := 0
	for _, a := range t.Attempts {
		if !a.Sent {
			failed++
		}
	}
	switch {
	case failed == 0:
		return nil
	case failed == len(t.Attempts):
		return errors.New("no mail was taken")
	}
	return fmt.Errorf("%d of %d transports did not take their mail", failed, len(t.Attempts))
}

// oneMail is a gate of the mail that is meant: of all gates, or those of a site, which
// must not differ in it.
func (a *App) oneMail(site string) (*entrance, error) {
	gates, err := a.gatesAt(site)
	if err != nil {
		return nil, err
	}
	for _, e := range gates[1:] {
		if !slices.Equal(e.mailNames(), gates[0].mailNames()) {
			return nil, fmt.Errorf("the sites send their mails in different ways; name the one that is meant, with --site: %s", a.hostsOf(gates))
		}
	}
	return gates[0], nil
}

// try sends one mail.
func (e *entrance) try(ctx context.Context, module any, to string, show io.Writer) (a attempt) {
	var said bytes.Buffer
	route, err := e.talkingRoute(module, io.MultiWriter(&said, indented{show}))
	if err == nil {
		now := time.Now()
		var m mailer.Message
		if m, err = e.testLetter(route.Style, to, now).Render(); err == nil {
			a.From, a.MessageID = m.From, m.ID
			err = route.Transport.Deliver(ctx, m)
		}
		a.Took = time.Since(now).Seconds()
	}
	if c, ok := route.Transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
	a.Dialogue = []string{}
	for line := range strings.Lines(said.String()) {
		a.Dialogue = append(a.Dialogue, strings.TrimRight(line, "\n"))
	}
	if a.Sent = err == nil; !a.Sent {
		a.Error = err.Error()
	}
	return a
}

// testLetter shows whether mails arrive. It has no code and no link.
func (e *entrance) testLetter(style mailer.Style, to string, now time.Time) mailer.Letter {
	return mailer.Letter{Style: style, ID: mailer.NewID(now), Date: now, Notice: challenge.Notice{
		Gate: e.id, Subject: challenge.TestMail, Mailbox: to, Host: e.host(), App: cmp.Or(e.settings.Pages.Name, e.host()), Asked: now,
	}}
}

// host is where the gate stands, for a sentence.
func (e *entrance) host() string {
	if origins := e.app.building.originsOf(e); len(origins) > 0 {
		return hostOf(origins[0])
	}
	return "this site"
}

// talkingRoute makes a transport that writes down what is said.
func (e *entrance) talkingRoute(module any, to io.Writer) (route mailer.Route, err error) {
	switch m := module.(type) {
	case *DemoMail:
		return route, errors.New("it sends nothing: it shows mails in the browser")
	case *SMTPMail:
		o := m.options()
		o.Dialogue = to
		route.Transport, err = mailer.NewSMTP(o)
	case apiMail:
		o := m.options()
		o.Dialogue = to
		route.Transport, err = mailer.NewHTTP(o)
	case Mail:
		route.Transport, err = m.OpenTransport()
	default:
		return route, fmt.Errorf("it is a %T, which sends nothing", module)
	}
	if m, ok := module.(Mail); ok {
		route.Style = e.style(m.Sender())
	}
	return route, err
}

func (a *attempt) print(out io.Writer) {
	if !a.Sent {
		fmt.Fprintf(out, "  Not sent: %s\n\n", a.Error)
		return
	}
	took := time.Duration(a.Took * float64(time.Second)).Round(time.Millisecond)
	fmt.Fprintf(out, "  Taken in %s, from %s, as <%s>.\n\n", took, a.From, a.MessageID)
}

// indented sets lines off.
type indented struct{ to io.Writer }

// Write takes whole lines.
func (i indented) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if _, err := fmt.Fprintf(i.to, "    %s", line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
