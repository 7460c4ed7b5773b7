// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/activity"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// at is the second in which the golden records were written.
const at = 1785585600

func idOf(n byte) (i id) {
	for k := range i {
		i[k] = n + byte(k)
	}
	return i
}

// goldenRecords are a full record of each kind.
func goldenRecords() map[string]any {
	return map[string]any{
		"door": goldenDoor(), "person": goldenPerson(),
		"moved":    &past{Version: pastVersion, Names: []string{"bbrowser", "ssession"}, Keep: at + 3600},
		"net":      &network{Mails: tally{at - 60, at}, Tries: tally{at - 30}, Passkeys: tally{at - 10}, Keep: at + 3600},
		"activity": goldenActivity(), "activity_page": &activityPage{Version: activityVersion, Page: activity.Page{Rows: goldenActivity().Rows}},
		"belongings": goldenBelongings(), "erasures": &erasures{[]erasure{{idOf(30), at + 86400}}},
		"budget": &minutes{at / 60: {3, 4}, at/60 - 1: {0, 1}, at/60 - 2000 - (at/60-2000)%60 + 59: {7, 9}},
		"ended": &endRing{Last: 7, Epoch: at - 5000, Ring: []end{
			{Session: "session 1", Expires: at + 3600, Next: "session 2", Browser: "browser 1", Person: idOf(20), Elsewhere: true},
			{Session: "session 3", Expires: at + 3600, Unlocked: idOf(21), Operator: true, Key: "a public key", Held: at},
		}, Evicted: eviction{at - 4000, at - 4500}},
		"spooled": &spooled{spooledVersion, "sealed", idOf(50), at + 120, at + 3600, at - 5000},
	}
}

func goldenDoor() *door {
	first := pending{
		seed: seed{ID: idOf(1), Seed: idOf(2), Shape: Form{Length: 6, Alphabet: Digits}},
		Flow: idOf(3), Own: true, Office: true, Ref: "7KQ", Made: at, Ends: at + 600, Mailed: at + 60, Mails: 2, Tries: 3, Given: 1,
		Wrong: []id{idOf(4), idOf(5)}, Earlier: &seed{ID: idOf(6), Seed: idOf(7), Shape: Form{Length: 8, Alphabet: Letters}},
		Network: idOf(8), Asked: "sealed", Void: true, Stopped: idOf(9), Asker: &asker{Person: idOf(10), Session: "session 1", Browser: "browser 1", Had: at - 86400},
		Known: true, Lost: true, Named: true, Second: true, Change: true,
	}
	return &door{
		Version:  doorVersion,
		Own:      bucket{Tries: tally{at - 100, at}, Mails: tally{at}, Locks: 1, Until: at + 900},
		Stranger: bucket{Tries: tally{at - 200}, Mails: tally{at - 200, at - 100}, Locks: 2, Until: at + 1800},
		Office:   bucket{Tries: tally{at - 300}, Mails: tally{at - 300}, Locks: 3, Until: at + 3600},
		Pending:  []pending{first},
		Starts:   []start{{Network: idOf(8), At: at - 60}, {Network: idOf(11), At: at, Office: true}},
		Blocks:   []block{{Network: idOf(8), Mark: idOf(9), At: at}},
		Spent:    []spent{{Mark: idOf(12), Earlier: idOf(13), Person: idOf(10), At: at - 600}},
		LetIn:    &letIn{seed{idOf(31), idOf(32), Form{Length: 8, Alphabet: Digits}}, at + 900},
		Apps:     tally{at - 60}, Changes: tally{at - 120},
		Warned: at - 600, Keep: at + 30*24*3600, Run: "a run", Epoch: at - 5000,
	}
}

func goldenBinding() devices.Binding {
	return devices.Binding{Key: "a public key", Proved: (at - 60) * 1000, Held: at - 3600, Warned: at - 86400}
}

func goldenPerson() *person {
	trace := risk.Trace{Weight: 2.5, Day: at / 86400, First: at - 86400, By: "browser "}
	return &person{
		Version:  personVersion,
		Sessions: []sessionEntry{{ID: "session 1", Device: "browser 1", Made: at, Ends: at + 43200, Seen: "sealed", Bound: goldenBinding()}},
		Devices: []devices.Record{
			{ID: "browser 1", Generation: 3, Presented: at, Made: at - 86400, Used: at, Coded: at - 86400, Ended: true, ByOperator: true, Session: "session 1", Name: "my laptop", Seen: "sealed", Proof: []string{"hwk", "user"}, Bound: goldenBinding()},
		},
		Codes: []int64{at - 86400, at}, Last: at,
		Places: risk.Profile{
			Since:     at - 86400,
			Areas:     []risk.Area{{Country: "PT", Cell: 700_000, Radius: 30, Trace: trace}, {Kind: 3, ASN: 64_500, Trace: trace}, {Kind: 3, Net: "hashhash", Trace: trace}},
			Networks:  []risk.Network{{ASN: 64_501, Trace: trace}, {Net: "hashhash", Trace: trace}},
			Sightings: []risk.Sighting{{By: "browser ", Cell: 700_000, Radius: 30, At: at, V6: true}},
		},
		Door: idOf(14),
		Entries: []entered{{
			ID: idOf(15), Code: idOf(12), Notice: idOf(15), Session: "session 1", Browser: "browser 1", Before: "browser 0", Network: idOf(8), At: at, Asked: "sealed", Named: true,
			Key: idOf(17), App: true,
		}},
		Told:  []told{{Key: idOf(16), Entry: idOf(15), At: at}},
		First: at - 864000, Mailed: at, Settings: PersonSettings{Language: "de", Zone: "Europe/Lisbon", Quiet: true, Always: true},
		Guard: guard{at - 604800, at + 604800}, Epoch: at - 5000, Who: "sealed", Evicted: at - 4000,
	}
}

