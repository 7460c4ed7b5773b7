// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// The entries of the tables that no generic reader reads.

// addTo appends to a list.
func addTo[T any](field func(T) *[]string) func(T, string, string) error {
	return func(to T, _, text string) error {
		*field(to) = append(*field(to), text)
		return nil
	}
}

// group is a name and its members.
var group = entry[*Settings]{repeats: true, read: func(d *caddyfile.Dispenser, s *Settings) error {
	args := d.RemainingArgs()
	if len(args) < 2 {
		return d.Errf("'group' takes a name and at least 1 address, got %d", len(args))
	}
	if s.Group == nil {
		s.Group = map[string][]string{}
	}
	s.Group[args[0]] = append(s.Group[args[0]], args[1:]...)
	return nil
}}

func freshIdentity(s *Settings) *Identity {
	s.Identity = &Identity{}
	return s.Identity
}

// mapUser is a user and the address of that user.
var mapUser = entry[*Identity]{repeats: true, read: func(d *caddyfile.Dispenser, i *Identity) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Errf("'map' takes a user and an address, got %d arguments", len(args))
	}
	if _, known := i.Map[args[0]]; known {
		return d.Errf("'map %s' is already set; write it once", args[0])
	}
	if i.Map == nil {
		i.Map = map[string]string{}
	}
	i.Map[args[0]] = args[1]
	return nil
}}

// header is a field of a mail and its content.
var header = entry[*Letter]{repeats: true, read: func(d *caddyfile.Dispenser, l *Letter) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Errf("'header' takes a field and a value, got %d arguments%s", len(args), quoteHint(args))
	}
	if _, known := l.Header[args[0]]; known {
		return d.Errf("'header %s' is already set; write it once", args[0])
	}
	if l.Header == nil {
		l.Header = map[string]string{}
	}
	l.Header[args[0]] = args[1]
	return nil
}}

// copyHeader is a field, and after '>' the header that carries it.
func copyHeader(s *Settings, word, text string) error {
	field, name, renamed := strings.Cut(text, ">")
	if !renamed {
		name = field
	}
	// Header names are not case-sensitive; the fields have one spelling in JSON.
	for _, known := range handoverFields {
		if strings.EqualFold(field, known) {
			field = known
		}
	}
	if !slices.Contains(handoverFields, field) {
		return fmt.Errorf("'%s' takes %s, got '%s'", word, either(handoverFields), field)
	}
	if _, known := s.CopyHeaders[field]; known {
		return fmt.Errorf("'%s %s' is already set; write it once", word, field)
	}
	if s.CopyHeaders == nil {
		s.CopyHeaders = map[string]string{}
	}
	s.CopyHeaders[field] = name
	return nil
}

var accent = value[*Pages]{
	set: func(p *Pages, _, text string) error {
		p.Accent = text
		return nil
	},
	hint: func(args []string) string {
		if len(args) > 0 {
			return ""
		}
		return `; a '#' starts a comment, write accent 0b5fff or "#0b5fff"`
	},
}

// mailTransport is a transport and its settings; the next line is the fallback.
var mailTransport = entry[*Settings]{
	repeats: true,
	inside:  smtpSettings.words(),
	read: func(d *caddyfile.Dispenser, s *Settings) error {
		raw, err := guest{"doorcode.mail", "transport", "mail transport"}.read(d)
		if err != nil {
			return err
		}
		s.MailRaw = append(s.MailRaw, raw)
		return nil
	},
}

var storage = entry[*Settings]{
	inside: embeddedSettings.words(),
	read: func(d *caddyfile.Dispenser, s *Settings) error {
		raw, err := guest{"doorcode.storage", "backend", "storage"}.read(d)
		if err != nil {
			return err
		}
		s.StorageRaw = raw
		return nil
	},
}
