// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const interrupted = "There was an interruption on our side"

// A rewind is a store that comes back as it was some time ago.
type rewind struct {
	storage string
	store   string // what the machines are given for STORE
	freeze  func() // what is written from here on is lost
	back    func()
	now     *redistest.Server // that serves once it is back
}

// rewinds are the ways in which Redis loses what it has acknowledged.
var rewinds = map[string]func(t *testing.T) rewind{
	"a restart from an older snapshot": func(t *testing.T) rewind {
		server := redistest.Start(t)
		return rewind{
			storage: onRedis, store: server.Addr,
			freeze: func() { save(t, server) },
			back:   func() { server.Kill(); server.Restart() },
			now:    server,
		}
	},
	"a failover to a replica that was away": func(t *testing.T) rewind {
		master := redistest.Start(t)
		replica := redistest.Replica(t, master)
		sentinels := redistest.Sentinels(t, master, 3)
		return rewind{
			storage: "redis STORE {\n\t\t\tsentinel " + redistest.MasterName + "\n\t\t\tgrace 10m\n\t\t}",
			store:   "redis://" + strings.Join(redistest.Addrs(sentinels), " redis://"),
			freeze:  func() { save(t, replica); replica.Kill() },
			back:    func() { master.Kill(); replica.Restart() },
			now:     replica,
		}
	},
}

// save has a server write its snapshot.
func save(t *testing.T, server *redistest.Server) {
	t.Helper()
	if err := server.Client().Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// F-10, ruling 30: a store that comes back without what it had acknowledged lets
// nobody use a code twice, and revives nothing that was ended. People are told that
// it was us, and a new code works.
func TestF10AStoreThatWasRewoundRevivesNothing(t *testing.T) {
	t.Parallel()
	for name, prepare := range rewinds {
		t.Run(name, func(t *testing.T) {
			r := prepare(t)
			f := harness.NewFleet(t, oneDoor(r.storage, generous("try_address 6/1h")))
			both := f.Run(t, r.store, r.store)
			used, unused := both[0].Browser(t), from(t, both[0].Caddy, 1)
			code := ask(t, both[0].Caddy, used, "/", ana)
			right, line := form(t, used, code), cookies(t, used)
			other := ask(t, both[0].Caddy, unused, "/", ben)
			leaver := both[0].Browser(t)
			leaver.SignIn(t, both[0].Caddy, "/", "cara@example.com", true)
			left := with(t, both[0].Caddy, cookies(t, leaver))
			guesser := from(t, both[0].Caddy, 2)
			guessed := ask(t, both[0].Caddy, guesser, "/", "dan@example.com")
			stayer := signedIn(t, both[0].Caddy, "stays@example.com")

			r.freeze()
			wantStatus(t, "the code", enter(t, used, code), http.StatusOK)
			signOut(t, leaver)
			for n := range 5 {
				enter(t, guesser, notThis(guessed, n))
			}
			guesser = from(t, both[0].Caddy, 3)
			enter(t, guesser, notThis(ask(t, both[0].Caddy, guesser, "/", "dan@example.com"), 1))
			r.back()

			for _, m := range both {
				settled(t, m)
				again := with(t, m.Caddy, line)
				if page := again.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin); setCookies(page)["doorcode"] != nil {
					t.Errorf("%s: a spent code made a session", m.At)
				}
				wantStatus(t, m.At+": the session that ended", left.Move(m).Fetch(t, "/"), http.StatusUnauthorized)
				wantStatus(t, m.At+": a session that did not", stayer.Move(m).Fetch(t, "/"), http.StatusOK)
			}
			page := enter(t, unused.Move(both[1]), other)
			wantStatus(t, "a code from before", page, http.StatusUnauthorized)
			wantText(t, "a code from before", page, interrupted)
			unused.Submit(t, "resend", nil)
			fresh := both[0].Mailbox.WaitCode(t, ben, 2).Code(t)
			wantStatus(t, "a new code", enter(t, unused, fresh), http.StatusOK)
			newcomer := from(t, both[0].Caddy, 4)
			newcomer.Open(t, "/")
			wantWait(t, "an address that was locked since", newcomer.Submit(t, "email", url.Values{"email": {"dan@example.com"}}))

			late := f.Prepare(t, r.store)
			late.Run(t)
			wantStatus(t, "the session that ended, at a machine that starts later", left.Move(late).Fetch(t, "/"), http.StatusUnauthorized)

			// The ends are told of for a while only. Whoever comes after that goes by what
			// is kept of the person.
			for _, m := range f.Machines {
				m.Kill()
			}
			if n, err := r.now.Client().Del(t.Context(), "doorcode:ended").Result(); err != nil || n != 1 {
				t.Fatalf("%d records forgotten, %v", n, err)
			}
			late.Run(t)
			wantStatus(t, "the session that ended, once nobody tells of it", left.Fetch(t, "/"), http.StatusUnauthorized)
			wantStatus(t, "the one that did not", stayer.Move(late).Fetch(t, "/"), http.StatusOK)
		})
	}
}

