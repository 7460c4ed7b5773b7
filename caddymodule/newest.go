// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"slices"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A newest holds a value of each configuration that is alive, and tells that of
// the newest. One that failed to load gives way to the one before, which goes on.
type newest[T any] struct {
	mu   sync.Mutex // guards below
	held []claimed[T]
}

type claimed[T any] struct {
	by    any
	value T
}

// claim adds a value, or replaces the one of the same holder.
func (n *newest[T]) claim(by any, value T) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := n.index(by); i >= 0 {
		n.held[i].value = value
		return
	}
	n.held = append(n.held, claimed[T]{by, value})
}

// disclaim takes a holder's value away.
func (n *newest[T]) disclaim(by any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := n.index(by); i >= 0 {
		n.held = slices.Delete(n.held, i, i+1)
	}
}

// value is the newest one, if any is left.
func (n *newest[T]) value() (value T, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.held) == 0 {
		return value, false
	}
	return n.held[len(n.held)-1].value, true
}

func (n *newest[T]) index(by any) int {
	return slices.IndexFunc(n.held, func(c claimed[T]) bool { return c.by == by })
}

// A logRelay is the core of a logger that writes to the log of the newest
// configuration. What is pooled outlives the configuration that opened it, and
// with it the files that its log was written to.
type logRelay struct {
	loggers *newest[*zap.Logger]
	fields  []zap.Field
}

// followingLog is a logger for what is pooled.
func followingLog(loggers *newest[*zap.Logger], name string) *zap.Logger {
	return zap.New(logRelay{loggers: loggers}).Named(name)
}

func (r logRelay) core() zapcore.Core {
	logger, ok := r.loggers.value()
	if !ok {
		return zapcore.NewNopCore()
	}
	return logger.Core().With(r.fields)
}

// Enabled asks the newest log.
func (r logRelay) Enabled(level zapcore.Level) bool { return r.core().Enabled(level) }

// With adds fields to every entry.
func (r logRelay) With(fields []zap.Field) zapcore.Core {
	return logRelay{r.loggers, slices.Concat(r.fields, fields)}
}

// Check lets the newest log take the entry.
func (r logRelay) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return r.core().Check(e, to)
}

// Write writes to the newest log.
func (r logRelay) Write(e zapcore.Entry, fields []zap.Field) error { return r.core().Write(e, fields) }

// Sync flushes the newest log.
func (r logRelay) Sync() error { return r.core().Sync() }
