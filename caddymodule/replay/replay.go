// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package replay judges decisions that the audit log recorded once more, under another
// policy: who would have been asked for a code, and who no longer.
//
// It reads a log as a stream, and keeps only what it tells of each person.
package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// Options say what is replayed. The zero value judges nothing.
type Options struct {
	// Gates are those of the configuration.
	Gates []*Gate
	// Site narrows it to the decisions of one host. Default: all.
	Site string
	// Since and Until bound the time of the decisions; Until itself is none of it.
	// Default: no bound.
	Since, Until time.Time
	// Each is called for each decision about somebody, as it is read. Nil: nothing is.
	Each func(Decision)
}

// A Decision is one that was judged again.
type Decision struct {
	At      time.Time   `json:"at"`
	Site    string      `json:"site"`
	Account string      `json:"account"`
	Address string      `json:"address,omitempty"` // masked
	Before  Outcome     `json:"before"`
	Reason  risk.Reason `json:"reason,omitempty"` // why a code was asked for, or keyless where that was refused
	// Now is empty, and Why says why, where nobody can know.
	Now       Outcome     `json:"now,omitempty"`
	NowReason risk.Reason `json:"now_reason,omitempty"`
	Why       string      `json:"not_judged,omitempty"`
}

// A Replay takes in logs and tells what would have been. It is for one goroutine.
type Replay struct {
	options  Options
	known    map[string]*knowledge // by the name of the gate
	verified map[string]entry      // by session
	pending  map[pendingKey]bool   // checks whose code has not been entered yet
	held     []record              // the last ones, see hold
	tally    *tally
}

// An entry is what "verified" told of a code, or of a passkey, before the decision that
// follows it.
type entry struct {
	reason risk.Reason
	change bool
}

// A pendingKey is whom a code was asked of: a session is enough, and without one the
// account at the gate.
type pendingKey struct{ gate, account, session string }

const (
	// maxLine bounds the lines that are read, in bytes. Ours are under 4 KB.
	maxLine = 1 << 20
	// mostHeld is how many decisions may be written between two about one request.
	mostHeld = 64
	// mostWaiting bounds what is kept of entries and checks that nothing follows. Who
	// is asked and leaves is no account.
	mostWaiting = 20_000
)

// New makes a Replay.
func New(o Options) *Replay {
	for _, g := range o.Gates {
		g.prepare()
	}
	return &Replay{
		options: o, known: map[string]*knowledge{}, verified: map[string]entry{}, pending: map[pendingKey]bool{}, tally: newTally(),
	}
}

// Read takes in a log of JSON lines, compressed by gzip or not. name is what it is
// called where a line of it is wrong. Lines that are wrong, or of something else, are
// counted and are no error.
func (x *Replay) Read(name string, from io.Reader) error {
	in := bufio.NewReaderSize(from, 64<<10)
	if magic, err := in.Peek(2); err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		defer unpacked.Close() //nolint:errcheck // only read from
		in = bufio.NewReaderSize(unpacked, 64<<10)
	}
	defer func() { x.settle(len(x.held)) }()
	for n := 1; ; n++ {
		text, err := readLine(in)
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errTooLong) {
			return fmt.Errorf("reading %s, line %d: %w", name, n, err)
		}
		x.tally.report.Lines++
		if errors.Is(err, errTooLong) {
			x.tally.breaks(name, n, err)
			continue
		}
		if err := x.take(text); err != nil {
			x.tally.breaks(name, n, err)
		}
	}
}

var errTooLong = errors.New("longer than 1 MiB")

// readLine reads a line without its end. Of one that is too long nothing is kept.
func readLine(in *bufio.Reader) (text []byte, err error) {
	long := false
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(text)+len(part) > maxLine; long {
			text = nil
		} else {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case long && (err == nil || errors.Is(err, io.EOF)):
			return nil, errTooLong
		default:
			return bytes.TrimSpace(text), ended(err, text)
		}
	}
}

// ended keeps the end of a file from hiding an empty last line that stands in it.
func ended(err error, text []byte) error {
	if errors.Is(err, io.EOF) && len(text) > 0 {
		return nil
	}
	return err
}

// take takes in one line.
func (x *Replay) take(text []byte) error {
	l, err := parseLine(text)
	switch {
	case errors.Is(err, errNoObject):
		x.tally.report.Other++
		return nil
	case err != nil:
		return err
	}
	switch l.Event {
	case eventLoaded:
		x.load(&l)
	case eventRenewed:
		x.renewed(l.Session)
	case eventVerified:
		if len(x.verified) >= mostWaiting {
			clear(x.verified)
		}
		x.verified[l.Session] = entry{l.Reason, l.Change != ""}
	case eventDecided:
		return x.decided(&l)
	}
	x.tally.report.Other++
	return nil
}

