// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"sync"
	"time"
)

// keyBudget names the record of all mail of the last day.
const keyBudget = "budget"

// minutes counts mails by the minute: own and strangers'. What is older than a
// day is counted by the last minute of its hour.
type minutes map[int64][2]int

func (m *minutes) lives(time.Time) time.Duration { return horizon + day }

func (m minutes) tidy(now time.Time) {
	forget, merge := now.Add(-horizon).Unix()/60-60, now.Add(-day).Unix()/60-60
	for minute, n := range m {
		switch {
		case minute < forget:
			delete(m, minute)
		case minute < merge && minute%60 != 59:
			delete(m, minute)
			m.count(minute-minute%60+59, n)
		}
	}
}

func (m minutes) count(minute int64, n [2]int) {
	sum := m[minute]
	m[minute] = [2]int{sum[ownMail] + n[ownMail], sum[strangerMail] + n[strangerMail]}
}

// room reports whether one more mail fits into the window, and if not, from
// when on it does. A minute that the window covers in part counts whole. Half
// of the rate is kept for people that are known.
func (m minutes) room(r Rate, own bool, now time.Time) (free time.Time, ok bool) {
	from := now.Add(-r.Per).Unix() / 60
	var all, strangers int
	fits := func() bool { return all < r.N && (own || strangers < (r.N+1)/2) }
	var inside []int64
	for minute, n := range m {
		if minute >= from {
			inside = append(inside, minute)
			all, strangers = all+n[ownMail]+n[strangerMail], strangers+n[strangerMail]
		}
	}
	if fits() {
		return time.Time{}, true
	}
	slices.Sort(inside)
	for _, minute := range inside {
		n := m[minute]
		all, strangers = all-n[ownMail]-n[strangerMail], strangers-n[strangerMail]
		if free = time.Unix((minute+1)*60, 0).Add(r.Per); fits() {
			break
		}
	}
	return free, false
}

// A budget bounds all mail together. Each machine counts by itself and adds to
// the shared record twice a second, so that no request waits for a record that
// every request changes; machines times half a second is how far it can be off.
type budget struct {
	mu    sync.Mutex // guards below
	known minutes    // what the shared record said last, with own additions
	owed  minutes    // what it has not been told yet
	// full says until when there is no room, as long as known stays as it is: while
	// strangers go on asking, nobody adds up a day's mail for each of them.
	full map[budgetKey]time.Time
}

// A budgetKey is who asks, and by the rates of which gate, told apart by where they are.
type budgetKey struct {
	rates *Rate
	own   bool
}

const (
	ownMail = iota
	strangerMail
)

// take counts one mail, unless the budget is used up.
func (b *budget) take(rates []Rate, own bool, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refusal(rates, own, now); err != nil {
		return err
	}
	b.add(kindOf(own), 1, now)
	return nil
}

// refuse is the error of take where the budget is used up, and counts nothing.
func (b *budget) refuse(rates []Rate, own bool, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refusal(rates, own, now)
}

func (b *budget) refusal(rates []Rate, own bool, now time.Time) error {
	if len(rates) == 0 {
		return nil
	}
	key := budgetKey{&rates[0], own}
	if until := b.full[key]; until.After(now) {
		return &LimitError{Limit: LimitSendTotal, Until: until}
	}
	var until time.Time
	for _, r := range rates {
		if free, ok := b.known.room(r, own, now); !ok {
			until = later(until, free)
		}
	}
	if until.IsZero() {
		return nil
	}
	if b.full == nil {
		b.full = make(map[budgetKey]time.Time)
	}
	b.full[key] = until
	return &LimitError{Limit: LimitSendTotal, Until: until}
}

// giveBack undoes a take.
func (b *budget) giveBack(own bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(kindOf(own), -1, now)
}

func kindOf(own bool) int {
	if own {
		return ownMail
	}
	return strangerMail
}

func (b *budget) add(kind, n int, now time.Time) {
	if b.known == nil {
		b.known = minutes{}
	}
	if b.owed == nil {
		b.owed = minutes{}
	}
	var one [2]int
	one[kind] = n
	b.full = nil
	b.known.count(now.Unix()/60, one)
	b.owed.count(now.Unix()/60, one)
}

// settleBudget tells the shared record what this machine mailed, and learns
// what the others did.
func (h *House) settleBudget(ctx context.Context) {
	h.budget.mu.Lock()
	owed := h.budget.owed
	h.budget.owed = nil
	h.budget.mu.Unlock()

	shared, err := h.shareBudget(ctx, owed)

	h.budget.mu.Lock()
	defer h.budget.mu.Unlock()
	if err != nil { // it is told next time
		h.budget.owed = h.budget.owed.plus(owed)
		return
	}
	h.budget.known, h.budget.full = shared.plus(h.budget.owed), nil
}

func (h *House) shareBudget(ctx context.Context, owed minutes) (minutes, error) {
	if len(owed) == 0 {
		return read[minutes](ctx, h.store, keyBudget)
	}
	var shared minutes
	err := change(ctx, h.store, keyBudget, func(m *minutes, now time.Time) error {
		*m = m.plus(owed)
		m.tidy(now)
		shared = *m
		return nil
	})
	return shared, err
}

// plus adds counts to counts.
func (m minutes) plus(more minutes) minutes {
	if m == nil {
		m = minutes{}
	}
	for minute, n := range more {
		m.count(minute, n)
	}
	return m
}
