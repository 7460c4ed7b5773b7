// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"errors"
	"fmt"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Style says what the mails of a gate look like.
type Style struct {
	// From is the sender. Without a name, mails name the app.
	From mail.Address
	// ReplyTo is where answers go. Empty means Support, where that is a
	// mailto URI.
	ReplyTo string
	// App is the name of the site for notices that have none.
	App string
	// Accent is a colour: RRGGBB or RGB in hexadecimal without "#", or a name
	// of CSS. Default: a blue.
	Accent string
	// Support is a mailto or https URI for questions. Default: none.
	Support string
	// HideCode keeps the code out of the subject.
	HideCode bool
	// TextOnly leaves the HTML part out.
	TextOnly bool
	// Headers are further fields by name, such as X-Env. They cannot replace a
	// field that Doorcode sets or must not be there.
	Headers map[string]string
	// Words are the texts of mails. A mail for which they have not the language that is
	// asked for is in their fallback. Default: those that are built in.
	Words *words.Catalogue
	// Templates are the forms of mails. Default: those that are built in.
	Templates *Templates
	// SubjectLine is the subject of mails with a code to sign in with, in which {code},
	// {app} and {ref} are filled in. It is not used for a mail whose code must not be
	// seen, nor where its other words have digits that look like one. Default: as in
	// the language of the mail.
	SubjectLine string
	// DKIM signs mails. Nil: whoever takes them over does, or nobody.
	DKIM *Signer
}

// Faults of a Style.
var (
	// ErrSender means a From or ReplyTo that is no plain mailbox.
	ErrSender = errors.New("not a mailbox like login@example.com")
	// ErrHeader means a further field that mails may not carry.
	ErrHeader = errors.New("not a field that can be added")
	// ErrAccent means an accent that is no colour.
	ErrAccent = errors.New("not a colour like 0b5fff")
)

// reserved fields are ours, or would harm: a list's unsubscribe link locks
// people out of their codes, and References hide a new code under an old one.
var reserved = []string{
	"Bcc", "Cc", "Date", "Dkim-Signature", "From", "In-Reply-To", "List-Unsubscribe",
	"List-Unsubscribe-Post", "Message-Id", "Mime-Version", "Precedence", "Received", "References",
	"Reply-To", "Return-Path", "Sender", "Subject", "To", "Auto-Submitted",
	"X-Auto-Response-Suppress", "X-Entity-Ref-Id",
}

var (
	fieldName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	hexColour   = regexp.MustCompile(`^(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$`)
	namedColour = regexp.MustCompile(`^[A-Za-z]{3,24}$`)
)

// Validate returns everything that is wrong with the style, joined: ErrSender,
// ErrHeader, ErrAccent and ErrSubjectLine.
func (s Style) Validate() error {
	var faults []error
	if !isMailbox(s.From.Address) {
		faults = append(faults, fmt.Errorf("from %q: %w", s.From.Address, ErrSender))
	}
	if s.ReplyTo != "" && !isMailbox(s.ReplyTo) {
		faults = append(faults, fmt.Errorf("reply_to %q: %w", s.ReplyTo, ErrSender))
	}
	if _, ok := colour(s.Accent); !ok {
		faults = append(faults, fmt.Errorf("accent %q: %w", s.Accent, ErrAccent))
	}
	faults = append(faults, checkSubjectLine(s.SubjectLine))
	for name, value := range s.Headers {
		if !isAddable(name) || value != plain(value, maxHeader) {
			faults = append(faults, fmt.Errorf("header %q: %w", name, ErrHeader))
		}
	}
	return errors.Join(faults...)
}

// maxHeader bounds the value of a further field, in characters.
const maxHeader = 500

func isAddable(name string) bool {
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	return fieldName.MatchString(name) && !slices.Contains(reserved, canonical) &&
		!strings.HasPrefix(canonical, "Content-") && !strings.HasPrefix(canonical, "Resent-")
}

// isMailbox says whether s is a bare address that means the same in a header,
// in an SMTP command and to a person: ASCII, unquoted, one "@".
func isMailbox(s string) bool {
	if len(s) > 254 || strings.IndexFunc(s, isOdd) >= 0 || strings.Count(s, "@") != 1 {
		return false
	}
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Name == "" && parsed.Address == s
}

// isOdd holds for whatever ends or splits an address in some mail server.
func isOdd(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),:;<>\[]`, r)
}

const defaultAccent = "0b5fff"

// colour turns an accent into CSS. It never yields "#" and six digits, which a
// phone that looks for the code in a mail would take for it.
func colour(accent string) (css string, ok bool) {
	if accent == "" {
		accent = defaultAccent
	}
	switch {
	case hexColour.MatchString(accent):
		if len(accent) == 3 {
			accent = string([]byte{accent[0], accent[0], accent[1], accent[1], accent[2], accent[2]})
		}
		n, err := strconv.ParseUint(accent, 16, 32)
		return fmt.Sprintf("rgb(%d,%d,%d)", n>>16, n>>8&0xff, n&0xff), err == nil
	case namedColour.MatchString(accent):
		return strings.ToLower(accent), true
	default:
		return "", false
	}
}

// replyTo is where answers go, or "".
func (s Style) replyTo() string {
	if s.ReplyTo != "" {
		return s.ReplyTo
	}
	if address := s.support(); isMailbox(address) {
		return address
	}
	return ""
}

// support is the address for questions as text. It is no link: mails have none
// that a scanner could follow.
func (s Style) support() string {
	support := strings.TrimPrefix(strings.TrimPrefix(s.Support, "mailto:"), "https://")
	support, _, _ = strings.Cut(support, "?")
	return plain(support, maxName)
}

// visible drops what has no place in a line of text. Joiners stay: some scripts
// and some emoji need them.
func visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r):
		return -1
	case unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner:
		return -1
	default:
		return r
	}
}
