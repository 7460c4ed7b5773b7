// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"slices"
	"time"
)

// PasskeysOf lists the passkeys of an address for an operator: those that are to become
// some, then those that are, the newest first. Its errors are ErrUnavailable.
func (h *House) PasskeysOf(ctx context.Context, e Email) ([]PasskeyState, error) {
	b, err := h.belongings(ctx, e, h.now())
	if err != nil {
		return nil, err
	}
	return h.everyPasskey(&b, e), nil
}

func (h *House) everyPasskey(b *belongings, e Email) (all []PasskeyState) {
	b.eachPasskey(func(k *passkey) {
		one := h.passkeyState(e, k)
		if b.passkey(k.ID) == nil { // it waits: its time is when it begins to count
			one.Due = one.Made
		}
		all = append(all, one)
	})
	slices.Reverse(all)
	return all
}

// RemovePasskeys takes a passkey of an address away that PasskeyState.ID names, or all of
// them where name is empty: also those that wait, since whoever has a phone may have made
// another passkey with it. The next try with one is refused, on every machine. Sessions
// that one has begun go on, see Evict. The person is to be told, see
// Gate.TellOfRemovedPasskey. Its errors are ErrNoSuch, where name names none, and
// ErrUnavailable.
func (h *House) RemovePasskeys(ctx context.Context, e Email, name string) (removed []PasskeyState, err error) {
	err = change(ctx, h.store, h.belongingsKey(e), func(b *belongings, now time.Time) error {
		b.tidy(now)
		removed = slices.DeleteFunc(h.everyPasskey(b, e), func(s PasskeyState) bool { return name != "" && s.ID != name })
		switch {
		case len(removed) == 0 && name != "":
			return ErrNoSuch
		case len(removed) == 0:
			return errUnchanged
		}
		for _, s := range removed {
			b.takePasskey(s.ID, h.removal(now))
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrNoSuch):
		return nil, ErrNoSuch
	case kept(err) != nil:
		return nil, unavailable(err)
	}
	for _, s := range removed {
		event := Event{Name: PasskeyTaken, Address: e, Change: RemovePasskey, Called: s.Name}
		h.tell(ctx, event)
		h.retell(ctx, event)
	}
	return removed, nil
}

// removal is a removal that an operator makes: of no session, and from nowhere.
func (h *House) removal(now time.Time) changed {
	c := changed{ID: newID(), Kind: RemovePasskey, At: now.Unix()}
	c.Asked = h.sealAsked(asked{}, c.ID)
	return c
}

// takePasskey removes a passkey, whether it counts already or not. That it was removed is
// remembered for a record of before that is merged with this one, where there is room:
// what waits for its person is pushed out by nothing.
func (b *belongings) takePasskey(name string, c changed) {
	b.eachPasskey(func(k *passkey) {
		if k.ID.String() == name {
			c.Of, c.At = k.ID, max(c.At, k.Made) // clocks differ, and it may wait
		}
	})
	b.Changes = slices.DeleteFunc(b.Changes, func(o changed) bool {
		return c.replaces(&o) || o.Passkey != nil && o.Passkey.ID == c.Of
	})
	b.apply(&c)
	if len(b.Changes) < maxChanges {
		b.Changes = append(b.Changes, c)
	}
}

// TellOfRemovedPasskey mails a person that a passkey of theirs was removed, which they
// did not do themselves.
func (g *Gate) TellOfRemovedPasskey(ctx context.Context, e Email) {
	v := &Visit{Now: g.house.now()}
	g.tellPerson(ctx, v, e, Notice{Subject: WaysChanged, Change: RemovePasskey, Expires: v.Now.Add(changesKept)})
}
