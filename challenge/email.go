// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

// An Email is a mail address that was parsed: lower-case ASCII, one "@", a
// dot-atom before it (RFC 5322 section 3.2.3) and a host name of A-labels
// (RFC 5890) after it. Only [ParseEmail] makes one.
type Email string

// ErrBadEmail reports text that is not an address which Doorcode accepts.
var ErrBadEmail = errors.New("not an e-mail address")

const (
	maxEmail = 254 // octets, RFC 5321 section 4.5.3.1.3 less the angle brackets
	maxLocal = 64  // octets, RFC 5321 section 4.5.3.1.1
)

// ParseEmail reads an address as a person types it. It refuses quoted and
// non-ASCII local parts, comments, address literals and a second "@": each of
// them has been a way past somebody's list. The domain may be typed in Unicode
// and becomes A-labels.
func ParseEmail(typed string) (Email, error) {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxEmail {
		return "", ErrBadEmail
	}
	local, domain, found := strings.Cut(typed, "@")
	if !found || !isDotAtom(local) || len(local) > maxLocal {
		return "", ErrBadEmail
	}
	domain, err := parseDomain(domain)
	if err != nil {
		return "", ErrBadEmail
	}
	address := strings.ToLower(local) + "@" + domain
	if len(address) > maxEmail {
		return "", ErrBadEmail
	}
	return Email(address), nil
}

// parseDomain turns a typed domain into lower-case A-labels. It wants at least
// two labels and no trailing dot, so that one name has one spelling.
func parseDomain(typed string) (string, error) {
	domain, err := idna.Lookup.ToASCII(typed)
	if err != nil {
		return "", ErrBadEmail
	}
	domain = strings.ToLower(domain)
	if again, err := idna.Lookup.ToASCII(domain); err != nil || again != domain {
		return "", ErrBadEmail // a name that does not survive its own encoding
	}
	labels := strings.Split(domain, ".")
	if len(labels) < 2 || isNumeric(labels[len(labels)-1]) {
		return "", ErrBadEmail
	}
	for _, label := range labels {
		if !isHostLabel(label) {
			return "", ErrBadEmail
		}
	}
	return domain, nil
}

// Local is the part before the "@".
func (e Email) Local() string {
	local, _, _ := strings.Cut(string(e), "@")
	return local
}

// Domain is the part after the "@".
func (e Email) Domain() string {
	_, domain, _ := strings.Cut(string(e), "@")
	return domain
}

// Tagged reports whether the local part carries a "+tag".
func (e Email) Tagged() bool { return strings.Contains(e.Local(), "+") }

// Canonical is the address without its "+tag". Limits, the list of those who
// are denied and the number of sessions go by it, so that tags multiply
// nobody's tries.
func (e Email) Canonical() Email {
	base, _, tagged := strings.Cut(e.Local(), "+")
	if !tagged || base == "" {
		return e
	}
	return Email(base + "@" + e.Domain())
}

func isDotAtom(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", rune(c)) {
			return false
		}
	}
	return true
}

func isHostLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '-' {
			return false
		}
	}
	return true
}

func isNumeric(s string) bool { return strings.Trim(s, "0123456789") == "" }

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Masked is an address of which only the first letter and the domain can be
// read; empty for none.
func (e Email) Masked() string {
	local, domain, ok := strings.Cut(string(e), "@")
	if !ok || local == "" {
		return ""
	}
	return local[:1] + "••@" + domain // local parts are ASCII
}
