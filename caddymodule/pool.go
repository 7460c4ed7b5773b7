// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// What outlives a configuration, shared by the configurations that name the
// same storage, and the same secret.
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

// pooledStore is an open store. What it can do beyond a Store, the house asks
// the store itself.
type pooledStore struct {
	store challenge.Store
	log   *telemetry.Newest[telemetry.Outlet]
}

// Destruct closes the store.
func (s pooledStore) Destruct() error {
	if c, ok := s.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// openStore opens the store of a site, unless a configuration has.
func openStore(ctx context.Context, e *entrance) (pooledStore, hold, error) {
	key := e.storage.ID()
	pooled, _, err := stores.LoadOrNew(key, func() (caddy.Destructor, error) {
		log := new(telemetry.Newest[telemetry.Outlet])
		log.Claim(e, e.app.building.outlet())
		store, err := e.storage.OpenStore(ctx, telemetry.FollowingLog(log, "doorcode.storage"))
		return pooledStore{store, log}, err
	})
	if err != nil {
		return pooledStore{}, hold{}, err
	}
	store, ok := pooled.(pooledStore)
	if !ok {
		return pooledStore{}, hold{}, fmt.Errorf("shared store is a %T", pooled)
	}
	store.log.Claim(e, e.app.building.outlet())
	return store, hold{stores, key}, nil
}

// pooledHouse is a house with its mail queue.
type pooledHouse struct {
	house  *challenge.House
	outbox *mailer.Outbox
	inbox  *mailer.Inbox
	report *atomic.Pointer[func(mailer.Report)] // to the log of the newest configuration
	log    *telemetry.Newest[telemetry.Outlet]  // of house and store
	names  telemetry.Names                      // that stand for people and networks in logs
	upkeep telemetry.Newest[upkeep]             // as the newest configuration wants it
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

// change keeps the house as a newer configuration says.
func (p *pooledHouse) change(by any, to upkeep) {
	p.upkeep.Claim(by, to)
	to.apply(p.house)
}

// unchange ends what a configuration said, as disclaim does.
func (p *pooledHouse) unchange(by any) {
	p.upkeep.Disclaim(by)
	if before, left := p.upkeep.Value(); left {
		before.apply(p.house)
	}
}

// Destruct hands over what mail it can and ends the house. The store stays open
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
type houseKey struct{ storage, secret string }

// openHouse returns the house of a site's storage and secret, opening both if
// no configuration has.
func openHouse(ctx context.Context, e *entrance) (*pooledHouse, hold, error) {
	ring, err := openRing(e.secret)
	if err != nil {
		return nil, hold{}, err
	}
	key := houseKey{e.storage.ID(), ring.Fingerprint()}
	pooled, _, err := houses.LoadOrNew(key, func() (caddy.Destructor, error) { return newHouse(ctx, e, ring) })
	if err != nil {
		return nil, hold{}, err
	}
	house, ok := pooled.(*pooledHouse)
	if !ok {
		return nil, hold{}, fmt.Errorf("shared house is a %T", pooled)
	}
	house.log.Claim(e, e.app.building.outlet())
	return house, hold{houses, key}, nil
}

func newHouse(ctx context.Context, e *entrance, ring *keyring.Ring) (*pooledHouse, error) {
	store, held, err := openStore(ctx, e)
	if err != nil {
		return nil, err
	}
	p := &pooledHouse{inbox: new(mailer.Inbox), report: new(atomic.Pointer[func(mailer.Report)]), log: store.log, names: namesBy(ring), store: held, claims: map[string][]claim{}}
	p.outbox = mailer.NewOutbox(mailer.OutboxOptions{
		Describe: devices.Describe,
		Report: func(r mailer.Report) {
			telemetry.CountMail(r)
			if report := p.report.Load(); report != nil {
				(*report)(r)
			}
		},
		Failing: mailHealth(store.log),
	})
	p.house, err = challenge.OpenHouse(ctx, challenge.HouseOptions{
		Store: telemetry.MeasureStore(store.store, kindOf(e.storage)), Shared: e.storage.Shared(), Ring: ring, Sender: p.outbox,
		Recorder: houseRecorder(p, e.storage.Where()),
	})
	if err != nil {
		store.log.Disclaim(e)
		_, closing := stores.Delete(held.key)
		return nil, errors.Join(err, closing)
	}
	p.outbox.UseSpool(p.house.Spool())
	return p, nil
}