func goldenActivity() *activityNow {
	return &activityNow{Version: activityVersion, Current: activity.Current{
		Rows:  []activity.Row{{ID: "row 1", At: at * 1000, First: at*1000 - 500, Ends: at + 86400, Times: 2, Like: "alike", Says: "sealed"}},
		Pages: []activity.Mark{{Name: "row 0", To: at*1000 - 86400_000, Ends: at}},
	}}
}

func goldenBelongings() *belongings {
	token := accessToken{ID: idOf(40), Terms: "sealed", Made: at, Ends: at + 86400, Used: at, Seen: "sealed", Suspended: true}
	backup := backupSet{Hashes: []id{idOf(41), idOf(42)}, Of: 10, Made: at, Suspended: true}
	app := appSecret{Sealed: "sealed", Made: at, Used: at, Step: at / 30, Suspended: true}
	second := secondAddress{Sealed: "sealed", Made: at, Suspended: true}
	key := passkey{ID: idOf(47), Sealed: "sealed", Made: at, Used: at, Count: 7, Asked: "sealed", Suspended: true, Cloned: true}
	return &belongings{
		Version: belongingsVersion, Backup: &backup, App: &app, Second: &second, Tokens: []accessToken{token},
		Passkeys: []passkey{key}, Spent: []spentAsk{{idOf(48), at + 360}},
		Changes: []changed{
			{
				ID: idOf(43), Kind: AddToken, At: at, Due: at + 86400, Session: "session 1", Had: at - 86400, Network: idOf(8), Asked: "sealed",
				Backup: &backup, App: &app, Second: &second, Token: &token, Passkey: &key,
			},
			{ID: idOf(44), Kind: AddToken, At: at, Done: true, Session: "session 1", Network: idOf(8), Code: idOf(46), Asked: "sealed", Of: idOf(40)},
		},
		Permits: []id{idOf(45)}, Tests: tally{at}, Epoch: at - 5000,
	}
}

// GoldenRecords are a full record of each kind, as it is stored.
func GoldenRecords() (map[string][]byte, error) {
	all := map[string][]byte{}
	for kind, record := range goldenRecords() {
		raw, err := json.Marshal(record)
		if err != nil {
			return nil, err
		}
		all[kind] = raw
	}
	return all, nil
}

// ReadRecord reads a stored record, and writes it again.
func ReadRecord(kind string, raw []byte) ([]byte, error) {
	record := reflect.New(reflect.TypeOf(goldenRecords()[kind]).Elem()).Interface()
	if err := decode(raw, record); err != nil {
		return nil, err
	}
	return json.Marshal(record)
}

// EmptyFields are the stored fields of a golden record that say nothing.
func EmptyFields(kind string) (empty []string) {
	full := map[string]bool{}
	fieldsOf(kind, reflect.ValueOf(goldenRecords()[kind]), full)
	for path, said := range full {
		if !said {
			empty = append(empty, path)
		}
	}
	return empty
}

func fieldsOf(path string, v reflect.Value, full map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		fieldsOf(path, v.Elem(), full)
	case reflect.Slice:
		for i := range v.Len() {
			fieldsOf(path, v.Index(i), full)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Tag.Get("json") == "-" {
				continue
			}
			name := fmt.Sprint(path, ".", strings.ToLower(f.Name))
			full[name] = full[name] || !v.Field(i).IsZero()
			fieldsOf(name, v.Field(i), full)
		}
	}
}

// OpenKeys opens a record of signing keys.
func OpenKeys(ring *keyring.Ring, sealed []byte) ([]byte, error) {
	return ring.Open(labelKeys, sealed, nil)
}

// SealKeys makes a record of signing keys.
func SealKeys(ring *keyring.Ring, plain []byte) []byte { return ring.Seal(labelKeys, plain, nil) }

// ErrUnreadable is what a record is answered with that cannot be read.
var ErrUnreadable = errUnreadable
