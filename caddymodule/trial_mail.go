// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

func init() {
	caddy.RegisterModule(FileMail{})
	caddy.RegisterModule(DemoMail{})
}

// FileMail writes each mail to a folder, as a file that mail programs open. It
// is for tests: whoever reads the folder can sign in as anybody.
type FileMail struct {
	// What every mail says of its sender. Default: doorcode@localhost.
	Letter

	// The folder; placeholders are replaced. Required, no default.
	Folder string `json:"folder,omitempty"`

	folder string
}

// CaddyModule names the module.
func (FileMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.file",
		New: func() caddy.Module { return new(FileMail) },
	}
}

// Provision replaces placeholders and checks the outcome. It writes nothing.
func (m *FileMail) Provision(caddy.Context) error {
	if err := m.provision(caddy.NewReplacer()); err != nil {
		return fmt.Errorf("mail file: %w", err)
	}
	return nil
}

func (m *FileMail) provision(repl *caddy.Replacer) error {
	if m.From == "" {
		m.From = "doorcode@localhost"
	}
	if err := m.check(); err != nil {
		return err
	}
	if m.Folder == "" {
		return errors.New("no folder: write 'mail file <folder>'")
	}
	var err error
	if m.folder, err = expanded(repl, m.Folder); err != nil {
		return err
	}
	return m.Letter.provision(repl)
}

var fileSettings = lift(letterSettings, func(m *FileMail) *Letter { return &m.Letter })

// UnmarshalCaddyfile reads
//
//	file <folder> {
//		from      <mailbox>
//		reply_to  <mailbox>
//		header    <field> <value>
//		text_only [on|off]
//	}
func (m *FileMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return unmarshal(d, m, fileSettings, 1, text(func(m *FileMail) *string { return &m.Folder }))
}

// DemoMail shows each mail on a page in the browser, on localhost sites only.
type DemoMail struct{}

// CaddyModule names the module.
func (DemoMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.demo",
		New: func() caddy.Module { return new(DemoMail) },
	}
}

// UnmarshalCaddyfile reads
//
//	demo
func (m *DemoMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return unmarshal(d, m, table[*DemoMail]{}, 0)
}

var (
	_ caddy.Provisioner     = (*FileMail)(nil)
	_ caddyfile.Unmarshaler = (*FileMail)(nil)
	_ caddyfile.Unmarshaler = (*DemoMail)(nil)
)
