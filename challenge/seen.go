// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"net/netip"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A sighting is what a gate makes of a session at one network address.
type sighting struct {
	ip      netip.Addr
	barred  bool
	said    risk.Judgement
	placed  any // see GateOptions.PreparePlace
	grounds *grounds
	until   int64 // Unix nanoseconds; judged anew after it
}

const (
	// judgedFor is how long a judgement holds that was made without looking
	// anything up.
	judgedFor = time.Hour
	// doubtedFor is how long one holds that went by the person's record, which
	// another browser can change.
	doubtedFor = time.Minute
)

// seen judges the place of a session. While it stays at one address, or switches
// between two, such as those of IPv4 and IPv6, that costs two comparisons.
// fresh is the same, where it was judged just now.
func (g *Gate) seen(ctx context.Context, v *Visit, a *Admission) (s, fresh *sighting, err error) {
	if s := a.sighted(v); s != nil {
		return s, nil, nil
	}
	if s, err = g.sight(ctx, v, a.Live); err != nil {
		return nil, nil, err
	}
	if !a.Live.kept() && s.said.Asks != 0 {
		return s, s, nil // a code that is entered makes no new admission of a guest
	}
	a.keep(s)
	if a.Live.kept() && (s.barred || s.said.Asks|s.said.Observed != 0) { // without a session, decide says it
		verdict := Verdict{Decision: Pass, Reason: s.said.Asks.First(), Identity: a.Identity, Admission: a, Observed: s.said.Observed, Barred: s.barred}
		if s.barred {
			verdict.Decision = Deny
		} else if s.said.Asks != 0 {
			verdict.Decision = Check
		}
		g.tell(ctx, v, verdict, s.grounds)
	}
	return s, s, nil
}

// sighted is what the gate made of the visit's address a while ago, if that still
// holds.
func (a *Admission) sighted(v *Visit) *sighting {
	now := v.Now.UnixNano()
	if s := a.here.Load(); s != nil && s.ip == v.IP && now < s.until {
		return s
	}
	if s := a.there.Load(); s != nil && s.ip == v.IP && now < s.until {
		return s
	}
	return nil
}

// keep remembers the last sighting, and the one before at another address.
func (a *Admission) keep(s *sighting) {
	if before := a.here.Load(); before == nil || before.ip != s.ip {
		a.there.Store(before)
	}
	a.here.Store(s)
}

// sight judges an address that the gate has not seen the session at. Near to where
// its code was entered, that costs no store call.
func (g *Gate) sight(ctx context.Context, v *Visit, live *Live) (*sighting, error) {
	here := g.spotOf(v.IP)
	s := &sighting{ip: v.IP, barred: g.bars(here), until: v.Now.Add(judgedFor).UnixNano()}
	if g.placed != nil {
		s.placed = g.placed(here.place)
	}
	facts, looked, err := g.weigh(ctx, v, live, here)
	if err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Err: err})
		return nil, err
	}
	s.said = risk.Assess(&facts, &g.policy.Risk, v.Now)
	if looked {
		s.until = v.Now.Add(doubtedFor).UnixNano()
		s.grounds = g.groundsSeen(v, live, facts)
	}
	return s, nil
}

// groundsSeen is what is known of a visit whose person was looked up; nil where nothing
// of it will be told.
func (g *Gate) groundsSeen(v *Visit, live *Live, facts risk.Facts) *grounds {
	if g.record == nil {
		return nil
	}
	facts.Page = v.Page
	if at := live.lastFresh.Load(); at != 0 {
		facts.Confirmed = time.Unix(0, at)
	}
	grounds := g.groundsOf(&facts, Email(live.Email), live.AuthTime, v.Now)
	return &grounds
}
