// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import (
	"math"
	"time"
)

const (
	day      = 24 * time.Hour
	halfLife = 90.0 // days
	// heaviest caps a weight: what was used every day for years is forgotten
	// seven half-lives after the last time, as what was used for a month.
	heaviest = 8.0
	// lightest is the weight below which something is forgotten: after four
	// half-lives for what was used once.
	lightest = 1.0 / 16
	// lastSecond and lastDay keep the digits of stored times within their bound.
	lastSecond = 9_999_999_999
	lastDay    = 99_999
)

// A Trace says how well an area or a network is known, and from whom.
type Trace struct {
	Weight float64 `json:"w"`           // verified entries, halved every 90 days, at most 8; as of Day
	Day    int64   `json:"d"`           // of the last use, in days since 1970
	First  int64   `json:"t,omitempty"` // when it was learned, in Unix seconds
	// By is the beginning of the name of the browser that taught it, empty once
	// another one has confirmed it: what a thief alone taught can be forgotten.
	By string `json:"b,omitempty"`
}

func newTrace(by string, now time.Time) Trace {
	return Trace{Weight: 1, Day: dayOf(now), First: second(now), By: short(by)}
}

// weight is what is left at a time. Not a number is nothing.
func (t *Trace) weight(now time.Time) float64 {
	if !(t.Weight > 0) {
		return 0
	}
	days := float64(max(dayOf(now)-t.Day, 0))
	return min(t.Weight, heaviest) * math.Exp2(-days/halfLife)
}

func (t *Trace) lives(now time.Time) bool { return t.weight(now) >= lightest }

// strengthen counts one more entry. A browser without a name confirms nothing:
// it could be the one that taught.
func (t *Trace) strengthen(by string, now time.Time) {
	t.Weight = rounded(min(t.weight(now)+1, heaviest))
	t.Day = dayOf(now)
	if by = short(by); by != "" && by != t.By {
		t.By = ""
	}
}

// refresh keeps it from fading, and adds nothing.
func (t *Trace) refresh(now time.Time) { t.Day = max(t.Day, dayOf(now)) }

func (t *Trace) taught(by string, since time.Time) bool {
	return t.By == by && t.First >= second(since)
}

func (t *Trace) tidy(now time.Time) {
	t.Weight = rounded(min(t.Weight, heaviest))
	t.Day = min(max(t.Day, 0), dayOf(now))
	t.First = min(max(t.First, 0), second(now))
	t.By = short(t.By)
}

// rounded keeps a weight short where it is stored.
func rounded(weight float64) float64 { return math.Round(weight*100) / 100 }

func second(t time.Time) int64 { return min(max(t.Unix(), 1), lastSecond) }

func dayOf(t time.Time) int64 { return min(second(t)/int64(day/time.Second), lastDay) }
