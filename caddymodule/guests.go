// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// A guest is a setting whose first argument names a module that reads the rest.
type guest struct {
	namespace string // where the modules are, such as doorcode.mail
	key       string // the JSON key for the name of the module
	kind      string // what the module is, for people
}

// read reads one guest and returns its configuration with its name.
func (g guest) read(d *caddyfile.Dispenser) (json.RawMessage, error) {
	word := d.Val()
	known := g.names()
	if !d.NextArg() {
		return nil, d.Errf("'%s' needs a %s: %s", word, g.kind, either(known))
	}
	name := d.Val()
	if !slices.Contains(known, name) {
		instead := "there are " + strings.Join(known, ", ")
		if near := nearest(name, known); near != "" {
			instead = fmt.Sprintf("did you mean '%s'?", near)
		}
		return nil, d.Errf("unrecognized %s '%s'; %s", g.kind, name, instead)
	}
	module, err := caddyfile.UnmarshalModule(d, g.namespace+"."+name)
	if err != nil {
		return nil, err
	}
	var problems []caddyconfig.Warning
	raw := caddyconfig.JSONModuleObject(module, g.key, name, &problems)
	if len(problems) > 0 {
		return nil, d.Errf("encoding %s %s: %s", word, name, problems[0].Message)
	}
	return raw, nil
}

func (g guest) names() []string {
	var names []string
	for _, info := range caddy.GetModules(g.namespace) {
		names = append(names, info.ID.Name())
	}
	slices.Sort(names)
	return names
}

// unmarshal reads a guest's own tokens: its name, its arguments, its block. At
// least so many arguments must be there.
func unmarshal[T any](d *caddyfile.Dispenser, to T, settings table[T], least int, args ...value[T]) error {
	return unmarshalLine(d, to, line(least, args...), settings)
}

// unmarshalLine is unmarshal for a guest whose arguments are read by an entry.
func unmarshalLine[T any](d *caddyfile.Dispenser, to T, args entry[T], settings table[T]) error {
	d.Next()
	start := d.Token()
	if err := args.read(d, to); err != nil {
		return err
	}
	if c, ok := any(to).(checker); ok {
		if err := c.check(); err != nil {
			return d.WrapErr(err)
		}
	}
	found, err := settings.readBlock(d, start.Text, to)
	if err != nil {
		return err
	}
	if c, ok := any(to).(completer); ok {
		if err := c.complete(); err != nil {
			return found.of(err, start)
		}
	}
	return nil
}
