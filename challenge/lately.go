// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// lately is how long after the end of a session its browser still counts as the
// one that had it.
const lately = 24 * time.Hour

// A Late is a session that lives, or that has just ended.
type Late struct {
	Email   Email
	Session string // its name in records
}

// Lately says whose session a visit brings, although it may be over for up to a
// day: what its person was filling in need not be lost. With an earlier step, it
// is a session of whomever that names. It admits nobody, and changes nothing.
//
// When a session was ended is on no record. Until it would have been over by
// itself, it counts for a day from the last use that its cookie knows of.
func (g *Gate) Lately(ctx context.Context, v *Visit) (Late, bool) {
	issuer, err := g.issuer()
	if err != nil {
		return Late{}, false
	}
	s, err := issuer.Check(v.Session, v.Audience, v.Now)
	if err != nil && !errors.Is(err, sessions.ErrExpired) {
		return Late{}, false
	}
	if v.Earlier != nil && !v.Earlier.same(Identity{Source: s.Source, User: s.User, Email: Email(s.Email)}) {
		return Late{}, false
	}
	until := g.endOf(s)
	if err == nil {
		_, _, err = g.live(ctx, v)
		switch {
		case errors.Is(err, ErrUnavailable):
			return Late{}, false
		case errors.Is(err, errEnded):
			until = s.Active
		}
	}
	return Late{Email: Email(s.Email), Session: s.ID.String()}, v.Now.Sub(until) <= lately
}

// endOf is when a session ends by itself at this gate, as far as its cookie
// knows.
func (g *Gate) endOf(s sessions.Session) time.Time {
	end := earlier(s.Expires, s.Issued.Add(g.policy.Session.Lifetime))
	if idle := g.policy.Session.Idle; idle > 0 {
		end = earlier(end, s.Active.Add(idle))
	}
	return end
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
