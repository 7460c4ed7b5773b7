// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// keptIn are the records in a server, but for the signs of life of machines. Each
// value begins with what a write draws anew, so that it shows every write.
func keptIn(t *testing.T, client *redis.Client) map[string]string {
	t.Helper()
	records := map[string]string{}
	all := client.Scan(t.Context(), 0, "doorcode:*", 100).Iterator()
	for all.Next(t.Context()) {
		if strings.HasPrefix(all.Val(), "doorcode:machine/") {
			continue
		}
		value, err := client.Get(t.Context(), all.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		records[all.Val()] = value
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

// strangersCall has people without cookies, and with made-up ones, look at pages.
func strangersCall(t *testing.T, m *harness.Machine) {
	t.Helper()
	for n := range 150 {
		b := from(t, m.Caddy, n)
		if n%3 == 0 {
			b = with(t, m.Caddy, "doorcode=made.up.cookie; doorcode-device=made-up; doorcode-flow=made-up")
		}
		wantStatus(t, "a page", b.Do(t, http.MethodGet, fmt.Sprint("/page/", n), nil, harness.Navigation), http.StatusUnauthorized)
		wantStatus(t, "a request", b.Fetch(t, fmt.Sprint("/api/", n)), http.StatusUnauthorized)
		b.Fetch(t, "/.doorcode/status")
		b.Fetch(t, "/.doorcode/jwks.json")
	}
}

// F-20, DOS-01: whatever strangers look at, nothing is written for them.
func TestF20ALookOfAStrangerWritesNothingToRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	meter := harness.NewMeter(t, server.Addr, "doorcode:ended")
	f := harness.NewFleet(t, oneDoor(onRedis, generous("")))
	m := f.Run(t, meter.Address)[0]
	signedIn(t, m.Caddy, ana)
	client := server.Client()
	looks := func(n int) {
		t.Helper()
		begun := meter.Read().Words
		harness.Eventually(t, "the machine to look at Redis", func() bool { return meter.Read().Words >= begun+n })
	}
	looks(3) // what the sign-in was about is written
	before := keptIn(t, client)
	strangersCall(t, m)
	looks(2)
	if after := keptIn(t, client); !maps.Equal(before, after) || len(before) < 3 {
		t.Errorf("the records were\n%q\nand are\n%q", before, after)
	}
	b := from(t, m.Caddy, 0)
	ask(t, m.Caddy, b, "/", ben)
	looks(2)
	if maps.Equal(before, keptIn(t, client)) {
		t.Error("a code that was asked for wrote nothing, so this shows nothing")
	}
}

// F-20, DOS-01: the same for the embedded store.
func TestF20ALookOfAStrangerWritesNothingToTheFile(t *testing.T) {
	t.Parallel()
	f := harness.NewFleet(t, oneDoor("embedded STORE", generous("")))
	file := t.TempDir() + "/doorcode.db"
	m := f.Run(t, file)[0]
	signedIn(t, m.Caddy, ana)
	records := func() map[string]string {
		m.Stop(t)
		defer m.Run(t)
		return recordsOf(t, file)
	}
	before := records()
	strangersCall(t, m)
	after := records()
	delete(before, "budget")
	delete(after, "budget")
	if !maps.Equal(before, after) || len(before) < 3 {
		t.Errorf("the records were\n%q\nand are\n%q", before, after)
	}
}

// recordsOf are the records in an embedded store that nobody uses.
func recordsOf(t *testing.T, file string) map[string]string {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	store, err := boltstore.Open(boltstore.Options{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // nothing was written
	keys, err := store.List(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	records := map[string]string{}
	for _, key := range keys {
		value, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		records[key] = string(value)
	}
	return records
}
