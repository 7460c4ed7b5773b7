// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// A houseStatus is the answer of the status endpoint: which gates there are,
// where they keep their records, and how those are.
type houseStatus struct {
	Version  string          `json:"version"`
	Sites    []siteStatus    `json:"sites"`
	Storages []storageStatus `json:"storages"`
	Keys     []keyStatus     `json:"keys"`
}

// A siteStatus is one gate.
type siteStatus struct {
	Origins []string `json:"origins"`
	Gate    string   `json:"gate"`    // as in the log
	Storage string   `json:"storage"` // see storageStatus.Storage
	Mail    []string `json:"mail"`
	// Failing are those of Mail that take no mails at the moment, and why the last one
	// was not taken.
	Failing map[string]string `json:"failing,omitempty"`
}

// A storageStatus is one place where records are kept.
type storageStatus struct {
	Storage string `json:"storage"` // where it is, without secrets: its name in every answer
	Kind    string `json:"kind"`    // embedded, redis
	Shared  bool   `json:"shared"`  // with other machines
	Answers bool   `json:"answers"` // when it was last asked, half a second ago
	Writes  bool   `json:"writes"`  // it takes updates too, as far as is known
	// LastRead is when it last answered; empty: not since this Caddy started.
	LastRead *time.Time `json:"last_read,omitempty"`
	// ReadAge is how long ago that is, in seconds by the clock of the machine.
	ReadAge   float64 `json:"read_age_seconds,omitempty"`
	LastError string  `json:"last_error,omitempty"`
	Sessions  int     `json:"sessions_cached"` // that this machine knows without asking
	// Restored is when everything open was ended because the records had been put
	// back from a copy; empty: never.
	Restored *time.Time `json:"restored,omitempty"`
}

// A keyStatus is one signing key, without the key.
type keyStatus struct {
	Storage   string     `json:"storage"`
	ID        string     `json:"id"` // its kid in tokens and in jwks.json
	Use       string     `json:"use"`
	Algorithm string     `json:"algorithm"`
	State     string     `json:"state"` // next, signing, verifying or retired
	Created   time.Time  `json:"created"`
	From      time.Time  `json:"from"`            // when it begins to sign
	Until     *time.Time `json:"until,omitempty"` // when it verifies no more
}

// keysAnswer is what the endpoints of keys answer.
type keysAnswer struct {
	Keys []keyStatus `json:"keys"`
}

// A rotateAnswer is what the endpoint that rotates keys answers.
type rotateAnswer struct {
	keysAnswer
	// UnderWay are the storages whose next keys were waiting already, so that none
	// were made.
	UnderWay []string `json:"under_way,omitempty"`
}

func showStatus(_ context.Context, o order) (any, error) {
	app, chosen, err := lodgingsOf(o)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	status := houseStatus{Version: version(), Sites: []siteStatus{}, Storages: []storageStatus{}, Keys: keysOf(chosen, now)}
	for _, l := range chosen {
		status.Storages = append(status.Storages, l.status(now))
		for _, e := range l.gates {
			if o.Site == "" || e.standsAt(o.Site) {
				status.Sites = append(status.Sites, siteStatus{app.building.originsOf(e), e.id, l.name(), e.mailNames(), l.failing(e)})
			}
		}
	}
	return status, nil
}

// failing are the ways of a gate's mails that fail, and why.
func (l lodging) failing(e *entrance) map[string]string {
	failing := map[string]string{}
	for _, name := range e.mailNames() {
		if reason := l.pooled.outbox.Fails(name); reason != "" {
			failing[name] = reason
		}
	}
	return failing
}

// status is how the storage is.
func (l lodging) status(now time.Time) storageStatus {
	storage := l.storage()
	s := storageStatus{Storage: l.name(), Kind: kindOf(storage), Shared: storage.Shared()}
	s.fill(l.pooled.house.Health(), now)
	return s
}

// fill says how a house stands with the storage.
func (t *storageStatus) fill(h challenge.Health, now time.Time) {
	t.Answers, t.Writes, t.Sessions = h.Reads, h.Reads && h.Writes, h.Sessions
	if !h.Epoch.IsZero() {
		t.Restored = new(h.Epoch.UTC())
	}
	if !h.Read.IsZero() {
		t.LastRead, t.ReadAge = new(h.Read.UTC().Truncate(time.Millisecond)), max(0, now.Sub(h.Read).Seconds())
	}
	if h.Fault != nil {
		t.LastError = telemetry.CauseOf(h.Fault)
	}
}

func showKeys(_ context.Context, o order) (any, error) {
	_, chosen, err := lodgingsOf(o)
	if err != nil {
		return nil, err
	}
	return keysAnswer{keysOf(chosen, time.Now())}, nil
}

func keysOf(chosen []lodging, now time.Time) []keyStatus {
	keys := []keyStatus{}
	for _, l := range chosen {
		for _, k := range l.pooled.house.KeyList(now) {
			keys = append(keys, describeKey(l.name(), k))
		}
	}
	return keys
}

func describeKey(storage string, k sessions.KeyInfo) keyStatus {
	s := keyStatus{
		Storage: storage, ID: k.ID, Use: k.Use, Algorithm: string(k.Algorithm), State: string(k.State),
		Created: k.Created.UTC(), From: k.From.UTC(),
	}
	if !k.Until.IsZero() {
		s.Until = new(k.Until.UTC())
	}
	return s
}

// mailNames are the ways that mails take, without their secrets.
func (e *entrance) mailNames() []string {
	names := []string{}
	for _, module := range e.mails {
		name := kindOf(module)
		if m, ok := module.(Mail); ok {
			name = m.Where()
		}
		names = append(names, name)
	}
	return names
}

const modulePath = "github.com/doorcode/caddy-doorcode"

// version is which version of Doorcode this Caddy was built with.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Path == modulePath && info.Main.Version != "" {
		return info.Main.Version
	}
	for _, dependency := range info.Deps {
		if dependency.Path != modulePath {
			continue
		}
		if dependency.Replace != nil && dependency.Replace.Version != "" {
			return dependency.Replace.Version
		}
		return dependency.Version
	}
	return "(devel)"
}
