// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keyMoved begins the names of the records that say what of a person was copied.
const keyMoved = "moved/"

// maxPast is more than the records of both stores list.
const maxPast = 512

// A past names what a person's record has had whenever it was copied, from here or
// to here. What it has had and has no more was ended or forgotten, and another
// store which still has it must not bring it back. The list of ends cannot tell
// that: it is short, and a store may have been copied months ago.
type past struct {
	Version int      `json:"v"`
	Names   []string `json:"n"` // oldest first
	Keep    int64    `json:"keep"`
}

const pastVersion = 1

func (p *past) format() (is, known int) { return p.Version, pastVersion }

func (p *past) lives(now time.Time) time.Duration { return time.Unix(p.Keep, 0).Sub(now) }

// add reports whether there was anything that the past did not know. What it is
// given goes last, so that what there is still is remembered longest.
func (p *past) add(keep time.Time, list ...string) (added bool) {
	known, given := setOf(p.Names), setOf(list)
	for name := range given {
		added = added || !known[name]
	}
	if added {
		older := slices.DeleteFunc(p.Names, func(name string) bool { return given[name] })
		p.Names = newest(append(older, slices.Sorted(maps.Keys(given))...), maxPast)
	}
	p.Version, p.Keep = pastVersion, max(p.Keep, keep.Unix())
	return added
}

func setOf(list []string) names {
	set := make(names, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// pasts are those of a person at both stores.
type pasts struct{ ours, theirs past }

func pastKey(person string) string { return keyMoved + strings.TrimPrefix(person, keyPerson) }

func (m *mover) pastsOf(ctx context.Context, key string) (p pasts, err error) {
	if p.ours, err = read[past](ctx, m.to, pastKey(key)); err != nil {
		return p, err
	}
	p.theirs, err = read[past](ctx, m.from, pastKey(key))
	return p, err
}

// lost says of what either record has whether the other has had it, and has it no
// more.
func (p *pasts) lost(ours, theirs []string) func(name string) bool {
	here, there := setOf(ours), setOf(theirs)
	gone := names{}
	for _, name := range p.ours.Names {
		gone[name] = !here[name]
	}
	for _, name := range p.theirs.Names {
		gone[name] = gone[name] || !there[name]
	}
	return func(name string) bool { return gone[name] }
}

// names are those of all that must not come back once it is gone. The beginnings of
// random names tell what one person has apart.
func (p *person) names() (all []string) {
	for _, s := range p.Sessions {
		all = append(all, sessionName(s.ID))
	}
	for _, d := range p.Devices {
		all = append(all, browserName(d.ID))
	}
	for _, e := range p.Entries {
		all = append(all, entryName(e.ID))
	}
	return append(all, p.Places.Names()...)
}

func sessionName(session string) string { return "s" + session[:min(8, len(session))] }

func browserName(browser string) string { return "b" + browser[:min(8, len(browser))] }

func entryName(entry id) string { return "e" + entry.String()[:8] }

// names are those of all ways in, and of changes, that must not come back once they
// are gone. What has no name of its own is told by when it was made.
func (b *belongings) names() (all []string) {
	made := func(kind string, at int64) { all = append(all, kind+strconv.FormatInt(at, 36)) }
	if b.Backup != nil {
		made("r", b.Backup.Made)
	}
	if b.App != nil {
		made("a", b.App.Made)
	}
	if b.Second != nil {
		made("m", b.Second.Made)
	}
	for i := range b.Tokens {
		all = append(all, "t"+b.Tokens[i].ID.String()[:8])
	}
	for i := range b.Passkeys {
		all = append(all, "k"+b.Passkeys[i].ID.String()[:8])
	}
	for i := range b.Changes {
		all = append(all, "c"+b.Changes[i].ID.String()[:8])
	}
	return all
}

// lose drops what is named.
func (b *belongings) lose(lost func(name string) bool) {
	gone := func(kind string, at int64) bool { return lost(kind + strconv.FormatInt(at, 36)) }
	if b.Backup != nil && gone("r", b.Backup.Made) {
		b.Backup = nil
	}
	if b.App != nil && gone("a", b.App.Made) {
		b.App = nil
	}
	if b.Second != nil && gone("m", b.Second.Made) {
		b.Second = nil
	}
	b.Tokens = slices.DeleteFunc(b.Tokens, func(t accessToken) bool { return lost("t" + t.ID.String()[:8]) })
	b.Passkeys = slices.DeleteFunc(b.Passkeys, func(k passkey) bool { return lost("k" + k.ID.String()[:8]) })
	b.Changes = slices.DeleteFunc(b.Changes, func(c changed) bool { return lost("c" + c.ID.String()[:8]) })
}

// A kept record says until when it is.
type keeping interface {
	names() []string
	lives(now time.Time) time.Duration
}

// note remembers at both stores what they have in common now.
func (m *mover) note(ctx context.Context, key string, theirs keeping, p pasts, result keeping) error {
	var keep time.Time
	err := change(ctx, m.to, pastKey(key), func(ours *past, now time.Time) error {
		keep = now.Add(max(theirs.lives(now), result.lives(now)))
		if !ours.add(keep, slices.Concat(p.theirs.Names, theirs.names(), result.names())...) {
			return errUnchanged
		}
		return nil
	})
	if kept(err) != nil {
		return err
	}
	err = change(ctx, m.from, pastKey(key), func(their *past, _ time.Time) error {
		if !their.add(keep, theirs.names()...) {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return kept(err)
}
