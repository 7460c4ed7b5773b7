// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// ErrMailbox reports a recipient that is no plain mailbox.
var ErrMailbox = errors.New("recipient is not a plain mailbox")

// A Letter is all that makes one mail. Rendering it again gives the same bytes,
// so that a mail that is tried again is the same mail.
type Letter struct {
	Notice  challenge.Notice
	Style   Style
	Browser string    // what asked, from a fixed vocabulary: "Firefox on Windows"
	ID      string    // from NewID
	Date    time.Time // when it was queued
}

// Render writes the mail: text and HTML (RFC 2046 section 5.1.4), headers that
// no machine answers (RFC 3834) and nothing that a visitor typed. Its errors
// are ErrMailbox and the faults of a Style.
func (l Letter) Render() (Message, error) {
	if !isMailbox(l.Notice.Mailbox) {
		return Message{}, ErrMailbox
	}
	if _, known := forms[l.Notice.Subject]; !known {
		return Message{}, ErrSubject
	}
	if err := l.Style.Validate(); err != nil {
		return Message{}, fmt.Errorf("checking style: %w", err)
	}
	b := l.compose()
	text, html, flaw, err := b.parts(&l.Style)
	if err != nil {
		return Message{}, fmt.Errorf("writing mail: %w", err)
	}
	m := Message{
		ID:       l.ID + "@" + domainOf(l.Style.From.Address),
		From:     l.Style.From.Address,
		To:       l.Notice.Mailbox,
		Date:     l.Date.UTC(),
		Subject:  b.Subject,
		Text:     text,
		HTML:     html,
		FromName: b.Sender, ReplyTo: l.Style.replyTo(), Headers: l.fields(&b),
		code: b.Code,
		stop: secretOf(b.Link),
		flaw: flaw,
	}
	m.Raw, err = l.encode(m)
	return m, err
}

// roomForFields is about what the header of a mail and of its parts takes, in bytes.
const roomForFields = 2 << 10

// encode makes the MIME form of m.
func (l Letter) encode(m Message) ([]byte, error) {
	out := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary(boundary(m)))
	from := l.Style.From
	from.Name = m.FromName
	out.FromMailAddress(&from)
	if err := out.To(m.To); err != nil {
		return nil, fmt.Errorf("addressing mail: %w", ErrMailbox)
	}
	if m.ReplyTo != "" {
		if err := out.ReplyTo(m.ReplyTo); err != nil {
			return nil, fmt.Errorf("addressing replies: %w", ErrSender)
		}
	}
	out.Subject(m.Subject)
	out.SetMessageIDWithValue(m.ID)
	out.SetDateWithValue(m.Date)
	for name, value := range m.Headers {
		out.SetGenHeader(gomail.Header(name), value)
	}
	out.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		out.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	var raw bytes.Buffer
	raw.Grow(roomForFields + len(m.Text) + len(m.HTML)*5/4) // or it grows, and is copied, again and again
	if _, err := out.WriteTo(&raw); err != nil {
		return nil, fmt.Errorf("encoding mail: %w", err)
	}
	if l.Style.DKIM == nil {
		return raw.Bytes(), nil
	}
	return l.Style.DKIM.sign(raw.Bytes())
}

// fields are those beside the ones of an ordinary mail: that no machine answers
// (RFC 3834), that mail programs keep mails apart, and what the operator adds.
func (l Letter) fields(b *body) map[string]string {
	fields := map[string]string{
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All",
		"X-Entity-Ref-ID": l.ID, "Content-Language": b.Lang(),
	}
	maps.Copy(fields, l.Style.Headers)
	return fields
}

// boundary divides the parts. A hash of what it divides cannot stand in it, not
// even where a reader might guess the identifier.
func boundary(m Message) string {
	sum := sha256.Sum256([]byte(m.ID + "\x00" + m.Text + "\x00" + m.HTML))
	return "part" + crockford.EncodeToString(sum[:16])
}

// crockford sorts as the bytes do.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes the identifier of a mail: 48 bits of time, so that identifiers
// sort, and 80 random bits, so that nobody guesses them.
func NewID(now time.Time) string {
	var b [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (8 * (5 - i)))
	}
	_, _ = rand.Read(b[6:]) // never fails: it ends the program instead
	return crockford.EncodeToString(b[:])
}

func domainOf(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}
