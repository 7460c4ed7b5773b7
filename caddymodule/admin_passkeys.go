// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A passkeysAnswer is the passkeys of a person.
type passkeysAnswer struct {
	Passkeys []listedPasskey `json:"passkeys"`
}

// A removedAnswer is what was taken away, as it was.
type removedAnswer struct {
	Removed []listedPasskey `json:"removed"`
}

// A listedPasskey is one of them, without its key.
type listedPasskey struct {
	Storage  string     `json:"storage"`
	ID       string     `json:"id"`
	Name     string     `json:"name"` // given by the person
	Site     string     `json:"site,omitempty"`
	Made     time.Time  `json:"made"`
	Used     *time.Time `json:"used,omitempty"`
	Browser  string     `json:"browser,omitempty"` // in which it was made
	Provider bool       `json:"provider_copies"`   // it is on other machines of the person, too
	// State is one of "counts", "waits" (Due says until when), "suspended" (a sign-in was
	// reported) and "cloned" (a copy of it was used).
	State string     `json:"state"`
	Due   *time.Time `json:"due,omitempty"`
}

// The states of a passkey.
const (
	passkeyCounts    = "counts"
	passkeyWaits     = "waits"
	passkeySuspended = "suspended"
	passkeyCloned    = "cloned"
)

func listPasskey(storage string, k *challenge.PasskeyState) listedPasskey {
	l := listedPasskey{
		Storage: storage, ID: k.ID, Name: k.Name, Site: k.Site, Made: k.Made.UTC(), Used: givenTime(k.Used), Browser: k.Browser, Provider: k.BackedUp,
		State: passkeyCounts, Due: givenTime(k.Due),
	}
	switch {
	case k.Cloned:
		l.State = passkeyCloned
	case k.Suspended:
		l.State = passkeySuspended
	case !k.Due.IsZero():
		l.State = passkeyWaits
	}
	return l
}

func passkeysOf(ctx context.Context, o order) (any, error) {
	address, err := o.person("passkeys")
	if err != nil {
		return nil, err
	}
	answer := passkeysAnswer{[]listedPasskey{}}
	err = inEach(o, "listing passkeys", func(l lodging) error {
		keys, err := l.pooled.house.PasskeysOf(ctx, address)
		for i := range keys {
			answer.Passkeys = append(answer.Passkeys, listPasskey(l.name(), &keys[i]))
		}
		return err
	})
	return answer, err
}

// countPasskeys is how many passkeys of an address let its person in now.
func (l lodging) countPasskeys(ctx context.Context, of challenge.Email) (n int, err error) {
	keys, err := l.pooled.house.PasskeysOf(ctx, of)
	return counting(keys), err
}

// counting is how many of some passkeys let their person in now.
func counting(keys []challenge.PasskeyState) (n int) {
	for i := range keys {
		if listPasskey("", &keys[i]).State == passkeyCounts {
			n++
		}
	}
	return n
}

func removePasskeys(ctx context.Context, o order) (any, error) {
	address, err := o.person("passkeys/remove")
	if err != nil {
		return nil, err
	}
	if o.All == (o.Passkey != "") {
		return nil, refusal(http.StatusBadRequest, "passkeys/remove takes either 'passkey', as 'passkeys list' names it, or 'all'")
	}
	answer, missing := removedAnswer{[]listedPasskey{}}, false
	err = inEach(o, "removing passkeys", func(l lodging) error {
		gone, err := l.pooled.house.RemovePasskeys(ctx, address, o.Passkey)
		if errors.Is(err, challenge.ErrNoSuch) {
			missing = true
			return nil
		}
		for i := range gone {
			answer.Removed = append(answer.Removed, listPasskey(l.name(), &gone[i]))
		}
		if len(gone) > 0 {
			l.tellOfRemoved(ctx, o.Site, address)
		}
		return err
	})
	if err == nil && missing && len(answer.Removed) == 0 {
		return nil, refusal(http.StatusNotFound, "the address has no such passkey; 'passkeys list' shows those that it has")
	}
	return answer, err
}

// tellOfRemoved mails a person from a gate that they may pass, or from any. It stands
// that the passkey is gone, whether there can be a mail or not.
func (l lodging) tellOfRemoved(ctx context.Context, site string, who challenge.Email) {
	gates := slices.DeleteFunc(slices.Clone(l.gates), func(e *entrance) bool { return site != "" && !e.standsAt(site) })
	slices.SortStableFunc(gates, func(a, b *entrance) int { return b.lets(who) - a.lets(who) })
	for _, e := range gates {
		if d, err := e.open(); err == nil {
			d.gate.TellOfRemovedPasskey(ctx, who)
			return
		}
	}
}

// lets is 1 where the lists let an address pass, else 0.
func (e *entrance) lets(who challenge.Email) int {
	if allowed, _ := e.ruleFor(who, time.Now()); allowed {
		return 1
	}
	return 0
}
