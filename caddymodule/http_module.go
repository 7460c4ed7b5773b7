// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func init() {
	caddy.RegisterModule(HTTPMail{})
}

// HTTPMail hands mail to a managed mail service by its API.
type HTTPMail struct {
	// Who sends, and how mails look; `header` is that of the request, see Header.
	// Fields of the mail are set by the body.
	Letter

	// The URL that takes mails, https or on this machine; placeholders are
	// replaced. Required, no default.
	URL string `json:"url,omitempty"`

	// The method: `POST`, `PUT` or `PATCH`. Default: POST.
	Method string `json:"method,omitempty"`

	// Fields of the request, such as Authorization, by name; write placeholders
	// such as `Bearer {env.MAIL_TOKEN}`. Default: none.
	RequestHeader map[string]Secret `json:"request_header,omitempty"`

	// What is sent: JSON, or a form such as `to={to}&text={text}`. There are
	// {from}, {from_mailbox}, {from_name}, {to}, {reply_to}, {subject}, {text},
	// {html}, {id}, {raw}, {headers}, {header_list}, {env.…} and {file.…}.
	// Required, no default.
	Body string `json:"body,omitempty"`

	// The statuses of a mail that was taken. Default: 200 to 299.
	OK []int `json:"ok,omitempty"`

	// The statuses after which the mail is tried again. Default: 408, 425, 429 and
	// 500 to 599; and 401, 403, 404 and 405, which speak of the configuration.
	RetryOn []int `json:"retry_on,omitempty"`

	// How long one delivery may take, 1s to 2m. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// In a function, since fmt prints whatever it can reach, as in clearText.
	prepared func() mailer.HTTPOptions
}

// CaddyModule names the module.
func (HTTPMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.http",
		New: func() caddy.Module { return new(HTTPMail) },
	}
}

// Provision replaces placeholders and checks the outcome. It connects to nothing.
func (m *HTTPMail) Provision(ctx caddy.Context) error {
	if err := m.provision(caddy.NewReplacer()); err != nil {
		return fmt.Errorf("mail http: %w", err)
	}
	for name, value := range m.RequestHeader {
		if strings.EqualFold(name, "authorization") && value.literal() {
			ctx.Logger().Warn("a token is written in the configuration, where the admin API shows it; use {env.X} or {file.…}")
		}
	}
	return nil
}

func (m *HTTPMail) provision(repl *caddy.Replacer) error {
	if err := errors.Join(m.check(), m.complete()); err != nil {
		return err
	}
	if err := m.Letter.provision(repl); err != nil {
		return err
	}
	o := mailer.HTTPOptions{
		Method: m.Method, Body: m.Body, OK: m.OK, RetryOn: m.RetryOn, Timeout: time.Duration(m.Timeout),
		Header: map[string]mailer.Password{}, Values: map[string]mailer.Password{},
	}
	var err error
	if o.URL, err = expanded(repl, m.URL); err != nil {
		return err
	}
	for name, value := range m.RequestHeader {
		opened, err := value.open(repl)
		if err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
		o.Header[name] = mailer.Password(opened.reveal())
	}
	for _, name := range runtimeValue.FindAllString(m.Body, -1) {
		value, err := expanded(repl, name)
		if err != nil {
			return err
		}
		o.Values[name[1:len(name)-1]] = mailer.Password(value)
	}
	m.prepared = func() mailer.HTTPOptions { return o }
	_, err = m.OpenTransport()
	return err
}

// runtimeValue finds what stands for something of this machine.
var runtimeValue = regexp.MustCompile(`\{(?:env|file)\.[^{}\s]+\}`)

var httpSettings = func() table[*HTTPMail] {
	t := lift(letterSettings, func(m *HTTPMail) *Letter { return &m.Letter })
	delete(t, "dkim") // the service writes the mail, and signs it
	t["method"] = line(1, choice(func(m *HTTPMail) *string { return &m.Method }, "POST", "PUT", "PATCH"))
	t["header"] = requestHeader
	t["body"] = line(1, text(func(m *HTTPMail) *string { return &m.Body })).as("<template>")
	t["ok"] = statuses(func(m *HTTPMail) *[]int { return &m.OK })
	t["retry_on"] = statuses(func(m *HTTPMail) *[]int { return &m.RetryOn })
	t["timeout"] = line(1, duration(func(m *HTTPMail) *caddy.Duration { return &m.Timeout }))
	return t
}()

