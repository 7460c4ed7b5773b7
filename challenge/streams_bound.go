// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"strings"
	"time"
)

// What a browser opened when it had proved its key goes on without another proof: nobody
// asks its owner's browser for one there, which would lose it every ten minutes. A copy
// may have opened some too, while the pass that was copied counted; they are cut as soon
// as it is noticed.

// needKey has a stream end with the minute in which its browser has to make a key.
func (s *stream) needKey(l *Live) {
	s.live, s.keyBy = nil, time.Time{}
	if s.gate.policy.Session.DeviceBound == BoundRequired && !l.token && !l.stranded && l.held.Load() == nil {
		s.live, s.keyBy = l, l.Issued.Add(keyWithin)
	}
}

// keyless reports whether the browser of a stream has made no key in time. What is not
// known any more counts as none.
func (s *stream) keyless(now time.Time) bool {
	if s.live == nil || now.Before(s.keyBy) {
		return false
	}
	s.gate.house.holds.news(s.live)
	if s.live.held.Load() == nil {
		return true
	}
	s.live = nil
	return false
}

// partedOf begins the name of what tells other machines that a browser may have been
// copied, in the list of what has ended.
const partedOf = "parted "

// part cuts what a browser has open, named as by [teacherOf], here at once and on other
// machines when they next read. What it opens after that stays.
func (h *House) part(ctx context.Context, name string) {
	e := end{Session: partedOf + name, Expires: h.now().Unix()} // nobody is told of it again
	h.streams.part(e)
	if h.shared {
		_ = h.announce(ctx, e)
	}
}

// part cuts what those browsers have open that ends name as copied.
func (r *streams) part(list ...end) {
	parted := make(map[string]bool)
	for _, e := range list {
		if name, ok := strings.CutPrefix(e.Session, partedOf); ok {
			parted[name] = true
		}
	}
	if len(parted) > 0 {
		r.end(func(s *stream) bool { return parted[teacherOf(s.browser, s.session)] })
	}
}
