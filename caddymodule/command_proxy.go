// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A oneLiner is a site, said on one line.
type oneLiner struct {
	from, to string
	allow    []string
	mail     string
}

func proxyCommand() *cobra.Command {
	var o oneLiner
	var print bool
	cmd := &cobra.Command{
		Use:   "proxy --from <site> --to <app> --allow <address>... --mail <url>",
		Short: "Runs a gate in front of an app, without a configuration file",
		Long: "Runs Caddy as a reverse proxy that asks for a mailed code, as 'caddy run' would with the Caddyfile that --print shows.\n" +
			"Begin with that file once you want more than these flags say.\n\n" +
			"    caddy doorcode proxy --from app.example.com --to :8080 --allow '*@example.com' \\\n" +
			"        --mail 'smtp://login@example.com@smtp.example.com:587'\n\n" +
			"--mail takes\n\n" +
			"    smtp://user@host[:587][?from=login@example.com]    encrypted by STARTTLS; its password is in SMTP_PASSWORD\n" +
			"    smtps://user@host[:465][?from=login@example.com]   encrypted from the first byte\n" +
			"    postmark:?from=login@example.com                   its token is in POSTMARK_TOKEN\n" +
			"    resend:?from=login@example.com                     its token is in RESEND_TOKEN\n" +
			"    sendgrid:?from=login@example.com                   its token is in SENDGRID_TOKEN\n" +
			"    demo                                               a page that shows every mail, on localhost only\n\n" +
			"Without 'from', the user of an SMTP server is the sender. Others on this machine can see what a command line says:\n" +
			"give the password by the environment rather than as smtp://user:password@host. It is written nowhere.",
		Args:         flagsOnly,
		SilenceUsage: true,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		text, secrets, err := o.caddyfile()
		if err != nil {
			return err
		}
		if print {
			if _, err := adaptOwn(text); err != nil {
				return err
			}
			_, err := io.WriteString(cmd.OutOrStdout(), secrets.hint()+text)
			return err
		}
		return secrets.run(text, func() error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s leads to %s, for %s. Ctrl-C ends it.\n", o.from, o.to, strings.Join(o.allow, ", "))
			return err
		})
	}
	flags := cmd.Flags()
	flags.StringVar(&o.from, "from", "localhost", "the site, as in a Caddyfile")
	flags.StringVar(&o.to, "to", "", "the app, such as :8080, 10.0.0.7:8080 or https://app.internal (required)")
	flags.StringArrayVar(&o.allow, "allow", nil, "who may pass: an address, *@example.com, or * for everybody who can receive mail; may be repeated (required)")
	flags.StringVar(&o.mail, "mail", "", "how mails are sent (required)")
	flags.BoolVar(&print, "print", false, "print the Caddyfile instead of running it")
	return cmd
}

// A proxySecret is what the environment has to say, so that no file does.
type proxySecret struct {
	name  string // of the variable; empty: there is none
	given string // on the command line
}

// caddyfile writes the configuration.
func (o *oneLiner) caddyfile() (text string, secret proxySecret, err error) {
	if err := o.check(); err != nil {
		return "", secret, err
	}
	mail, secret, err := o.mailBlock()
	if err != nil {
		return "", secret, err
	}
	allow := " " + strings.Join(o.allow, " ")
	inside := ""
	for _, entry := range o.allow {
		if entry == "*" { // as an argument it would be Caddy's matcher
			allow, inside = "", "\t\tallow *\n"
		}
	}
	to := o.to
	if strings.HasPrefix(to, ":") {
		to = "localhost" + to
	}
	return o.from + " {\n\tdoorcode" + allow + " {\n" + inside + mail + "\t}\n\treverse_proxy " + to + "\n}\n", secret, nil
}

// check refuses what could mean more than one thing in a Caddyfile.
func (o *oneLiner) check() error {
	way, _, _ := strings.Cut(o.mail, "?")
	for _, f := range []struct{ name, value, such string }{
		{"--from", o.from, "app.example.com"},
		{"--to", o.to, ":8080"},
		{"--mail", way, "smtps://login@example.com@smtp.example.com"},
	} {
		if f.value == "" {
			return fmt.Errorf("%s is missing, such as %s", f.name, f.such)
		}
		if !isWord(f.value) {
			return fmt.Errorf("%s takes one such as %s, without spaces, quotes and braces", f.name, f.such)
		}
	}
	if len(o.allow) == 0 {
		return errors.New("nobody is allowed: say who may pass, such as --allow '*@example.com'")
	}
	for _, entry := range o.allow {
		if strings.HasPrefix(entry, groupPrefix) {
			return errors.New("--allow takes addresses; groups need a Caddyfile: begin with what --print shows")
		}
		if err := checkAllowed("--allow", entry); err != nil {
			return err
		}
	}
	host, _, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(o.to, "http://"), "https://"))
	if err != nil && !strings.Contains(o.to, "://") || strings.ContainsAny(host, "/?") {
		return fmt.Errorf("--to takes the address of an app such as :8080 or https://app.internal, got '%s'", o.to)
	}
	site := strings.TrimPrefix(strings.TrimPrefix(o.from, "http://"), "https://")
	if o.mail == "demo" && !mailer.IsLoopback(site) {
		return errors.New("mail demo shows every code to every visitor; it only works on localhost sites")
	}
	return nil
}

