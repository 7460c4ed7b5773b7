// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A job is one notice on its way. It is in the line, or a worker has it. Its course is
// set each time it leaves the line.
type job struct {
	notice challenge.Notice
	id     string
	queued time.Time
	until  time.Time // when it is no longer tried
	due    time.Time
	tries  int

	course    []lane
	desperate bool // every transport of the gate is to be left alone, and called all the same

	kept    time.Time // when the spool last took it; zero: it is not there
	unkept  bool      // that the spool did not take it was reported
	adopted bool      // from another process
}

// newJob is a notice that was taken at a time.
func newJob(id string, n challenge.Notice, queued time.Time) *job {
	j := &job{notice: n, id: id, queued: queued, until: queued.Add(noticeLife), due: queued}
	if n.Subject.HasCode() {
		j.until = n.Expires
	}
	return j
}

// noticeLife is how long a mail without a code is tried. It is worth reading
// late, but its place in the queue is one that a code may need.
const noticeLife = 4 * time.Hour

// late is why a job is no longer tried.
func (j *job) late() error {
	if j.notice.Subject.HasCode() {
		return errEnded
	}
	return errStale
}

// A line holds waiting jobs in the order of their coming. It is short, and
// looked through.
type line []*job

// first is the index of the job that is due before all others, among those that
// may go; -1 if there is none.
func (l line) first(mayGo func(*job) bool) int {
	found := -1
	for i, j := range l {
		if (found < 0 || j.due.Before(l[found].due)) && mayGo(j) {
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
