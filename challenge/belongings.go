// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

// Belongings are what a person has beside sessions and browsers: ways in, access
// tokens, and what they lately changed of those. They are a record of their own, so
// that a version that knows nothing of them cannot lose them.
type belongings struct {
	Version  int            `json:"v"`
	Backup   *backupSet     `json:"backup,omitempty"`
	App      *appSecret     `json:"app,omitempty"`
	Second   *secondAddress `json:"second,omitempty"`
	Tokens   []accessToken  `json:"tokens,omitempty"`   // oldest first
	Passkeys []passkey      `json:"passkeys,omitempty"` // oldest first
	Spent    []spentAsk     `json:"spent,omitempty"`    // challenges of passkeys
	Changes  []changed      `json:"changes,omitempty"`  // made lately, or waiting; oldest first
	Permits  []id           `json:"permits,omitempty"`  // used, the last ones
	Tests    tally          `json:"tests,omitempty"`    // of backup codes
	Epoch    int64          `json:"epoch,omitempty"`    // in which the record was written last, see endRing
}

// belongingsVersion is the format of the record.
const belongingsVersion = 1

const keyBelongings = "belongings/"

const (
	labelApp    keyring.Label = "authenticator"
	labelSecond keyring.Label = "second address"
)

func (b *belongings) format() (is, known int) { return b.Version, belongingsVersion }

// settle takes away what may have been used up or taken away since the copy was made
// that the record comes from. The person sees what there was, and makes it anew.
func (b *belongings) settle(now life) {
	if b.Epoch >= now.epoch {
		return
	}
	b.Epoch = now.epoch
	b.distrust()
}

// A backupSet are the backup codes of a person that are not used yet, as keyed
// hashes: a copy of the store without the root secret allows no guess to be checked.
type backupSet struct {
	Hashes    []id  `json:"h"`
	Of        int   `json:"n"`
	Made      int64 `json:"t"` // Unix seconds
	Suspended bool  `json:"s,omitempty"`
}

// An appSecret is the secret of an authenticator app.
type appSecret struct {
	Sealed    string `json:"x"`
	Made      int64  `json:"t"`           // Unix seconds
	Used      int64  `json:"u,omitempty"` // Unix seconds
	Step      int64  `json:"p"`           // the last that was used
	Suspended bool   `json:"s,omitempty"`
}

// A secondAddress was proved by a code. It is sealed like everything that says who
// somebody is.
type secondAddress struct {
	Sealed    string `json:"x"`
	Made      int64  `json:"t"` // Unix seconds
	Suspended bool   `json:"s,omitempty"`
}

const (
	forever     = 100 * 365 * day // what people rely on does not expire
	maxChanges  = 32              // details sealed, about 1 KB each at most
	maxPermits  = 64              // more than anybody can use while the first of them is good
	changesKept = 7 * day
)

// lives keeps the record for as long as there is a way in or a token in it.
func (b *belongings) lives(now time.Time) time.Duration {
	if b.Backup != nil || b.App != nil || b.Second != nil || len(b.Tokens)+len(b.Passkeys) > 0 || b.erases() {
		return forever
	}
	var until time.Time
	for _, c := range b.Changes {
		until = later(until, c.kept())
	}
	if len(b.Permits) > 0 || len(b.Tests) > 0 {
		until = later(until, now.Add(time.Hour))
	}
	return until.Sub(now)
}

// tidy makes the changes that are due, and drops what is over.
func (b *belongings) tidy(now time.Time) {
	b.Version = belongingsVersion
	for i := range b.Changes {
		if c := &b.Changes[i]; c.waits() && now.Unix() >= c.Due {
			b.apply(c)
		}
	}
	b.Changes = slices.DeleteFunc(b.Changes, func(c changed) bool { return !now.Before(c.kept()) && c.Kind != EraseData })
	b.Tests.drop(now.Add(-time.Hour))
	b.Spent = slices.DeleteFunc(b.Spent, func(s spentAsk) bool { return s.Until <= now.Unix() })
	b.Tokens = slices.DeleteFunc(b.Tokens, func(t accessToken) bool { return t.Ends <= now.Unix() })
}

// erases reports whether the person has asked to be forgotten.
func (b *belongings) erases() bool {
	return slices.ContainsFunc(b.Changes, func(c changed) bool { return c.Kind == EraseData })
}

// suspend marks as suspended whatever lets anybody in and was added since a time, or was
// used by somebody else, and forgets the changes since then that wait. It comes back by being made anew. gone are
// all tokens that are suspended: what ends them everywhere may have failed before.
func (b *belongings) suspend(since time.Time, by usedWays) (gone []sessionEntry) {
	from := since.Unix()
	if b.Backup != nil && b.Backup.Made >= from {
		b.Backup.Suspended = true
	}
	if b.App != nil && (b.App.Made >= from || by.app) {
		b.App.Suspended = true
	}
	if b.Second != nil && b.Second.Made >= from {
		b.Second.Suspended = true
	}
	for i := range b.Passkeys {
		if k := &b.Passkeys[i]; k.Made >= from || slices.Contains(by.keys, k.ID) {
			k.Suspended = true
		}
	}
	for i := range b.Tokens {
		if t := &b.Tokens[i]; t.Made >= from {
			t.Suspended = true
			gone = append(gone, t.entry())
		}
	}
	b.Changes = slices.DeleteFunc(b.Changes, func(c changed) bool { return c.waits() && c.At >= from })
	return gone
}

// distrust takes away what may have been used up or taken away since the copy was made
// that the record is from. The person sees that it was there, and makes it anew.
func (b *belongings) distrust() {
	b.Tokens, b.Changes = nil, nil
	if b.Backup != nil {
		b.Backup.Hashes = nil
	}
	if b.App != nil {
		b.App.Suspended = true
	}
	if b.Second != nil {
		b.Second.Suspended = true
	}
	for i := range b.Passkeys {
		b.Passkeys[i].Suspended = true
	}
}

func (h *House) belongingsKey(e Email) string { return keyBelongings + h.personID(e).String() }

// belongings reads what a person has.
func (h *House) belongings(ctx context.Context, e Email, now time.Time) (belongings, error) {
	b, err := read[belongings](ctx, h.store, h.belongingsKey(e))
	if err != nil {
		return belongings{}, unavailable(err)
	}
	b.tidy(now)
	return b, nil
}

func (h *House) sealApp(who Email, s ways.Seed) string {
	person := h.personID(who)
	return h.ring.SealString(labelApp, s.Bytes(), person[:])
}

func (h *House) openApp(who Email, sealed string) (ways.Seed, error) {
	person := h.personID(who)
	return seedOf(h.ring.OpenString(labelApp, sealed, person[:]))
}

// seedOf is the secret of an app that was sealed. err is that of opening it.
func seedOf(raw []byte, err error) (ways.Seed, error) {
	seed := ways.SeedOf(raw)
	if err == nil && seed.IsZero() {
		err = errors.New("not the secret of an app")
	}
	return seed, err
}

func (h *House) sealSecond(who, second Email) string {
	person := h.personID(who)
	return h.ring.SealString(labelSecond, []byte(second), person[:])
}

// openSecond reads a second address; empty where it cannot be read, or there is none.
func (h *House) openSecond(who Email, s *secondAddress) Email {
	if s == nil {
		return ""
	}
	person := h.personID(who)
	raw, err := h.ring.OpenString(labelSecond, s.Sealed, person[:])
	if err != nil {
		return ""
	}
	return Email(raw)
}
