// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// Acceptance 114, RL-04: an operator can let a person in again at once whom a
// guesser has locked out, with a code as before.
func TestRL04AnUnlockLiftsTheLock(t *testing.T) {
	c, port := administered(t, site(generous("try_address 15/1h")))
	for wrong := 0; wrong < 15; wrong += 4 {
		guesser := from(t, c, wrong)
		code := ask(t, c, guesser, "/", ana)
		for n := wrong; n < min(wrong+4, 15); n++ {
			enter(t, guesser, notThis(code, n))
		}
	}
	early := from(t, c, 8)
	early.Open(t, "/")
	wantWait(t, "while locked", early.Submit(t, "email", url.Values{"email": {ana}}))

	var answer struct {
		Lifted []struct {
			Storage, Crowd string
			Until          *time.Time
			Tries, Mails   int
		}
	}
	order(t, port, "/doorcode/unlock", `{"address":"Ana@example.com","site":"localhost"}`).into(t, &answer)
	if len(answer.Lifted) != 1 || answer.Lifted[0].Tries != 15 || answer.Lifted[0].Crowd != "unknown browsers" ||
		answer.Lifted[0].Until == nil || !answer.Lifted[0].Until.After(time.Now()) {
		t.Errorf("lifted %+v, want one lock of 15 tries", answer.Lifted)
	}
	from(t, c, 9).SignIn(t, c, "/", ana, false)
	// Whoever was told to wait begins anew with the same address.
	codes := len(c.Mailbox.Codes(t, ana))
	early.Submit(t, "change", nil)
	early.Submit(t, "email", url.Values{"email": {ana}})
	wantStatus(t, "the person who was told to wait", enter(t, early, c.Mailbox.WaitCode(t, ana, codes+1).Code(t)), http.StatusOK)
	order(t, port, "/doorcode/unlock", `{"address":"ben@example.com"}`).into(t, &answer)
	if len(answer.Lifted) != 0 {
		t.Errorf("lifted %+v of somebody who was not locked", answer.Lifted)
	}
}

// Acceptance 114: keys that are rotated by the operator have successors that are
// published first, and sign nobody out. Pressing twice does it once.
func TestRotatedKeysSignNobodyOut(t *testing.T) {
	c, port := administered(t, site())
	b := signedIn(t, c, ana)
	before := keysAt(t, port)
	if diff := cmp.Diff(map[string]int{"session signing": 1, "assertion signing": 1}, states(before)); diff != "" {
		t.Errorf("keys at first (-want +got):\n%s", diff)
	}
	for range 2 {
		var answer struct{ Keys []key }
		order(t, port, "/doorcode/keys/rotate", "{}").into(t, &answer)
		want := map[string]int{"session signing": 1, "session next": 1, "assertion signing": 1, "assertion next": 1}
		if diff := cmp.Diff(want, states(answer.Keys)); diff != "" {
			t.Errorf("keys after a rotation (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(answer.Keys, keysAt(t, port)); diff != "" {
			t.Errorf("keys as told and as listed (-told +listed):\n%s", diff)
		}
		for _, k := range answer.Keys {
			if k.State == "next" && !k.From.After(time.Now()) {
				t.Errorf("the next key signs from %v, before anybody can know it", k.From)
			}
		}
	}
	wantStatus(t, "signed in before", b.Open(t, "/x"), http.StatusOK)
	published := b.Open(t, "/.doorcode/jwks.json").Body
	for _, k := range keysAt(t, port) {
		if k.Use == "assertion" && !strings.Contains(published, k.ID) {
			t.Errorf("%s key %s is not published:\n%s", k.State, k.ID, published)
		}
	}
}

func TestWhatWasRestoredLetsNobodyIn(t *testing.T) {
	c, port := administered(t, site())
	b, remembered := signedIn(t, c, ana), c.Browser(t)
	remembered.SignIn(t, c, "/", ben, true)
	pending := c.Browser(t)
	right := form(t, pending, ask(t, c, pending, "/", "cat@example.com"))
	var answer struct{ Storages []string }
	order(t, port, "/doorcode/storage/restored", "").into(t, &answer)
	if diff := cmp.Diff([]string{filepath.Join(c.Folder, "doorcode.db")}, answer.Storages); diff != "" {
		t.Errorf("storages (-want +got):\n%s", diff)
	}
	wantStatus(t, "a session of before", b.Open(t, "/x"), http.StatusUnauthorized)
	remembered.Drop(t, "doorcode")
	wantStatus(t, "a remembered browser", remembered.Open(t, "/x"), http.StatusUnauthorized)
	if page := pending.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin); setCookies(page)["doorcode"] != nil {
		t.Error("a code of before made a session")
	}
	if page := b.SignIn(t, c, "/", ana, false); page.Status != http.StatusOK {
		t.Errorf("signing in again: %d", page.Status)
	}
}

