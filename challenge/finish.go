// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// leaveBehind ends the session that the browser has, whoever it is of: a session
// never survives an entry (fixation). A copy of somebody else's cookie, without the key
// that it takes, ends nothing of theirs.
func (g *Gate) leaveBehind(ctx context.Context, v *Visit, who Email) error {
	if v.Session == "" {
		return nil
	}
	live, _, err := g.find(ctx, v)
	if err != nil {
		return nil //nolint:nilerr // it is over already
	}
	if Email(live.Email) != who && !g.proves(live, v) {
		return nil
	}
	return g.house.retire(ctx, live, "", func(*person) {})
}

// keeps says whether this browser is to be remembered: as the operator chose,
// or as the person did. One that was remembered before stays so.
func (g *Gate) keeps(asked bool) bool {
	switch g.policy.Devices.Choice {
	case ChoiceAlways:
		return true
	case ChoiceNever:
		return false
	default:
		return asked
	}
}

var errUnfit = errors.New("session does not fit the visit it was made for")

// finish makes the cookies. A browser that is not to be remembered for whoever
// came in by a code lets nobody else in by itself afterwards.
func (g *Gate) finish(v *Visit, s sessions.Session, claims devices.Claims, d devices.Record, since uint64) (Entry, error) {
	token, live, err := g.open(s, d.Generation, since, v.Now)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{SetSession: token, Admission: g.admission(v, live)}
	if entry.Admission == nil {
		return Entry{}, errUnfit
	}
	switch {
	case d.ID != "":
		entry.SetDevice = g.house.sealClaims(v, claims.With(devices.Claim{
			Address: s.Email, Source: s.Source, User: s.User, ID: d.ID, Generation: d.Generation, Expires: g.rememberedUntil(&d).Unix(),
		}))
	case len(claims) > 0 && v.Earlier == nil:
		entry.SetDevice = g.house.sealClaims(v, claims.Sleep(s.Email))
	}
	return entry, nil
}
