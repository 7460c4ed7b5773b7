// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// A memory is a house that keeps nothing. Its store has a clock that can be put
// back, so that a person can be given a past.
type memory struct {
	house  *challenge.House
	pooled *pooledHouse
	codes  *lastCode
	past   atomic.Int64 // Unix nanoseconds; zero: the present
}

func openMemory() (*memory, error) {
	text, err := keyring.NewSecret()
	if err != nil {
		return nil, err
	}
	root, err := keyring.ParseSecret(text)
	if err != nil {
		return nil, err
	}
	ring, err := keyring.New(root)
	if err != nil {
		return nil, err
	}
	m := &memory{codes: new(lastCode)}
	m.house, err = challenge.OpenHouse(context.Background(), challenge.HouseOptions{
		Store: memstore.New(memstore.Options{Now: m.now}), Ring: ring, Sender: m.codes,
	})
	if err != nil {
		return nil, err
	}
	m.pooled = &pooledHouse{
		house: m.house, outbox: mailer.NewOutbox(mailer.OutboxOptions{}), inbox: new(mailer.Inbox),
		report: new(atomic.Pointer[func(mailer.Report)]), claims: map[string][]claim{},
	}
	return m, nil
}

func (m *memory) now() time.Time {
	if past := m.past.Load(); past != 0 {
		return time.Unix(0, past)
	}
	return time.Now()
}

// lastCode takes mail in place of a mail server, and keeps the last code of it.
type lastCode struct {
	mu   sync.Mutex // guards below
	code challenge.Code
}

// Send keeps a code.
func (l *lastCode) Send(_ context.Context, n challenge.Notice) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.Code.Reveal() != "" {
		l.code = n.Code
	}
	return nil
}

func (l *lastCode) take() challenge.Code {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.code
}

const (
	// usualSince is how long ago a person was at the usual places: longer than
	// new people are learned about, and not so long that it is forgotten.
	usualSince = 60 * day
	usualLast  = day
)

// A past is what a person has done before, and the browser that is left of it.
type past struct {
	*rehearsal
	now    time.Time
	lived  map[named]bool
	device string
	key    *passkeystest.Authenticator // nil: no passkey
}

// named is somebody, as a gate knows them.
type named struct {
	source, user string
	email        challenge.Email
}

// seed gives the person the past that the flags say, at each gate that the request
// comes to, and returns the cookies that the browser has from it.
func (x *rehearsal) seed() (cookies []string, err error) {
	if len(x.usual) == 0 && !x.known && !x.session {
		return nil, nil
	}
	p := past{rehearsal: x, now: time.Now(), lived: map[named]bool{}}
	for _, s := range x.steps {
		who := named{email: x.email}
		if s.in.Earlier != nil {
			who = named{s.in.Earlier.Source, s.in.Earlier.User, s.in.Earlier.Email}
		}
		// A session that an earlier step's gate has made serves at other gates too.
		served := s.in.Earlier == nil && len(p.lived) > 0
		if !s.stands || who.email == "" || served || p.lived[who] {
			continue
		}
		p.lived[who] = true
		if cookies, err = p.live(s, who.email); err != nil {
			return nil, fmt.Errorf("making the person up: %w", err)
		}
	}
	x.memory.past.Store(0)
	return cookies, nil
}

// live enters the codes of a past at one gate. People who may not pass can have
// a past too: they were taken off the list.
func (p *past) live(s *step, to challenge.Email) (cookies []string, err error) {
	everyone, err := challenge.NewAccess(challenge.AccessOptions{Allow: []string{"*"}})
	if err != nil {
		return nil, err
	}
	s.doorway.gate.SetAccess(everyone)
	defer s.doorway.gate.SetAccess(s.entrance.lists.access.Load())

	last, home := p.lastOf(s), p.ip
	if len(p.usual) > 0 {
		home = p.usual[0]
	}
	at := p.now.Add(-max(usualSince, last+day))
	for i, ip := range p.usual {
		entry, err := p.enter(s, to, ip, at, false)
		if err == nil && p.passkey && i == 0 {
			err = p.enrol(s, to, ip, at, entry.SetSession)
		}
		if err != nil {
			return nil, err
		}
		at = at.Add(time.Hour)
	}
	entry, err := p.enterLast(s, to, home, p.now.Add(-last))
	if err != nil {
		return nil, err
	}
	pass := ""
	if p.bound && (p.known || p.session) {
		if pass, err = p.bind(s, home, p.now.Add(-last), entry); err != nil {
			return nil, err
		}
	}
	if p.device = ""; p.known {
		p.device = entry.SetDevice
	}
	return p.cookiesOf(s, entry, pass), nil
}

// enterLast is the last entry of a past. Where that is by a passkey, a code was entered
// at the same time: without one that was mailed lately, no passkey would do.
func (p *past) enterLast(s *step, to challenge.Email, home netip.Addr, at time.Time) (challenge.Entry, error) {
	entry, err := p.enter(s, to, home, at, p.known && !p.passkey)
	if err == nil && p.passkey && p.key == nil {
		err = p.enrol(s, to, home, at, entry.SetSession)
	}
	switch {
	case err != nil:
		return challenge.Entry{}, err
	case p.key != nil:
		return p.sign(s, home, at, p.known)
	case p.passkey && p.known: // no passkey is accepted
		return p.enter(s, to, home, at, true)
	}
	return entry, nil
}

// lastOf is how long ago the last code was entered: where it is not said, not so
// long that the browser is forgotten.
func (p *past) lastOf(s *step) time.Duration {
	if p.last >= 0 {
		return p.last
	}
	return min(usualLast, s.doorway.gate.Policy().Devices.Idle/2)
}

// cookiesOf are the cookies that the browser still has, as it sends them.
func (p *past) cookiesOf(s *step, entry challenge.Entry, pass string) (cookies []string) {
	if !p.session {
		entry.SetSession = ""
	}
	if !p.known {
		entry.SetDevice = ""
	} else if entry.SetDevice == "" {
		p.notes = append(p.notes, "No browser is remembered here: 'remember' has 'choice never'.")
	}
	for _, line := range s.doorway.door.CookiesOf(&s.in, entry, pass) {
		cookie, _, _ := strings.Cut(line, ";")
		cookies = append(cookies, cookie)
	}
	return cookies
}

var errNoCode = errors.New("no code was mailed")

// enter goes through a check in the past.
func (p *past) enter(s *step, to challenge.Email, from netip.Addr, at time.Time, remember bool) (challenge.Entry, error) {
	visit := p.visitAt(s, from, at)
	ctx, gate := context.Background(), s.doorway.gate
	sent, err := gate.Begin(ctx, &visit, nil, to)
	if err != nil {
		return challenge.Entry{}, err
	}
	code := p.memory.codes.take()
	if sent.Flow == nil || code.Reveal() == "" {
		return challenge.Entry{}, errNoCode
	}
	return gate.Verify(ctx, &visit, sent.Flow, challenge.Try{Typed: code.Reveal(), Remember: remember})
}
