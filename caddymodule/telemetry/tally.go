// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"slices"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// tally counts an event.
func tally(e *challenge.Event) {
	switch e.Name {
	case challenge.CodeSent, challenge.CodeWithheld, challenge.CodeFailed:
		if !e.Again {
			checked(e.Reason, checkAsked)
		}
	case challenge.CheckOpened:
		checked(e.Reason, checkOpened)
	case challenge.CheckEnded:
		if slices.Contains(endings, e.Result) {
			checked(e.Reason, string(e.Result))
		}
	case challenge.Verified:
		enteredBy(e)
	case challenge.PasskeyRefused:
		if e.Way == challenge.ByPasskey { // one that was to be added let nobody in
			passkeysTotal.WithLabelValues(passkeyRefused).Inc()
		}
	case challenge.Limited:
		if slices.Contains(limits, e.Limit) {
			limitedTotal.WithLabelValues(string(e.Limit)).Inc()
		}
	case challenge.Locked:
		lockoutsTotal.Inc()
	case challenge.Reported:
		reportsTotal.Inc()
	case challenge.StreamCut:
		streamsCutTotal.Inc()
	case challenge.Decided:
		for _, r := range e.Observed.Reasons() {
			checked(r, checkObserved)
		}
		if e.Decision == challenge.Pass && slices.Contains(otherReasons, e.Reason) {
			checked(e.Reason, checkObserved)
		}
		demanded(e)
		browsers.note(e.Device, time.Now())
	default:
		if result, ok := codeResults[e.Name]; ok {
			codesTotal.WithLabelValues(result).Inc()
		}
	}
}

var codeResults = map[challenge.EventName]string{
	challenge.WrongCode: codeWrong, challenge.OldCode: codeOld, challenge.RepeatedCode: codeRepeat,
	challenge.ExpiredCode: codeExpired, challenge.MalformedCode: codeMalformed,
}

// enteredBy counts an entry. What needs no mail says nothing about whether mails arrive,
// and is no end of a check that would hide that they do not.
func enteredBy(e *challenge.Event) {
	result := checkOther
	if e.Way == challenge.ByMail || e.Way == challenge.BySecond {
		result = checkPassed
	}
	checked(e.Reason, result)
	if e.Way == challenge.ByPasskey {
		passkeysTotal.WithLabelValues(passkeyRight).Inc()
		return
	}
	codesTotal.WithLabelValues(codeRight).Inc()
	if e.Waited > 0 {
		verifySeconds.Observe(e.Waited.Seconds())
	}
}

// demanded counts decisions that want what no code can give.
func demanded(e *challenge.Event) {
	switch {
	case e.Decision == challenge.Check && e.Reason == challenge.NeedsPasskey:
		checked(e.Reason, checkAsked)
	case e.Decision == challenge.Deny && e.Reason == challenge.Keyless:
		checked(e.Reason, checkRefused)
	}
}

// checked counts a result. A reason that was lost on the way, as with a form that was
// sent without its cookie, is that of every new visitor, and so is one that only a
// later version knows.
func checked(r challenge.Reason, result string) {
	if risk.SetOf(r) == 0 && !slices.Contains(otherReasons, r) {
		r = challenge.NewBrowser
	}
	checksTotal.WithLabelValues(string(r), result).Inc()
}

const (
	browserAge  = 24 * time.Hour
	maxBrowsers = 100_000
)

// browsers are the remembered browsers that were seen lately, by the keyed hashes that
// stand for them.
var browsers sightings

// sightings are when things were seen last.
type sightings struct {
	mu   sync.Mutex // guards below
	seen map[string]time.Time
}

func (s *sightings) note(name string, now time.Time) {
	if name == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.seen[name]; !known && len(s.seen) >= maxBrowsers {
		if s.forget(now); len(s.seen) >= maxBrowsers {
			return
		}
	}
	if s.seen == nil {
		s.seen = map[string]time.Time{}
	}
	s.seen[name] = now
}

// forget lets go of what is too long ago. The caller holds mu.
func (s *sightings) forget(now time.Time) {
	for name, at := range s.seen {
		if now.Sub(at) > browserAge {
			delete(s.seen, name)
		}
	}
}

func (s *sightings) count() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(time.Now())
	return float64(len(s.seen))
}
