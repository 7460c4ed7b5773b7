// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"
)

// SignOut ends the session of an admission, here at once and everywhere soon.
// Its browser needs a code next time; with forget, it is no longer remembered.
// Nobody else whom the browser knows is let in by it instead. It returns the new
// device cookie, empty when there is none left.
func (g *Gate) SignOut(ctx context.Context, v *Visit, a *Admission, forget bool) (setDevice string, err error) {
	live := a.Live
	claims := g.house.claims(v)
	claim, _ := claims.Find(live.Email, live.Source, live.User, v.Now)
	var gone []sessionEntry
	err = g.house.retire(ctx, live, live.Browser, func(p *person) {
		if gone = nil; claim.ID != "" && claim.ID != live.Browser { // it was remembered by another gate
			gone = p.endBrowser(claim.ID, v.Now)
		}
		for _, browser := range []string{claim.ID, live.Browser} {
			if d := p.device(browser); d != nil {
				d.Ended = true
			}
			if forget {
				p.forget(browser)
			}
		}
	})
	if err == nil {
		err = g.house.end(ctx, g.house.personID(Email(live.Email)), gone...)
	}
	if err != nil {
		return "", unavailable(err)
	}
	g.log(ctx, v, Event{Name: SignedOut, Address: Email(live.Email), Source: live.Source, User: live.User, Session: live.ID.Public()})
	if forget {
		claims = claims.Without(live.Email, live.Source, live.User)
	}
	if len(claims) == 0 {
		return "", nil
	}
	if v.Earlier == nil {
		claims = claims.Sleep(live.Email)
	}
	return g.house.sealClaims(v, claims), nil
}

// Unremember ends a remembered browser whose person has no session: it needs a
// code next time, or with forget is not known any more. One that does not prove its key
// only loses its cookie: a copy must not end what it is a copy of. It returns the new
// device cookie, empty when there is none left.
func (g *Gate) Unremember(ctx context.Context, v *Visit, forget bool) (setDevice string, err error) {
	claims := g.house.claims(v)
	claim, ok := claimOf(claims, v)
	if !ok {
		return v.Device, nil
	}
	var gone []sessionEntry
	copied := false
	err = change(ctx, g.house.store, g.house.personKey(Email(claim.Address)), func(p *person, now time.Time) error {
		gone = nil
		if copied = g.unproved(p.device(claim.ID), v); copied {
			return errUnchanged
		}
		gone = p.endBrowser(claim.ID, now)
		if forget {
			p.forget(claim.ID)
		}
		return nil
	})
	if err := g.house.endWith(ctx, g.house.personID(Email(claim.Address)), kept(err), gone); err != nil {
		return "", unavailable(err)
	}
	if !copied {
		g.log(ctx, v, Event{Name: SignedOut, Address: Email(claim.Address), Source: claim.Source, User: claim.User})
	}
	if forget || copied {
		claims = claims.Without(claim.Address, claim.Source, claim.User)
	}
	if len(claims) == 0 {
		return "", nil
	}
	if v.Earlier == nil {
		claims = claims.Sleep(claim.Address)
	}
	return g.house.sealClaims(v, claims), nil
}
