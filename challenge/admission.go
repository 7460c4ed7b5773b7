// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// An Admission is a session as one gate judges it. Its fields do not change.
type Admission struct {
	Live     *Live
	Identity Identity
	Prepared any

	gate      *Gate
	access    *Access
	earlier   Identity
	right     Right
	assertion atomic.Pointer[assertion]
	// The places at which the session was judged last and before.
	here, there atomic.Pointer[sighting]
	told        atomic.Uint64 // the decision that the operator was told of last
}

// Proved is when the person's last code was entered, zero where that was before the
// session began, or where a way of recovery began it: neither is fresh. It reports false where there is no session, but only an
// earlier step's word. An access token proves no code.
func (a *Admission) Proved() (at time.Time, session bool) {
	if a.Live.renewed() || a.Live.recovered() {
		return time.Time{}, a.Live.kept()
	}
	return a.Live.AuthTime, a.Live.kept()
}

// Follow has cut called when the session ends, see [Gate.Stream].
func (a *Admission) Follow(cut func()) (done func()) { return a.gate.Stream(a, cut) }

// admission judges a session by the gate's lists.
func (g *Gate) admission(v *Visit, live *Live) *Admission {
	who := Identity{Email: Email(live.Email)}
	if v.Earlier != nil {
		who = *v.Earlier
		if !who.same(Identity{Source: live.Source, User: live.User, Email: Email(live.Email)}) {
			return nil
		}
	}
	access := g.access.Load()
	right := access.Judge(who.Email, v.Now)
	a := &Admission{
		Live: live, gate: g, access: access, right: right,
		Identity: right.complete(who),
	}
	if v.Earlier != nil {
		a.earlier = *v.Earlier
	}
	if g.prepare != nil {
		a.Prepared = g.prepare(a.Identity)
	}
	live.keep(a)
	return a
}

// holds reports whether an admission is still what the gate would say.
func (a *Admission) holds(v *Visit) bool {
	if a.access != a.gate.access.Load() || (!a.right.Until.IsZero() && !v.Now.Before(a.right.Until)) {
		return false
	}
	return v.Earlier == nil || a.earlier.equal(*v.Earlier)
}

// maxAdmissions bounds what a session keeps: one for each gate it passed.
const maxAdmissions = 8

func (l *Live) admission(g *Gate) *Admission {
	if a := l.admitted.Load(); a != nil && a.gate == g {
		return a
	}
	if others := l.others.Load(); others != nil {
		for _, a := range *others {
			if a.gate == g {
				return a
			}
		}
	}
	return nil
}

// keep remembers an admission, in place of that by a gate which a reload has replaced. When
// two requests keep at once, one of the two is computed again later.
func (l *Live) keep(a *Admission) {
	last := l.admitted.Swap(a)
	var before []*Admission
	if others := l.others.Load(); others != nil {
		before = *others
	}
	var list []*Admission
	for _, other := range append([]*Admission{last}, before...) {
		if other != nil && other.gate.id != a.gate.id && len(list) < maxAdmissions-1 {
			list = append(list, other)
		}
	}
	if len(list)+len(before) > 0 {
		l.others.Store(&list)
	}
}

// An assertion is a signed statement for the app, kept for part of its life.
type assertion struct {
	origin  string
	token   string
	renewAt time.Time
}

const assertionReuse = sessions.AssertionLifetime / 2

// Assertion returns a signed statement of who the visitor is, for the app
// behind the gate at the given origin. It is valid for at least half a minute.
func (a *Admission) Assertion(origin string, now time.Time) (string, error) {
	if kept := a.assertion.Load(); kept != nil && kept.origin == origin && now.Before(kept.renewAt) {
		return kept.token, nil
	}
	issuer, err := a.gate.issuer()
	if err != nil {
		return "", err
	}
	s := a.Live.Session
	token, err := issuer.SignAssertion(sessions.Assertion{
		Issuer: origin, Audience: origin, Subject: s.Subject, Email: string(a.Identity.Email),
		Name: a.Identity.Name, Groups: a.Identity.Groups, Methods: s.Methods, AuthTime: a.Live.asserted(), Class: a.Class(), Session: s.ID,
	}, now)
	if err != nil {
		return "", err
	}
	a.assertion.Store(&assertion{origin: origin, token: token, renewAt: now.Add(assertionReuse)})
	return token, nil
}
