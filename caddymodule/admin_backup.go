// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"io"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A copier is a store that can copy itself while it is in use.
type copier interface {
	Backup(w io.Writer) (n int64, err error)
}

// backUp streams a copy of the one embedded storage that is meant.
func backUp(_ context.Context, w http.ResponseWriter, o order) error {
	app, chosen, err := lodgingsOf(o)
	if err != nil {
		return err
	}
	if len(chosen) > 1 {
		return refusal(http.StatusConflict, "there are several storages; name a site of the one that is meant, with --site: %s", strings.Join(app.hosts(), ", "))
	}
	l := chosen[0]
	store, ok := l.pooled.keptStore().(copier)
	if !ok {
		return refusal(http.StatusConflict, "%s is no file of this machine: back it up where it runs, with its own snapshots; "+
			"'caddy doorcode storage copy --to <file>' makes a file of it", l.name())
	}
	logger := app.building.audit().With(zap.String("event", "backup"), zap.String("by", "operator"), zap.String("storage", l.name()))
	return stream(w, store, logger)
}

// stream sends a copy. One that breaks off must not look whole to whoever
// receives it.
func stream(w http.ResponseWriter, store copier, logger *zap.Logger) error {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	sent := &counted{Writer: w}
	n, err := store.Backup(sent)
	if err == nil {
		logger.Info("copied the storage", zap.Int64("bytes", n))
		return nil
	}
	if sent.n == 0 {
		return refusal(http.StatusServiceUnavailable, "copying the storage: %w", err)
	}
	logger.Error("copying the storage", zap.Error(err))
	panic(http.ErrAbortHandler) // an answer of any kind would end the copy in good order
}

// keptStore is the open store of the house, nil if it is closing.
func (p *pooledHouse) keptStore() (store challenge.Store) {
	p.store.pool.Range(func(key, value any) bool {
		if pooled, ok := value.(pooledStore); ok && key == p.store.key {
			store = pooled.store
		}
		return store == nil
	})
	return store
}

// counted counts what was written.
type counted struct {
	io.Writer
	n int64
}

// Write counts, also what a failing writer took.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}
