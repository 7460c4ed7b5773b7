// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A person is what is kept of somebody who has proved an address: the sessions
// that live, which is the list that decides, and the browsers that are
// remembered. It is written only after a proof and is bounded.
type person struct {
	Version  int              `json:"v"`
	Sessions []sessionEntry   `json:"sessions,omitempty"` // oldest first
	Devices  []devices.Record `json:"devices,omitempty"`  // least recently used first
	Codes    []int64          `json:"codes,omitempty"`    // Unix seconds of the last right codes
	Last     int64            `json:"last,omitempty"`     // Unix seconds of the last right code
	Places   risk.Profile     `json:"places,omitzero"`    // where the person signs in
	Door     id               `json:"door,omitzero"`      // the other record of the address
	Entries  []entered        `json:"entries,omitempty"`  // by code, oldest first
	Told     []told           `json:"told,omitempty"`     // of which kinds of entries, lately
	First    int64            `json:"first,omitempty"`    // Unix seconds of the first right code; 0 where a version before made the record
	Mailed   int64            `json:"mailed,omitempty"`   // Unix seconds of the last right code that was mailed to the address
	Settings PersonSettings   `json:"settings,omitzero"`
	Guard    guard            `json:"guard,omitzero"`
	Epoch    int64            `json:"epoch,omitempty"`   // in which the record was written last, see endRing
	Who      string           `json:"who,omitempty"`     // the address, sealed, see nameOn; a version before kept none
	Evicted  int64            `json:"evicted,omitempty"` // the last eviction of everybody that the record has obeyed
	// Out is that eviction where it has ended something of which the person was not told
	// yet. Never stored.
	Out int64 `json:"-"`
}

// personVersion is the format of the record.
const personVersion = 1

func (p *person) format() (is, known int) { return p.Version, personVersion }

// settle ends all that lets anybody in without a code, where the record comes from
// a copy of the store that was put back: any of it may have been ended since the
// copy was made.
func (p *person) settle(now life) {
	p.obeyEviction(now.evicted)
	if p.Epoch >= now.epoch {
		return
	}
	p.Epoch, p.Sessions = now.epoch, nil
	for i := range p.Devices {
		p.Devices[i].Ended = true
	}
}

// A sessionEntry says that a session lives. Times are Unix seconds. Of one that
// has ended, Device names the browser if that has ended with it.
type sessionEntry struct {
	ID     string `json:"id"`
	Device string `json:"device,omitempty"`
	Made   int64  `json:"made"`
	Ends   int64  `json:"ends"`
	// Next is the session that takes the place of one that ends. Never stored.
	Next string `json:"-"`
	// Elsewhere: its person ends it from another browser. Operator: an operator ends it.
	// Never stored.
	Elsewhere, Operator bool `json:"-"`
	// Seen says where it began, of a browser that is not remembered: sealed, see
	// sealAsked.
	Seen string `json:"seen,omitempty"`
	// Bound is the key of a browser that is not remembered.
	Bound devices.Binding `json:"bound,omitzero"`
}

// An entered is an entry by code, or a session that one confirmed, kept so that
// the person can say that it was not theirs.
type entered struct {
	ID      id     `json:"id"`
	Code    id     `json:"c,omitzero"` // mark of the link in the code's mail
	Notice  id     `json:"o,omitzero"` // the entry whose mail tells of this one too: itself, or an earlier one like it
	Session string `json:"s"`
	Browser string `json:"b"`           // which taught where the person is, see teacherOf
	Before  string `json:"f,omitempty"` // what the browser was called before, where it was known
	Network id     `json:"n"`
	At      int64  `json:"t"`           // Unix seconds
	Asked   string `json:"a"`           // sealed, see sealAsked
	Named   bool   `json:"p,omitempty"` // by an earlier step, as whoever knows a password
	Key     id     `json:"k,omitzero"`  // the passkey that made it
	App     bool   `json:"w,omitempty"` // the authenticator app made it
}

// A told says that the person was told of an entry from a browser and place.
type told struct {
	Key   id    `json:"k"`
	Entry id    `json:"e"`
	At    int64 `json:"t"` // Unix seconds
}

const (
	maxEntries  = 12
	maxTold     = 8
	entriesKept = 7 * day // in which an entry can be reported
	toldEvery   = day
	placesKept  = 360 * day // after the last code; then the record goes, and the places with it
)

