// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// maxNames bounds how many remembered browsers, and sessions of their people, are
// kept in memory; others wait for the store.
const maxNames = 250_000

// maxStranded bounds how many cookies are, while the store is away; others cost
// their opening again.
const maxStranded = 20_000

// acquaintances are the people whose remembered browsers this process has seen in
// the store. While the store does not answer, gates may go by them, see
// [AllowKnownBrowsers].
type acquaintances struct {
	wanted   atomic.Bool // by some gate; nothing is kept before
	people   *otter.Cache[id, *acquaintance]
	stranded *otter.Cache[string, *stranding] // by cookie
	// beats grow with each end that concerns somebody whose id begins so, and
	// flushes with each loss of all: what was read before may be out of date.
	beats   [256]atomic.Uint64
	flushes atomic.Uint64
}

// An acquaintance is what was seen of a person.
type acquaintance struct {
	places   risk.Profile
	browsers []*familiar
	sessions []string // on the list then; when one ends, all this is out of date
}

// A familiar is a remembered browser as its record said, not ended.
type familiar struct {
	devices.Record
	renewed atomic.Bool          // it has a later session and secret than were seen
	checked atomic.Uint64        // the count of the ends, plus 1, at which it was last found alive
	live    atomic.Pointer[Live] // by which it is admitted while the store is away
	told    atomic.Bool          // the operator knows of that
}

func newAcquaintances() *acquaintances {
	return &acquaintances{
		people: otter.Must(&otter.Options[id, *acquaintance]{
			MaximumWeight: maxNames,
			Weigher:       func(_ id, a *acquaintance) uint32 { return uint32(len(a.browsers) + len(a.sessions)) },
		}),
		stranded: otter.Must(&otter.Options[string, *stranding]{MaximumSize: maxStranded}),
	}
}

func (a *acquaintances) close() {
	a.people.StopAllGoroutines()
	a.stranded.StopAllGoroutines()
}

// A glance is a look at somebody's record that is under way.
type glance struct {
	at     *acquaintances // nil where nothing is kept
	person id
	beat   uint64
}

// glance is to be called before the record is asked for.
func (h *House) glance(e Email) glance { return h.glanceAt(h.personID(e)) }

func (h *House) glanceAt(person id) glance {
	if !h.known.wanted.Load() {
		return glance{}
	}
	return glance{h.known, person, h.known.beat(person)}
}

func (a *acquaintances) beat(person id) uint64 {
	return a.beats[person[0]].Load() + a.flushes.Load()
}

// saw remembers what the record said, or was made to say. Where something ended
// meanwhile, that may be out of date, and nothing is known.
func (g glance) saw(p *person) {
	if g.at == nil {
		return
	}
	if g.at.stranded.EstimatedSize() > 0 { // the store is back
		g.at.stranded.InvalidateAll()
	}
	seen := &acquaintance{places: p.Places}
	for i := range p.Devices {
		if d := &p.Devices[i]; !d.Ended && !p.Settings.Always {
			seen.browsers = append(seen.browsers, &familiar{Record: *d})
		}
	}
	for _, s := range p.Sessions {
		seen.sessions = append(seen.sessions, s.ID)
	}
	if len(seen.browsers) > 0 {
		g.at.people.Set(g.person, seen)
	}
	if len(seen.browsers) == 0 || g.at.beat(g.person) != g.beat {
		g.at.people.Invalidate(g.person)
	}
}

// end forgets whom ends concern. What ends a session may also have ended browsers
// or taken back what they taught, so that its person is to be seen anew. One that
// the next session of its browser has replaced did nothing to the others.
func (a *acquaintances) end(list ...end) {
	if !a.wanted.Load() {
		return
	}
	for _, e := range list {
		switch {
		case e.Unlocked != (id{}): // no end
		case e.Person == (id{}): // a version before told of it, and not whose it is
			a.forgetAll()
		default:
			a.beats[e.Person[0]].Add(1)
			if known, ok := a.people.GetIfPresent(e.Person); ok && known.outdated(e) {
				a.people.Invalidate(e.Person)
			}
		}
	}
}

// outdated takes in an end, and reports whether it came after all that was seen.
// Earlier ones, which are told of again and again, change nothing.
func (a *acquaintance) outdated(e end) bool {
	last := strings.TrimPrefix(e.Session, renewedBefore)
	lost := e.Next == "" && slices.Contains(a.sessions, e.Session) || strings.HasPrefix(e.Session, unlearnedOf)
	for _, f := range a.browsers {
		switch {
		case e.Key != "" && e.Session == boundOf+f.ID:
			lost = true // that it has to prove a key was not seen
		case e.Next != "" && f.Session == last:
			f.renewed.Store(true)
		case e.Next == "" && (f.Session == last || f.ID == e.Browser):
			lost = true
		}
	}
	return lost
}

// forgetAll is for when some end is unknown here.
func (a *acquaintances) forgetAll() {
	a.flushes.Add(1)
	a.people.InvalidateAll()
}

// browser finds what is known of a person's browser.
func (a *acquaintances) browser(person id, name string) (*acquaintance, *familiar) {
	known, ok := a.people.GetIfPresent(person)
	if !ok {
		return nil, nil
	}
	for _, f := range known.browsers {
		if f.ID == name {
			return known, f
		}
	}
	return nil, nil
}

// still reports whether a stranding goes by what is known.
func (a *acquaintances) still(p *stranding) bool {
	known, ok := a.people.GetIfPresent(p.person)
	return ok && known == p.known
}

// What machines tell each other as the end of a session that none is called by.
const (
	renewedBefore = "renewed "   // and the session, over by then, after which a browser was given the next one
	unlearnedOf   = "unlearned " // and the entry of which everything was taken back
)

// toldFor is how long machines are told of that.
const toldFor = time.Minute

// renewed tells other machines that a browser has a new secret, where no end of a
// session tells them: they must not go by the secret that they have seen.
func (a *acquaintances) renewed(before, browser string, now time.Time) []sessionEntry {
	if before == "" {
		return nil
	}
	return a.tell(sessionEntry{ID: renewedBefore + before, Device: browser}, now)
}

// unlearned tells other machines that places of a person are usual no longer.
func (a *acquaintances) unlearned(entry id, now time.Time) []sessionEntry {
	return a.tell(sessionEntry{ID: unlearnedOf + entry.String()}, now)
}

func (a *acquaintances) tell(e sessionEntry, now time.Time) []sessionEntry {
	if !a.wanted.Load() {
		return nil
	}
	e.Ends = now.Add(toldFor).Unix()
	return []sessionEntry{e}
}
