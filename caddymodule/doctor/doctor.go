// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package doctor looks at a configuration, and at the machine and the network that
// it meets, and says what is wrong and how to mend it.
//
// It knows nothing of Caddy: whoever calls it hands over [Facts], and gets a
// [Report]. Nothing is changed anywhere, but for a record of its own that is
// written to a store that other machines share, and removed again.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Level says how bad a finding is.
type Level string

// The levels. Skip is what could not be looked at: it is never taken for OK.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "FAIL"
	Skip Level = "skip"
)

// A Check is one of the questions that are asked.
type Check struct {
	ID    string // never changes; scripts go by it
	Title string

	look func(context.Context, *Facts, *notes)
	bare bool // it says something even where the configuration does not load
}

// A Finding is what a check says of one site, transport or the like.
type Finding struct {
	Check   string `json:"check"` // Check.ID
	Level   Level  `json:"level"`
	Subject string `json:"subject,omitempty"` // what it is about; empty: everything
	Text    string `json:"text"`
	// Fix is what to do about it, with Warn and Fail always; with Skip it is what
	// to give so that the check can be made.
	Fix string `json:"fix,omitempty"`
}

// How long things may take.
const (
	stepTime  = 5 * time.Second  // one question to another machine
	checkTime = 20 * time.Second // one check
)

// checks are all checks, in the order in which they are reported.
var checks = []Check{
	{ID: "config", Title: "the configuration loads", look: config, bare: true},
	{ID: "reach", Title: "the door answers, and stands before the app", look: reach, bare: true},
	{ID: "bypass", Title: "there is no way to the app but through the door", look: bypass},
	{ID: "https", Title: "the site has HTTPS and a good certificate", look: certificates, bare: true},
	{ID: "clock", Title: "the clock is right", look: clock, bare: true},
	{ID: "single_sign_on", Title: "shared sessions go to no host of somebody else", look: singleSignOn},
	{ID: "passkeys", Title: "people can have the passkeys that are wanted", look: passkeys},
	{ID: "bound", Title: "browsers have the keys that are wanted", look: bound},
	{ID: "proxies", Title: "visitors are told apart behind a proxy", look: proxies},
	{ID: "mail", Title: "the mail transports take mail", look: mail},
	{ID: "sender", Title: "the sender's domain lets mail arrive", look: sender},
	{ID: "storage", Title: "the storage keeps what it is given", look: storage},
	{ID: "places", Title: "the databases of places are good", look: places},
	{ID: "keys", Title: "the keys are there, and nobody else can read them", look: keys},
	{ID: "secrets", Title: "no secret stands in the configuration", look: secrets, bare: true},
	{ID: "admin", Title: "the admin endpoint is out of reach", look: admin, bare: true},
	{ID: "texts", Title: "texts and templates are complete", look: texts, bare: true},
	{ID: "accent", Title: "the accent can be read", look: accent},
	{ID: "people", Title: "the right people may pass", look: people},
	{ID: "machines", Title: "all machines are one door", look: machines},
	{ID: "files", Title: "there are enough file descriptors", look: descriptors, bare: true},
	{ID: "versions", Title: "the versions are sound", look: versions, bare: true},
}

// Checks are all checks, in the order in which they are reported.
func Checks() []Check { return slices.Clone(checks) }

// Examine makes all checks, side by side. It takes less than a minute, whatever
// does not answer.
func Examine(ctx context.Context, f Facts) Report {
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { found[i] = c.run(ctx, &f) })
	}
	all.Wait()
	return Report{Version: f.Versions.Doorcode, Config: f.Config, Findings: slices.Concat(found...)}
}

// What a check says that needs a configuration, where there is none.
const (
	unloaded  = "the configuration does not load"
	mendFirst = "mend what 'config' says first"
)

// run makes one check. One that does not end in time is left behind.
func (c Check) run(ctx context.Context, f *Facts) []Finding {
	if f.empty() && !c.bare {
		n := &notes{check: c.ID}
		n.skip("", unloaded, mendFirst)
		return n.list
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	done := make(chan []Finding, 1)
	go func() {
		n := &notes{check: c.ID}
		defer func() { done <- n.list }()
		defer n.broken()
		c.look(ctx, f, n)
	}()
	select {
	case list := <-done:
		return list
	case <-ctx.Done():
	}
	select { // a check that obeys gets a moment to say what it knows
	case list := <-done:
		return list
	case <-time.After(stepTime):
		n := &notes{check: c.ID}
		n.skip("", "not done within "+checkTime.String(), "look at the network of this machine, and run the doctor again")
		return n.list
	}
}

// notes gather what one check says.
type notes struct {
	check string
	list  []Finding
}

func (n *notes) add(level Level, subject, text, fix string) {
	n.list = append(n.list, Finding{n.check, level, tidy(subject), tidy(text), tidy(fix)})
}

func (n *notes) ok(subject, text string)        { n.add(OK, subject, text, "") }
func (n *notes) warn(subject, text, fix string) { n.add(Warn, subject, text, fix) }
func (n *notes) fail(subject, text, fix string) { n.add(Fail, subject, text, fix) }
func (n *notes) skip(subject, text, fix string) { n.add(Skip, subject, text, fix) }

// once leaves one of the findings that are the same.
func (n *notes) once() {
	seen := map[Finding]bool{}
	n.list = slices.DeleteFunc(n.list, func(f Finding) bool {
		before := seen[f]
		seen[f] = true
		return before
	})
}

// broken notes a panic: one check that is wrong must not take the others along.
func (n *notes) broken() {
	if fault := recover(); fault != nil {
		n.skip("", fmt.Sprintf("this check broke: %v", fault), "report it with your configuration, without its secrets")
	}
}

// sideBySide bounds how many questions of one check are on their way at once.
const sideBySide = 8

// each looks at many things side by side, and notes what it says of them in their
// order.
func each[T any](n *notes, things []T, look func(T, *notes)) {
	parts, places := make([]notes, len(things)), make(chan struct{}, sideBySide)
	var all sync.WaitGroup
	for i, thing := range things {
		parts[i].check = n.check
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			defer parts[i].broken()
			look(thing, &parts[i])
		})
	}
	all.Wait()
	for _, part := range parts {
		n.list = append(n.list, part.list...)
	}
}
