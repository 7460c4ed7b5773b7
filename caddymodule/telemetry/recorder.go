// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"net/netip"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Names are keyed hashes that stand for people and networks, where an operator wants
// to keep neither.
type Names struct {
	// Person is the same as Event.Account. Nil: nobody is named.
	Person func(challenge.Email) string
	// Network is that of a /24 or /48. Nil: none is named.
	Network func(netip.Prefix) string
}

// RecorderOptions say where a Recorder takes events.
type RecorderOptions struct {
	// Log takes faults, and on level DEBUG why each decision was made.
	Log *zap.Logger
	// Audit takes all other events.
	Audit *zap.Logger
	// Emitter is of subscribers, asked for each event. Nil: there are none.
	Emitter func() *Emitter
	// Keep says how much of addresses is kept. Nil: the prefix.
	Keep func() challenge.AuditIP
	// Names stand for people and networks with AuditHash.
	Names Names
	// About is added to each line and event. Nil: nothing is.
	About []zap.Field
}

// A Recorder writes what happens at a gate to the logs, counts it, and tells
// subscribers. It is safe for concurrent use and never waits for any of them but
// the log.
type Recorder struct{ options RecorderOptions }

// NewRecorder makes a Recorder.
func NewRecorder(o RecorderOptions) *Recorder {
	if o.Emitter == nil {
		o.Emitter = func() *Emitter { return nil }
	}
	if o.Keep == nil {
		o.Keep = func() challenge.AuditIP { return challenge.AuditPrefix }
	}
	return &Recorder{o}
}

// faults are the events that nobody has caused. They are no part of the audit.
var faults = map[challenge.EventName]bool{
	challenge.CodeFailed: true, challenge.NoticeFailed: true, challenge.StoreFailed: true, challenge.StoreAway: true, challenge.StoreBack: true,
	challenge.StoreRestarted: true, challenge.ActivityLost: true, challenge.IdentityMissing: true,
}

// levels of events that are not information.
var levels = map[challenge.EventName]zapcore.Level{
	challenge.CodeFailed: zapcore.ErrorLevel, challenge.StoreFailed: zapcore.ErrorLevel, challenge.NoticeFailed: zapcore.ErrorLevel,
	challenge.Limited: zapcore.WarnLevel, challenge.Locked: zapcore.WarnLevel, challenge.DeviceReplayed: zapcore.WarnLevel, challenge.KeyUnproved: zapcore.WarnLevel,
	challenge.PasskeyCloned: zapcore.WarnLevel,
	challenge.KeysReplaced:  zapcore.WarnLevel, challenge.Reported: zapcore.WarnLevel, challenge.Guarded: zapcore.WarnLevel,
	challenge.ActivityLost: zapcore.WarnLevel, challenge.StoreAway: zapcore.ErrorLevel, challenge.StoreRestarted: zapcore.WarnLevel, challenge.StoreRestored: zapcore.WarnLevel,
	challenge.MalformedCode: zapcore.DebugLevel, challenge.RepeatedCode: zapcore.DebugLevel, // they cost nothing, so there can be any number
}

// levelOf is how loud an event is. Strangers can cause any number of decisions
// about nobody.
func levelOf(e *challenge.Event) zapcore.Level {
	if e.Name == challenge.Decided && e.Account == "" && e.Observed == 0 && (e.Decision != challenge.Pass || !e.Barred) {
		return zapcore.DebugLevel
	}
	return levels[e.Name] // zero is information
}

// WantsGrounds reports whether a decision is written or told anywhere.
func (r *Recorder) WantsGrounds(e *challenge.Event) bool {
	return r.options.Audit.Core().Enabled(levelOf(e)) || r.options.Log.Core().Enabled(zapcore.DebugLevel) || len(namesFor(e)) > 0
}

// Record takes one event to where it belongs.
func (r *Recorder) Record(ctx context.Context, e challenge.Event) {
	tally(&e)
	d := discretion{r.options.Keep(), r.options.Names}
	logger := r.options.Audit
	if faults[e.Name] {
		logger = r.options.Log
	}
	if entry := logger.Check(levelOf(&e), string(e.Name)); entry != nil {
		entry.Write(append([]zap.Field{zap.String("event", string(e.Name))}, r.fieldsOf(ctx, &e, d)...)...)
	}
	if e.Name == challenge.Decided {
		r.explain(ctx, &e)
	}
	for _, name := range namesFor(&e) {
		r.options.Emitter().Emit(name, func() map[string]any { return dataOf(r.fieldsOf(ctx, &e, d)) })
	}
}

func (r *Recorder) fieldsOf(ctx context.Context, e *challenge.Event, d discretion) []zap.Field {
	return append(fieldsOf(ctx, e, d), r.options.About...)
}

// explain tells why a decision was made, to whoever wants to know as much as that.
func (r *Recorder) explain(ctx context.Context, e *challenge.Event) {
	entry := r.options.Log.Check(zapcore.DebugLevel, "explained")
	if entry == nil {
		return
	}
	entry.Write(zap.String("event", "explained"), written("gate", e.Gate), zap.String("decision", e.Decision.String()),
		written("reason", string(e.Reason)), written("account", e.Account), written("session", e.Session),
		written("request", requestID(ctx)), zap.Strings("why", whys(e)))
}

// dataOf are the fields of a line as subscribers get them.
func dataOf(fields []zap.Field) map[string]any {
	to := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(to)
	}
	return to.Fields
}
