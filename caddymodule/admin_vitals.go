// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// vitals are what only a running Caddy knows of itself.
type vitals struct {
	Doorcode string `json:"doorcode"`
	Caddy    string `json:"caddy"`
	Go       string `json:"go"`
	// Files are how many files the process may have open, and has; 0: unknown.
	Files struct {
		Limit uint64 `json:"limit"`
		Open  uint64 `json:"open"`
	} `json:"files"`
	Modules map[string]string `json:"modules"` // versions by path
	// Forwarders are private addresses that forwarded visitors without being trusted,
	// since this configuration began.
	Forwarders []string      `json:"forwarders"`
	Storages   []storageTime `json:"storages"`
}

// A storageTime is how long the slowest of some reads took just now.
type storageTime struct {
	Storage string  `json:"storage"`
	Slowest float64 `json:"slowest_read_seconds"`
	Error   string  `json:"error,omitempty"`
}

// readings is how often each storage is read.
const readings = 50

// showVitals looks at this process. It changes nothing.
func showVitals(ctx context.Context, o order) (any, error) {
	app, chosen, err := lodgingsOf(o)
	if err != nil {
		return nil, err
	}
	own, d := ownVersions(), ownDescriptors()
	v := vitals{Doorcode: own.Doorcode, Caddy: own.Caddy, Go: own.Go, Modules: own.Modules, Forwarders: []string{}, Storages: []storageTime{}}
	v.Files.Limit, v.Files.Open = d.Limit, d.Open
	for _, e := range inOrder(app) {
		if peer := e.hints.forwarder.Load(); peer != nil && !slices.Contains(v.Forwarders, peer.String()) {
			v.Forwarders = append(v.Forwarders, peer.String())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	for _, l := range chosen {
		v.Storages = append(v.Storages, l.time(ctx))
	}
	return v, nil
}

// time reads a record that is not there, many times.
func (l lodging) time(ctx context.Context) storageTime {
	t := storageTime{Storage: l.name()}
	stores.Range(func(key, value any) bool {
		s, ok := value.(pooledStore)
		if !ok || key != l.storage().ID() {
			return true
		}
		for range readings {
			began := time.Now()
			if _, err := s.store.Get(ctx, "doctor"); err != nil && !errors.Is(err, challenge.ErrNotFound) {
				t.Error = err.Error()
				break
			}
			t.Slowest = max(t.Slowest, time.Since(began).Seconds())
		}
		return false
	})
	return t
}
