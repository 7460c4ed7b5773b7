// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Demand is an app's word that it wants a fresh code before it answers. An app
// says so by a 401 with a Bearer challenge whose error is
// "insufficient_user_authentication" (RFC 9470 section 3), or with any final status
// by the field "Doorcode-Require: max_age=300". Where several demands stand in one
// answer, the strictest counts; what is malformed demands nothing.
type Demand struct {
	// MaxAge is how old the last code may be: at least a minute, since less could
	// never be kept. A challenge that gives none asks for 5 minutes. An age beyond
	// ten years, or one that is no number of seconds, makes no demand.
	MaxAge time.Duration
}

const (
	requireField = "doorcode-require"

	usualAge = 5 * time.Minute
	leastAge = time.Minute
	mostAge  = 10 * 365 * 24 * time.Hour
)

// Listen lets the app demand a fresh code from here on. Call it before the next
// handler runs, and only for a request that a session admitted: who has none cannot
// be asked anew. coded is when the session's last code was entered, zero if that
// does not count as fresh whatever its age; now is the time of the request.
//
// When the final header is about to be sent and holds a demand for a code younger
// than the session's, the Guard swallows the answer: status, header, body and
// trailers go nowhere, and the app learns nothing of it. See [Guard.Demand]. When
// the code is young enough the answer passes, so that an app which never stops
// demanding is answered to the person and not asked for ever.
//
// An answer that switches protocols, and a connection that was taken over, demand
// nothing: there is no answer to take back. Informational answers have gone out by then, whatever follows.
func (g *Guard) Listen(coded, now time.Time) {
	g.listening = g.r.Method != http.MethodConnect // a stream over HTTP/2 switches by a 200, RFC 8441
	g.coded, g.now = coded, now
	if g.before == nil {
		g.before = g.room[:0] // with the Guard itself, so that it costs no allocation
	}
	g.before = g.before[:0].snap(g.w.Header())
}

// Demand returns what the app demanded, if its answer was swallowed. Call it after
// the next handler has returned and before Done. An error of that handler is then
// void, and the caller answers the request at the writer below, whose header is as
// it was when Listen was called.
func (g *Guard) Demand() (Demand, bool) {
	if g.listening && !g.committed && !g.hijacked {
		g.commit(http.StatusOK) // the server would send just that
	}
	if !g.swallowed {
		return Demand{}, false
	}
	g.before.restore(g.w.Header()) // once more, for the sake of trailers
	return g.demand, true
}

// Unsent returns the gate's own Set-Cookie lines that a swallowed answer would have
// carried, for the answer that takes its place. Call it before Done.
func (g *Guard) Unsent() []string {
	if !g.swallowed {
		return nil
	}
	return slices.Clone(g.own)
}

// stale reports whether a demand asks for more than the session has.
func (g *Guard) stale(maxAge time.Duration) bool {
	return maxAge > 0 && (g.coded.IsZero() || g.now.Sub(g.coded) > maxAge)
}

func (g *Guard) swallow(maxAge time.Duration) {
	g.swallowed = true
	g.demand = Demand{MaxAge: maxAge}
	g.before.restore(g.w.Header())
}

// A snapshot remembers a header: a name, then its lines. It copies the lines too,
// since Caddy's header directives edit them in place.
type snapshot []remembered

type remembered struct {
	text  string
	lines int // that follow a name
}

// snap appends to s what h holds.
func (s snapshot) snap(h http.Header) snapshot {
	if usual := s.snapUsual(h); usual != nil {
		return usual
	}
	for name, lines := range h {
		if equalFold(name, requireField) {
			continue // it speaks to us, from whichever side it came
		}
		s = s.add(name, lines)
	}
	return s
}

// usualFields are all that the header of an answer mostly holds before an app has
// seen the request.
var usualFields = [...]string{"Server", "Alt-Svc"}

// snapUsual is snap for such a header, which costs a third of walking through it; nil
// for any other.
func (s snapshot) snapUsual(h http.Header) snapshot {
	if len(h) > len(usualFields) {
		return nil
	}
	left := len(h)
	for i := 0; i < len(usualFields) && left > 0; i++ {
		if lines, found := h[usualFields[i]]; found {
			s = s.add(usualFields[i], lines)
			left--
		}
	}
	if left > 0 {
		return nil
	}
	return s
}

func (s snapshot) add(name string, lines []string) snapshot {
	s = append(s, remembered{name, len(lines)})
	for _, line := range lines {
		s = append(s, remembered{text: line})
	}
	return s
}

// restore makes h what it was.
func (s snapshot) restore(h http.Header) {
	clear(h)
	for len(s) > 0 {
		name, end := s[0].text, 1+s[0].lines
		var lines []string // nil as it may have been, which keeps Date from being sent
		for _, line := range s[1:end] {
			lines = append(lines, line.text)
		}
		h[name] = lines
		s = s[end:]
	}
}

// stricter returns the shorter of two ages; zero is no age.
func stricter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// requiredAge returns the strictest age that Doorcode-Require lines ask for, or
// zero.
func requiredAge(lines []string) (age time.Duration) {
	for _, line := range lines {
		p := challenges{rest: line, open: true, ours: true, current: credentials{bearer: true, demands: true}}
		age = stricter(age, p.age())
	}
	return age
}

// challengedAge returns the strictest age that WWW-Authenticate lines ask for, or
// zero.
func challengedAge(lines []string) (age time.Duration) {
	for _, line := range lines {
		p := challenges{rest: line}
		age = stricter(age, p.age())
	}
	return age
}

// seconds reads a max_age. It is zero where the value is no sensible age.
func seconds(value string) time.Duration {
	if value == "" || strings.Trim(value, "0123456789") != "" {
		return 0
	}
	n := int64(0)
	for _, digit := range []byte(value) {
		if n = n*10 + int64(digit-'0'); n > int64(mostAge/time.Second) {
			return 0
		}
	}
	return max(time.Duration(n)*time.Second, leastAge)
}
