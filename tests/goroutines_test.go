// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// DOS-03: strangers cannot have the server keep goroutines for them, not even where it
// waits for a mail server that takes every connection and never says a word: what waits
// is a record in a queue that has an end, and few carry it.
func TestDOS03StrangersLeaveNoGoroutines(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	mute := "mail smtp " + silent.Addr().String() + " {\nfrom door@example.com\ntls off\n}"
	c := harness.Start(t, strings.Replace(site(generous("")), "mail file MAIL", mute, 1))
	flood := func(n int) {
		var all sync.WaitGroup
		for part := range 8 {
			all.Go(func() {
				for k := range n / 8 {
					b := from(quiet{t}, c, part)
					b.Open(quiet{t}, "/")
					b.Submit(quiet{t}, "email", url.Values{"email": {fmt.Sprintf("p%d-%d@example.com", part, k)}})
					b.Do(quiet{t}, http.MethodPost, "/.doorcode/verify", url.Values{"code": {"123456"}}, sameOrigin)
				}
			})
		}
		all.Wait()
	}
	flood(40)
	carried, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = carried.Close() })
	before := ourGoroutines()
	flood(400)
	harness.Eventually(t, fmt.Sprintf("goroutines to end: %d before", before), func() bool { return ourGoroutines() <= before })
	c.App.Untouched(t, 0)
}
