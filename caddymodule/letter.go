// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"
)

// Letter is what every mail of a transport says of its sender.
type Letter struct {
	// The sender, such as `"Example sign-in <login@example.com>"`; placeholders
	// are replaced. Its domain should be the site's or the parent of it.
	// Required, no default, unless the transport has one.
	From string `json:"from,omitempty"`

	// Where answers go; placeholders are replaced. Default: `pages support`, if
	// that is an address.
	ReplyTo string `json:"reply_to,omitempty"`

	// Further header fields by name. Default: none.
	Header map[string]string `json:"header,omitempty"`

	// Whether mails have no HTML part. Default: false.
	TextOnly *bool `json:"text_only,omitempty"`

	from, replyTo string
}

var letterSettings = table[*Letter]{
	"from":      line(1, text(func(l *Letter) *string { return &l.From })),
	"reply_to":  line(1, text(func(l *Letter) *string { return &l.ReplyTo })),
	"header":    header,
	"text_only": flag(func(l *Letter) **bool { return &l.TextOnly }),
}

func (l *Letter) check() error {
	if err := errors.Join(checkMailbox("from", l.From), checkMailbox("reply_to", l.ReplyTo)); err != nil {
		return err
	}
	for _, field := range slices.Sorted(maps.Keys(l.Header)) {
		if err := checkMailHeader(field, l.Header[field]); err != nil {
			return err
		}
	}
	return nil
}

func (l *Letter) provision(repl *caddy.Replacer) error {
	var err error
	if l.from, err = expanded(repl, l.From); err != nil {
		return err
	}
	if l.replyTo, err = expanded(repl, l.ReplyTo); err != nil {
		return err
	}
	return errors.Join(checkMailbox("from", l.from), checkMailbox("reply_to", l.replyTo))
}

// checkMailbox lets placeholders pass: what they stand for is checked later.
func checkMailbox(word, text string) error {
	if text == "" || strings.Contains(text, "{") {
		return nil
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(text, unicode.IsControl) || strings.ContainsFunc(parsed.Address, notPrintable) {
		return fmt.Errorf("'%s' takes a mailbox such as login@example.com or \"Example sign-in <login@example.com>\", got '%s'", word, text)
	}
	return nil
}

// Fields that a mail has already, that would add recipients, or that would make
// mail programs hide a code among older ones.
var ownMailFields = []string{
	"auto-submitted", "bcc", "cc", "date", "dkim-signature", "from", "in-reply-to", "list-unsubscribe",
	"list-unsubscribe-post", "message-id", "mime-version", "precedence", "received", "references", "reply-to",
	"return-path", "sender", "subject", "to", "x-auto-response-suppress", "x-entity-ref-id",
}

func checkMailHeader(field, content string) error {
	lower := strings.ToLower(field)
	if !mailField.MatchString(field) {
		return fmt.Errorf("'header' takes the name of a field, of letters, digits and '-', got '%s'", field)
	}
	if slices.Contains(ownMailFields, lower) || strings.HasPrefix(lower, "content-") || strings.HasPrefix(lower, "resent-") {
		return fmt.Errorf("'header' cannot set %s, which doorcode sets itself or leaves out on purpose", field)
	}
	if len(content) > maxMailHeader || strings.ContainsFunc(content, notPrintable) {
		return fmt.Errorf("'header' takes one line of ASCII text, up to %d characters, for %s", maxMailHeader, field)
	}
	return nil
}

const maxMailHeader = 500

var mailField = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)

func notPrintable(c rune) bool { return c < ' ' || c > '~' }
