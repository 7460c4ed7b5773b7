// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
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

var fileGrammar = grammar[*FileMail]{
	args:     line(1, live(func(m *FileMail) *string { return &m.Folder })).as("<folder>", "folder"),
	settings: lift(letterSettings, func(m *FileMail) *Letter { return &m.Letter }),
}

// UnmarshalCaddyfile reads
//
//	file <folder> {
//		from      <mailbox>
//		reply_to  <mailbox>
//		header    <field> <value>
//		text_only [on|off]
//		subject   <template>
//		templates <folder>
//		dkim      <domain> <selector> <key-file>
//	}
func (m *FileMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return fileGrammar.unmarshal(d, m)
}

// OpenTransport makes the transport.
func (m *FileMail) OpenTransport() (mailer.Transport, error) {
	return mailer.Folder{Path: m.folder}, nil
}

// Sender is what its mails say of their sender.
func (m *FileMail) Sender() *Letter { return &m.Letter }

// Where names the folder.
func (m *FileMail) Where() string { return "file " + m.folder }

// DemoMail shows each mail on a page in the browser, on localhost sites only.
type DemoMail struct{}

// CaddyModule names the module.
func (DemoMail) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.mail.demo",
		New: func() caddy.Module { return new(DemoMail) },
	}
}

var demoGrammar = grammar[*DemoMail]{args: line[*DemoMail](0)}

// UnmarshalCaddyfile reads
//
//	demo
func (m *DemoMail) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return demoGrammar.unmarshal(d, m)
}

var (
	_ Mail                  = (*FileMail)(nil)
	_ caddy.Provisioner     = (*FileMail)(nil)
	_ caddyfile.Unmarshaler = (*FileMail)(nil)
	_ caddyfile.Unmarshaler = (*DemoMail)(nil)
)
