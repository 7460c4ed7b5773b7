// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A job is one notice on its way. Routes and health are set each time it leaves
// the line.
type job struct {
	notice challenge.Notice
	id     string
	queued time.Time
	due    time.Time
	tries  int
	routes []Route
	health *health
}

// noticeLife is how long a mail without a code is tried. It is worth reading
// late, but its place in the queue is one that a code may need.
const noticeLife = 4 * time.Hour

// ends is when a job is no longer tried, and why.
func (j *job) ends() (time.Time, error) {
	if forms[j.notice.Subject].code {
		return j.notice.Expires, errEnded
	}
	return j.queued.Add(noticeLife), errStale
}

// A line holds waiting jobs in the order of their coming. It is short, and
// looked through.
type line []*job

// first is the index of the job that is due before all others, among those that
// may go; -1 if there is none.
func (l line) first(mayGo func(*job) bool) int {
	found := -1
	for i, j := range l {
		if mayGo(j) && (found < 0 || j.due.Before(l[found].due)) {
			found = i
		}
	}
	return found
}

const (
	firstWait   = 2 * time.Second
	longestWait = time.Minute
)

// wait is how long to wait after so many tries: twice as long each time, up to
// a minute, give or take a quarter, so that mails which failed together are not
// tried together.
func wait(tries int) time.Duration {
	w := longestWait
	if tries <= 5 {
		w = min(w, firstWait<<(tries-1))
	}
	return w*3/4 + upTo(w/2)
}

// upTo draws a duration below a limit. The module has no other source of
// randomness than this one, so that a code can never come from a weak one.
func upTo(limit time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return time.Duration(binary.LittleEndian.Uint64(b[:]) % uint64(limit))
}

// A health is what the last deliveries told of a gate's transport.
type health struct {
	down bool
	late bool          // it failed later than a probe looks
	took time.Duration // the latest real delivery
	busy int           // deliveries that go on
}

// learn takes one result in. What a server says of a mailbox proves that the
// transport works, and must not tell strangers that the mailbox exists.
func (h *health) learn(err error, decoy bool, took time.Duration) {
	switch {
	case err != nil && !aboutMailbox(err):
		h.down, h.late = true, isLate(err)
	case decoy:
		h.down = h.down && h.late
	default:
		h.down = false
	}
	if err == nil && !decoy {
		h.took = took
	}
}
