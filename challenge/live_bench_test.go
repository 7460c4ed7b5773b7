// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// BenchmarkAdmitAmong tells what a session costs among more and more that are used in
// turn, where the cache has room for all. What one costs beyond the room is
// BenchmarkAdmit/session=uncached.
func BenchmarkAdmitAmong(b *testing.B) {
	for _, sessions := range []int{1, 1_000, 1_000_000} {
		b.Run("sessions="+strconv.Itoa(sessions), func(b *testing.B) {
			w := newWorld(b)
			w.diary.shut = true
			g := everything(w)
			v := w.linked(g).at(lisbon).signIn(ana, false).visit()
			w.house.CacheSessions(2 * sessions)
			cookies := challenge.KeepSessions(g, v, v.Session, sessions)
			admit := func(n int) {
				v.Session = cookies[n*7919%sessions] // a prime, so that neighbours in memory are not met in turn
				if g.Admit(b.Context(), v).Decision != challenge.Pass {
					b.Fatal("not admitted")
				}
			}
			for n := range sessions {
				admit(n)
			}
			runtime.GC() // of what was made to begin with
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; b.Loop(); n++ {
				admit(n)
			}
		})
	}
}
