// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
)

// building is the app while one configuration lives. It hangs off App by a
// pointer because Caddy copies App values.
type building struct {
	ctx     caddy.Context
	logger  *zap.Logger
	emitter *telemetry.Emitter       // of Caddy's events
	gauges  *telemetry.Configuration // what is measured of this configuration

	mu        sync.Mutex // guards below
	entrances []*entrance
	held      []hold
	leave     []func()

	stands  func() (map[*entrance]stand, error)
	folders folders // of templates
}

// openTime bounds how long opening the store and making keys may take.
const openTime = 15 * time.Second

// Provision prepares what the sites' handlers add themselves to. It opens
// nothing: "caddy validate" provisions beside a running server.
func (a *App) Provision(ctx caddy.Context) error {
	if err := a.Settings.check(); err != nil {
		return err
	}
	b := &building{ctx: ctx, logger: ctx.Logger()}
	b.stands = sync.OnceValues(b.findStands)
	a.building = b
	var err error
	if b.emitter, err = telemetry.LoadEmitter(ctx); err != nil {
		return err
	}
	b.gauges, err = telemetry.NewConfiguration(version(), ctx.GetMetricsRegistry())
	return err
}

// Start opens every gate, so that a store that cannot be opened or an origin
// that is missing fails the load while the old configuration goes on.
func (a *App) Start() error {
	var faults []error
	for _, e := range a.building.gates() {
		if _, err := e.open(); err != nil {
			faults = append(faults, e.placed(err))
		}
	}
	if len(faults) == 0 {
		a.building.keepUp()
		a.building.tellLoaded()
		a.building.tellBypassed()
	}
	return errors.Join(faults...)
}

// placed adds which site an error is about.
func (e *entrance) placed(err error) error {
	origins := e.app.building.originsOf(e)
	if len(origins) == 0 {
		return err
	}
	return fmt.Errorf("%s: %w", origins[0], err)
}

// Stop does nothing: requests of this configuration may still be running.
func (a *App) Stop() error { return nil }

// Cleanup lets go of what outlives a configuration.
func (a *App) Cleanup() error {
	if a.building == nil {
		return nil
	}
	a.building.mu.Lock()
	defer a.building.mu.Unlock()
	for _, leave := range a.building.leave {
		leave()
	}
	for _, h := range a.building.held {
		h.release(a.building.logger)
	}
	a.building.held, a.building.leave = nil, nil
	return nil
}

// add registers a handler. Caddy provisions handlers one after the other.
func (b *building) add(e *entrance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entrances = append(b.entrances, e)
}

// gates are the handlers of the configuration.
func (b *building) gates() []*entrance {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entrances)
}

// keep remembers a hold until Cleanup.
func (b *building) keep(h hold) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = append(b.held, h)
}

// onCleanup remembers what to do at Cleanup.
func (b *building) onCleanup(leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leave = append(b.leave, leave)
}

// findStands walks the http app. It must not run before that app has been
// provisioned: at Start and on requests it has.
func (b *building) findStands() (map[*entrance]stand, error) {
	module, err := b.ctx.AppIfConfigured("http")
	if err != nil {
		return nil, fmt.Errorf("finding the sites of doorcode: %w", err)
	}
	http, ok := module.(*caddyhttp.App)
	if !ok {
		return nil, fmt.Errorf("finding the sites of doorcode: http app is a %T", module)
	}
	return survey(http), nil
}

// originsOf are the origins of a handler, as configured or found.
func (b *building) originsOf(e *entrance) []string {
	if len(e.settings.Origins) > 0 {
		return e.settings.Origins
	}
	stands, err := b.stands()
	if err != nil {
		return nil
	}
	return stands[e].origins
}

func (b *building) openContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(b.ctx), openTime)
}

var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
