// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// FuzzMove puts text where each kind of record is, at either store. Either nothing
// is written, or all is copied and a browser that was never let in is not.
func FuzzMove(f *testing.F) {
	w := newWorld(f)
	b := w.browser(roomyGate(w)).signIn(ana, true)
	_ = b.enter(wrong(b.mailed(bob), 0), false)
	stranger := *b
	b.signOut(true)
	other := w.apart()
	w.moveTo(other)
	records := dump(f, w.rest())
	other.rest()
	for _, value := range records {
		f.Add(value, true)
	}
	f.Add(`{"v":1,"n":["","s"],"keep":9223372036854775807}`, false)
	f.Add(`{"sessions":[{"id":""},{"id":""}],"devices":[{"id":"","gen":-1}],"entries":[{"id":"AAAAAAAAAAAAAAAAAAAAAA"}],"codes":[5,1]}`, true)
	f.Add(`{"own":{"tries":[3,1,2]},"starts":[{"at":-1},{"at":9223372036854775807}],"keep":9223372036854775807}`, false)
	f.Add(`{"-9223372036854775808":[-1,1],"9223372036854775807":[1,1]}`, true)
	f.Add(`null`, false)
	f.Fuzz(func(t *testing.T, value string, atSource bool) {
		for key := range records {
			if key == "keys" {
				continue
			}
			from, to := memstore.New(memstore.Options{Now: w.clock.now}), memstore.New(memstore.Options{Now: w.clock.now})
			spoiled := maps.Clone(records)
			spoiled[key] = value
			for name, raw := range records {
				ours, theirs := raw, spoiled[name]
				if !atSource {
					ours, theirs = theirs, ours
				}
				keep(t, to, name, ours)
				keep(t, from, name, theirs)
			}
			before := dump(t, &world{store: to})
			_, err := challenge.Move(context.Background(), from, to, w.ring)
			if err != nil && (strings.Contains(err.Error(), "panic") || !maps.Equal(before, dump(t, &world{store: to}))) {
				t.Errorf("Move with %q as %s = %v, and has written", value, key, err)
			}
			there := newWorldOn(t, w.clock, to)
			in := stranger
			in.w, in.gate = there, roomyGate(there)
			if err == nil && in.open().Decision == challenge.Pass {
				t.Errorf("%q as %s lets somebody in who has left", value, key)
			}
			there.rest()
		}
	})
}

// keep writes a record; nothing removes it.
func keep(t testing.TB, s challenge.Store, key, raw string) {
	t.Helper()
	err := s.Update(context.Background(), key, func([]byte, time.Time) ([]byte, time.Duration, error) {
		if raw == "" {
			return nil, 0, nil
		}
		return []byte(raw), day, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