func TestABackupOfARunningServerOpens(t *testing.T) {
	c, port := administered(t, site())
	signedIn(t, c, ana)
	answer := order(t, port, "/doorcode/storage/backup")
	if answer.status != http.StatusOK || answer.header.Get("Content-Type") != "application/octet-stream" {
		t.Fatalf("backup: %d %v", answer.status, answer.header)
	}
	wantPeople(t, []byte(answer.body), 1)
}

// wantPeople fails unless a copy of a storage opens and knows so many people.
func wantPeople(t *testing.T, content []byte, want int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	people, err := store.List(context.Background(), "person/", "", 10)
	if err != nil || len(people) != want {
		t.Errorf("people in the copy: %q, %v, want %d", people, err, want)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// A Redis that is away is told of, and nothing is changed half.
func TestTheAdminAPISaysThatRedisIsAway(t *testing.T) {
	c := harness.Prepare(t)
	port, away := harness.FreePort(t), harness.FreePort(t)
	password := "hunter-" + smtpPassword
	c.Load(t, adminAt(port, strings.Replace(site("secret "+rootSecret), "storage embedded FOLDER/doorcode.db",
		"storage redis redis://127.0.0.1:"+away+" {\n\t\t\tpassword "+password+"\n\t\t}", 1)))
	var status struct {
		Storages []map[string]any
	}
	answer := order(t, port, "/doorcode/status")
	answer.into(t, &status)
	told := slices.Sorted(maps.Keys(status.Storages[0]))
	want := []string{"answers", "kind", "last_error", "sessions_cached", "shared", "storage", "writes"}
	if diff := cmp.Diff(want, told); diff != "" || status.Storages[0]["answers"] != false || status.Storages[0]["shared"] != true {
		t.Errorf("status of Redis (-want +got):\n%s\n%s", diff, answer.body)
	}
	if strings.Contains(answer.body, password) || !strings.Contains(answer.body, away) {
		t.Errorf("status does not say which Redis is meant, or says how to sign in:\n%s", answer.body)
	}
	for path, body := range map[string]string{
		"/doorcode/keys/rotate": "", "/doorcode/storage/restored": "", "/doorcode/unlock": `{"address":"ana@example.com"}`,
	} {
		order(t, port, path, body).wantRefusal(t, path, http.StatusServiceUnavailable, "try again once the storage answers")
	}
	order(t, port, "/doorcode/storage/backup").wantRefusal(t, "backup", http.StatusConflict, "back it up where it runs")
}

// One storage that is away does not keep the others from what an operator wants
// at once, and the answer says what is done and what is not.
func TestAnOrderIsCarriedOutWhereItCanBe(t *testing.T) {
	setSecrets(t)
	away := harness.FreePort(t)
	_, port := administered(t, strings.Replace(twoStorages, "storage embedded FOLDER/other.db", "storage redis redis://127.0.0.1:"+away, 1))
	answer := order(t, port, "/doorcode/keys/rotate", "{}")
	answer.wantRefusal(t, "half a rotation", http.StatusServiceUnavailable, "rotating the keys in redis 127.0.0.1:"+away)
	answer.wantRefusal(t, "half a rotation", http.StatusServiceUnavailable, "doorcode.db; try again once the storage answers")
	if counts := states(keysAt(t, port)); counts["session next"] != 1 {
		t.Errorf("keys of the storage that answers: %v", counts)
	}
	order(t, port, "/doorcode/keys/rotate", `{"site":"localhost"}`).into(t, new(any))
}
