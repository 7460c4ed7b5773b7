// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

var update = flag.Bool("update", false, "rewrite the records of this version")

const (
	recordsNow    = "testdata/records/v1"
	recordsBefore = "testdata/records/v1/before" // as the version before wrote them
)

// recordKinds are those that either version knows, and since those that it does not.
var (
	recordKinds = []string{"door", "person", "net", "budget", "ended"}
	since       = []string{"moved", "belongings", "erasures", "activity", "activity_page", "spooled"}
)

// golden is a record as it was stored.
func golden(t testing.TB, folder, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(raw)
}

func goldenRing(t testing.TB) *keyring.Ring {
	t.Helper()
	ring, err := keyring.New(bytes.Repeat([]byte("0123456789abcdef"), 2))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// goldenKeys opens the keys of a folder.
func goldenKeys(t testing.TB, folder string) (sealed, plain []byte) {
	t.Helper()
	sealed, err := base64.StdEncoding.DecodeString(string(golden(t, folder, "keys.txt")))
	if err == nil {
		plain, err = challenge.OpenKeys(goldenRing(t), sealed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sealed, plain
}

func TestF19RecordsAreWrittenAsTheyWere(t *testing.T) {
	all, err := challenge.GoldenRecords()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range append(since, recordKinds...) {
		if *update {
			if err := os.WriteFile(filepath.Join(recordsNow, kind+".json"), append(all[kind], '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(golden(t, recordsNow, kind+".json")), string(all[kind])); diff != "" {
			t.Errorf("%s, -was +is:\n%s\nWhere that is meant, and the version before reads it still: go test -run F19 -update", kind, diff)
		}
		if empty := challenge.EmptyFields(kind); len(empty) > 0 {
			t.Errorf("the golden record of kind %s says nothing in %q", kind, empty)
		}
	}
}

// withMore is a record as a later version of the same format may write it.
func withMore(t *testing.T, raw []byte) []byte {
	t.Helper()
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	var grow func(any)
	grow = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			for _, child := range node {
				grow(child)
			}
			node["later"] = map[string]any{"v": []any{1.5, "x", nil}}
		case []any:
			for _, child := range node {
				grow(child)
			}
		}
	}
	grow(tree)
	more, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return more
}

func TestF19RecordsOfThisVersionAndTheOneBeforeAreRead(t *testing.T) {
	for _, folder := range []string{recordsNow, recordsBefore} {
		for _, kind := range recordKinds {
			raw := golden(t, folder, kind+".json")
			got, err := challenge.ReadRecord(kind, raw)
			if err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%s/%s is read as\n%s, %v, and was\n%s", folder, kind, got, err, raw)
			}
			if kind == "budget" {
				continue // it has no names but minutes
			}
			if got, err = challenge.ReadRecord(kind, withMore(t, raw)); err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%s/%s with more in it is read as\n%s, %v", folder, kind, got, err)
			}
		}
	}
}

func TestF19ALaterFormatIsRefused(t *testing.T) {
	for _, kind := range []string{"door", "person", "moved"} {
		raw := bytes.Replace(golden(t, recordsNow, kind+".json"), []byte(`"v":1`), []byte(`"v":2`), 1)
		if _, err := challenge.ReadRecord(kind, raw); !errors.Is(err, challenge.ErrUnreadable) {
			t.Errorf("%s of format 2: %v, want an error", kind, err)
		}
	}
}

// After an update was taken back, or while machines are updated one after another.
func TestF19TheVersionBeforeReadsWhatThisOneWrites(t *testing.T) {
	for kind, older := range map[string]func([]byte) (string, error){
		"door": frozen[olderDoor], "person": frozen[olderPerson], "net": frozen[olderNetwork], "budget": frozen[map[int64][2]int], "ended": frozen[olderEnds],
	} {
		before, err := older(golden(t, recordsBefore, kind+".json"))
		if err != nil {
			t.Fatal(err)
		}
		now, err := older(golden(t, recordsNow, kind+".json"))
		if diff := cmp.Diff(before, now); diff != "" || err != nil {
			t.Errorf("%s: %v, as the version before wrote it (-) and as it reads what is written now (+):\n%s", kind, err, diff)
		}
	}
}

func TestF19KeysAreReadByEitherVersion(t *testing.T) {
	at := time.Unix(1785585600, 0)
	if *update {
		plain, _, err := sessions.Ensure(nil, sessions.ES256, at)
		if err == nil {
			plain, _, err = sessions.Replace(plain, sessions.Rotation{Ahead: time.Hour, Session: day}, at.Add(time.Minute))
		}
		if err != nil {
			t.Fatal(err)
		}
		sealed := base64.StdEncoding.EncodeToString(challenge.SealKeys(goldenRing(t), plain))
		if err := os.WriteFile(filepath.Join(recordsNow, "keys.txt"), []byte(sealed+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for folder, want := range map[string]int{recordsBefore: 2, recordsNow: 4} {
		_, plain := goldenKeys(t, folder)
		keys, err := sessions.ParseKeys(plain)
		if err != nil || len(keys.List(at)) != want {
			t.Errorf("%s: %d keys, %v, want %d", folder, len(keys.List(at)), err, want)
		}
		if _, changed, err := sessions.Ensure(plain, sessions.ES256, at); changed || err != nil {
			t.Errorf("%s: new keys are wanted: %v, %v", folder, changed, err)
		}
		var older olderKeys
		if err := json.Unmarshal(plain, &older); err != nil || older.Version != 1 || len(older.Keys) != want {
			t.Errorf("%s: the version before reads %d keys of version %d, %v", folder, len(older.Keys), older.Version, err)
		}
		for i, k := range older.Keys {
			if k.ID == "" || k.Use != "session" && k.Use != "assertion" || k.Algorithm != "ES256" || k.Created == 0 || k.Private == "" {
				t.Errorf("%s: the version before cannot use key %d", folder, i+1)
			}
		}
	}
}

func TestF19AStoreOfTheVersionBeforeIsMoved(t *testing.T) {
	for _, folder := range []string{recordsNow, recordsBefore} {
		c := newClock()
		from, to := memstore.New(memstore.Options{Now: c.now}), memstore.New(memstore.Options{Now: c.now})
		for kind, key := range map[string]string{
			"door": "door/AAECAwQFBgcICQoLDA0ODw", "person": "person/AAECAwQFBgcICQoLDA0ODw", "net": "net/AAECAwQFBgcICQoLDA0ODw", "budget": "budget", "ended": "ended",
		} {
			put(t, from, key, string(golden(t, folder, kind+".json")))
		}
		sealed, _ := goldenKeys(t, folder)
		put(t, from, "keys", string(sealed))
		moved, err := challenge.Move(t.Context(), from, to, goldenRing(t))
		if err != nil || moved.People != 1 || moved.Doors != 1 || moved.Networks != 1 || moved.Keys == 0 || moved.Challenges != 1 {
			t.Errorf("%s: Move = %+v, %v", folder, moved, err)
		}
		keys, err := to.List(t.Context(), "", "", 10)
		want := []string{"budget", "door/AAECAwQFBgcICQoLDA0ODw", "ended", "keys", "moved/AAECAwQFBgcICQoLDA0ODw", "net/AAECAwQFBgcICQoLDA0ODw", "person/AAECAwQFBgcICQoLDA0ODw"}
		if diff := cmp.Diff(want, keys); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", folder, err, diff)
		}
		newWorldOn(t, c, to).gate(challenge.GateOptions{})
	}
}
