// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// storedDoor is a record as the first release wrote it.
const storedDoor = `{"v":1,"own":{},"stranger":{"mails":[1785585600]},"pending":[{"id":"AAECAwQFBgcICQoLDA0ODw","seed":"EBESExQVFhcYGRobHB0eHw",` +
	`"flow":"ICEiIyQlJicoKSorLC0uLw","shape":{"Length":6,"Alphabet":"0123456789"},"ref":"7KQ","made":1785585600,"ends":1785586200,"mailed":1785585600,"mails":1,"net":"MDEyMzQ1Njc4OTo7PD0-Pw","asked":"",` +
	`"earlier":{"id":"AAECAwQFBgcICQoLDA0ODw","seed":"EBESExQVFhcYGRobHB0eHw","shape":{"Length":6,"Alphabet":"0123456789"}}}],"starts":[{"net":"MDEyMzQ1Njc4OTo7PD0-Pw","at":1785585600}],"keep":1788177600}`

// A code that was mailed before an update must be right after it.
func TestOTC02AStoredChallengeKeepsItsCode(t *testing.T) {
	w := newWorld(t)
	code, err := challenge.CodeIn(w.ring, storedDoor, ana, "gate")
	if err != nil || code != "713431" {
		t.Errorf("code %q, %v, want 713431", code, err)
	}
}

