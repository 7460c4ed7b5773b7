// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/words"
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

	// The subject of mails with a code to sign in with, such as
	// `{code} is your {app} code ({ref})`. Without {code}, the code is only in
	// the mail. Default: as in the language of the mail.
	Subject string `json:"subject,omitempty"`

	// A folder with a `mail.txt` or `mail.html` of one's own and, in a folder for
	// each language, JSON files with texts; what is not there stays as it is.
	// Default: none.
	Templates string `json:"templates,omitempty"`

	// The key that signs mails. Default: none; most mail servers sign by
	// themselves.
	DKIM *DKIM `json:"dkim,omitempty"`

	from, replyTo string
	signer        *mailer.Signer
	texts         *words.Catalogue  // over those of the pages; nil: those alone
	forms         *mailer.Templates // nil: those that are built in
}

// DKIM signs mails, so that their receivers can tell that the domain has sent them
// (RFC 6376).
type DKIM struct {
	// The domain of the sender, or the parent of it. Required, no default.
	Domain string `json:"domain,omitempty"`

	// The selector: receivers read the public key in the TXT record
	// `<selector>._domainkey.<domain>`. Required, no default.
	Selector string `json:"selector,omitempty"`

	// The file with the private key in PEM: RSA or Ed25519. Required, no default.
	Key string `json:"key,omitempty"`
}

var letterSettings = table[*Letter]{
	"from":      line(1, live(func(l *Letter) *string { return &l.From })).as("<mailbox>"),
	"reply_to":  line(1, live(func(l *Letter) *string { return &l.ReplyTo })).as("<mailbox>"),
	"header":    header,
	"text_only": flag(func(l *Letter) **bool { return &l.TextOnly }),
	"subject":   line(1, text(func(l *Letter) *string { return &l.Subject })).as("<template>"),
	"templates": line(1, text(func(l *Letter) *string { return &l.Templates })).as("<folder>"),
	"dkim": line(3,
		dkimPart(func(k *DKIM) *string { return &k.Domain }),
		dkimPart(func(k *DKIM) *string { return &k.Selector }),
		dkimPart(func(k *DKIM) *string { return &k.Key })).as("<domain> <selector> <key-file>", "dkim.domain", "dkim.selector", "dkim.key"),
}

func dkimPart(field func(*DKIM) *string) value[*Letter] {
	hint := func([]string) string {
		return ", a domain, a selector and a key file; write dkim example.com s1 /etc/caddy/dkim.key"
	}
	return value[*Letter]{hint: hint, set: func(l *Letter, _, text string) error {
		*field(l.dkim()) = text
		return nil
	}}
}

func (l *Letter) dkim() *DKIM {
	if l.DKIM == nil {
		l.DKIM = new(DKIM)
	}
	return l.DKIM
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
	return l.checkSubject()
}

// checkSubject asks those who will fill it in, so that a mistake is told with its line.
func (l *Letter) checkSubject() error {
	style := mailer.Style{From: mail.Address{Address: "login@example.com"}, SubjectLine: l.Subject}
	return style.Validate()
}

func (l *Letter) provision(repl *caddy.Replacer) error {
	var err error
	if l.from, err = expanded(repl, l.From); err != nil {
		return err
	}
	if l.replyTo, err = expanded(repl, l.ReplyTo); err != nil {
		return err
	}
	if err := errors.Join(checkMailbox("from", l.from), checkMailbox("reply_to", l.replyTo)); err != nil {
		return err
	}
	if l.signer, err = l.DKIM.open(repl, l.from); err != nil {
		return err
	}
	return l.openTemplates()
}

// open reads the key, and refuses one whose signature would say nothing of the sender.
func (k *DKIM) open(repl *caddy.Replacer, from string) (*mailer.Signer, error) {
	if k == nil {
		return nil, nil
	}
	if k.Domain == "" || k.Selector == "" || k.Key == "" {
		return nil, errors.New("'dkim' needs a domain, a selector and a key file: write 'dkim example.com s1 /etc/caddy/dkim.key'")
	}
	path, err := expanded(repl, k.Key)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("dkim: %w", err)
	}
	signer, err := mailer.NewSigner(k.Domain, k.Selector, key)
	if err != nil {
		return nil, fmt.Errorf("dkim: %s: %w", path, err)
	}
	if sender, err := mail.ParseAddress(from); err == nil && !signer.Covers(sender.Address) {
		return nil, fmt.Errorf("dkim: %w: '%s' signs nothing of %s", mailer.ErrDKIMDomain, k.Domain, sender.Address)
	}
	return signer, nil
}

// openTemplates reads the folder once, so that what is wrong with it is told before
// anything of the configuration works.
func (l *Letter) openTemplates() error {
	if l.Templates == "" {
		return nil
	}
	folder := os.DirFS(l.Templates)
	if _, err := os.ReadDir(l.Templates); err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	var err error
	if l.forms, err = mailer.ParseTemplates(folder); err != nil {
		return fmt.Errorf("templates %s: %w", l.Templates, err)
	}
	if l.texts, err = words.Custom(folder); err != nil {
		return fmt.Errorf("templates %s: %w", l.Templates, err)
	}
	return nil
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
