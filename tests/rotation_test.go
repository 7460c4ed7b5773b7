// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// kidOf is the name of the key that signed a token.
func kidOf(t testing.TB, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	var claims struct{ Kid string }
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil || claims.Kid == "" {
		t.Fatalf("no key named in %q: %v", head, err)
	}
	return claims.Kid
}

// published are the names of the keys that a machine publishes.
func published(t testing.TB, m *harness.Machine) (kids []string) {
	t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(m.Browser(t).Fetch(t, "/.doorcode/jwks.json").Body), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		kids = append(kids, key.Kid)
	}
	return kids
}

// asserts is the key that vouches for a browser's session to the app.
func asserts(t testing.TB, m *harness.Machine, b *harness.Browser) string {
	t.Helper()
	wantStatus(t, "a session at "+m.At, b.Move(m).Fetch(t, "/"), http.StatusOK)
	return kidOf(t, m.App.Last(t).Header.Get("Doorcode-Assertion"))
}

// JWT-07: the operator's command shows the next key on all machines, long before
// anything is signed with it. Two machines that start at once agree on the first.
func TestJWT07TheNextKeyIsPublishedBeforeItSigns(t *testing.T) {
	t.Parallel()
	_, first, second, _ := pair(t, generous(""))
	b := signedIn(t, first.Caddy, ana)
	before := published(t, second)
	if one := published(t, first); !slices.Equal(one, before) {
		t.Fatalf("the machines began with different keys: %q, %q", one, before)
	}
	old := asserts(t, second, b)
	out, err := harness.Command(first.Folder, "doorcode", "keys", "rotate", "--address", first.Admin).CombinedOutput()
	if err != nil {
		t.Fatalf("keys rotate: %v\n%s", err, out)
	}
	for _, m := range []*harness.Machine{first, second} {
		harness.Eventually(t, "another key at "+m.At, func() bool { return len(published(t, m)) > len(before) })
		for _, kid := range before {
			if now := published(t, m); !slices.Contains(now, kid) {
				t.Errorf("%s: %s is gone from %q", m.At, kid, now)
			}
		}
		if now := asserts(t, m, signedIn(t, m.Caddy, ana)); now != old {
			t.Errorf("%s: %s signs at once", m.At, now)
		}
	}
	again := published(t, first)
	if out, err := harness.Command(first.Folder, "doorcode", "keys", "rotate", "--address", second.Admin).CombinedOutput(); err != nil {
		t.Fatalf("keys rotate once more: %v\n%s", err, out)
	}
	eventOf(t, first, "keys_rotated")
	if now := published(t, second); len(now) != len(again) {
		t.Errorf("pressing twice made another key: %q, %q", again, now)
	}
}

// A locksmith changes the keys of a door as a machine would whose clock is not that
// of the others, so that nobody has to wait for an hour.
type locksmith struct {
	ring  *keyring.Ring
	store *redisstore.Store
}

