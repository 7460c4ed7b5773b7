// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

const ana challenge.Email = "ana@example.com"

// logs are what a recorder wrote.
type logs struct{ gate, audit *observer.ObservedLogs }

// watched is a recorder of which everything is seen.
func watched(keep challenge.AuditIP) (*telemetry.Recorder, logs) {
	gate, seen := observer.New(zapcore.DebugLevel)
	audit, audited := observer.New(zapcore.DebugLevel)
	return telemetry.NewRecorder(telemetry.RecorderOptions{
		Log: zap.New(gate), Audit: zap.New(audit), Keep: func() challenge.AuditIP { return keep },
		Names: telemetry.Names{
			Person:  func(e challenge.Email) string { return fmt.Sprintf("person%d", len(e)) },
			Network: func(p netip.Prefix) string { return fmt.Sprintf("network%d", p.Bits()) },
		},
	}), logs{seen, audited}
}

// fieldsIn are the fields of each line, with its level where that is not INFO.
func fieldsIn(l *observer.ObservedLogs) (all []map[string]any) {
	for _, entry := range l.All() {
		fields := entry.ContextMap()
		if entry.Level != zapcore.InfoLevel {
			fields["level"] = entry.Level.String()
		}
		all = append(all, fields)
	}
	return all
}

// eventNames are all events of the domain.
func eventNames(t *testing.T) (names []challenge.EventName) {
	t.Helper()
	source, err := os.ReadFile("../../challenge/event.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`EventName = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		names = append(names, challenge.EventName(match[1]))
	}
	if len(names) < 40 {
		t.Fatalf("%d events were found, so this test shows nothing", len(names))
	}
	return names
}

