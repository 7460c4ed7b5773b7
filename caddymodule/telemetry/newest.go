// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"slices"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A Newest holds a value of each configuration that is alive, and tells that of
// the newest. One that failed to load gives way to the one before, which goes on.
// The zero value is empty.
type Newest[T any] struct {
	mu   sync.Mutex // guards below
	held []claimed[T]
}

type claimed[T any] struct {
	by    any
	value T
}

// Claim adds a value, or replaces the one of the same holder.
func (n *Newest[T]) Claim(by any, value T) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := n.index(by); i >= 0 {
		n.held[i].value = value
		return
	}
	n.held = append(n.held, claimed[T]{by, value})
}

// Disclaim takes a holder's value away.
func (n *Newest[T]) Disclaim(by any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := n.index(by); i >= 0 {
		n.held = slices.Delete(n.held, i, i+1)
	}
}

// Value is the newest one, if any is left.
func (n *Newest[T]) Value() (value T, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.held) == 0 {
		return value, false
	}
	return n.held[len(n.held)-1].value, true
}

func (n *Newest[T]) index(by any) int {
	return slices.IndexFunc(n.held, func(c claimed[T]) bool { return c.by == by })
}

// An Outlet is where one configuration wants to be told of what its sites share.
type Outlet struct {
	Logger  *zap.Logger // of the app
	Emitter *Emitter    // nil: there is none
	Keep    challenge.AuditIP
}

// A logRelay is the core of a logger that writes to the log of the newest
// configuration. What is pooled outlives the configuration that opened it, and
// with it the files that its log was written to.
type logRelay struct {
	outlets *Newest[Outlet]
	fields  []zap.Field
}

// FollowingLog is a logger for what is pooled.
func FollowingLog(outlets *Newest[Outlet], name string) *zap.Logger {
	return zap.New(logRelay{outlets: outlets}).Named(name)
}

func (r logRelay) core() zapcore.Core {
	outlet, ok := r.outlets.Value()
	if !ok {
		return zapcore.NewNopCore()
	}
	return outlet.Logger.Core().With(r.fields)
}

// Enabled asks the newest log.
func (r logRelay) Enabled(level zapcore.Level) bool { return r.core().Enabled(level) }

// With adds fields to every entry.
func (r logRelay) With(fields []zap.Field) zapcore.Core {
	return logRelay{r.outlets, slices.Concat(r.fields, fields)}
}

// Check lets the newest log take the entry.
func (r logRelay) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return r.core().Check(e, to)
}

// Write writes to the newest log.
func (r logRelay) Write(e zapcore.Entry, fields []zap.Field) error { return r.core().Write(e, fields) }

// Sync flushes the newest log.
func (r logRelay) Sync() error { return r.core().Sync() }
