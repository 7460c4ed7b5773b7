// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"net/mail"
	"os"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/web"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Mail is a guest module in the namespace doorcode.mail: a way that mails take.
// Provision must not connect to anything: "caddy validate" provisions while servers
// are down.
type Mail interface {
	// OpenTransport makes the transport. It connects to nothing.
	OpenTransport() (mailer.Transport, error)

	// Sender is what its mails say of their sender.
	Sender() *Letter

	// Where names it for people, without secrets.
	Where() string
}

// route makes the transport and style of one mail module.
func (e *entrance) route(module any, pooled *pooledHouse) (mailer.Route, error) {
	if _, demo := module.(*DemoMail); demo {
		return mailer.Route{Name: "demo", Transport: pooled.inbox, Style: e.style(&Letter{from: "doorcode@localhost"})}, nil
	}
	m, ok := module.(Mail)
	if !ok {
		return mailer.Route{}, fmt.Errorf("mail transport is a %T, which is none", module)
	}
	transport, err := m.OpenTransport()
	if err != nil {
		return mailer.Route{}, fmt.Errorf("mail %s: %w", kindOf(module), err)
	}
	return mailer.Route{Name: m.Where(), Transport: transport, Style: e.style(m.Sender())}, nil
}

// checkMail refuses a transport or style that would only fail at the first
// mail.
func (e *entrance) checkMail(module any) error {
	route, err := e.route(module, &pooledHouse{inbox: new(mailer.Inbox)})
	if err != nil {
		return err
	}
	if err := route.Style.Validate(); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

// style is what the mails of this gate look like.
func (e *entrance) style(l *Letter) mailer.Style {
	from, err := mail.ParseAddress(l.from)
	if err != nil { // checked at Provision
		from = &mail.Address{Address: l.from}
	}
	accent := "1f5ad1" // that of the pages
	if color, err := pages.ParseColor(e.settings.Pages.Accent); err == nil {
		accent = strings.TrimPrefix(color.String(), "#")
	}
	replyTo := l.replyTo
	if parsed, err := mail.ParseAddress(l.replyTo); err == nil {
		replyTo = parsed.Address
	}
	return mailer.Style{
		From: *from, ReplyTo: replyTo, App: e.settings.Pages.Name, Accent: accent,
		Support: e.settings.Pages.Support, HideCode: !*e.settings.Code.Subject,
		TextOnly: l.TextOnly != nil && *l.TextOnly, Headers: l.Header,
		Words: l.words(e.dress.words), Templates: l.forms, SubjectLine: l.Subject, DKIM: l.signer,
	}
}

// words are those of the pages, which are in the languages that the gate has, with those
// in the mail's own folder over them.
func (l *Letter) words(pages *words.Catalogue) *words.Catalogue {
	if l.texts == nil {
		return pages
	}
	return l.texts.Over(pages)
}

// letters shows what is in the demo inbox.
func letters(inbox *mailer.Inbox) []web.Letter {
	messages, _ := inbox.Messages()
	shown := make([]web.Letter, len(messages))
	for i, m := range messages {
		shown[i] = web.Letter{To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, At: m.Date}
	}
	return shown
}

// readLogo makes the logo part of the page.
func readLogo(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	image, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("logo: %w", err)
	}
	uri, err := pages.LogoURI(image)
	if err != nil {
		return "", fmt.Errorf("logo %s: %w", path, err)
	}
	return uri, nil
}
