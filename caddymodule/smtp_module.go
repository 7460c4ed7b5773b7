// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func init() {
	caddy.RegisterModule(SMTPMail{})
}

// SMTPMail hands mail to a mail server.
type SMTPMail struct {
	// What every mail says of its sender.
	Letter

	// The host and port of the mail server, such as `smtp.example.com:465`.
	// Placeholders are replaced. Required, no default.
	Address string `json:"address,omitempty"`

	// The name to sign in with; placeholders are replaced. Default: none, mail
	// is handed over without signing in.
	Username string `json:"username,omitempty"`

	// The password that belongs to the name; write a placeholder such as
	// `{env.SMTP_PASSWORD}` or `{file./run/secrets/smtp}`. Default: none.
	Password Secret `json:"password,omitempty"`

	// How the connection is encrypted: `implicit` from the first byte,
	// `required` by STARTTLS, `opportunistic` if the server offers STARTTLS, or
	// `off`. Default: implicit on port 465, else required.
	TLS string `json:"tls,omitempty"`

	// How long one delivery may take, 1s to 2m. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	address  string
	username string
	password *clearText
}

// CaddyModule names the module.
func (SMTPMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.smtp",
		New: func() caddy.Module { return new(SMTPMail) },
	}
}

// Provision replaces placeholders and checks the outcome. It connects to
// nothing, so that a configuration can be validated while the server is down.
func (m *SMTPMail) Provision(ctx caddy.Context) error {
	if err := m.provision(caddy.NewReplacer()); err != nil {
		return fmt.Errorf("mail smtp: %w", err)
	}
	if m.Password.literal() {
		ctx.Logger().Warn("password is written in the configuration, where the admin API shows it; use {env.X} or {file.…}")
	}
	return nil
}

func (m *SMTPMail) provision(repl *caddy.Replacer) error {
	if err := m.check(); err != nil {
		return err
	}
	if err := m.complete(); err != nil {
		return err
	}
	if err := m.Letter.provision(repl); err != nil {
		return err
	}
	var err error
	if m.address, err = expanded(repl, m.Address); err != nil {
		return err
	}
	if m.username, err = expanded(repl, m.Username); err != nil {
		return err
	}
	if m.Password != "" {
		if m.password, err = m.Password.open(repl); err != nil {
			return err
		}
	}
	return errors.Join(checkServer(m.address), m.checkClearText(m.address))
}

var smtpSettings = func() table[*SMTPMail] {
	t := lift(letterSettings, func(m *SMTPMail) *Letter { return &m.Letter })
	t["username"] = line(1, live(func(m *SMTPMail) *string { return &m.Username })).as("<name>")
	t["password"] = line(1, live(func(m *SMTPMail) *Secret { return &m.Password })).as("<secret>")
	t["tls"] = line(1, choice(func(m *SMTPMail) *string { return &m.TLS }, "required", "opportunistic", "implicit", "off"))
	t["timeout"] = line(1, duration(func(m *SMTPMail) *caddy.Duration { return &m.Timeout }))
	return t
}()

var smtpGrammar = grammar[*SMTPMail]{
	args:     line(1, live(func(m *SMTPMail) *string { return &m.Address })).as("<host:port>", "address"),
	settings: smtpSettings,
}

// UnmarshalCaddyfile reads
//
//	smtp <host:port> {
//		from      <mailbox>
//		reply_to  <mailbox>
//		header    <field> <value>
//		text_only [on|off]
//		subject   <template>
//		templates <folder>
//		dkim      <domain> <selector> <key-file>
//		username  <name>
//		password  <secret>
//		tls       required|opportunistic|implicit|off
//		timeout   <duration>
//	}
func (m *SMTPMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return smtpGrammar.unmarshal(d, m)
}

// OpenTransport makes the transport.
func (m *SMTPMail) OpenTransport() (mailer.Transport, error) {
	return mailer.NewSMTP(m.options())
}

// options are what the transport is made of.
func (m *SMTPMail) options() mailer.SMTPOptions {
	password := ""
	if m.password != nil {
		password = m.password.reveal()
	}
	return mailer.SMTPOptions{
		Address: m.address, Username: m.username, Password: mailer.Password(password),
		TLS: mailer.TLSMode(m.TLS), Timeout: time.Duration(m.Timeout),
	}
}

// Sender is what its mails say of their sender.
func (m *SMTPMail) Sender() *Letter { return &m.Letter }

// Where names the mail server.
func (m *SMTPMail) Where() string { return "smtp " + m.address }

func (m *SMTPMail) check() error {
	if err := m.Letter.check(); err != nil {
		return err
	}
	if m.Address != "" && !strings.Contains(m.Address, "{") {
		if err := checkServer(m.Address); err != nil {
			return err
		}
	}
	return errors.Join(
		m.Password.checkPlaceholders("password"),
		optional("tls", m.TLS, "required", "opportunistic", "implicit", "off"),
		between("timeout", m.Timeout, time.Second, 2*time.Minute),
	)
}

// complete refuses a mail server that could not be used.
func (m *SMTPMail) complete() error {
	switch {
	case m.Address == "":
		return errors.New("no mail server: write 'mail smtp <host>:<port>'")
	case m.From == "":
		return errors.New("no sender: write 'from login@example.com'")
	case m.Username == "" && m.Password != "":
		return errors.New("'password' needs 'username'")
	case m.Username != "" && m.Password == "":
		return errors.New("'username' needs 'password'")
	case strings.Contains(m.Address, "{"):
		return nil
	}
	return m.checkClearText(m.Address)
}

// checkClearText refuses to send a password over a network unencrypted.
func (m *SMTPMail) checkClearText(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || m.TLS != "off" || m.Username == "" || mailer.IsLoopback(host) {
		return err
	}
	return errors.New("'tls off' would send the password in clear text; leave 'tls' out")
}

func checkServer(address string) error {
	host, port, err := net.SplitHostPort(address)
	number, notNumber := strconv.Atoi(port)
	if err != nil || host == "" || notNumber != nil || number < 1 || number > 65535 {
		return fmt.Errorf("'smtp' needs <host>:<port> such as smtp.example.com:465, got '%s'", address)
	}
	return nil
}

var (
	_ Mail                  = (*SMTPMail)(nil)
	_ caddy.Provisioner     = (*SMTPMail)(nil)
	_ caddyfile.Unmarshaler = (*SMTPMail)(nil)
)