// isWord reports whether a text is one word in a Caddyfile, whatever stands in it.
func isWord(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsAny(text, "\"'`\\{}#") &&
		!strings.ContainsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) })
}

// services are those whose tokens come from the environment.
var services = map[string]string{"postmark": "POSTMARK_TOKEN", "resend": "RESEND_TOKEN", "sendgrid": "SENDGRID_TOKEN"}

var errMailForm = errors.New("--mail takes smtp://user@host, smtps://user@host, postmark:, resend:, sendgrid: or demo; 'proxy --help' shows each")

// mailBlock writes the mail transport.
func (o *oneLiner) mailBlock() (text string, secret proxySecret, err error) {
	if o.mail == "demo" {
		return "\t\tmail demo\n", secret, nil
	}
	scheme, rest, _ := strings.Cut(o.mail, ":")
	rest, query, _ := strings.Cut(rest, "?")
	from, err := readFrom(query)
	if err != nil {
		return "", secret, err
	}
	var head string
	var lines []string
	switch variable := services[scheme]; {
	case variable != "" && rest == "":
		secret.name = variable
		head, lines = scheme, []string{"token {env." + variable + "}"}
	case scheme == "smtp" || scheme == "smtps":
		var user string
		if head, lines, user, secret, err = smtpLines(scheme, rest); err != nil {
			return "", secret, err
		}
		if from == "" && isAddress(user) {
			from = user
		}
	default:
		return "", secret, errMailForm
	}
	if from == "" {
		return "", secret, fmt.Errorf("say who sends the mails: --mail '%s:…?from=login@example.com'", scheme)
	}
	if strings.Contains(from, " ") {
		from = `"` + from + `"`
	}
	lines = append(lines, "from "+from)
	return "\t\tmail " + head + " {\n\t\t\t" + strings.Join(lines, "\n\t\t\t") + "\n\t\t}\n", secret, nil
}

// readFrom reads what stands behind the question mark.
func readFrom(query string) (from string, err error) {
	asked, err := url.ParseQuery(query)
	if err != nil {
		return "", errMailForm
	}
	for name := range asked {
		if name != "from" {
			return "", fmt.Errorf("--mail knows no '%s'; there is 'from'", name)
		}
	}
	if from = asked.Get("from"); strings.ContainsAny(from, "\"`\\{}") {
		return "", errors.New("the 'from' of --mail cannot be written into a Caddyfile; leave quotes and braces out")
	}
	return from, checkMailbox("from", from)
}

// smtpLines are the transport for a mail server, and its settings.
func smtpLines(scheme, rest string) (head string, lines []string, user string, secret proxySecret, err error) {
	server, user, secret, err := readSMTP(scheme, rest)
	if err != nil {
		return "", nil, "", secret, err
	}
	if user != "" {
		lines = append(lines, "username "+user, "password {env."+secret.name+"}")
	}
	if scheme == "smtps" && !strings.HasSuffix(server, ":465") {
		lines = append(lines, "tls implicit")
	}
	return "smtp " + server, lines, user, secret, nil
}

// readSMTP reads what stands behind the scheme: //[user[:password]@]host[:port]. A user
// may be an address.
func readSMTP(scheme, rest string) (server, user string, secret proxySecret, err error) {
	rest, ok := strings.CutPrefix(rest, "//")
	at := strings.LastIndexByte(rest, '@')
	server = strings.TrimSuffix(rest[at+1:], "/")
	if !ok || server == "" {
		return "", "", secret, fmt.Errorf("--mail takes %s://user@smtp.example.com", scheme)
	}
	if at > 0 {
		user = rest[:at]
		secret.name = "SMTP_PASSWORD"
		var given string
		if user, given, ok = strings.Cut(user, ":"); ok {
			if secret.given, err = url.PathUnescape(given); err != nil {
				return "", "", secret, errors.New("the password of --mail has a '%' that is no code of a character; write it as %25")
			}
		}
		if user, err = url.PathUnescape(user); err != nil || !isWord(user) {
			return "", "", secret, errors.New("the user of --mail cannot be written into a Caddyfile")
		}
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), map[string]string{"smtp": "587", "smtps": "465"}[scheme])
	}
	return server, user, secret, checkServer(server)
}

// hint says where the secret is, at the top of what is printed.
func (s proxySecret) hint() string {
	if s.name == "" {
		return ""
	}
	return "# " + s.name + " has to be in the environment of Caddy: secrets do not belong into this file.\n"
}

// run runs the configuration until a signal ends the process. The secret is handed on
// by the environment, so that no configuration holds it, not even in memory.
func (s proxySecret) run(text string, announce func() error) error {
	if s.given != "" {
		if err := os.Setenv(s.name, s.given); err != nil {
			return err
		}
	}
	if s.name != "" && os.Getenv(s.name) == "" {
		return fmt.Errorf("%s is not set: put the secret of the mail server into it", s.name)
	}
	// What another Caddy was last run with stays what 'caddy run --resume' takes.
	config, err := adaptOwn("{\n\tpersist_config off\n}\n\n" + text)
	if err != nil {
		return err
	}
	caddy.TrapSignals()
	if err := caddy.Load(config, true); err != nil {
		return err
	}
	if err := announce(); err != nil {
		return errors.Join(err, caddy.Stop())
	}
	select {}
}
