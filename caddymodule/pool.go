// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// What outlives a configuration, shared by the configurations that name the
// same file, and the same secret.
var (
	stores = caddy.NewUsagePool()
	houses = caddy.NewUsagePool()
)

const (
	// linger is how long a store stays open after its configuration: Caddy does
	// not wait for the requests of the old one when it reloads.
	linger = 10 * time.Second
	// drainTime bounds how long mail is still handed over when Caddy stops.
	drainTime = 5 * time.Second
)

// A hold is a use of something pooled, to be let go of once.
type hold struct {
	pool *caddy.UsagePool
	key  any
}

// release lets go at once when Caddy exits, since its requests are over then,
// and a while later on a reload.
func (h hold) release(logger *zap.Logger) {
	let := func() {
		if _, err := h.pool.Delete(h.key); err != nil {
			logger.Error("closing what sites shared", zap.Error(err))
		}
	}
	if caddy.Exiting() {
		let()
		return
	}
	time.AfterFunc(linger, let)
}

// pooledStore is an open file.
type pooledStore struct{ *boltstore.Store }

// Destruct closes the file.
func (s pooledStore) Destruct() error { return s.Close() }

// pooledHouse is a house with its mail queue.
type pooledHouse struct {
	house  *challenge.House
	outbox *mailer.Outbox
	inbox  *mailer.Inbox
	report *atomic.Pointer[func(mailer.Report)] // to the log of the newest configuration
	store  hold

	mu     sync.Mutex // guards below
	claims map[string][]claim
}

// A claim is how one configuration sends the mails of a gate.
type claim struct {
	by     *entrance
	routes []mailer.Route
	report func(mailer.Report) // to its log
}

// claim makes the mails of a gate go the way of a newer configuration.
func (p *pooledHouse) claim(c claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims[c.by.id] = append(p.claims[c.by.id], c)
	p.follow(c)
}

func (p *pooledHouse) follow(c claim) {
	p.report.Store(&c.report)
	p.outbox.Use(c.by.id, c.routes...)
}

// disclaim ends the claim of a configuration that is over. One that failed to
// load gives the mails back to the one before, which goes on.
func (p *pooledHouse) disclaim(e *entrance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := p.claims[e.id]
	i := slices.IndexFunc(claims, func(c claim) bool { return c.by == e })
	if i < 0 {
		return
	}
	newest := i == len(claims)-1
	claims = slices.Delete(claims, i, i+1)
	p.claims[e.id] = claims
	if newest && len(claims) > 0 {
		p.follow(claims[len(claims)-1])
	}
	if len(claims) == 0 {
		delete(p.claims, e.id)
	}
}

// Destruct hands over what mail it can and ends the house. The file stays open
// until the house is gone.
func (p *pooledHouse) Destruct() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := p.outbox.Close(ctx)
	p.house.Close()
	_, closing := p.store.pool.Delete(p.store.key)
	return errors.Join(err, closing)
}

// houseKey tells houses apart.
type houseKey struct{ path, secret string }

// openHouse returns the house of a file and a secret, opening both if no
// configuration has.
func openHouse(ctx context.Context, path string, secret *clearText) (*pooledHouse, hold, error) {
	ring, err := openRing(secret)
	if err != nil {
		return nil, hold{}, err
	}
	key := houseKey{path, ring.Fingerprint()}
	pooled, _, err := houses.LoadOrNew(key, func() (caddy.Destructor, error) { return newHouse(ctx, path, ring) })
	if err != nil {
		return nil, hold{}, err
	}
	house, ok := pooled.(*pooledHouse)
	if !ok {
		return nil, hold{}, fmt.Errorf("shared house is a %T", pooled)
	}
	return house, hold{houses, key}, nil
}

func newHouse(ctx context.Context, path string, ring *keyring.Ring) (*pooledHouse, error) {
	pooled, _, err := stores.LoadOrNew(path, func() (caddy.Destructor, error) {
		store, err := boltstore.Open(boltstore.Options{Path: path})
		return pooledStore{store}, err
	})
	if err != nil {
		return nil, err
	}
	p := &pooledHouse{inbox: new(mailer.Inbox), report: new(atomic.Pointer[func(mailer.Report)]), store: hold{stores, path}, claims: map[string][]claim{}}
	p.outbox = mailer.NewOutbox(mailer.OutboxOptions{
		Describe: devices.Describe,
		Report: func(r mailer.Report) {
			if report := p.report.Load(); report != nil {
				(*report)(r)
			}
		},
	})
	store, ok := pooled.(pooledStore)
	if !ok {
		return nil, fmt.Errorf("shared store is a %T", pooled)
	}
	p.house, err = challenge.OpenHouse(ctx, challenge.HouseOptions{Store: store, Ring: ring, Sender: p.outbox})
	if err != nil {
		_, closing := stores.Delete(path)
		return nil, errors.Join(err, closing)
	}
	return p, nil
}

// openRing derives the keys from the operator's secret, or from the file in
// Caddy's data folder, which the first start makes.
func openRing(secret *clearText) (*keyring.Ring, error) {
	if secret != nil {
		root, err := keyring.ParseSecret(secret.reveal())
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		return keyring.New(root)
	}
	text, err := ownSecret(filepath.Join(dataFolder(), "secret"))
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	root, err := keyring.ParseSecret(text)
	if err != nil {
		return nil, fmt.Errorf("secret in %s: %w", dataFolder(), err)
	}
	return keyring.New(root)
}

// dataFolder is where Doorcode keeps its own files.
func dataFolder() string { return filepath.Join(caddy.AppDataDir(), "doorcode") }

// ownSecret reads a secret file, or makes it. The file appears whole or not at
// all: a secret that is half written would be another one after the next start.
func ownSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return trimmed(text), err
	}
	fresh, err := keyring.NewSecret()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := placeNew(path, fresh+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err = os.ReadFile(path)
	return trimmed(text), err
}

// placeNew puts a file in place unless there is one: the first of two processes
// that start at once wins.
func placeNew(path, content string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // a leftover is harmless
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}

func trimmed(text []byte) string { return strings.TrimSpace(string(text)) }