func TestEachEventIsOneLineOfOneLog(t *testing.T) {
	for _, name := range eventNames(t) {
		r, seen := watched(challenge.AuditPrefix)
		r.Record(t.Context(), challenge.Event{Name: name, Gate: "g", Address: ana, Account: "kV3"})
		gate, audit := seen.gate.FilterField(zap.String("event", string(name))).Len(), seen.audit.Len()
		if want := telemetry.Faults[name]; gate != btoi(want) || audit != btoi(!want) {
			t.Errorf("%s: %d lines of the gate and %d of the audit log", name, gate, audit)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestEventsOfTheHouseNameNoGateAndFaultsReadAlike(t *testing.T) {
	r, seen := watched(challenge.AuditPrefix)
	fault := errors.New("connection refused")
	for _, e := range []challenge.Event{
		{Name: challenge.StoreAway, Err: fault},
		{Name: challenge.StoreFailed, Gate: "g", Err: fault},
		{Name: challenge.StoreFailed, Gate: "g", Err: fmt.Errorf("%w: %w", challenge.ErrUnavailable, fault)},
		{Name: challenge.StoreFailed, Gate: "g", Err: fmt.Errorf("%w: connection refused", challenge.ErrUnavailable)},
	} {
		r.Record(t.Context(), e)
	}
	failed := map[string]any{"event": "store_failed", "gate": "g", "error": "connection refused", "level": "error"}
	want := []map[string]any{{"event": "store_away", "error": "connection refused", "level": "error"}, failed, failed, failed}
	if diff := cmp.Diff(want, fieldsIn(seen.gate)); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
}

func TestEventsOfAnAccountAreAudited(t *testing.T) {
	r, seen := watched(challenge.AuditPrefix)
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	fault := errors.New("connection refused")
	for _, e := range []challenge.Event{
		{Name: challenge.Verified, Gate: "g", Address: ana, Way: challenge.ByBackup, Left: 0},
		{Name: challenge.Verified, Gate: "g", Address: ana, Reason: challenge.NewPlace, Waited: 41700 * time.Millisecond, Fresh: true},
		{Name: challenge.CheckEnded, Gate: "g", Address: ana, Result: challenge.CheckAbandoned, Ref: "7KQ"},
		{Name: challenge.ChangeWaits, Gate: "g", Address: ana, Change: challenge.AddApp, Due: at},
		{Name: challenge.BrowserRenamed, Gate: "g", Address: ana, Called: "kitchen"},
		{Name: challenge.Guarded, Gate: "g", Address: ana, Until: at},
		{Name: challenge.LetInMade, Gate: "g", Address: ana, Until: at, Why: "lost her phone"},
		{Name: challenge.Revoked, Address: ana},
		{Name: challenge.UnlockedAddress, Address: ana},
		{Name: challenge.DataErased, Address: ana},
		{Name: challenge.DataExported, Gate: "g", Address: ana},
		{Name: challenge.DataExported, Address: ana, Err: fault},
		{Name: challenge.DataErased, Account: "kV3"},
	} {
		r.Record(t.Context(), e)
	}
	got := fieldsIn(seen.audit)
	for _, fields := range got {
		if fields["address"] != string(ana) && fields["account"] == nil {
			t.Errorf("%v does not say whose account it is", fields)
		}
		delete(fields, "address")
	}
	want := []map[string]any{
		{"event": "verified", "gate": "g", "way": "backup", "codes_left": int64(0)},
		{"event": "verified", "gate": "g", "reason": "new_place", "waited_s": int64(42), "new_browser": true},
		{"event": "check_ended", "gate": "g", "result": "abandoned", "ref": "7KQ"},
		{"event": "change_waits", "gate": "g", "change": "add_app", "due": "2026-08-01T11:00:00Z"},
		{"event": "browser_renamed", "gate": "g", "called": "kitchen"},
		{"event": "guarded", "gate": "g", "until": "2026-08-01T11:00:00Z", "level": "warn"},
		{"event": "let_in", "gate": "g", "until": "2026-08-01T11:00:00Z", "by": "operator", "why": "lost her phone"},
		{"event": "revoked", "by": "operator"},
		{"event": "unlocked", "by": "operator"},
		{"event": "data_erased", "by": "operator"},
		{"event": "data_exported", "gate": "g"},
		{"event": "data_exported", "by": "operator", "error": "connection refused"},
		{"event": "data_erased", "account": "kV3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audited (-want +got):\n%s", diff)
	}
}

// travelled is a decision with every fact that one can have.
var travelled = challenge.Event{
	Name: challenge.Decided, Gate: "g", Address: ana, Source: "basic_auth", User: string(ana), IP: netip.MustParseAddr("126.1.1.9"), Session: "u7Dk",
	Decision: challenge.Check, Reason: challenge.Travel, Observed: risk.SetOf(challenge.NewNetwork), Barred: true, Factor: challenge.FactorSession,
	Account: "kV3", Device: "9Qz", Took: 41 * time.Microsecond, Rule: "allow domain",
	Place: &geo.Place{Country: "JP", City: "Tokyo", ASN: 17676, Network: "Example Telecom"},
	Held:  risk.SetOf(challenge.Travel, challenge.NewPlace, challenge.NewNetwork, challenge.Sensitive),
	Facts: challenge.DecisionFacts{Domain: "example.com", Distance: 11138, Since: 50 * time.Minute, Speed: 13366},
}

func decidedFields() map[string]any {
	return map[string]any{
		"event": "decided", "gate": "g", "decision": "check", "reason": "travel", "factor": "session", "account": "kV3", "address": "a••@example.com",
		"domain": "example.com", "device": "9Qz", "took": 41 * time.Microsecond, "network": "126.1.1.0/24", "barred": true, "sensitive": true,
		"held": []any{"travel", "new_place", "new_network", "sensitive"}, "observed": []any{"new_network"}, "distance_km": int64(11138), "since_s": int64(3000),
		"speed_kmh": int64(13366), "country": "JP", "city": "Tokyo", "asn": uint32(17676), "network_name": "Example Telecom",
		"source": "basic_auth", "user": "a••@example.com", "session": "u7Dk", "rule": "allow domain",
	}
}

// LOG-01: what a decision was made by, as much as the operator keeps.
func TestLOG01ADecisionTellsWhatItWasMadeBy(t *testing.T) {
	for keep, change := range map[challenge.AuditIP]func(map[string]any){
		challenge.AuditPrefix: func(map[string]any) {},
		challenge.AuditFull:   func(fields map[string]any) { fields["ip"] = "126.1.1.9" },
		challenge.AuditHash: func(fields map[string]any) {
			fields["network"], fields["user"] = "network24", "person15"
			delete(fields, "address")
		},
	} {
		r, seen := watched(keep)
		r.Record(t.Context(), travelled)
		want := decidedFields()
		change(want)
		got := fieldsIn(seen.audit)
		if diff := cmp.Diff([]map[string]any{want}, got); diff != "" {
			t.Errorf("%s: audited (-want +got):\n%s", keep, diff)
		}
	}
}

func TestAsMuchIsKeptOfAddressesAsTheOperatorWants(t *testing.T) {
	e := challenge.Event{
		Name: challenge.CodeSent, Gate: "g", Address: ana, User: "alice", Source: "basic_auth", IP: netip.MustParseAddr("2001:db8:1:2::3"), Reason: challenge.NewBrowser, Ref: "7KQ",
	}
	common := map[string]any{"event": "code_sent", "gate": "g", "source": "basic_auth", "reason": "new_browser", "ref": "7KQ"}
	for keep, more := range map[challenge.AuditIP]map[string]any{
		challenge.AuditFull:   {"address": "ana@example.com", "user": "alice", "ip": "2001:db8:1:2::3"},
		challenge.AuditPrefix: {"address": "ana@example.com", "user": "alice", "ip": "2001:db8:1::/48"},
		challenge.AuditHash:   {"account": "person15", "user": "person5", "ip": "network48"},
	} {
		r, seen := watched(keep)
		r.Record(t.Context(), e)
		want := map[string]any{}
		for _, fields := range []map[string]any{common, more} {
			for key, value := range fields {
				want[key] = value
			}
		}
		if diff := cmp.Diff([]map[string]any{want}, fieldsIn(seen.audit)); diff != "" {
			t.Errorf("%s: audited (-want +got):\n%s", keep, diff)
		}
	}
}

func TestWhyADecisionWasMadeIsToldOnDebugAlone(t *testing.T) {
	r, seen := watched(challenge.AuditPrefix)
	r.Record(t.Context(), travelled)
	r.Record(t.Context(), challenge.Event{Name: challenge.Decided, Decision: challenge.Check, Reason: challenge.NewBrowser, Place: &geo.Place{}})
	want := []map[string]any{
		{
			"event": "explained", "gate": "g", "decision": "check", "reason": "travel", "account": "kV3", "session": "u7Dk", "level": "debug",
			"why": []any{
				"in by session", "travel holds, asks", "new_place holds", "new_network holds, is only observed", "sensitive holds", "nobody is let in from there",
				"the page wants a fresh code", "last code 50m0s ago", "11138 km from there, 13366 km/h", "country JP, network AS17676",
			},
		},
		{
			"event": "explained", "decision": "check", "reason": "new_browser", "level": "debug",
			"why": []any{"nothing lets the visitor in by itself", "new_browser asks", "place not known"},
		},
	}
	if diff := cmp.Diff(want, fieldsIn(seen.gate)); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
	core, info := observer.New(zapcore.InfoLevel)
	quiet := telemetry.NewRecorder(telemetry.RecorderOptions{Log: zap.New(core), Audit: zap.NewNop()})
	quiet.Record(t.Context(), travelled)
	if info.Len() > 0 {
		t.Errorf("logged %v", info.All())
	}
}

// What strangers can cause any number of is not for everybody's log.
func TestWhatStrangersCauseIsQuiet(t *testing.T) {
	for _, tt := range []struct {
		name string
		e    challenge.Event
		want zapcore.Level
	}{
		{"a decision about nobody", challenge.Event{Name: challenge.Decided}, zapcore.DebugLevel},
		{"one from where nobody would be let in", challenge.Event{Name: challenge.Decided, Decision: challenge.Pass, Barred: true}, zapcore.InfoLevel},
		{"one that would have asked", challenge.Event{Name: challenge.Decided, Observed: risk.SetOf(challenge.NewBrowser)}, zapcore.InfoLevel},
		{"a decision about somebody", challenge.Event{Name: challenge.Decided, Account: "kV3"}, zapcore.InfoLevel},
		{"what cannot be a code", challenge.Event{Name: challenge.MalformedCode}, zapcore.DebugLevel},
		{"the same wrong code", challenge.Event{Name: challenge.RepeatedCode}, zapcore.DebugLevel},
		{"a wrong code", challenge.Event{Name: challenge.WrongCode}, zapcore.InfoLevel},
	} {
		r, seen := watched(challenge.AuditPrefix)
		r.Record(t.Context(), tt.e)
		levels := []zapcore.Level{}
		for _, entry := range seen.audit.All() {
			levels = append(levels, entry.Level)
		}
		if !slices.Equal(levels, []zapcore.Level{tt.want}) {
			t.Errorf("%s is on %v, want %v", tt.name, levels, tt.want)
		}
	}
}