// lives keeps the record while anything in it can still be used.
func (p *person) lives(now time.Time) time.Duration {
	var until time.Time
	for _, s := range p.Sessions {
		until = later(until, time.Unix(s.Ends, 0))
	}
	for _, d := range p.Devices {
		until = later(until, time.Unix(d.Used, 0).Add(longestMemory))
	}
	for _, at := range p.Codes {
		until = later(until, time.Unix(at, 0).Add(oftenWithin))
	}
	if p.Last != 0 {
		until = later(until, time.Unix(p.Last, 0).Add(placesKept))
	}
	if p.guarded(now) {
		until = later(until, time.Unix(p.Guard.Until, 0))
	}
	return until.Sub(now)
}

// longestMemory is as long as any gate remembers a browser. Each gate applies
// its own time; a short one must not forget the browsers of another.
const longestMemory = 400 * day

// tidy drops what is over for every gate.
func (p *person) tidy(now time.Time) {
	p.Version = personVersion
	p.drop(func(s sessionEntry) bool { return s.Ends <= now.Unix() })
	p.Codes = p.recentCodes(now)
	p.Entries = slices.DeleteFunc(p.Entries, func(e entered) bool { return now.Unix()-e.At >= int64(entriesKept/time.Second) })
	p.Told = slices.DeleteFunc(p.Told, func(t told) bool { return now.Unix()-t.At >= int64(toldEvery/time.Second) })
	p.Devices = slices.DeleteFunc(p.Devices, func(d devices.Record) bool { return d.Over(longestMemory, longestMemory, now) })
}

// add puts a session on the list and returns those that had to go.
func (p *person) add(s sessionEntry, most int) (gone []sessionEntry) {
	p.Sessions = append(p.Sessions, s)
	if extra := len(p.Sessions) - most; extra > 0 {
		gone = slices.Clone(p.Sessions[:extra])
		for i := range gone {
			gone[i].Device = "" // the browser is remembered still
		}
		p.Sessions = slices.Delete(p.Sessions, 0, extra)
	}
	return gone
}

// drop takes sessions off the list and returns them.
func (p *person) drop(which func(sessionEntry) bool) (gone []sessionEntry) {
	p.Sessions = slices.DeleteFunc(p.Sessions, func(s sessionEntry) bool {
		if which(s) {
			gone = append(gone, s)
			return true
		}
		return false
	})
	return gone
}

// dropOf takes the sessions of a browser off the list.
func (p *person) dropOf(device string) (gone []sessionEntry) {
	return p.drop(func(s sessionEntry) bool { return s.Device == device })
}

// endBrowser ends a remembered browser: its sessions, the last of which may be
// over but for its streams, and the way in without a code.
func (p *person) endBrowser(device string, now time.Time) (gone []sessionEntry) {
	gone = p.dropOf(device)
	d := p.device(device)
	if d == nil {
		return gone
	}
	d.Ended = true
	if d.Session != "" && !slices.ContainsFunc(gone, func(s sessionEntry) bool { return s.ID == d.Session }) {
		gone = append(gone, sessionEntry{ID: d.Session, Device: device, Ends: now.Add(day).Unix()})
	}
	return gone
}

// session finds a session that lives.
func (p *person) session(session string, now time.Time) (sessionEntry, bool) {
	for _, s := range p.Sessions {
		if s.ID == session && s.Ends > now.Unix() {
			return s, true
		}
	}
	return sessionEntry{}, false
}

// device finds a remembered browser.
func (p *person) device(device string) *devices.Record {
	for i := range p.Devices {
		if p.Devices[i].ID == device {
			return &p.Devices[i]
		}
	}
	return nil
}

// remember puts a browser on the list, in place of the one used longest ago,
// whose sessions end with it.
func (p *person) remember(d devices.Record, most int, now time.Time) (gone []sessionEntry) {
	p.forget(d.ID)
	p.Devices = append(p.Devices, d)
	for len(p.Devices) > most {
		oldest := p.Devices[0].ID
		gone = append(gone, p.endBrowser(oldest, now)...)
		p.forget(oldest)
	}
	return gone
}

func (p *person) forget(device string) {
	p.Devices = slices.DeleteFunc(p.Devices, func(d devices.Record) bool { return d.ID == device })
}
