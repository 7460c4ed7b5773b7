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
	`"flow":"ICEiIyQlJicoKSorLC0uLw","shape":{"Length":6,"Alphabet":"0123456789"},"ref":"7KQ","made":1785585600,"ends":1785586200,"mailed":1785585600,"mails":1,` +
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
