// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func init() {
	caddy.RegisterModule(PostmarkMail{})
	caddy.RegisterModule(ResendMail{})
	caddy.RegisterModule(SendGridMail{})
}

// Service is a managed mail service whose API Doorcode knows.
type Service struct {
	// What every mail says of its sender. `dkim` is refused: the service signs.
	Letter

	// The token of the API; write a placeholder such as `{env.MAIL_TOKEN}`.
	// Required, no default.
	Token Secret `json:"token,omitempty"`

	// How long one delivery may take, 1s to 2m. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// Another URL of the same API, such as that of a region; placeholders are
	// replaced. Default: that of the service.
	URL string `json:"url,omitempty"`

	prepared func() mailer.HTTPOptions // see HTTPMail
}

var serviceSettings = func() table[*Service] {
	t := lift(letterSettings, func(s *Service) *Letter { return &s.Letter })
	delete(t, "dkim")
	t["token"] = line(1, live(func(s *Service) *Secret { return &s.Token })).as("<secret>")
	t["timeout"] = line(1, duration(func(s *Service) *caddy.Duration { return &s.Timeout }))
	t["url"] = line(1, live(func(s *Service) *string { return &s.URL })).as("<url>")
	return t
}()

var serviceGrammar = grammar[*Service]{args: line[*Service](0), settings: serviceSettings}

func (s *Service) check() error {
	return errors.Join(s.Letter.check(), s.Token.checkPlaceholders("token"), between("timeout", s.Timeout, time.Second, 2*time.Minute))
}

// provision replaces placeholders and checks the outcome. It connects to nothing.
func (s *Service) provision(repl *caddy.Replacer, preset mailer.Preset, warn func(string)) error {
	err := s.prepare(repl, preset)
	if err != nil {
		return fmt.Errorf("mail %s: %w", preset, err)
	}
	if s.Token.literal() {
		warn("token is written in the configuration, where the admin API shows it; use {env.X} or {file.…}")
	}
	return nil
}

// complete refuses what could send nothing.
func (s *Service) complete() error {
	switch {
	case s.Token == "":
		return errors.New("no token: write 'token {env.MAIL_TOKEN}'")
	case s.From == "":
		return errors.New("no sender: write 'from login@example.com'")
	case s.DKIM != nil:
		return errors.New("'dkim' is for mail servers: the service writes the mail, and signs it")
	}
	return s.checkURL()
}

// checkURL lets placeholders pass: what they stand for is checked later.
func (s *Service) checkURL() error {
	if s.URL == "" || strings.Contains(s.URL, "{") {
		return nil
	}
	o := mailer.Postmark.Options("x")
	o.URL = s.URL
	if _, err := mailer.NewHTTP(o); err != nil {
		return misfit{"url", err.Error()}
	}
	return nil
}

func (s *Service) prepare(repl *caddy.Replacer, preset mailer.Preset) error {
	if err := errors.Join(s.check(), s.complete()); err != nil {
		return err
	}
	if err := s.Letter.provision(repl); err != nil {
		return err
	}
	token, err := s.Token.open(repl)
	if err != nil {
		return err
	}
	o := preset.Options(mailer.Password(token.reveal()))
	o.Timeout = time.Duration(s.Timeout)
	if s.URL != "" {
		if o.URL, err = expanded(repl, s.URL); err != nil {
			return err
		}
	}
	s.prepared = func() mailer.HTTPOptions { return o }
	_, err = s.OpenTransport()
	return err
}

// options are what the transport is made of.
func (s *Service) options() mailer.HTTPOptions { return s.prepared() }

// OpenTransport makes the transport.
func (s *Service) OpenTransport() (mailer.Transport, error) { return mailer.NewHTTP(s.options()) }

// Sender is what its mails say of their sender.
func (s *Service) Sender() *Letter { return &s.Letter }

// PostmarkMail hands mail to Postmark.
type PostmarkMail struct{ Service }

// CaddyModule names the module.
func (PostmarkMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.postmark",
		New: func() caddy.Module { return new(PostmarkMail) },
	}
}

// Provision replaces placeholders and checks the outcome. It connects to nothing.
func (m *PostmarkMail) Provision(ctx caddy.Context) error {
	return m.provision(caddy.NewReplacer(), mailer.Postmark, func(text string) { ctx.Logger().Warn(text) })
}

// UnmarshalCaddyfile reads
//
//	postmark {
//		from      <mailbox>
//		reply_to  <mailbox>
//		header    <field> <value>
//		text_only [on|off]
//		subject   <template>
//		templates <folder>
//		token     <secret>
//		timeout   <duration>
//		url       <url>
//	}
func (m *PostmarkMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return serviceGrammar.unmarshal(d, &m.Service)
}

// Where names the service.
func (*PostmarkMail) Where() string { return string(mailer.Postmark) }

// ResendMail hands mail to Resend.
type ResendMail struct{ Service }

// CaddyModule names the module.
func (ResendMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.resend",
		New: func() caddy.Module { return new(ResendMail) },
	}
}

// Provision replaces placeholders and checks the outcome. It connects to nothing.
func (m *ResendMail) Provision(ctx caddy.Context) error {
	return m.provision(caddy.NewReplacer(), mailer.Resend, func(text string) { ctx.Logger().Warn(text) })
}

// UnmarshalCaddyfile reads
//
//	resend {
//		from      <mailbox>
//		reply_to  <mailbox>
//		header    <field> <value>
//		text_only [on|off]
//		subject   <template>
//		templates <folder>
//		token     <secret>
//		timeout   <duration>
//		url       <url>
//	}
func (m *ResendMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return serviceGrammar.unmarshal(d, &m.Service)
}

// Where names the service.
func (*ResendMail) Where() string { return string(mailer.Resend) }

// SendGridMail hands mail to SendGrid.
type SendGridMail struct{ Service }

// CaddyModule names the module.
func (SendGridMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.sendgrid",
		New: func() caddy.Module { return new(SendGridMail) },
	}
}

// Provision replaces placeholders and checks the outcome. It connects to nothing.
func (m *SendGridMail) Provision(ctx caddy.Context) error {
	return m.provision(caddy.NewReplacer(), mailer.SendGrid, func(text string) { ctx.Logger().Warn(text) })
}

// UnmarshalCaddyfile reads
//
//	sendgrid {
//		from      <mailbox>
//		reply_to  <mailbox>
//		header    <field> <value>
//		text_only [on|off]
//		subject   <template>
//		templates <folder>
//		token     <secret>
//		timeout   <duration>
//		url       <url>
//	}
func (m *SendGridMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return serviceGrammar.unmarshal(d, &m.Service)
}

// Where names the service.
func (*SendGridMail) Where() string { return string(mailer.SendGrid) }

var (
	_ Mail                  = (*PostmarkMail)(nil)
	_ Mail                  = (*ResendMail)(nil)
	_ Mail                  = (*SendGridMail)(nil)
	_ caddyfile.Unmarshaler = (*PostmarkMail)(nil)
	_ caddyfile.Unmarshaler = (*ResendMail)(nil)
	_ caddyfile.Unmarshaler = (*SendGridMail)(nil)
)
