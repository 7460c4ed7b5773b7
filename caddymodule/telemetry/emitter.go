// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// The events that Caddy's subscribers get. The data of each are the fields of its
// line in the log.
const (
	EventCodeSent      = "code_sent"
	EventCodeFailed    = "code_failed"
	EventVerified      = "verified"
	EventLocked        = "locked"
	EventNewBrowser    = "new_browser" // beside EventVerified, with the same data
	EventReported      = "reported"
	EventRevoked       = "revoked"
	EventMailFailed    = "mail_failed"
	EventMailRecovered = "mail_recovered"
	EventKeyRotated    = "key_rotated"
	EventGeoIPStale    = "geoip_stale"
)

// emitted are the events of the domain that subscribers get, and by which names.
var emitted = map[challenge.EventName][]string{
	challenge.CodeSent: {EventCodeSent}, challenge.CodeFailed: {EventCodeFailed}, challenge.Verified: {EventVerified, EventNewBrowser},
	challenge.Locked: {EventLocked}, challenge.Reported: {EventReported}, challenge.Revoked: {EventRevoked}, challenge.KeysRotated: {EventKeyRotated},
}

func namesFor(e *challenge.Event) []string {
	names := emitted[e.Name]
	if e.Name == challenge.Verified && !e.Fresh {
		return names[:1]
	}
	return names
}

// maxWaiting is how many events wait for subscribers before more are dropped.
const maxWaiting = 256

// byStrangers are the events that anybody can cause at will. Half of the places are
// kept from them, so that no flood hides a report or a revocation.
var byStrangers = map[string]bool{EventCodeSent: true, EventCodeFailed: true, EventLocked: true}

const maxByStrangers = maxWaiting / 2

func init() { caddy.RegisterModule(new(Emitter)) }

// Emitter tells the subscribers of one configuration what happens. They are told one
// after the other, off the path of the request: a slow one delays other events and
// nothing else.
//
// The doorcode app loads it; there is nothing to configure. It is a module of its own
// because Caddy takes from the context of a module where an event comes from, and the
// context of an app that a handler has loaded goes on to name that handler's guests.
type Emitter struct {
	ctx       caddy.Context
	events    *caddyevents.App
	logger    *zap.Logger
	waiting   chan emission
	strangers atomic.Int32 // events that wait and are by them
	dropped   atomic.Uint64
}

type emission struct {
	name string
	data map[string]any
}

const emitterID = "doorcode.events"

// CaddyModule names the module.
func (*Emitter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: emitterID, New: func() caddy.Module { return new(Emitter) }}
}

// LoadEmitter makes the emitter of a configuration that is being provisioned.
func LoadEmitter(ctx caddy.Context) (*Emitter, error) {
	module, err := ctx.LoadModuleByID(emitterID, nil)
	if err != nil {
		return nil, fmt.Errorf("finding who wants to be told of events: %w", err)
	}
	e, ok := module.(*Emitter)
	if !ok {
		return nil, fmt.Errorf("finding who wants to be told of events: module is a %T", module)
	}
	return e, nil
}

// Provision finds the events app. Emitting begins once every app has started, and ends
// with the configuration.
func (e *Emitter) Provision(ctx caddy.Context) error {
	module, err := ctx.App("events")
	if err != nil {
		return err
	}
	app, ok := module.(*caddyevents.App)
	if !ok {
		return fmt.Errorf("events app is a %T", module)
	}
	e.ctx, e.events, e.logger, e.waiting = ctx, app, ctx.Logger(), make(chan emission, maxWaiting)
	// Subscribers are added while apps start, in any order: before that is over nobody
	// may look who there is.
	return app.On("started", starter{e})
}

// A starter begins to emit once every app has started.
type starter struct{ *Emitter }

// Handle is called by the events app.
func (s starter) Handle(context.Context, caddy.Event) error {
	go s.run()
	return nil
}

// Emit has subscribers told, if there are any; data is called for them alone. It
// never waits: an event that finds no place is dropped, and counted for the log. It may
// be called on nil.
func (e *Emitter) Emit(name string, data func() map[string]any) {
	if e == nil {
		return
	}
	if len(e.waiting) == cap(e.waiting) || !e.admit(name) { // before the data are gathered
		e.dropped.Add(1)
		return
	}
	select {
	case e.waiting <- emission{name, data()}:
	default:
		e.release(name)
		e.dropped.Add(1)
	}
}

// admit reports whether there is a place left for events of that name, and takes it.
func (e *Emitter) admit(name string) bool {
	if !byStrangers[name] {
		return true
	}
	if e.strangers.Add(1) > maxByStrangers {
		e.strangers.Add(-1)
		return false
	}
	return true
}

// release gives back the place that admit has taken.
func (e *Emitter) release(name string) {
	if byStrangers[name] {
		e.strangers.Add(-1)
	}
}

func (e *Emitter) run() {
	for {
		select {
		case <-e.ctx.Done():
			return
		case next := <-e.waiting:
			e.release(next.name)
			e.tell(next)
		}
	}
}

// tell tells subscribers of one event. Their faults are none of ours.
func (e *Emitter) tell(next emission) {
	defer func() {
		if fault := recover(); fault != nil {
			e.logger.Error("fault in a subscriber of events", zap.String("name", next.name), zap.Any("fault", fault), zap.Stack("stack"))
		}
	}()
	if dropped := e.dropped.Swap(0); dropped > 0 {
		e.logger.Warn("subscribers of events are too slow, so some events were dropped", zap.String("event", "events_dropped"), zap.Uint64("dropped", dropped))
	}
	if e.events.ShouldEmit(next.name) {
		e.events.Emit(e.ctx, next.name, next.data)
	}
}

var (
	_ caddy.Provisioner   = (*Emitter)(nil)
	_ caddyevents.Handler = starter{}
)
