// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// A House is what all gates share and what outlives a change of
// configuration: records, keys, the mail queue, the sessions that this machine
// has seen, and the ends that it knows of. It is safe for concurrent use.
type House struct {
	store   *records
	ring    *keyring.Ring
	sender  Sender
	record  Recorder // nil: nobody asks
	now     func() time.Time
	shared  bool // other machines use the records too
	machine id   // names this one among them

	tickets *otter.Cache[string, *ticket]    // by session cookie
	guests  *otter.Cache[guestKey, *Live]    // by identity of an earlier step
	passes  *otter.Cache[string, *tokenPass] // by access token
	streams streams
	ends    ends
	holds   holds
	flushes atomic.Uint64 // how often all sessions were forgotten, see forgetAll
	budget  budget
	locks   locks
	usedUp  usedUp
	known   *acquaintances // whose remembered browsers this process has seen
	journal *journal       // of what happened to people
	checks  checks         // that are on their way
	// passkeys that were looked at in this second
	passkeys passkeyPace
	signing  signing

	outage    outage
	runs      atomic.Pointer[string] // of the store, see Lossy; nil: not read yet
	lost      atomic.Bool            // the store may have lost what this machine knows
	rewound   atomic.Bool            // and may number ends anew
	restarted atomic.Int64           // Unix seconds at which that was noticed last; 0: never
	behind    uint64                 // by how many ends the store is behind; of the watch alone
	mute      bool                   // the store did not take the last sign of life; of the watch alone
	mending   atomic.Bool
	stop      context.CancelFunc
	done      sync.WaitGroup
}

// HouseOptions are what a House is made of.
type HouseOptions struct {
	Store  Store
	Ring   *keyring.Ring
	Sender Sender
	// Shared: other machines use the store too. Records of another secret are then
	// an error, and a store that does not answer at the start is waited for.
	Shared bool
	// Recorder takes the events of the house itself. Nil: they are dropped.
	Recorder Recorder
	// Now is the clock of sessions. Default: time.Now.
	Now func() time.Time
	// Gather is how long what happened to people is gathered before it is written,
	// unless somebody asks. What waits is lost in a crash. Default: 250 milliseconds.
	// Codes that ended are looked for no more often than that either.
	Gather time.Duration
}

const (
	// maxGuests bounds how many identities of earlier steps are.
	maxGuests = 10_000
	// maxTokenPasses bounds how many access tokens are.
	maxTokenPasses = 10_000

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
	labelBound   keyring.Label = "bound"
	labelPass    keyring.Label = "bound pass"
)

// A restorable store notices that it was put back from a copy. It goes on saying
// so until what that revived has been dealt with.
type restorable interface {
	Restored() bool
	Settle() error
}

// OpenHouse starts a House. It reads which sessions were ended; when the store
// does not answer, the house opens all the same and admits nobody until it
// does. Close ends its goroutines.
func OpenHouse(ctx context.Context, o HouseOptions) (*House, error) {
	h := &House{
		store: newRecords(o.Store), shared: o.Shared, ring: o.Ring, sender: o.Sender, record: o.Recorder, now: o.Now,
		machine: newID(), locks: newLocks(), usedUp: newUsedUp(), known: newAcquaintances(), journal: newJournal(o.Gather),
		tickets: otter.Must(&otter.Options[string, *ticket]{MaximumSize: DefaultCache}),
		guests:  otter.Must(&otter.Options[guestKey, *Live]{MaximumSize: maxGuests}),
		passes:  otter.Must(&otter.Options[string, *tokenPass]{MaximumSize: maxTokenPasses}),
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.store.clock = h.now
	if s, ok := o.Store.(restorable); ok && s.Restored() {
		if err := h.restore(ctx, s); err != nil {
			return nil, err
		}
	}
	if err := h.readEnds(ctx); err != nil {
		h.outage.settle(ctx, h, err)
	}
	h.checkRuns(ctx)
	h.settleBudget(ctx)
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stop = stop
	h.done.Go(func() { h.watch(watch) })
	h.done.Go(func() { h.journal.run(watch, h) })
	h.done.Go(func() { h.eraseDue(watch) })
	h.done.Go(func() { h.followChecks(watch) })
	return h, nil
}

// Close ends the goroutines of the house, once they have written the last of what
// they have. It leaves the store and the sender
// to whoever opened them.
func (h *House) Close() {
	h.stop()
	h.done.Wait()
	h.forgetAll() // nobody watches over what is open any more
	h.tickets.StopAllGoroutines()
	h.guests.StopAllGoroutines()
	h.passes.StopAllGoroutines()
	h.locks.doors.StopAllGoroutines()
	h.usedUp.cache.StopAllGoroutines()
	h.known.close()
}

// restore makes sure that nothing which a copy of the store revives lets anybody
// in.
func (h *House) restore(ctx context.Context, s restorable) error {
	if err := h.EndRestored(ctx); err != nil {
		return fmt.Errorf("dealing with a store that was put back from a copy: %w", err)
	}
	return s.Settle()
}

// tell records an event of the house itself.
func (h *House) tell(ctx context.Context, e Event) {
	if h.record != nil {
		h.record.Record(ctx, e)
	}
}

// The record names. Addresses appear in them only as keyed hashes.
const (
	keyEnds = "ended"

	keyDoor    = "door/"
	keyMachine = "machine/"
	keyPerson  = "person/"
)

func (h *House) doorKey(e Email) string { return keyDoor + h.doorID(e).String() }

func (h *House) personKey(e Email) string { return keyPerson + h.personID(e).String() }

func (h *House) doorID(e Email) id { return cut(h.ring.MAC(labelDoor, []byte(e.Canonical()))) }

func (h *House) personID(e Email) id { return personIn(h.ring, e) }

// subject is the opaque name of an identity in tokens.
func (h *House) subject(i Identity) string {
	return cut(h.ring.MAC(labelSubject, []byte(i.Source), []byte(i.User), []byte(i.Email))).String()
}

// flowHash ties a challenge to a browser without keeping the browser's secret.
func (h *House) flowHash(flow id) id { return cut(h.ring.MAC(labelFlow, flow[:])) }