// requestHeader is a field of the request to the service.
var requestHeader = entry[*HTTPMail]{repeats: true, takes: "<field> <value>", keys: []string{"request_header"}, read: func(d *caddyfile.Dispenser, m *HTTPMail) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Errf("'header' takes a field and a value, got %d arguments%s", len(args), liveHint(args))
	}
	if _, known := m.RequestHeader[args[0]]; known {
		return d.Errf("'header %s' is already set; write it once", args[0])
	}
	if m.RequestHeader == nil {
		m.RequestHeader = map[string]Secret{}
	}
	m.RequestHeader[args[0]] = Secret(args[1])
	return nil
}}

// statuses is a list of HTTP statuses.
func statuses(field func(*HTTPMail) *[]int) entry[*HTTPMail] {
	return list(func(m *HTTPMail, word, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 200 || n > 599 {
			return fmt.Errorf("'%s' takes HTTP statuses such as 202, got '%s'", word, text)
		}
		*field(m) = append(*field(m), n)
		return nil
	}).as("<status...>")
}

var httpGrammar = grammar[*HTTPMail]{
	args:     line(1, live(func(m *HTTPMail) *string { return &m.URL })).as("<url>", "url"),
	settings: httpSettings,
}

// UnmarshalCaddyfile reads
//
//	http <url> {
//		from      <mailbox>
//		reply_to  <mailbox>
//		text_only [on|off]
//		subject   <template>
//		templates <folder>
//		method    POST|PUT|PATCH
//		header    <field> <value>
//		body      <template>
//		ok        <status...>
//		retry_on  <status...>
//		timeout   <duration>
//	}
func (m *HTTPMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return httpGrammar.unmarshal(d, m)
}

// apiMail is a mail module that speaks to a mail service by its API.
type apiMail interface{ options() mailer.HTTPOptions }

// options are what the transport is made of.
func (m *HTTPMail) options() mailer.HTTPOptions { return m.prepared() }

// OpenTransport makes the transport.
func (m *HTTPMail) OpenTransport() (mailer.Transport, error) { return mailer.NewHTTP(m.options()) }

// Sender is what its mails say of their sender.
func (m *HTTPMail) Sender() *Letter { return &m.Letter }

// Where names the service by its host: the URL may hold a key.
func (m *HTTPMail) Where() string {
	u, err := url.Parse(m.options().URL)
	if err != nil { // checked at Provision
		return "http"
	}
	return "http " + u.Host
}

func (m *HTTPMail) check() error {
	if err := errors.Join(
		m.Letter.check(), between("timeout", m.Timeout, time.Second, 2*time.Minute), optional("method", m.Method, "POST", "PUT", "PATCH"),
	); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.RequestHeader)) {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("'header' takes the name of a field, of letters, digits and '-', got '%s'", name)
		}
		if err := m.RequestHeader[name].checkPlaceholders("header"); err != nil {
			return err
		}
	}
	return nil
}

// complete refuses what could send nothing.
func (m *HTTPMail) complete() error {
	switch {
	case m.URL == "":
		return errors.New("no URL: write 'mail http https://api.example.com/send'")
	case m.From == "":
		return errors.New("no sender: write 'from login@example.com'")
	case m.Body == "":
		return errors.New("no body: write 'body `{\"to\": \"{to}\", \"subject\": \"{subject}\", \"text\": \"{text}\"}`'")
	case m.DKIM != nil:
		return errors.New("'dkim' is for mail servers: the service writes the mail, and signs it")
	case len(m.Header) > 0:
		return errors.New("fields of the mail belong into the body; 'request_header' are those of the request")
	}
	return m.rehearse()
}

// rehearse makes the transport with what is written, so that a mistake is told with its
// line; what placeholders stand for is checked at Provision.
func (m *HTTPMail) rehearse() error {
	o := mailer.HTTPOptions{URL: m.URL, Method: m.Method, Body: `{"to": "{to}", "text": "{text}"}`, OK: m.OK, RetryOn: m.RetryOn}
	if strings.Contains(m.URL, "{") {
		o.URL = "https://api.example.com/send"
	}
	if _, err := mailer.NewHTTP(o); err != nil {
		return err
	}
	o.Body, o.Values = m.Body, map[string]mailer.Password{}
	for _, name := range runtimeValue.FindAllString(m.Body, -1) {
		o.Values[name[1:len(name)-1]] = "x"
	}
	if _, err := mailer.NewHTTP(o); err != nil {
		return misfit{"body", err.Error()}
	}
	return nil
}

var (
	_ Mail                  = (*HTTPMail)(nil)
	_ caddy.Provisioner     = (*HTTPMail)(nil)
	_ caddyfile.Unmarshaler = (*HTTPMail)(nil)
)