func newLocksmith(t *testing.T, server *redistest.Server) locksmith {
	t.Helper()
	root, err := keyring.ParseSecret(rootSecret)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.New(root)
	if err != nil {
		t.Fatal(err)
	}
	store, err := redisstore.Open(redisstore.Options{Addrs: []string{server.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return locksmith{ring, store}
}

// edit changes the keys.
func (l locksmith) edit(t *testing.T, change func(plain []byte) ([]byte, error)) {
	t.Helper()
	err := l.store.Update(t.Context(), "keys", func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
		plain, err := l.ring.Open("signing keys", old, nil)
		if err == nil {
			plain, err = change(plain)
		}
		return l.ring.Seal("signing keys", plain, nil), 0, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// replace gives every key a successor, which signs at once.
func (l locksmith) replace(t *testing.T) {
	t.Helper()
	l.edit(t, func(plain []byte) ([]byte, error) {
		out, _, err := sessions.Replace(plain, sessions.Rotation{Session: 24 * time.Hour}, time.Now())
		return out, err
	})
}

// retire lets the time of a key be over.
func (l locksmith) retire(t *testing.T, kid string) {
	t.Helper()
	l.edit(t, func(plain []byte) ([]byte, error) {
		var set map[string]any
		if err := json.Unmarshal(plain, &set); err != nil {
			return nil, err
		}
		retired := 0
		for _, one := range set["keys"].([]any) {
			if key := one.(map[string]any); key["kid"] == kid {
				key["until"] = time.Now().Add(-time.Second).Unix()
				retired++
			}
		}
		if retired != 1 {
			return nil, fmt.Errorf("%d keys are named %s", retired, kid)
		}
		return json.Marshal(set)
	})
}

// JWT-07: three rotations under load, on two machines: no live session is refused,
// and new ones are signed by the new key everywhere. After its time a key is worth
// nothing.
func TestJWT07ThreeRotationsUnderLoadSignNobodyOut(t *testing.T) {
	t.Parallel()
	_, first, second, server := pair(t, generous(""))
	smith := newLocksmith(t, server)
	both := []*harness.Machine{first, second}
	var people []*harness.Browser
	load := []*caller{}
	for i, m := range both {
		people = append(people, signedIn(t, m.Caddy, ana))
		load = append(load, keepAsking(t, both[1-i], people[i]))
	}
	for round := range 3 {
		old := kidOf(t, people[0].Cookies(t)["doorcode"])
		smith.replace(t)
		address := fmt.Sprintf("person%d@example.com", round)
		for i, m := range both {
			harness.Eventually(t, "the new key to sign at "+m.At, func() bool {
				return kidOf(t, signedIn(t, m.Caddy, address).Cookies(t)["doorcode"]) != old
			})
			people = slices.Insert(people, 0, signedIn(t, m.Caddy, ana))
			load[i].more(t, 5)
		}
		for _, b := range people {
			for _, m := range both {
				wantStatus(t, fmt.Sprint("rotation ", round), b.Move(m).Fetch(t, "/"), http.StatusOK)
			}
		}
	}
	for _, l := range load {
		l.stop()
		if away, others := l.away.Load(), l.others.Load(); away+others > 0 {
			t.Errorf("%d and %d requests were refused", away, others)
		}
	}

	// A machine that knows a key keeps it for the others, so none may be running while
	// its time is cut short.
	last := people[0]
	retired := kidOf(t, last.Cookies(t)["doorcode"])
	first.Kill()
	second.Kill()
	smith.replace(t)
	smith.retire(t, retired)
	second.Run(t)
	wantStatus(t, "a session of a key whose time is over", last.Move(second).Fetch(t, "/"), http.StatusUnauthorized)
	wantStatus(t, "a session of an older key", people[len(people)-1].Move(second).Fetch(t, "/"), http.StatusOK)
	if now := kidOf(t, signedIn(t, second.Caddy, ana).Cookies(t)["doorcode"]); now == retired {
		t.Errorf("%s signs after its time", now)
	}
}

// Ruling 19: a machine with another secret would make keys that no other machine
// knows. It does not start, and says what to do.
func TestRuling19AMachineWithAnotherSecretIsRefused(t *testing.T) {
	t.Parallel()
	f, first, _, server := pair(t, generous(""))
	b := signedIn(t, first.Caddy, ana)
	stranger := f.PrepareSite(t, strings.Replace(oneDoor(onRedis), rootSecret, strings.ToLower(rootSecret), 1), server.Addr)
	stranger.Begin(t, "run")
	select {
	case <-stranger.Exited():
	case <-time.After(20 * time.Second):
		t.Fatalf("it runs:\n%s", stranger.Log(t))
	}
	if log := stranger.Log(t); stranger.Code() == 0 || !strings.Contains(log, "another secret") {
		t.Errorf("exit code %d:\n%s", stranger.Code(), log)
	}
	wantStatus(t, "a session", b.Fetch(t, "/"), http.StatusOK)
	config, err := os.ReadFile(stranger.Config())
	if err != nil {
		t.Fatal(err)
	}
	right := strings.Replace(string(config), strings.ToLower(rootSecret), rootSecret, 1)
	if err := os.WriteFile(stranger.Config(), []byte(right), 0o600); err != nil {
		t.Fatal(err)
	}
	stranger.Run(t)
	wantStatus(t, "the session there, with the right secret", b.Move(stranger).Fetch(t, "/"), http.StatusOK)
}
