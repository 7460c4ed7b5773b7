// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// An earlierStep reads who an earlier step in Caddy says that the visitor is.
type earlierStep struct {
	source        string // placeholder name, which is also the namespace of its users
	email, groups string
	domain        string
	users         map[string]challenge.Email
	certificate   bool // the source is a client certificate
	header        bool // a request header says something of it
}

// newEarlierStep prepares the reading; nil where visitors type an address.
func newEarlierStep(i *Identity) (*earlierStep, error) {
	if i.asks() {
		return nil, nil
	}
	s := &earlierStep{
		source: placeholderName(i.Source), email: placeholderName(i.Email), groups: placeholderName(i.Groups), domain: i.Domain,
		users: make(map[string]challenge.Email, len(i.Map)),
	}
	s.header = isHeader(i.Source) || isHeader(i.Email) || isHeader(i.Groups)
	s.certificate = strings.HasPrefix(s.source, "http.request.tls.client.")
	for user, address := range i.Map {
		email, err := challenge.ParseEmail(address)
		if err != nil {
			return nil, err
		}
		s.users[user] = email
	}
	return s, nil
}

func placeholderName(placeholder string) string { return strings.Trim(placeholder, "{}") }

// identify says whom a request speaks for. It must run before headers are
// removed, since one of them may hold the answer. An address that is not known
// is empty, and admits nobody.
func (s *earlierStep) identify(r *http.Request, repl *caddy.Replacer, users map[string]challenge.Email) *challenge.Identity {
	who := &challenge.Identity{Source: s.source}
	if s.certificate && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		return who // a certificate that nobody verified is a claim
	}
	who.User, _ = repl.GetString(s.source)
	if who.User == "" {
		return who
	}
	if len(who.User) > maxUser || strings.ContainsFunc(who.User, unicode.IsControl) {
		who.User = "" // it would not fit into a cookie, or break a line of a log
		return who
	}
	who.Email = s.address(who.User, repl, users)
	if s.groups != "" {
		listed, _ := repl.GetString(s.groups)
		who.Groups = strings.FieldsFunc(listed, func(r rune) bool { return r == ',' || r == ' ' || r == '|' })
	}
	return who
}

// maxUser bounds the name of a user, in bytes: sealed cookies carry it.
const maxUser = 256

// address finds the address of a user: as the step says it, as the operator
// mapped it, as the user's name itself, or below the domain.
func (s *earlierStep) address(user string, repl *caddy.Replacer, users map[string]challenge.Email) challenge.Email {
	if s.email != "" {
		said, _ := repl.GetString(s.email)
		return parsed(said)
	}
	if email, ok := s.users[user]; ok {
		return email
	}
	if email, ok := users[user]; ok {
		return email
	}
	if strings.Contains(user, "@") {
		return parsed(user)
	}
	if s.domain != "" {
		return parsed(user + "@" + s.domain)
	}
	return ""
}

func parsed(address string) challenge.Email {
	email, err := challenge.ParseEmail(address)
	if err != nil {
		return ""
	}
	return email
}
