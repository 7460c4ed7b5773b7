// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"testing"
	"time"
)

// From the third code in a week on, the page asks whether the browser is theirs.
func TestAKnownPersonWhoIsOftenAskedIsAskedWhetherTheBrowserIsTheirs(t *testing.T) {
	const often = "You often enter codes here. Is this your own phone or computer?"
	w := newWorld(t)
	w.earlier(anaByPassword())
	enter := func(b *browser) {
		t.Helper()
		b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal()).wants(t, http.StatusOK, "app")
		w.clock.nanoseconds.Add(int64(24 * time.Hour))
	}
	for range 2 {
		b := w.browser()
		b.open("/x").wants(t, http.StatusUnauthorized, "Check your email", "!"+often)
		enter(b)
	}
	for range 2 {
		b := w.browser()
		b.open("/x").wants(t, http.StatusUnauthorized, "Check your email", often)
		b.open("/x").wants(t, http.StatusUnauthorized, often)
		enter(b)
	}
	w.clock.nanoseconds.Add(int64(7 * 24 * time.Hour))
	w.browser().open("/x").wants(t, http.StatusUnauthorized, "Check your email", "!"+often)
}
