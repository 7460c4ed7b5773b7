// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// A House is what all gates share and what outlives a change of
// configuration: records, keys, the mail queue, the sessions that this machine
// has seen, and the ends that it knows of. It is safe for concurrent use.
type House struct {
	store  Store
	ring   *keyring.Ring
	sender Sender
	now    func() time.Time

	tickets *otter.Cache[string, *ticket] // by session cookie
	guests  *otter.Cache[guestKey, *Live] // by identity of an earlier step
	streams streams
	ends    ends
	budget  budget

	outage  outage
	keysMu  sync.Mutex  // guards keys while they are made
	rekeyed atomic.Bool // the stored keys were another secret's, and are replaced
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// HouseOptions are what a House is made of.
type HouseOptions struct {
	Store  Store
	Ring   *keyring.Ring
	Sender Sender
	// Now is the clock of sessions. Default: time.Now.
	Now func() time.Time
}

const (
	// maxTickets bounds how many session cookies are kept in memory; others cost
	// one read and one signature check again.
	maxTickets = 100_000
	// maxGuests bounds how many identities of earlier steps are.
	maxGuests = 10_000

	labelDoor    keyring.Label = "door"
	labelPerson  keyring.Label = "person"
	labelNetwork keyring.Label = "network"
	labelFlow    keyring.Label = "flow"
	labelForm    keyring.Label = "form"
	labelDevice  keyring.Label = "device"
	labelSubject keyring.Label = "subject"
	labelSession keyring.Label = "session id"
	labelClaims  keyring.Label = "session claims"
	labelKeys    keyring.Label = "signing keys"
	labelTold    keyring.Label = "told"
	labelStop    keyring.Label = "stop"
	labelAsked   keyring.Label = "asked"
)

// OpenHouse starts a House. It reads which sessions were ended; when the store
// does not answer, the house opens all the same and admits nobody until it
// does. Close ends its goroutines.
func OpenHouse(ctx context.Context, o HouseOptions) (*House, error) {
	tickets, err := otter.New(&otter.Options[string, *ticket]{MaximumSize: maxTickets})
	if err != nil {
		return nil, fmt.Errorf("making session cache: %w", err)
	}
	guests, err := otter.New(&otter.Options[guestKey, *Live]{MaximumSize: maxGuests})
	if err != nil {
		return nil, fmt.Errorf("making cache of identities: %w", err)
	}
	h := &House{guests: guests, store: o.Store, ring: o.Ring, sender: o.Sender, now: o.Now, tickets: tickets}
	if h.now == nil {
		h.now = time.Now
	}
	h.readEnds(ctx)
	h.settleBudget(ctx)
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stop = stop
	h.done.Go(func() { h.watch(watch) })
	return h, nil
}

// Close ends the goroutines of the house. It leaves the store and the sender
// to whoever opened them.
func (h *House) Close() {
	h.stop()
	h.done.Wait()
	h.tickets.StopAllGoroutines()
	h.guests.StopAllGoroutines()
}

// watch reads the ended sessions twice a second and writes the mail budget, the
// last of it when the house closes.
func (h *House) watch(ctx context.Context) {
	tick := time.NewTicker(endsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsEvery)
			defer cancel()
			h.settleBudget(last)
			return
		case <-tick.C:
			h.readEnds(ctx)
			h.streams.sweep(h.now())
			h.settleBudget(ctx)
		}
	}
}

// Keys returns the signing keys, with one for the algorithm made if there was
// none. They are kept in the store sealed under the root secret, so that two
// machines which start at once agree.
func (h *House) Keys(ctx context.Context, algorithm sessions.Algorithm) (sessions.Keys, error) {
	h.keysMu.Lock()
	defer h.keysMu.Unlock()
	sealed, err := h.store.Get(ctx, keyKeys)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return sessions.Keys{}, fmt.Errorf("reading signing keys: %w", err)
	}
	plain, changed, err := h.ensureKeys(sealed, algorithm, h.now())
	if err != nil {
		return sessions.Keys{}, err
	}
	if changed {
		err = h.store.Update(ctx, keyKeys, func(old []byte, now time.Time) ([]byte, time.Duration, error) {
			if plain, changed, err = h.ensureKeys(old, algorithm, now); err != nil || !changed {
				return old, 0, err
			}
			return h.ring.Seal(labelKeys, plain, nil), 0, nil
		})
	}
	if err != nil {
		return sessions.Keys{}, fmt.Errorf("keeping signing keys: %w", err)
	}
	return sessions.ParseKeys(plain)
}

func (h *House) ensureKeys(sealed []byte, algorithm sessions.Algorithm, now time.Time) (plain []byte, changed bool, err error) {
	if len(sealed) > 0 {
		if plain, err = h.ring.Open(labelKeys, sealed, nil); err != nil {
			// Another secret: whoever set it wants everybody to sign in again, and
			// whoever lost the old one has no other way on. New keys trust nothing
			// that was signed before.
			plain = nil
			h.rekeyed.Store(true)
		}
	}
	return sessions.Ensure(plain, algorithm, now)
}

// The record names. Addresses appear in them only as keyed hashes.
const (
	keyKeys = "keys"
	keyEnds = "ended"

	keyDoor   = "door/"
	keyPerson = "person/"
)

func (h *House) doorKey(e Email) string { return keyDoor + h.doorID(e).String() }

func (h *House) personKey(e Email) string { return keyPerson + h.personID(e).String() }

func (h *House) doorID(e Email) id { return cut(h.ring.MAC(labelDoor, []byte(e.Canonical()))) }

func (h *House) personID(e Email) id { return cut(h.ring.MAC(labelPerson, []byte(e.Canonical()))) }

// subject is the opaque name of an identity in tokens.
func (h *House) subject(i Identity) string {
	return cut(h.ring.MAC(labelSubject, []byte(i.Source), []byte(i.User), []byte(i.Email))).String()
}

// flowHash ties a challenge to a browser without keeping the browser's secret.
func (h *House) flowHash(flow id) id { return cut(h.ring.MAC(labelFlow, flow[:])) }
