// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"
)

// A Lock is what Unlock has lifted, or would.
type Lock struct {
	// Crowd says whom it kept out: "known browsers", "named networks" or
	// "unknown browsers".
	Crowd string
	Until time.Time // end of the lock; zero where none was set yet
	Tries int       // wrong codes that were counted
	Mails int       // mails that were counted
}

// Unlocked is what became of an address that was unlocked.
type Unlocked struct{ Locked []Lock }

// unlockedFor is how long machines are told of an address that was unlocked.
const unlockedFor = time.Minute

// Unlock lets an address be tried and mailed again, on every machine: wrong codes
// and mails are forgotten, and with them the locks that they made. Networks that
// the person has reported stay out.
func (h *House) Unlock(ctx context.Context, e Email) (Unlocked, error) {
	var lifted Unlocked
	err := change(ctx, h.store, h.doorKey(e), func(d *door, now time.Time) error {
		d.tidy(now)
		lifted = Unlocked{d.unlock(now)}
		return nil
	})
	if err != nil {
		return Unlocked{}, unavailable(err)
	}
	told := end{Session: "unlocked " + newID().String(), Expires: h.now().Add(unlockedFor).Unix(), Unlocked: h.doorID(e)}
	h.locks.lift(told)
	if err := h.announce(ctx, told); err != nil {
		return Unlocked{}, unavailable(err)
	}
	h.tell(ctx, Event{Name: UnlockedAddress, Address: e})
	h.retell(ctx, Event{Name: UnlockedAddress, Address: e})
	return lifted, nil
}

// unlock forgets what keeps anybody from trying or mailing.
func (d *door) unlock(now time.Time) (lifted []Lock) {
	lifted = d.locks(now)
	for _, of := range []crowd{owners, office, strangers} {
		*d.bucket(of) = bucket{}
	}
	d.Starts = nil
	return lifted
}

// locks are what keeps anybody from trying or mailing, or counts towards that.
func (d *door) locks(now time.Time) (all []Lock) {
	for _, of := range []crowd{owners, office, strangers} {
		b := d.bucket(of)
		if len(b.Tries) == 0 && len(b.Mails) == 0 && b.Until <= now.Unix() {
			continue
		}
		l := Lock{Crowd: of.String(), Tries: len(b.Tries), Mails: len(b.Mails)}
		if b.Until > now.Unix() {
			l.Until = time.Unix(b.Until, 0)
		}
		all = append(all, l)
	}
	return all
}

// String names the crowd for operators.
func (c crowd) String() string {
	switch c {
	case owners:
		return "known browsers"
	case office:
		return "named networks"
	default:
		return "unknown browsers"
	}
}

// EndRestored is to be called after the store was put back from a copy: whatever
// lets anybody in may have been ended since the copy was made. Sessions end, codes
// that are on their way too, and each remembered browser needs a code, on all
// machines. People, places and counters stay as they were in the copy.
func (h *House) EndRestored(ctx context.Context) error {
	var epoch int64
	err := change(ctx, h.store, keyEnds, func(r *endRing, now time.Time) error {
		epoch = r.putBack(now, h.store.epoch.Load())
		return nil
	})
	if err != nil {
		return unavailable(err)
	}
	h.store.epoch.Store(epoch)
	h.forgetAll()
	h.tell(ctx, Event{Name: StoreRestored})
	return nil
}

// A Health says how a house stands with its store.
type Health struct {
	Reads    bool      // the last look at the store succeeded
	Writes   bool      // no update failed within the last minute, nor has each since
	Read     time.Time // the last that did; zero: none
	Fault    error     // of the last look or update that did not succeed
	Sessions int       // kept in memory
	Epoch    time.Time // when the store was put back from a copy; zero: never
}

// Health tells an operator how things are. It asks nobody.
func (h *House) Health() Health {
	out := Health{Sessions: h.tickets.EstimatedSize()}
	if at := h.ends.read.Load(); at != 0 {
		out.Read = time.Unix(0, at)
	}
	if epoch := h.store.epoch.Load(); epoch != 0 {
		out.Epoch = time.Unix(epoch, 0)
	}
	out.Fault = h.outage.now()
	out.Reads, out.Writes = out.Fault == nil && !out.Read.IsZero(), true
	if fault := h.store.writeFault(); fault != nil {
		out.Fault, out.Writes = fault, false
	}
	return out
}

// Unguard ends that a person's account is guarded, because an operator knows who it
// is. What was suspended stays so until it is made anew. It reports whether the account
// was guarded.
func (h *House) Unguard(ctx context.Context, e Email) (was bool, err error) {
	err = change(ctx, h.store, h.personKey(e), func(p *person, now time.Time) error {
		p.tidy(now)
		if was = p.guarded(now); !was {
			return errUnchanged
		}
		p.Guard = guard{}
		return nil
	})
	if err = kept(err); err != nil {
		return false, unavailable(err)
	}
	if was {
		h.tell(ctx, Event{Name: Unguarded, Address: e})
		h.retell(ctx, Event{Name: Unguarded, Address: e})
	}
	return was, nil
}
