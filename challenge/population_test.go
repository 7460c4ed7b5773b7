// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// RL-08: whoever guesses a little at each of very many addresses, each time from
// another network, is below every limit but that of all mail: each code that can be
// guessed at is one mail, and five tries. With the limits that hold unless others are
// set that is 500 tries in an hour and 1000 in a day, whatever the addresses.
func TestRL08GuessingAtManyAddressesIsBoundedByAllMail(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{})
	tries := func() (n int) {
		for address := range 700 {
			thief := w.browser(g)
			if _, err := thief.ask(someone(address)); err != nil {
				continue
			}
			code := thief.lastCode()
			for k := range 6 {
				err := thief.enter(wrong(code, k), false)
				if errors.Is(err, challenge.ErrWrongCode) || errors.Is(err, challenge.ErrCodeCancelled) && k < 5 {
					n++
				}
			}
		}
		return n
	}
	if got := tries(); got != 500 {
		t.Errorf("%d tries in an hour, want the 500 of 100 mails", got)
	}
	if !w.diary.has(challenge.Limited) {
		t.Error("the operator is not told that the limit of all mail was met")
	}
	w.clock.advance(2 * time.Hour)
	if got := tries(); got != 500 {
		t.Errorf("%d tries two hours later, want the 500 of 100 mails", got)
	}
	w.clock.advance(2 * time.Hour)
	if got := tries(); got != 0 {
		t.Errorf("%d tries later that day, want none", got)
	}
	known := w.browser(g)
	known.earlier = basic("ana", ana)
	known.mailed(ana)
}

// RL-11: what a limit refuses is refused before anything is made or mailed, decoys
// included, and costs the store at most the record that says so.
func TestRL11WhatALimitRefusesCostsNoMailAndNoCode(t *testing.T) {
	once := []challenge.Rate{{N: 1, Per: time.Hour}}
	for _, tt := range []struct {
		name  string
		limit func(l *challenge.Limits)
		again func(b *browser) error
		calls []string
	}{
		{
			"mails to an address", func(l *challenge.Limits) { l.SendAddress = once },
			func(b *browser) error { _, err := b.ask(ana); return err },
			[]string{"update net", "update door", "update net"},
		},
		{
			"mails that a network asks for", func(l *challenge.Limits) { l.SendIP = once },
			func(b *browser) error { _, err := b.ask(bob); return err },
			[]string{"update net"},
		},
		{
			"all mail", func(l *challenge.Limits) { l.SendTotal = once },
			func(b *browser) error { _, err := b.ask(bob); return err },
			nil,
		},
		{
			"a lock", func(l *challenge.Limits) { l.TryAddress = once },
			func(b *browser) error { _, err := b.ask(ana); return err },
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			store := newProbe(c)
			w := newWorldOn(t, c, store)
			b := w.browser(w.gate(challenge.GateOptions{Policy: only(tt.limit)}))
			_ = b.enter(wrong(b.mailed(ana), 0), false)
			mails := len(w.mailbox.all())
			store.take()
			if err := tt.again(b); limitOf(err) == "" {
				t.Fatalf("error = %v, want a limit", err)
			}
			if got := store.take(); !slices.Equal(got, tt.calls) {
				t.Errorf("the store was asked %q, want %q", got, tt.calls)
			}
			if got := len(w.mailbox.all()); got != mails {
				t.Errorf("%d mails or decoys were queued for what was refused", got-mails)
			}
		})
	}
}
