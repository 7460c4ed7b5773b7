// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A journal writes what happened to people. Requests leave it there and go on; it is
// written a moment later, for each person at once. It is safe for concurrent use.
type journal struct {
	mu    sync.Mutex  // guards below
	queue []happening // oldest first
	lost  int         // dropped since the operator was told
	last  int64       // Unix milliseconds of the last one

	wake   chan struct{}
	gather time.Duration
}

const (
	// maxQueue bounds what waits to be written.
	maxQueue = 4096
	// gatherFor is how long happenings are gathered before they are written, where
	// nothing else is wanted. A page that is asked for a second later has them.
	gatherFor = 250 * time.Millisecond
	// journalRest is how long a store rests that did not take them.
	journalRest = time.Second
	// journalWriters is how many people's records are written at a time.
	journalWriters = 8
	// tellTime bounds how long a request waits for what has to be kept before it is
	// answered.
	tellTime = 2 * time.Second
)

var errTooMuch = errors.New("more happened than could be kept; events dropped")

func newJournal(gather time.Duration) *journal {
	return &journal{wake: make(chan struct{}, 1), gather: orDuration(gather, gatherFor)}
}

// stamp is the time of a happening, in Unix milliseconds. What happens in one
// request has one time; it is kept in order.
func (j *journal) stamp(now time.Time) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = max(now.UnixMilli(), j.last+1)
	if ahead := now.UnixMilli() + time.Second.Milliseconds(); j.last > ahead { // the clock was set back
		j.last = now.UnixMilli()
	}
	return j.last
}

// add leaves a happening to be written soon.
func (j *journal) add(list ...happening) {
	j.mu.Lock()
	j.queue = append(j.queue, list...)
	j.bound()
	j.mu.Unlock()
	j.rouse()
}

func (j *journal) rouse() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// bound drops what is too much: of what strangers did the oldest, so that a flood of
// them cannot wash away what people did themselves.
func (j *journal) bound() {
	for len(j.queue) > maxQueue {
		i := slices.IndexFunc(j.queue, func(h happening) bool { return h.stranger })
		i = max(i, 0)
		j.queue = slices.Delete(j.queue, i, i+1)
		j.lost++
	}
}

// take takes what waits of one person.
func (j *journal) take(who id) (list []happening) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queue = slices.DeleteFunc(j.queue, func(h happening) bool {
		if h.who == who {
			list = append(list, h)
			return true
		}
		return false
	})
	return list
}

// takeAll takes all that waits, person by person, and how many were lost.
func (j *journal) takeAll() (people [][]happening, lost int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := make(map[id]int)
	for _, h := range j.queue {
		i, known := at[h.who]
		if !known {
			i = len(people)
			at[h.who], people = i, append(people, nil)
		}
		people[i] = append(people[i], h)
	}
	lost, j.queue, j.lost = j.lost, nil, 0
	return people, lost
}

// keep writes a happening before it returns, with what waits of its person. Where
// the store does not take it, it waits with the others: nothing fails by it.
func (j *journal) keep(ctx context.Context, h *House, one happening) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	j.settle(ctx, h, one.who, one)
}

// settle writes what waits of one person, and more.
func (j *journal) settle(ctx context.Context, h *House, who id, more ...happening) {
	list := append(j.take(who), more...)
	if len(list) > 0 && h.writeActivity(ctx, who, list) != nil {
		j.add(list...)
	}
}

// run writes what waits until the house closes, and then the last of it.
func (j *journal) run(ctx context.Context, h *House) {
	for wait := j.gather; ; {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
			defer cancel()
			j.flush(last, h)
			return
		case <-j.wake:
		}
		pause(ctx, wait)
		wait = j.gather
		if ctx.Err() == nil && !j.flush(ctx, h) {
			wait = journalRest
			j.rouse()
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// flush writes all that waits, and reports whether the store took it.
func (j *journal) flush(ctx context.Context, h *House) bool {
	people, lost := j.takeAll()
	if lost > 0 {
		h.tell(ctx, Event{Name: ActivityLost, Err: fmt.Errorf("%w: %d", errTooMuch, lost)})
	}
	var missed sync.Mutex // guards back
	var back []happening
	write := func(list []happening) {
		if h.writeActivity(ctx, list[0].who, list) != nil {
			missed.Lock()
			defer missed.Unlock()
			back = append(back, list...)
		}
	}
	var workers sync.WaitGroup
	for n := range min(journalWriters, len(people)) {
		workers.Go(func() {
			for i := n; i < len(people); i += journalWriters {
				write(people[i])
			}
		})
	}
	workers.Wait()
	if len(back) == 0 {
		return true
	}
	j.giveBack(back)
	return false
}

// giveBack puts in front what the store did not take.
func (j *journal) giveBack(list []happening) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queue = append(list, j.queue...)
	slices.SortStableFunc(j.queue, func(a, b happening) int { return int(a.at - b.at) })
	j.bound()
}