// settled waits until a machine has noticed that its store was started anew, and has
// told it what it knows.
func settled(t *testing.T, m *harness.Machine) {
	t.Helper()
	redistest.Await(t, "a machine notices", func() bool { return len(m.Entries(t, "store_restarted")) > 0 })
	back(t, m)
}

// F-10 on a cluster: a part of the records moves to a replica. What was asked for
// there is void, what was asked for elsewhere works, and all can go on.
func TestF10AClusterLosesAMaster(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 3, true)
	store := "redis://" + strings.Join(redistest.Addrs(servers[:3]), " redis://")
	f := harness.NewFleet(t, oneDoor("redis STORE {\n\t\t\tcluster\n\t\t\ttimeout 300ms\n\t\t}", generous("")))
	both := f.Run(t, store, store)
	stayer := signedIn(t, both[0].Caddy, "stays@example.com")
	wantStatus(t, "a session", stayer.Move(both[1]).Fetch(t, "/"), http.StatusOK)
	people, codes := make([]*harness.Browser, 12), make([]string, 12)
	address := func(n int) string { return fmt.Sprintf("person%d@example.com", n) }
	for n := range people {
		people[n] = from(t, both[n%2].Caddy, n)
		codes[n] = ask(t, both[0].Caddy, people[n], "/", address(n))
	}
	servers[0].Kill()
	wantStatus(t, "a session meanwhile", stayer.Fetch(t, "/"), http.StatusOK)
	for _, m := range both {
		settled(t, m)
	}
	worked, lost := 0, 0
	for n, b := range people {
		page := enter(t, b.Move(both[(n+1)%2]), codes[n])
		switch {
		case page.Status == http.StatusOK:
			worked++
		case strings.Contains(page.Text(), interrupted):
			lost++
			b.Submit(t, "resend", nil)
			fresh := both[0].Mailbox.WaitCode(t, address(n), 2).Code(t)
			wantStatus(t, "a new code", enter(t, b, fresh), http.StatusOK)
		default:
			t.Errorf("%s: %d:\n%s", address(n), page.Status, page.Text())
		}
	}
	if worked == 0 || lost == 0 {
		t.Errorf("%d codes worked and %d were lost, so this shows nothing", worked, lost)
	}
}

// F-10: counters are what a Redis without a log may lose. A machine that knows of a
// lock keeps it.
func TestF10ALockOutlivesItsCounters(t *testing.T) {
	t.Parallel()
	_, first, second, server := pair(t, generous("try_address 4/1h"))
	for _, m := range []*harness.Machine{first, second} {
		guesser := from(t, m.Caddy, 1)
		if m == first {
			code := ask(t, first.Caddy, guesser, "/", ana)
			for n := range 4 {
				enter(t, guesser, notThis(code, n))
			}
			continue
		}
		guesser.Open(t, "/")
		wantWait(t, "at the second machine", guesser.Submit(t, "email", url.Values{"email": {ana}}))
	}
	server.Kill()
	server.Restart()
	settled(t, first)
	settled(t, second)
	for _, m := range []*harness.Machine{first, second} {
		b := from(t, m.Caddy, 2)
		b.Open(t, "/")
		wantWait(t, m.At+" afterwards", b.Submit(t, "email", url.Values{"email": {ana}}))
	}
}
