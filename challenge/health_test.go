// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// F-13: a full disk still takes small updates now and then. One of them must not hide
// from operators that sign-ins are refused.
func TestF13AnUpdateThatFitsDoesNotHideAFullDisk(t *testing.T) {
	w, s := newFailing(t)
	unlock := func(e challenge.Email, taken bool) {
		t.Helper()
		if _, err := w.house.Unlock(t.Context(), e); (err == nil) != taken {
			t.Fatalf("unlocking %s: %v", e, err)
		}
	}
	writes := func(when string, want bool) {
		t.Helper()
		if h := w.house.Health(); h.Writes != want || (h.Fault == nil) != want {
			t.Errorf("%s: Health = %+v, want Writes %t", when, h, want)
		}
	}
	unlock(ana, true)
	writes("at first", true)
	s.denyOnce("door/")
	unlock(ana, false)
	writes("after an update that was refused", false)
	unlock(bob, true)
	writes("after one that fitted", false)
	w.clock.advance(59 * time.Second)
	writes("within a minute", false)
	unlock(bob, true)
	w.clock.advance(time.Second)
	writes("after a minute", true)
}
