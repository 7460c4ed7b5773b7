// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"errors"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// maxLocks bounds how many locked addresses are kept in memory.
const maxLocks = 50_000

// locks are the addresses that this machine knows to be locked. They are refused
// before the store is asked: guessing on costs it nothing, and a store that came
// back without its counters lifts no lock.
type locks struct{ doors *otter.Cache[id, *doorLocks] }

// doorLocks are the locks of one address.
type doorLocks struct {
	mu    sync.Mutex // guards below
	until map[lockKey]time.Time
}

// A lockKey is whom a lock keeps out. Gates have limits of their own.
type lockKey struct {
	gate string
	of   crowd
}

func newLocks() locks {
	return locks{otter.Must(&otter.Options[id, *doorLocks]{MaximumSize: maxLocks})}
}

// note remembers the lock that an outcome tells of, if it does. Success, which ends
// locks, has the store asked again.
func (l locks) note(door id, key lockKey, outcome error) {
	if outcome == nil {
		l.doors.Invalidate(door)
	}
	var limit *LimitError
	if !errors.As(outcome, &limit) || limit.Limit != LimitTryAddress {
		return
	}
	d, ok := l.doors.GetIfPresent(door)
	if !ok {
		d, _ = l.doors.SetIfAbsent(door, &doorLocks{until: make(map[lockKey]time.Time)})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until[key] = later(d.until[key], limit.Until)
}

// refuse is the error of an address that is known to be locked.
func (l locks) refuse(door id, key lockKey, now time.Time) error {
	d, ok := l.doors.GetIfPresent(door)
	if !ok {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if until := d.until[key]; until.After(now) {
		return &LimitError{Limit: LimitTryAddress, Until: until, known: true}
	}
	return nil
}

// lift forgets the locks of addresses that an operator has unlocked.
func (l locks) lift(list ...end) {
	for _, e := range list {
		if e.Unlocked != (id{}) {
			l.doors.Invalidate(e.Unlocked)
		}
	}
}

// lockOf names the lock that keeps a crowd out of this gate.
func (g *Gate) lockOf(of crowd) lockKey { return lockKey{g.id, of} }
