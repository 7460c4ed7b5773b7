// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

func init() {
	caddy.RegisterModule(EmbeddedStorage{})
}

// EmbeddedStorage keeps everything in one file on this machine.
type EmbeddedStorage struct {
	// The file; placeholders are replaced. Default: doorcode/doorcode.db in
	// Caddy's data folder.
	Path string `json:"path,omitempty"`

	// How long live sessions go on while the file cannot be read, up to 24h; 0
	// is not at all. Default: 10m.
	Grace *caddy.Duration `json:"grace,omitempty"`

	path string
}

// CaddyModule names the module.
func (EmbeddedStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.storage.embedded",
		New: func() caddy.Module { return new(EmbeddedStorage) },
	}
}

// Provision replaces placeholders and checks the outcome. It opens no file, so
// that a configuration can be validated beside a running server.
func (s *EmbeddedStorage) Provision(caddy.Context) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("storage embedded: %w", err)
	}
	var err error
	if s.path, err = expanded(caddy.NewReplacer(), s.Path); err != nil {
		return fmt.Errorf("storage embedded: %w", err)
	}
	return nil
}

func (s *EmbeddedStorage) check() error { return checkGrace(s.Grace) }

// File is the absolute path of the file.
func (s *EmbeddedStorage) File() string {
	path := s.path
	if path == "" {
		path = filepath.Join(dataFolder(), "doorcode.db")
	}
	if absolute, err := caddy.FastAbs(path); err == nil {
		path = absolute
	}
	return path
}

// ID names the file.
func (s *EmbeddedStorage) ID() string { return "embedded " + s.File() }

// Where is the file.
func (s *EmbeddedStorage) Where() string { return s.File() }

// OpenStore opens the file, making it if there is none.
func (s *EmbeddedStorage) OpenStore(context.Context, *zap.Logger) (challenge.Store, error) {
	letOthersRun()
	store, err := boltstore.Open(boltstore.Options{Path: s.File()})
	if err != nil {
		return nil, err
	}
	return store, nil
}

// letOthersRun lets Go use a second thread where it has one alone, unless the operator
// wants it so. With one, everything waits while the disk is synced: each time until the
// scheduler notices, up to ten milliseconds, so that a few hundred wrong codes a second
// would bring all sites of a small machine to a halt.
func letOthersRun() {
	if runtime.GOMAXPROCS(0) == 1 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2)
	}
}

// GracePeriod is how long live sessions go on while the file cannot be read.
func (s *EmbeddedStorage) GracePeriod() time.Duration { return graceOf(s.Grace) }

// Shared reports that one machine alone can open the file.
func (*EmbeddedStorage) Shared() bool { return false }

var embeddedSettings = table[*EmbeddedStorage]{
	"grace": line(1, durationOrOff(func(s *EmbeddedStorage) **caddy.Duration { return &s.Grace })),
}

var embeddedGrammar = grammar[*EmbeddedStorage]{
	args:     line(0, text(func(s *EmbeddedStorage) *string { return &s.Path })).as("[<path>]", "path"),
	settings: embeddedSettings,
}

// UnmarshalCaddyfile reads
//
//	embedded [<path>] {
//		grace <duration>|off
//	}
func (s *EmbeddedStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return embeddedGrammar.unmarshal(d, s)
}

var (
	_ Storage               = (*EmbeddedStorage)(nil)
	_ filed                 = (*EmbeddedStorage)(nil)
	_ caddy.Provisioner     = (*EmbeddedStorage)(nil)
	_ caddyfile.Unmarshaler = (*EmbeddedStorage)(nil)
)
