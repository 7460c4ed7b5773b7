// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// moveBelongings copies what a person has beside sessions and browsers. What was taken
// away or used up at either store does not come back.
func (m *mover) moveBelongings(ctx context.Context, key string) error {
	theirs, err := find[belongings](ctx, m.from, key)
	if err != nil || theirs.raw == nil {
		return err
	}
	who := keyPerson + strings.TrimPrefix(key, keyBelongings)
	p, err := m.pastsOf(ctx, who)
	if err != nil {
		return err
	}
	result := new(belongings)
	err = change(ctx, m.to, key, func(ours *belongings, now time.Time) error {
		other, err := theirs.record()
		if err != nil {
			return err
		}
		if m.putBack {
			other.distrust()
		}
		lost := p.lost(ours.names(), other.names())
		ours.lose(lost)
		other.lose(lost)
		ours.join(other, now)
		ours.Tokens = slices.DeleteFunc(ours.Tokens, func(t accessToken) bool { return m.ends.over(t.name()) })
		result = ours
		return nil
	})
	if err != nil || m.putBack {
		return err
	}
	other, err := theirs.record()
	if err != nil {
		return err
	}
	return m.note(ctx, who, other, p, result)
}

// join takes in what another store knows of the person. Of two sets of codes, apps or
// addresses the later one counts, and of the same set what both have left.
func (b *belongings) join(o *belongings, now time.Time) {
	b.tidy(now)
	o.tidy(now)
	b.Backup = latest(b.Backup, o.Backup, func(b *backupSet) int64 { return b.Made }, joinBackup)
	b.App = latest(b.App, o.App, func(a *appSecret) int64 { return a.Made }, joinApp)
	b.Second = latest(b.Second, o.Second, func(s *secondAddress) int64 { return s.Made }, joinSecond)
	b.Tokens = joined(b.Tokens, o.Tokens, func(t *accessToken) id { return t.ID }, joinToken)
	slices.SortStableFunc(b.Tokens, func(x, y accessToken) int { return cmp.Compare(x.Made, y.Made) })
	b.Passkeys = joined(b.Passkeys, o.Passkeys, func(k *passkey) id { return k.ID }, joinPasskey)
	slices.SortStableFunc(b.Passkeys, func(x, y passkey) int { return cmp.Compare(x.Made, y.Made) })
	b.Spent = joined(b.Spent, o.Spent, func(s *spentAsk) id { return s.ID }, func(*spentAsk, *spentAsk) {})
	b.Changes = joined(b.Changes, o.Changes, func(c *changed) id { return c.ID }, func(c, o *changed) {
		if o.Done {
			*c = *o
		}
	})
	slices.SortStableFunc(b.Changes, func(x, y changed) int { return cmp.Compare(x.At, y.At) })
	b.Changes = newest(b.Changes, maxChanges)
	b.removeWhatWasRemoved()
	b.Passkeys = newest(b.Passkeys, MaxPasskeys)
	for _, p := range o.Permits {
		if !slices.Contains(b.Permits, p) {
			b.Permits = append(b.Permits, p)
		}
	}
	b.Permits = newest(b.Permits, maxPermits)
	b.Tests = b.Tests.join(o.Tests)
}

// removeWhatWasRemoved applies removals that only one of the two had seen.
func (b *belongings) removeWhatWasRemoved() {
	for i := range b.Changes {
		c := &b.Changes[i]
		switch {
		case !c.Done:
		case c.Kind == RemoveApp && b.App != nil && b.App.Made < c.At:
			b.App = nil
		case c.Kind == RemoveSecond && b.Second != nil && b.Second.Made < c.At:
			b.Second = nil
		case c.Kind == RemovePasskey:
			b.dropPasskey(c.Of, c.At)
		}
	}
}

// latest is the one of two that was made later; of the same one, what both make of it.
func latest[T any](ours, theirs *T, made func(*T) int64, both func(ours, theirs *T)) *T {
	switch {
	case theirs == nil || ours != nil && made(ours) > made(theirs):
		return ours
	case ours == nil || made(theirs) > made(ours):
		return theirs
	}
	both(ours, theirs)
	return ours
}

func joinBackup(b, o *backupSet) {
	b.Hashes = slices.DeleteFunc(b.Hashes, func(h id) bool { return !slices.Contains(o.Hashes, h) })
	b.Suspended = b.Suspended || o.Suspended
}

func joinApp(a, o *appSecret) {
	a.Step, a.Used, a.Suspended = max(a.Step, o.Step), max(a.Used, o.Used), a.Suspended || o.Suspended
}

func joinSecond(s, o *secondAddress) { s.Suspended = s.Suspended || o.Suspended }

func joinToken(t, o *accessToken) {
	if o.Used > t.Used {
		t.Used, t.Seen = o.Used, o.Seen
	}
	t.Suspended = t.Suspended || o.Suspended
}

// moveErasures copies who asked to be forgotten, and when that is due.
func (m *mover) moveErasures(ctx context.Context) error {
	theirs, err := find[erasures](ctx, m.from, keyErasures)
	if err != nil || theirs.raw == nil {
		return err
	}
	return change(ctx, m.to, keyErasures, func(e *erasures, _ time.Time) error {
		other, err := theirs.record()
		if err != nil {
			return err
		}
		e.List = joined(e.List, other.List, func(e *erasure) id { return e.Who }, func(e, o *erasure) { e.Due = min(e.Due, o.Due) })
		return nil
	})
}
