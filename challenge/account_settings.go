// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"
)

// SetSettings keeps what a person chose. That there will be less mail, or less often a
// code, is told by mail. Its errors are ErrSuspended, where less would be told or asked in a
// session that may change nothing, and ErrUnavailable.
func (g *Gate) SetSettings(ctx context.Context, v *Visit, a *Admission, s PersonSettings) error {
	hushed, eased := false, false
	err := change(ctx, g.house.store, g.house.personKey(a.Identity.Email), func(p *person, now time.Time) error {
		p.tidy(now)
		hushed = s.Quiet && !p.Settings.Quiet
		eased = p.Settings.Always && !s.Always
		if hushed || eased {
			if err := p.mayChange(a.Live, now); err != nil {
				return err
			}
		}
		p.Settings = s
		return nil
	})
	err = g.logDone(ctx, v, a, err, Event{Name: ChangeMade, Change: ChangeSettings})
	if err == nil && (hushed || eased) {
		g.tellPerson(ctx, v, a.Identity.Email, Notice{Subject: WaysChanged, Change: ChangeSettings, Expires: v.Now.Add(changesKept)})
	}
	return err
}
