// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Whoever counts checks needs to know why each began, and that a mail which
// repeats a code is none.
func TestMailsAndEntriesSayWhyThereIsACheck(t *testing.T) {
	w := newWorld(t)
	b := settled(w, placedGate(w, nil), true)
	b.session = ""
	v := b.at(tokyo).open()
	b.flow = nil
	visit := b.visit()
	visit.Reason = v.Reason
	sent, err := b.gate.Begin(t.Context(), visit, nil, ana)
	if err != nil {
		t.Fatal(err)
	}
	b.flow = sent.Flow
	w.clock.advance(time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	if err := b.enter(b.lastCode(), false); err != nil {
		t.Fatal(err)
	}
	type said struct {
		Name   challenge.EventName
		Reason challenge.Reason
		Again  bool
	}
	var got []said
	w.diary.mu.Lock()
	defer w.diary.mu.Unlock()
	for _, e := range w.diary.events {
		if e.Name == challenge.CodeSent || e.Name == challenge.Verified {
			got = append(got, said{e.Name, e.Reason, e.Again})
		}
	}
	want := []said{{challenge.CodeSent, challenge.NewPlace, false}, {challenge.CodeSent, challenge.NewPlace, true}, {challenge.Verified, challenge.NewPlace, false}}
	if diff := cmp.Diff(want, got[max(0, len(got)-3):]); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
