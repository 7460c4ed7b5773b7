// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const otherMailbox = "bob@example.org"

// A kit is what a person has to get in with, beside their mailbox.
type kit struct {
	codes []string // backup codes, as they are printed
	key   string   // of the authenticator app
}

// app is what the authenticator app shows (RFC 6238).
func (k kit) app(t testing.TB, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(k.key, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// code is the newest one that was mailed to an address, or to a second one.
func (w *world) code(toSecond bool) string {
	w.t.Helper()
	for _, n := range slices.Backward(w.mailbox.all()) {
		if code := n.Code.Reveal(); code != "" && n.Second == toSecond {
			return code
		}
	}
	w.t.Fatal("no code was mailed")
	return ""
}

// mails counts those with a code.
func (w *world) mails() (n int) {
	for _, notice := range w.mailbox.all() {
		if notice.Code.Reveal() != "" {
			n++
		}
	}
	return n
}

// A caller speaks for a person who is in, to the gate itself.
type caller struct {
	w         *world
	visit     challenge.Visit
	admission *challenge.Admission
}

func (b *browser) calls() *caller {
	b.w.t.Helper()
	r := b.request(http.MethodGet, "/x", nil, clicked)
	visit, ok := b.w.door.Visit(r, b.w.arrival(r))
	if !ok {
		b.w.t.Fatal("the door does not stand there")
	}
	verdict := b.w.gate.Admit(context.Background(), &visit)
	if verdict.Admission == nil {
		b.w.t.Fatal("the browser is not in")
	}
	visit.Confirm = verdict.Admission.Live
	return &caller{b.w, visit, verdict.Admission}
}

// permit enters the code for a change.
func (c *caller) permit(change challenge.Change) *challenge.Flow {
	c.w.t.Helper()
	c.w.clock.advance(31 * time.Second)
	c.visit.Now, c.visit.Change = c.w.clock.now(), &change
	sent, err := c.w.gate.Begin(context.Background(), &c.visit, nil, challenge.Email(c.admission.Live.Email))
	if err != nil {
		c.w.t.Fatal(err)
	}
	return c.enters(sent.Flow)
}

func (c *caller) enters(f *challenge.Flow) *challenge.Flow {
	c.w.t.Helper()
	entry, err := c.w.gate.Verify(context.Background(), &c.visit, f, challenge.Try{Typed: c.w.mailbox.last(c.w.t).Code.Reveal()})
	if err != nil || entry.Flow == nil {
		c.w.t.Fatalf("no permit: %v", err)
	}
	return entry.Flow
}

// equip gives an address every way in, and goes away.
func (w *world) equip(address string) (k kit) {
	w.t.Helper()
	ctx, c := context.Background(), w.browser().signIn("/x", address).calls()
	codes, _, err := w.gate.MakeBackupCodes(ctx, &c.visit, c.admission, c.permit(challenge.Change{Kind: challenge.MakeBackupCodes}))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, code := range codes {
		k.codes = append(k.codes, code.Reveal())
	}
	f := c.permit(challenge.Change{Kind: challenge.AddApp})
	offer, err := w.gate.OfferApp(&c.visit, c.admission)
	if err != nil {
		w.t.Fatal(err)
	}
	k.key = offer.Key.Reveal()
	if _, err := w.gate.AddApp(ctx, &c.visit, c.admission, f, offer.Sealed, k.app(w.t, w.clock.now())); err != nil {
		w.t.Fatal(err)
	}
	f = c.permit(challenge.Change{Kind: challenge.SetSecond, Detail: otherMailbox})
	sent, err := w.gate.BeginSecond(ctx, &c.visit, c.admission, f)
	if err != nil {
		w.t.Fatal(err)
	}
	c.visit.Change = sent.Flow.Change
	if _, err := w.gate.SetSecond(ctx, &c.visit, c.admission, c.enters(sent.Flow)); err != nil {
		w.t.Fatal(err)
	}
	w.clock.advance(time.Hour)
	return k
}

// choose presses a button that leads to another way.
func (b *browser) choose(way string) answer {
	b.w.t.Helper()
	return b.submit("/way", "way", way)
}
