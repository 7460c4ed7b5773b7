// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// An entrant is a browser that only has to enter its code.
type entrant struct {
	right url.Values
	line  string
}

// BenchmarkCodesOnTwoMachines tells how many right codes two machines on one Redis
// take in a second, eight at a time, each of another address.
func BenchmarkCodesOnTwoMachines(b *testing.B) {
	server := redistest.Start(b)
	f := harness.NewFleet(b, oneDoor(onRedis, generous("")))
	both := f.Run(b, server.Addr, server.Addr)
	entrants := make([]entrant, b.N)
	for n := range entrants {
		visitor := from(b, both[n%2].Caddy, n%250)
		code := ask(b, both[0].Caddy, visitor, "/", fmt.Sprintf("person%d@example.com", n))
		entrants[n] = entrant{form(b, visitor, code), cookies(b, visitor)}
	}
	const workers = 8
	var all sync.WaitGroup
	b.ResetTimer()
	for w := range workers {
		all.Go(func() {
			for n := w; n < len(entrants); n += workers {
				e := entrants[n]
				page := with(b, both[n%2].Caddy, e.line).Do(b, http.MethodPost, "/.doorcode/verify", e.right, sameOrigin)
				if sessionsIn([]harness.Page{page}) != 1 {
					b.Errorf("a right code was answered %d", page.Status)
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "codes/s")
}

// BenchmarkSignInOnRedis tells what a whole sign-in asks of Redis: the page, the
// mail, the code and the first request, without the machine's own looks.
func BenchmarkSignInOnRedis(b *testing.B) {
	server := redistest.Start(b)
	meter := harness.NewMeter(b, server.Addr, "doorcode:ended")
	f := harness.NewFleet(b, oneDoor(onRedis, generous("")))
	m := f.Run(b, meter.Address)[0]
	signedIn(b, m.Caddy, ana)
	begin := meter.Read()
	harness.Eventually(b, "looks of the machine", func() bool { return meter.Read().Since(begin).Words >= 4 })
	idle := meter.Read().Since(begin)

	before := meter.Read()
	for n := 0; b.Loop(); n++ {
		from(b, m.Caddy, n%250).SignIn(b, m.Caddy, "/", fmt.Sprintf("person%d@example.com", n), true)
	}
	used := meter.Read().Since(before)
	each := func(all, ofLooks int) float64 {
		return (float64(all) - float64(ofLooks)*float64(used.Words)/float64(idle.Words)) / float64(b.N)
	}
	b.ReportMetric(each(used.Trips, idle.Trips), "trips/op")
	b.ReportMetric(each(used.Sent, idle.Sent), "sent-B/op")
	b.ReportMetric(each(used.Got, idle.Got), "got-B/op")
}
