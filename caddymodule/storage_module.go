// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
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
	if s.Grace == nil {
		s.Grace = new(minutes(10))
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("storage embedded: %w", err)
	}
	var err error
	if s.path, err = expanded(caddy.NewReplacer(), s.Path); err != nil {
		return fmt.Errorf("storage embedded: %w", err)
	}
	return nil
}

func (s *EmbeddedStorage) check() error {
	if s.Grace == nil {
		return nil
	}
	if *s.Grace < 0 {
		return fmt.Errorf("'grace' must be 0 or longer")
	}
	return between("grace", *s.Grace, time.Second, day)
}

var embeddedSettings = table[*EmbeddedStorage]{
	"grace": line(1, durationOrOff(func(s *EmbeddedStorage) **caddy.Duration { return &s.Grace })),
}

// UnmarshalCaddyfile reads
//
//	embedded [<path>] {
//		grace <duration>|off
//	}
func (s *EmbeddedStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return unmarshal(d, s, embeddedSettings, 0, text(func(s *EmbeddedStorage) *string { return &s.Path }))
}

var (
	_ caddy.Provisioner     = (*EmbeddedStorage)(nil)
	_ caddyfile.Unmarshaler = (*EmbeddedStorage)(nil)
)
