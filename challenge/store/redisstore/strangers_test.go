// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// strangersOf is how many challenges are opened in each of some rounds.
// DOORCODE_STRANGERS in the environment asks for another number of all.
func strangersOf(t *testing.T, rounds int) int {
	t.Helper()
	const variable = "DOORCODE_STRANGERS"
	text := os.Getenv(variable)
	if text == "" {
		return 50_000 / rounds
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < rounds {
		t.Fatalf("%s = %q, want at least %d", variable, text, rounds)
	}
	return n / rounds
}

// F-20: strangers open challenges without end. Each record is written with its end, so
// that the server lets go of it as fast as the next ones come, while what lives stays.
// With DOORCODE_STRANGERS=1000000 they are as many.
func TestF20StrangersDoNotFillTheServer(t *testing.T) {
	const (
		rounds   = 10
		visitors = 200
		lives    = time.Second
		allowed  = 128 << 20 // bytes; a million that stay would take four times as many
	)
	server := redistest.Start(t)
	s := open(t, redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine, PoolSize: 32})
	client, n, value := server.Client(), strangersOf(t, rounds), strings.Repeat("x", 400)
	put(t, s, "person/ana", "kept", 0)
	empty, most := usedBy(t, server, client), 0
	for round := range rounds {
		parallel(visitors, func(visitor int) {
			for i := visitor; i < n; i += visitors {
				put(t, s, "door/"+strconv.FormatUint(uint64(round*n+i)*0x9e3779b97f4a7c15, 16), value, lives)
			}
		})
		most = max(most, usedBy(t, server, client)-empty)
	}
	redistest.Await(t, "what strangers left to expire", func() bool { return client.DBSize(t.Context()).Val() == 1 })
	left := usedBy(t, server, client) - empty
	t.Logf("%d strangers; %d KiB at most, and %d KiB once all is over", rounds*n, most>>10, left>>10)
	if most > allowed || left > allowed/8 {
		t.Errorf("%d bytes were in use, and %d once all had expired, want at most %d and %d", most, left, allowed, allowed/8)
	}
	if got, err := s.Get(t.Context(), "person/ana"); err != nil || string(got) != "kept" {
		t.Errorf("what lives is %q, %v", got, err)
	}
}

// usedBy is how much memory a server uses.
func usedBy(t *testing.T, server *redistest.Server, client *redis.Client) int {
	t.Helper()
	used, err := strconv.Atoi(server.Info(client, "used_memory"))
	if err != nil {
		t.Fatal(err)
	}
	return used
}
