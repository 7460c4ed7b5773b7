// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"fmt"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// FillRing ends as many sessions of nobody as the record of ends remembers.
func FillRing(ctx context.Context, s Store) error {
	return change(ctx, newRecords(s), keyEnds, func(r *endRing, now time.Time) error {
		for range ringSize {
			r.append(end{Session: newID().String(), Expires: now.Add(day).Unix()})
		}
		return nil
	})
}

// DoorCounts are the numbers that an address's record holds back with.
func DoorCounts(raw string) (counts map[string]int, err error) {
	var d door
	err = decode([]byte(raw), &d)
	counts = map[string]int{"starts": len(d.Starts), "blocks": len(d.Blocks), "spent": len(d.Spent), "keep": int(d.Keep), "warned": int(d.Warned)}
	for _, of := range []crowd{strangers, office, owners} {
		b := d.bucket(of)
		for name, n := range map[string]int{"tries": len(b.Tries), "mails": len(b.Mails), "locks": b.Locks, "until": int(b.Until)} {
			counts[fmt.Sprintf("%s of %s", name, of)] = n
		}
	}
	return counts, err
}

// ListsOf counts what a person's record lists.
func ListsOf(raw string) (sessions, browsers int, err error) {
	var p person
	err = decode([]byte(raw), &p)
	return len(p.Sessions), len(p.Devices), err
}

// PutPerson writes a person with so many sessions and browsers, of which none has
// the name of one of another prefix.
func PutPerson(ctx context.Context, h *House, e Email, prefix string, many int, now time.Time) error {
	return change(ctx, h.store, h.personKey(e), func(p *person, _ time.Time) error {
		for i := range many {
			at := now.Add(-time.Duration(many-i) * time.Minute)
			p.Sessions = append(p.Sessions, sessionEntry{ID: fmt.Sprint(prefix, " session ", i), Made: at.Unix(), Ends: now.Add(day).Unix()})
		}
		for i := range min(many, maxDevices) {
			at := now.Add(-time.Duration(many-i) * time.Minute).Unix()
			p.Devices = append(p.Devices, devices.Record{ID: fmt.Sprint(prefix, " browser ", i), Generation: 1, Made: at, Used: at, Coded: at})
		}
		p.Last = now.Unix()
		return nil
	})
}
