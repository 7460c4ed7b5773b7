// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"
)

// remind writes to the store what this machine knows and the store may have lost:
// the ends of sessions and browsers, which an old snapshot would revive, the keys that
// browsers have to prove, of which other machines would not hear, and keys of ours.
func (h *House) remind(ctx context.Context) error {
	known := h.ends.known(h.now())
	if h.shared {
		known = append(known, h.holds.known(h.now())...)
	}
	err := change(ctx, h.store, keyEnds, func(r *endRing, _ time.Time) error {
		told := r.names()
		missing := slices.DeleteFunc(slices.Clone(known), func(e end) bool { return told[e.Session] })
		epoch := h.store.epoch.Load()
		evicted := h.store.evicted()
		if len(missing) == 0 && r.Last >= h.ends.number() && r.Epoch >= epoch && !evicted.after(r.Evicted) {
			return errUnchanged
		}
		// The numbers go on from what machines have read, so that none takes an end
		// that it does not know for one that it does.
		r.Last, r.Epoch, r.Evicted = max(r.Last, h.ends.number()), max(r.Epoch, epoch), r.Evicted.or(evicted)
		r.append(missing...)
		return nil
	})
	if err := kept(err); err != nil {
		return err
	}
	for _, e := range known {
		if err := h.endAgain(ctx, e); err != nil {
			return err
		}
	}
	return h.loadKeys(ctx, h.mended)
}

// endAgain takes what has ended off the list of its person, where a machine that
// starts later would look it up.
func (h *House) endAgain(ctx context.Context, e end) error {
	if e.Person == (id{}) || e.Key != "" { // a version before told of it, or nothing ended
		return nil
	}
	if e.isToken() {
		return h.endTokenAgain(ctx, e)
	}
	var gone []sessionEntry
	err := change(ctx, h.store, keyPerson+e.Person.String(), func(p *person, now time.Time) error {
		p.tidy(now)
		gone = p.drop(func(s sessionEntry) bool { return s.ID == e.Session })
		d := p.device(e.browser())
		if d != nil && !d.Ended {
			gone = append(gone, p.endBrowser(d.ID, now)...)
		}
		if len(gone) == 0 && (d == nil || d.Ended) {
			return errUnchanged
		}
		return nil
	})
	if err := kept(err); err != nil {
		return err
	}
	// A browser that was back for a moment may have been given another session.
	gone = slices.DeleteFunc(gone, func(s sessionEntry) bool { return s.ID == e.Session })
	return h.end(ctx, e.Person, gone...)
}
