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
var group = members("address", "<name> <address|*@domain...>", func(s *Settings) *map[string][]string { return &s.Group })

// networks is a name and its networks.
var networks = members("network", "<name> <cidr...>", func(s *Settings) *map[string][]string { return &s.Networks })

// members reads a name and at least one member. Lines with the same name add.
func members(member, takes string, field func(*Settings) *map[string][]string) entry[*Settings] {
	return entry[*Settings]{repeats: true, takes: takes, read: func(d *caddyfile.Dispenser, s *Settings) error {
		word := d.Val()
		args := d.RemainingArgs()
		if len(args) < 2 {
			return d.Errf("'%s' takes a name and at least 1 %s, got %d", word, member, len(args))
		}
		lists := field(s)
		if *lists == nil {
			*lists = map[string][]string{}
		}
		(*lists)[args[0]] = append((*lists)[args[0]], args[1:]...)
		return nil
	}}
}

// countries is a list of those that may pass or, after "not", that may not.
var countries = entry[*Settings]{takes: "[not] <iso-code...>", keys: []string{"countries.allow", "countries.deny"}, read: func(d *caddyfile.Dispenser, s *Settings) error {
	codes, into := d.RemainingArgs(), &s.Countries.Allow
	if len(codes) > 0 && codes[0] == "not" {
		codes, into = codes[1:], &s.Countries.Deny
	}
	if len(codes) == 0 {
		return d.Errf("'countries' takes at least 1 code of a country such as PT, got 0")
	}
	if slices.Contains(codes, "not") {
		return d.Errf("'countries' takes 'not' in front of all codes only")
	}
	for _, code := range codes {
		upper := strings.ToUpper(code)
		if err := checkCountryCode("countries", upper, code); err != nil {
			return d.WrapErr(err)
		}
		*into = append(*into, upper)
	}
	return nil
}}

// reasons are words on one line.
func reasons(field func(*Settings) *[]string) entry[*Settings] {
	e := list(addTo(field))
	e.repeats = false
	return e
}

var geoIPFiles = list(addTo(func(s *Settings) *[]string { return &s.GeoIP.Files }))

// geoIP is the files of databases, and how they are read.
var geoIP = entry[*Settings]{
	inside: geoIPSettings.settings(), takes: "<mmdb-file...>", keys: []string{"geoip.files"},
	read: func(d *caddyfile.Dispenser, s *Settings) error {
		if err := geoIPFiles.read(d, s); err != nil {
			return err
		}
		_, err := geoIPSettings.readBlock(d, "geoip", &s.GeoIP)
		return err
	},
}

func freshIdentity(s *Settings) *Identity {
	s.Identity = &Identity{}
	return s.Identity
}

// mapUser is a user and the address of that user.
var mapUser = entry[*Identity]{repeats: true, takes: "<user> <address>", read: func(d *caddyfile.Dispenser, i *Identity) error {
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
var header = entry[*Letter]{repeats: true, takes: "<field> <value>", read: func(d *caddyfile.Dispenser, l *Letter) error {
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
	takes: "<rgb-hex|name>",
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

// mailTransports are what may stand behind mail in this package.
var mailTransports = []setting{
	smtpGrammar.setting("smtp"), httpGrammar.setting("http"), serviceGrammar.setting("postmark"), serviceGrammar.setting("resend"),
	serviceGrammar.setting("sendgrid"), fileGrammar.setting("file"), demoGrammar.setting("demo"),
}

// mailTransport is a transport and its settings; the next line is the fallback.
var mailTransport = entry[*Settings]{
	repeats: true, takes: "<transport> [<args...>]",
	guests: mailTransports, inside: inBlocks(mailTransports),
	read: func(d *caddyfile.Dispenser, s *Settings) error {
		raw, err := guest{"doorcode.mail", "transport", "mail transport"}.read(d)
		if err != nil {
			return err
		}
		s.MailRaw = append(s.MailRaw, raw)
		return nil
	},
}

// storages are what may stand behind storage in this package.
var storages = []setting{embeddedGrammar.setting("embedded"), redisGrammar.setting("redis")}

var storage = entry[*Settings]{
	takes: "<backend> [<args...>]", guests: storages, inside: inBlocks(storages),
	read: func(d *caddyfile.Dispenser, s *Settings) error {
		raw, err := guest{"doorcode.storage", "backend", "storage"}.read(d)
		if err != nil {
			return err
		}
		s.StorageRaw = raw
		return nil
	},
}
