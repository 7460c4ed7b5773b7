// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// A person is what is kept of somebody who has proved an address: the sessions
// that live, which is the list that decides, and the browsers that are
// remembered. It is written only after a proof and is bounded.
type person struct {
	Version  int              `json:"v"`
	Sessions []sessionEntry   `json:"sessions,omitempty"` // oldest first
	Devices  []devices.Record `json:"devices,omitempty"`  // least recently used first
	Codes    []int64          `json:"codes,omitempty"`    // Unix seconds of the last right codes
}

// personVersion is the format of the record.
const personVersion = 1

func (p *person) format() (is, known int) { return p.Version, personVersion }

// A sessionEntry says that a session lives. Times are Unix seconds.
type sessionEntry struct {
	ID     string `json:"id"`
	Device string `json:"device,omitempty"`
	Made   int64  `json:"made"`
	Ends   int64  `json:"ends"`
}

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
	p.Devices = slices.DeleteFunc(p.Devices, func(d devices.Record) bool { return d.Over(longestMemory, longestMemory, now) })
}

// add puts a session on the list and returns those that had to go.
func (p *person) add(s sessionEntry, most int) (gone []sessionEntry) {
	p.Sessions = append(p.Sessions, s)
	if extra := len(p.Sessions) - most; extra > 0 {
		gone = slices.Clone(p.Sessions[:extra])
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

// remember puts a browser on the list, in place of the one used longest ago.
func (p *person) remember(d devices.Record, most int) {
	p.forget(d.ID)
	p.Devices = append(p.Devices, d)
	if extra := len(p.Devices) - most; extra > 0 {
		p.Devices = slices.Delete(p.Devices, 0, extra)
	}
}

func (p *person) forget(device string) {
	p.Devices = slices.DeleteFunc(p.Devices, func(d devices.Record) bool { return d.ID == device })
}
