// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "context"

// LeaveChange is the flow of a change that its person goes back from while a code is waited
// for: by it alone can the code that was mailed allow the change, should they ask for the
// same again. It is nil where there is nothing to come back to, as one half of the change
// has its code already.
func (g *Gate) LeaveChange(f *Flow) *Flow {
	if f.Change == nil || f.Permit != nil || f.Of != "" {
		return nil
	}
	at := *f
	at.Left, at.Note, at.Passkey = true, nil, nil
	return &at
}

// TakeUpChange goes on with the change of a visit that its person went back from in this
// browser and session, where the code that was mailed for it still works. It mails nothing.
// The flow is nil where that change, or its code, is another one.
func (g *Gate) TakeUpChange(ctx context.Context, v *Visit, left *Flow) (Sent, error) {
	if !left.Left || !left.Fits(v) || left.Change == nil {
		return Sent{}, nil
	}
	d, err := read[door](ctx, g.house.store, g.house.doorKey(left.Address))
	if err != nil {
		return Sent{}, unavailable(err)
	}
	c := d.of(g.house.flowHash(left.ID))
	if !g.awaits(c, v.Now) {
		return Sent{}, nil
	}
	f := *left
	f.Left = false
	return Sent{Flow: &f, Progress: g.progress(c, v.Now)}, nil
}
