// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/geo"
)

// sharing says what the app is told, and under which names.
type sharing struct {
	fields    map[string]string // field to header
	assertion string            // header; empty: none
}

func newSharing(h Handover) *sharing {
	s := &sharing{fields: h.CopyHeaders}
	if h.Assertion != "off" {
		s.assertion = http.CanonicalHeaderKey(h.Assertion)
	}
	return s
}

// names are all headers that nobody but the gate may set: as they are sent,
// and as they are called before they were renamed.
func (s *sharing) names() []string {
	names := append([]string{}, handoverFields...)
	for _, header := range s.fields {
		names = append(names, header)
	}
	if s.assertion != "" {
		names = append(names, s.assertion)
	}
	return names
}

// prepared is what the app and Caddy are told of one session, made once.
type prepared struct {
	headers upstream.Headers
	user    any // the name, boxed: each line of an access log asks for it
	told    atomic.Pointer[told]
}

// told is what matchers, placeholders and logs are told of a session at one place. It
// is made once for both, since to set a variable and to ask a provider more cost on
// each request.
type told struct {
	admission *challenge.Admission
	place     *toldPlace
	user      any
	provider  caddy.ReplacerFunc // placeholder
}

// String keeps the variable from being printed.
func (*told) String() string { return "[doorcode]" }

// at is what is told of the session a at a place; nil is an unknown one.
func (p *prepared) at(a *challenge.Admission, here *toldPlace) *told {
	if kept := p.told.Load(); kept != nil && kept.admission == a && kept.place == here {
		return kept
	}
	made := &told{admission: a, place: here, user: p.user}
	made.provider = made.placeholder
	p.told.Store(made)
	return made
}

// prepare makes headers and placeholders of an identity.
func (s *sharing) prepare(who challenge.Identity) any {
	values := map[string]string{
		"Remote-User": who.User, "Remote-Email": string(who.Email), "Remote-Name": who.Name,
		"Remote-Groups": strings.Join(who.Groups, ","),
	}
	var fields []upstream.Field
	for field, header := range s.fields {
		fields = append(fields, upstream.Field{Name: header, Value: values[field]})
	}
	// A value that cannot be a header is left out: the app sees nothing rather
	// than something that somebody else made up.
	headers, _ := upstream.BuildHeaders(fields)
	return &prepared{headers: *headers, user: who.User}
}

// placeholder answers for everything that later handlers, matchers and logs may ask
// about a session. Most of it nobody asks for, so that nothing of it is kept.
func (t *told) placeholder(key string) (any, bool) {
	who, session := &t.admission.Identity, &t.admission.Live.Session
	proved := !session.AuthTime.IsZero() // else there is only an earlier step's word
	switch key {
	case "http.auth.user.id":
		return t.user, true
	case "http.auth.user.email":
		return string(who.Email), true
	case "http.auth.user.groups":
		return strings.Join(who.Groups, ","), true
	case "http.doorcode.decision":
		return "pass", true
	case "http.doorcode.reason":
		return "", true
	case "http.doorcode.device":
		return session.Browser, true
	case "http.doorcode.session":
		return only(proved, session.ID.Public), true
	case "http.doorcode.verified_at":
		return only(proved, func() string { return session.AuthTime.UTC().Format(time.RFC3339) }), true
	case "http.doorcode.age":
		if !proved {
			return "", true
		}
		return int(time.Since(session.AuthTime) / time.Second), true
	}
	return t.place.placeholder(key)
}

// only is a text that there is if something else is so.
func only(is bool, text func() string) string {
	if !is {
		return ""
	}
	return text()
}

// preparePlace makes the placeholders of a place; nil where places are unknown.
func (e *entrance) preparePlace() func(*geo.Place) any {
	if e.places == nil {
		return nil
	}
	return func(p *geo.Place) any { return newToldPlace(p) }
}

// A toldPlace is a place as placeholders and matchers tell it. Values are boxed once.
type toldPlace struct{ country, city, asn any }

func newToldPlace(p *geo.Place) *toldPlace {
	s := &toldPlace{country: p.Country, city: p.City, asn: ""}
	if p.ASN != 0 {
		s.asn = strconv.FormatUint(uint64(p.ASN), 10)
	}
	return s
}

// placeholder answers for a place; nil is an unknown one.
func (s *toldPlace) placeholder(key string) (any, bool) {
	if s == nil {
		s = &nowhere
	}
	switch key {
	case "http.doorcode.country":
		return s.country, true
	case "http.doorcode.city":
		return s.city, true
	case "http.doorcode.asn":
		return s.asn, true
	default:
		return nil, false
	}
}

var nowhere = toldPlace{country: "", city: "", asn: ""}

// tell tells an admitted request's matchers, placeholders and app of its session.
// Placeholders that an earlier step has set stay: they come first.
func (s *sharing) tell(p *passage, a *challenge.Admission, here *toldPlace, origin string) error {
	known, ok := a.Prepared.(*prepared)
	if !ok {
		return errNotPrepared
	}
	assertion, err := s.assert(a, origin, p.in.Now)
	if err != nil {
		return err
	}
	told := known.at(a, here)
	p.vars.set(toldVar, told)
	p.repl.Map(told.provider)
	known.headers.Set(p.r.Header, p.cells)
	if assertion != "" {
		p.cells.Set(p.r.Header, s.assertion, assertion)
	}
	return nil
}

// assert is the assertion for the app; empty where it gets none. An assertion says that
// somebody proved an address in a session: where there is only an earlier step's word,
// nothing of the kind can be signed.
func (s *sharing) assert(a *challenge.Admission, origin string, now time.Time) (string, error) {
	if _, session := a.Proved(); s.assertion == "" || !session {
		return "", nil
	}
	token, err := a.Assertion(origin, now)
	if err == nil && len(token) > upstream.MaxFieldValue {
		err = upstream.ErrFieldTooLong
	}
	return token, err
}
