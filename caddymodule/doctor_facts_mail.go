// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge"
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
		d.Signed = doctor.DKIM{Domain: m.Sender().DKIM.Domain, Name: name, Text: text}
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
	case prepares:
		d.API = true
		o := m.preparations()
		d.Address, d.Try = apiAddress(o.URL), knock(kindOf(module), o)
		d.Proves = "it answers; whether it takes mail shows with --send-to"
		if harmlessCalls[kindOf(module)] != "" {
			d.Proves = "it answers, and knows the token"
		}
	}
	return d
}

// clear reports whether mails may leave this machine unencrypted.
func (m *SMTPMail) clear() bool {
	host, _, err := net.SplitHostPort(m.address)
	return (m.TLS == "off" || m.TLS == "opportunistic") && err == nil && !isLoopbackHost(host)
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

// trialOf sends the test mail that 'send-test' sends, through one transport.
func (e *entrance) trialOf(module any) func(ctx context.Context, to string) error {
	return func(ctx context.Context, to string) error {
		route, err := e.route(module, nil)
		if err != nil {
			return err
		}
		origins := e.app.building.originsOf(e)
		if len(origins) == 0 {
			return errors.New("the site has no address")
		}
		now := time.Now()
		letter := mailer.Letter{Style: route.Style, ID: mailer.NewID(now), Date: now, Notice: challenge.Notice{
			Gate: e.id, Subject: challenge.TestMail, Mailbox: to, Host: hostOf(origins[0]), App: e.settings.Pages.Name, Asked: now, Expires: now.Add(time.Hour),
		}}
		message, err := letter.Render()
		if err != nil {
			return err
		}
		return route.Transport.Deliver(ctx, message)
	}
}

// prepares is a transport that speaks to a mail service by its API.
type prepares interface{ preparations() mailer.HTTPOptions }

func (m *HTTPMail) preparations() mailer.HTTPOptions { return m.prepared() }

func (s *Service) preparations() mailer.HTTPOptions { return s.prepared() }

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

// harmless calls of the services by their presets: they send nothing, and refuse a
// wrong token.
var harmlessCalls = map[string]string{"postmark": "/server", "resend": "/domains", "sendgrid": "/v3/scopes"}

// tokenRefused is how the services answer a token that they do not know.
var tokenRefused = []int{http.StatusUnauthorized, http.StatusForbidden}

// errToken reports a token that a mail service does not take.
var errToken = errors.New("the mail service refuses the token")

// knock asks an API something harmless, with the token where the service is known.
// Of another it asks what its URL allows, without the token.
func knock(kind string, o mailer.HTTPOptions) func(context.Context) error {
	return func(ctx context.Context) error {
		u, err := url.Parse(o.URL)
		if err != nil {
			return err
		}
		method, path := http.MethodOptions, u.RequestURI()
		known := harmlessCalls[kind] != ""
		if known {
			method, path = http.MethodGet, harmlessCalls[kind]
		}
		r, err := http.NewRequestWithContext(ctx, method, u.Scheme+"://"+u.Host+path, nil)
		if err != nil {
			return err
		}
		if known {
			for name, value := range o.Header {
				r.Header.Set(name, string(value))
			}
		}
		client := &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		response, err := client.Do(r)
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			return wrapped.Err // without the URL, which may hold a key
		}
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // it was only read
		body, err := io.ReadAll(io.LimitReader(response.Body, maxOrder))
		if err != nil || !known {
			return err
		}
		return refusedToken(response.StatusCode, string(body))
	}
}

// refusedToken reads an answer. Resend refuses what a token may not do that can send,
// and nothing else.
func refusedToken(status int, body string) error {
	if slices.Contains(tokenRefused, status) && !strings.Contains(body, "restricted_api_key") {
		return fmt.Errorf("%w (HTTP %d)", errToken, status)
	}
	return nil
}
