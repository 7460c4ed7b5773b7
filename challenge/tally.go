// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"slices"
	"time"
)

// A Rate allows N events in any window of length Per.
type Rate struct {
	N   int
	Per time.Duration
}

const (
	// maxRate bounds what one record holds of one kind of event.
	maxRate = 1000
	// horizon is how long an event is kept, whatever the limits that it was
	// counted under: gates with other limits may share the record, and the
	// shortest window of them must not forget for the longest.
	horizon = 30 * day
)

// A tally keeps the times of recent events in Unix seconds, oldest first: at
// most maxRate of them, none older than the horizon.
type tally []int64

// room reports whether one more event fits into every window, and if not, from
// when on it does.
func (t tally) room(rates []Rate, now time.Time) (free time.Time, ok bool) {
	for _, r := range rates {
		if len(t) < r.N {
			continue
		}
		// The window has room once the N-th newest event has left it.
		leaves := time.Unix(t[len(t)-r.N], 0).Add(r.Per)
		if leaves.After(now) && leaves.After(free) {
			free = leaves
		}
	}
	return free, free.IsZero()
}

// add counts an event and forgets those that no window can see any more. Its
// time is rounded up, so that no window is cut short by a part of a second, and
// never before the last one's, should the clock have been set back.
func (t *tally) add(now time.Time) {
	at := now.Add(time.Second - 1).Unix()
	if n := len(*t); n > 0 {
		at = max(at, (*t)[n-1])
	}
	*t = append(*t, at)
	*t = slices.DeleteFunc(*t, func(at int64) bool { return !time.Unix(at, 0).Add(horizon).After(now) })
	if extra := len(*t) - maxRate; extra > 0 {
		*t = slices.Delete(*t, 0, extra)
	}
}

// drop forgets the events up to a time.
func (t *tally) drop(until time.Time) {
	i, _ := slices.BinarySearch(*t, until.Unix()+1)
	if *t = (*t)[i:]; len(*t) == 0 {
		*t = nil
	}
}

// takeBack forgets the newest event.
func (t *tally) takeBack() {
	if n := len(*t); n > 0 {
		*t = (*t)[:n-1]
	}
}

// since counts the events after a time.
func (t tally) since(from time.Time) int {
	i, _ := slices.BinarySearch(t, from.Unix()+1)
	return len(t) - i
}
