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

// A grammar is how a guest is written: its arguments and its block.
type grammar[T any] struct {
	args     entry[T]
	settings table[T]
}

// setting describes the guest of this name.
func (g grammar[T]) setting(name string) setting {
	return setting{Word: name, Takes: g.args.takes, Keys: g.args.keys, Inside: g.settings.settings()}
}

// unmarshal reads a guest's own tokens: its name, its arguments, its block.
func (g grammar[T]) unmarshal(d *caddyfile.Dispenser, to T) error {
	d.Next()
	start := d.Token()
	if err := g.args.read(d, to); err != nil {
		return err
	}
	if c, ok := any(to).(checker); ok {
		if err := c.check(); err != nil {
			return d.WrapErr(err)
		}
	}
	found, err := g.settings.readBlock(d, start.Text, to)
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
