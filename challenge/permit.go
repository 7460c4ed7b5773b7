// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "time"

// A permit is what a right code gives that was for a change: leave to make it, in
// the session that asked, for a few minutes, once. It travels in the sealed flow.
type permit struct {
	ID  id    `json:"i"`
	At  int64 `json:"t"` // Unix seconds
	Way Way   `json:"w,omitempty"`
	// Code is the mark of the link in the code's mail.
	Code id `json:"c,omitzero"`
	// Older: it was given by a way that the person has had for more than a day.
	Older bool `json:"o,omitempty"`
	// Half: the change takes one more code, which is on its way.
	Half bool `json:"h,omitempty"`
}

const (
	permitLife = 5 * time.Minute
	// enrolLife is for what takes a phone, or another mailbox, in between.
	enrolLife = 15 * time.Minute
)

// life is how long a permit for a change is good for.
func (k ChangeKind) life() time.Duration {
	switch k {
	case AddApp, SetSecond, ProveSecond, AddToken, AddPasskey:
		return enrolLife
	default:
		return permitLife
	}
}

// allow makes a flow into one that allows its change.
func (f *Flow) allow(did spending, now time.Time) *Flow {
	next := *f
	next.Note, next.Passkey = nil, nil
	p := permit{ID: newID(), At: now.Unix(), Way: did.permits(f), Older: did.older, Code: did.mark}
	if f.Permit != nil { // the second code of one change: how the first was given counts
		p.ID, p.Older, p.Code = f.Permit.ID, f.Permit.Older, f.Permit.Code
	}
	next.Permit, next.Made = &p, now.Unix()
	return &next
}

// Proves reports whether a flow waits for a code. One that has its permit does not.
func (f *Flow) Proves() bool { return f.Change == nil || f.Permit == nil || f.Permit.Half }

// Permitted reports whether the flow's code allows a change now: it was right, for
// this kind of change, in the session of the admission, a few minutes ago. Whether the
// change was made already is asked when it is made.
func (g *Gate) Permitted(v *Visit, a *Admission, f *Flow, kind ChangeKind) bool {
	if f == nil || f.Change == nil || f.Change.Kind != kind || f.Permit == nil || f.Proves() {
		return false
	}
	age := v.Now.Sub(time.Unix(f.Permit.At, 0))
	return f.Session == a.Live.key && age < kind.life() && age > -time.Minute
}
