// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"net"
	"net/mail"
	"net/url"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// mails are the transports of all sites, each once for each sender.
func (w *ward) mails() {
	at := map[string]int{}
	for i, e := range w.gates() {
		for _, module := range e.mails {
			m := describeMail(e, module)
			place, known := at[m.Name+" "+m.From]
			if !known {
				place = len(w.facts.Mails)
				at[m.Name+" "+m.From] = place
				w.facts.Mails = append(w.facts.Mails, m)
			}
			w.facts.Mails[place].Hosts = append(w.facts.Mails[place].Hosts, w.facts.Sites[i].Hosts...)
		}
	}
}

func describeMail(e *entrance, module any) doctor.Mail {
	d := doctor.Mail{Name: "mail " + kindOf(module), Local: true}
	m, ok := module.(Mail)
	if !ok {
		return d
	}
	d.Name = "mail " + m.Where()
	if from, err := mail.ParseAddress(m.Sender().from); err == nil {
		d.From = from.Address
	}
	if s := m.Sender().signer; s != nil {
		name, text := s.Record()
		d.Signed = doctor.DKIM{Domain: m.Sender().DKIM.Domain, Name: name, Text: text, Weak: s.Weak()}
	}
	if _, folder := module.(*FileMail); folder {
		return d
	}
	d.Local = false
	d.Send = e.trialOf(module)
	switch m := module.(type) {
	case *SMTPMail:
		d.Address, d.Clear = m.address, m.clear()
		d.Try = m.try(d.From)
	case apiMail:
		o := m.options()
		d.API, d.Address, d.Try = true, apiAddress(o.URL), knock(o)
		d.Proves = "it answers; whether it takes mail shows with --send-to"
		if o.Harmless != "" {
			d.Proves = "it answers, and knows the token"
		}
	}
	return d
}

// clear reports whether mails may leave this machine unencrypted.
func (m *SMTPMail) clear() bool {
	host, _, err := net.SplitHostPort(m.address)
	return (m.TLS == "off" || m.TLS == "opportunistic") && err == nil && !mailer.IsLoopback(host)
}

// try goes as far as a delivery goes for every mailbox, and takes it back.
func (m *SMTPMail) try(from string) func(context.Context) error {
	return func(ctx context.Context) error {
		transport, err := mailer.NewSMTP(m.options())
		if err != nil {
			return err
		}
		defer transport.CloseIdleConnections()
		return transport.Probe(ctx, mailer.Message{From: from})
	}
}

// knock asks an API something harmless.
func knock(o mailer.HTTPOptions) func(context.Context) error {
	return func(ctx context.Context) error {
		transport, err := mailer.NewHTTP(o)
		if err != nil {
			return err
		}
		defer transport.CloseIdleConnections()
		return transport.Check(ctx)
	}
}

// trialOf sends the test mail that 'send-test' sends, through one transport.
func (e *entrance) trialOf(module any) func(ctx context.Context, to string) error {
	return func(ctx context.Context, to string) error {
		route, err := e.route(module, nil)
		if err != nil {
			return err
		}
		message, err := e.testLetter(route.Style, to, time.Now()).Render()
		if err != nil {
			return err
		}
		return route.Transport.Deliver(ctx, message)
	}
}

// apiAddress is host:port of a URL.
func apiAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "http" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return net.JoinHostPort(u.Hostname(), "443")
}