func TestTheKeysOfAStoredChallengeStayTheSame(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	b.mailed(ana)
	w.clock.advance(6 * time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	for key, raw := range dump(t, w) {
		if strings.HasPrefix(key, "door/") {
			if diff := cmp.Diff(keysIn(t, storedDoor), keysIn(t, raw)); diff != "" {
				t.Errorf("keys as they were (-) and are (+):\n%s", diff)
			}
		}
	}
}

// storedStop is what was added when codes could be reported, and offices had
// limits of their own. Records without it are as good.
const (
	storedStop = `{"v":1,"own":{},"stranger":{"mails":[1785585600]},"office":{"mails":[1785585600]},"pending":[{"id":"AAECAwQFBgcICQoLDA0ODw","seed":"EBESExQVFhcYGRobHB0eHw",` +
		`"flow":"ICEiIyQlJicoKSorLC0uLw","office":true,"shape":{"Length":6,"Alphabet":"0123456789"},"ref":"7KQ","made":1785585600,"ends":1785586200,"mailed":1785585600,"mails":1,"net":"MDEyMzQ1Njc4OTo7PD0-Pw",` +
		`"asked":"","void":true,"stopped":"AAECAwQFBgcICQoLDA0ODw"}],"starts":[{"net":"MDEyMzQ1Njc4OTo7PD0-Pw","at":1785585600,"office":true}],"blocks":[{"net":"MDEyMzQ1Njc4OTo7PD0-Pw","mark":"AAECAwQFBgcICQoLDA0ODw","at":1785585600}],` +
		`"spent":[{"m":"AAECAwQFBgcICQoLDA0ODw","e":"AAECAwQFBgcICQoLDA0ODw","p":"AAECAwQFBgcICQoLDA0ODw","t":1785585600}],"keep":1788177600}`
	storedEntry = `{"entries":[{"id":"AAECAwQFBgcICQoLDA0ODw","c":"AAECAwQFBgcICQoLDA0ODw","o":"AAECAwQFBgcICQoLDA0ODw","s":"","b":"","f":"","n":"AAECAwQFBgcICQoLDA0ODw","t":1785585600,"a":""}]}`
)

func TestTheKeysOfReportsInTheStoreStayTheSame(t *testing.T) {
	w := newWorld(t)
	g := roomyGate(w)
	b := w.linked(g)
	b.mailed(ana)
	w.clock.advance(6 * time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	if err := b.enter(b.lastCode(), true); err != nil {
		t.Fatal(err)
	}
	fresh(w, b, tokyo, chrome).signIn(ana, false)
	b.at(tokyo).confirmed()
	w.linked(g).at(desk).mailed(ana)
	w.browser(g).mustReport(w.mailbox.link(t, challenge.SignInCode))
	var anas string
	for key, raw := range dump(t, w) {
		if strings.HasPrefix(key, "door/") && strings.Contains(raw, "spent") {
			anas = raw
		}
		if strings.HasPrefix(key, "person/") {
			if diff := cmp.Diff(keysOfAll(t, storedEntry, "entries"), keysOfAll(t, raw, "entries")); diff != "" {
				t.Errorf("entries as they were (-) and are (+):\n%s", diff)
			}
		}
	}
	for _, list := range []string{"pending", "starts", "blocks", "spent"} {
		if diff := cmp.Diff(keysOfAll(t, storedStop, list), keysOfAll(t, anas, list)); diff != "" {
			t.Errorf("%s as they were (-) and are (+):\n%s", list, diff)
		}
	}
	if !strings.Contains(anas, `"office":{"mails":[`) {
		t.Errorf("no bucket of the office in %s", anas)
	}
}

// keysOfAll are all the keys that a list of a record uses.
func keysOfAll(t *testing.T, raw, list string) []string {
	t.Helper()
	var record map[string]json.RawMessage
	var rows []map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal([]byte(raw), &record), json.Unmarshal(record[list], &rows)); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, row := range rows {
		for key := range row {
			used[key] = true
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// keysIn are the keys of a record, of its challenge, and of the one before.
func keysIn(t *testing.T, raw string) (all [][]string) {
	t.Helper()
	type object = map[string]json.RawMessage
	var record object
	var pending []object
	var earlier object
	err := json.Unmarshal([]byte(raw), &record)
	err = errors.Join(err, json.Unmarshal(record["pending"], &pending), json.Unmarshal(pending[0]["earlier"], &earlier))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []object{record, pending[0], earlier} {
		all = append(all, slices.Sorted(maps.Keys(o)))
	}
	return all
}

// After an update was taken back, records of the later version are there still.
func TestARecordOfALaterVersionAdmitsNobodyAndIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{})).signIn(ana, false)
	code := b.mailed(ana)
	later := map[string]string{}
	for key := range dump(t, w) {
		if !strings.HasPrefix(key, "door/") && !strings.HasPrefix(key, "person/") {
			continue
		}
		err := w.store.Update(t.Context(), key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
			raw := bytes.Replace(old, []byte(`"v":1`), []byte(`"v":2,"new":{}`), 1)
			later[key] = string(raw)
			return raw, day, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(later) != 2 {
		t.Fatalf("%d records, want a door and a person", len(later))
	}
	stranger := w.browser(b.gate)
	if _, err := stranger.ask(ana); !errors.Is(err, challenge.ErrUnavailable) || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("Begin = %v, want ErrUnavailable because of format 2", err)
	}
	if err := b.enter(code, false); !errors.Is(err, challenge.ErrUnavailable) {
		t.Errorf("Verify = %v, want ErrUnavailable", err)
	}
	b.gate = w.gateOf(w.machine(), challenge.GateOptions{})
	if v := b.open(); v.Decision != challenge.Unavailable {
		t.Errorf("decision %v, want Unavailable", v.Decision)
	}
	all := dump(t, w)
	for key, raw := range later {
		if all[key] != raw {
			t.Errorf("%s became %s", key, all[key])
		}
	}
}

// withoutKeys is a record as a version wrote it that did not know some keys.
func withoutKeys(t *testing.T, raw []byte, keys ...string) []byte {
	t.Helper()
	var record map[string]json.RawMessage
	err := json.Unmarshal(raw, &record)
	for _, key := range keys {
		delete(record, key)
	}
	older, marshal := json.Marshal(record)
	if err = errors.Join(err, marshal); err != nil {
		t.Fatal(err)
	}
	return older
}