// load notes the policy of a gate. Under another one, what was learned of the gate holds
// no longer.
func (x *Replay) load(l *line) {
	x.settle(len(x.held))
	if k := x.known[l.Gate]; k == nil || k.digest != l.Policy {
		x.known[l.Gate] = &knowledge{digest: l.Policy}
	}
}

// decided takes in a decision.
func (x *Replay) decided(l *line) error {
	if l.Account == "" {
		at, err := parseTime(l.At)
		if err == nil && x.wanted(l.Gate, at) {
			x.tally.report.Nobody++
		}
		return err
	}
	r, err := l.record()
	if err != nil {
		return err
	}
	if entered[r.factor] { // now: by the time that it is judged, the session may have another
		r.entry = x.verified[r.session]
		delete(x.verified, r.session)
	}
	if !x.wanted(r.gate, r.at) {
		return nil
	}
	x.hold(r)
	return nil
}

// hold keeps a decision until it is sure that it is the last about its request. Those
// before it tell only what was observed on the way.
func (x *Replay) hold(r record) {
	same := func(h record) bool { return h.request != "" && h.request == r.request && h.gate == r.gate }
	if i := slices.IndexFunc(x.held, same); i >= 0 {
		r.renewed = r.renewed || x.held[i].renewed
		if r.entry == (entry{}) {
			r.entry = x.held[i].entry
		}
		x.held = slices.Delete(x.held, i, i+1)
		x.tally.report.Covered++
	}
	if x.held = append(x.held, r); len(x.held) > mostHeld {
		x.settle(1)
	}
}

// renewed notes that a browser made the session of a decision that came just before.
func (x *Replay) renewed(session string) {
	for i := range x.held {
		if r := &x.held[i]; session != "" && r.session == session {
			r.renewed = true
		}
	}
}

// settle judges the oldest decisions that are held.
func (x *Replay) settle(n int) {
	for i := range x.held[:n] {
		x.conclude(&x.held[i])
	}
	x.held = slices.Delete(x.held, 0, n)
}

// conclude judges a decision and counts it.
func (x *Replay) conclude(r *record) {
	if x.follows(r) {
		x.tally.report.Covered++
		return
	}
	d := Decision{At: r.at, Site: hostOf(originOf(r.gate)), Account: r.account, Address: r.masked, Before: r.before}
	switch {
	case r.before == Asked:
		d.Reason = r.asked()
	case r.before == Refused && r.reason == challenge.Keyless:
		d.Reason = r.reason
	}
	j := x.judge(r)
	d.Now, d.NowReason, d.Why = j.now, j.reason, j.why
	x.tally.add(d)
	if x.options.Each != nil {
		x.options.Each(d)
	}
}

// asked is why a code was asked for, where the log says so; else what speaks loudest.
func (r *record) asked() risk.Reason {
	if r.reason != "" {
		return r.reason
	}
	return (r.held &^ risk.SetOf(risk.Always)).First()
}

func (x *Replay) wanted(gate string, at time.Time) bool {
	return !at.Before(x.options.Since) && (x.options.Until.IsZero() || at.Before(x.options.Until)) &&
		(x.options.Site == "" || sameHost(hostOf(originOf(gate)), x.options.Site))
}

// follows reports whether a decision is the end of a check that has been taken in, or
// of one that no policy asks for: a code for a change of the account.
func (x *Replay) follows(r *record) bool {
	keys := []pendingKey{{r.gate, r.account, r.session}, {r.gate, r.account, ""}}
	switch {
	case r.before == Asked && !entered[r.factor]:
		if len(x.pending) >= mostWaiting {
			clear(x.pending)
		}
		x.pending[keys[0]] = true
	case entered[r.factor]:
		if r.reason == "" {
			r.reason = r.entry.reason
		}
		for _, key := range keys {
			if x.pending[key] {
				delete(x.pending, key)
				return true
			}
		}
		return r.entry.change
	}
	return false
}

// judge finds the gate for a decision, and judges it there.
func (x *Replay) judge(r *record) judgement {
	k := x.known[r.gate]
	if k == nil {
		k = new(knowledge)
		x.known[r.gate] = k
	}
	k.learn(r)
	g, why := x.gateFor(r.gate)
	if g == nil {
		return unjudged(why)
	}
	t := trial{record: r, gate: g, same: g.ID == r.gate && k.digest != "" && k.digest == g.Digest, knew: *k}
	return t.judge()
}

// gateFor finds the gate that now stands where another, or the same, made a decision.
func (x *Replay) gateFor(id string) (*Gate, string) {
	var there []*Gate
	origin := originOf(id)
	for _, g := range x.options.Gates {
		if g.ID == id {
			return g, ""
		}
		if slices.Contains(g.Origins, origin) {
			there = append(there, g)
		}
	}
	switch {
	case len(there) == 0:
		return nil, whyNoGate
	case len(there) > 1:
		return nil, whyWhichGate
	case there[0].Narrow:
		return nil, whyMatcher
	}
	return there[0], ""
}
