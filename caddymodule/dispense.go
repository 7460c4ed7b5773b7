// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// A table says how the line of each word in a block is read into a T. Unknown,
// repeated and miscounted settings are refused by the table alone.
type table[T any] map[string]entry[T]

type entry[T any] struct {
	// read starts at the word and takes its arguments and block.
	read func(d *caddyfile.Dispenser, to T) error
	// repeats says that the word may stand in a block more than once.
	repeats bool
	// inside holds the words of the entry's own block, nil if it has none.
	inside []setting
	// guests are the modules of which the first argument names one.
	guests []setting
	// takes and keys describe the line, see setting.
	takes string
	keys  []string
}

func (t table[T]) words() []string { return slices.Sorted(maps.Keys(t)) }

func (t table[T]) has(word string) bool {
	_, known := t[word]
	return known
}

// readBlock reads the block that opens next, if one does, and reports where each
// of its settings stands.
func (t table[T]) readBlock(d *caddyfile.Dispenser, owner string, to T) (tokens, error) {
	seen := tokens{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word := d.Val()
		e, known := t[word]
		if !known {
			return nil, d.WrapErr(t.unrecognized(owner, word, d.RemainingArgs()))
		}
		if _, twice := seen[word]; twice && !e.repeats {
			return nil, d.Errf("'%s' is already set; write it once", word)
		}
		seen[word] = d.Token()
		if err := e.take(d, word, to); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// tokens are where the words of a block stand.
type tokens map[string]caddyfile.Token

// of is an error with the place of the setting that it is about, else with that
// of the start.
func (t tokens) of(err error, start caddyfile.Token) error {
	if fault, ok := errors.AsType[misfit](err); ok {
		if token, here := t[fault.word]; here {
			start = token
		}
	}
	return at(start).WrapErr(err)
}

// take reads one line, and then checks what is known so far, so that an error
// carries the line that caused it.
func (e entry[T]) take(d *caddyfile.Dispenser, word string, to T) error {
	args := argsOf(d)
	if err := e.read(d, to); err != nil {
		return err
	}
	if e.inside == nil && blockOpens(d) {
		return d.Errf("'%s' takes no block", word)
	}
	if c, ok := any(to).(checker); ok {
		if err := c.check(); err != nil {
			return d.WrapErr(asWritten(err, args))
		}
	}
	return nil
}

// argsOf are the arguments of the line, without taking them.
func argsOf(d *caddyfile.Dispenser) []string {
	var args []string
	for d.NextArg() {
		args = append(args, d.Val())
	}
	for range args {
		d.Prev()
	}
	return args
}

// blockOpens looks at the next token without taking it.
func blockOpens(d *caddyfile.Dispenser) bool {
	if !d.Next() {
		return false
	}
	opens := d.Val() == "{" && !d.Token().Quoted()
	d.Prev()
	return opens
}

// lift makes a table for something that holds a T into one for that.
func lift[U, T any](t table[T], of func(U) T) table[U] {
	lifted := make(table[U], len(t))
	for word, e := range t {
		lifted[word] = entry[U]{
			read:    func(d *caddyfile.Dispenser, to U) error { return e.read(d, of(to)) },
			repeats: e.repeats, inside: e.inside, guests: e.guests, takes: e.takes, keys: e.keys,
		}
	}
	return lifted
}

// line reads the arguments of one line, one value each; those after the first
// few may be missing.
func line[T any](least int, values ...value[T]) entry[T] {
	return entry[T]{takes: syntax(least, values), read: func(d *caddyfile.Dispenser, to T) error {
		_, err := readArgs(d, to, least, values)
		return err
	}}
}

func readArgs[T any](d *caddyfile.Dispenser, to T, least int, values []value[T]) (int, error) {
	word := d.Val()
	args := d.RemainingArgs()
	if len(args) < least || len(args) > len(values) {
		var hint string
		if len(values) > 0 && values[0].hint != nil {
			hint = values[0].hint(args)
		}
		return 0, d.Errf("'%s' takes %s, got %d%s", word, amount(least, len(values)), len(args), hint)
	}
	for i, text := range args {
		if text == "" {
			return 0, d.Errf("'%s' is empty", word)
		}
		if err := values[i].set(to, word, text); err != nil {
			return 0, d.WrapErr(err)
		}
	}
	return len(args), nil
}

// list reads one argument or more, each by add. It may be repeated.
func list[T any](add func(to T, word, text string) error) entry[T] { return listOf("", add) }

// listOf is a list with a hint at what to write, for a line that holds nothing.
func listOf[T any](hint string, add func(to T, word, text string) error) entry[T] {
	return entry[T]{repeats: true, read: func(d *caddyfile.Dispenser, to T) error {
		word := d.Val()
		args := d.RemainingArgs()
		if len(args) == 0 {
			return d.Errf("'%s' takes at least 1 argument, got 0%s", word, hint)
		}
		for _, text := range args {
			if err := add(to, word, text); err != nil {
				return d.WrapErr(err)
			}
		}
		return nil
	}}
}

// block reads arguments, which may be missing, and a block with a table of its
// own. Without either the word says nothing and is refused.
func block[T, U any](of func(T) U, least int, values []value[U], inner table[U]) entry[T] {
	return entry[T]{inside: inner.settings(), takes: syntax(least, values), read: func(d *caddyfile.Dispenser, to T) error {
		start := d.Token()
		into := of(to)
		if args := argsOf(d); len(args) > 0 && len(values) == 0 {
			return d.Errf("'%s' takes no arguments, got %d%s", start.Text, len(args), inner.lineHint(args))
		}
		if args := argsOf(d); len(args) > len(values) {
			if i := slices.IndexFunc(args, inner.has); i >= 0 {
				return d.Errf("'%s' takes %s, got %d; '%s' belongs inside the block of '%s'", start.Text, amount(least, len(values)), len(args), args[i], start.Text)
			}
		}
		args, err := readArgs(d, into, least, values)
		if err != nil {
			return err
		}
		settings, err := inner.readBlock(d, start.Text, into)
		if err != nil {
			return err
		}
		if args+len(settings) == 0 {
			return at(start).Errf("'%s' needs %s", start.Text, need(len(values)))
		}
		if c, ok := any(into).(completer); ok {
			if err := c.complete(); err != nil {
				return settings.of(err, start)
			}
		}
		return nil
	}}
}

// lineHint helps who wrote a setting of the block behind the word of the block.
func (t table[T]) lineHint(args []string) string {
	if !t.has(args[0]) {
		return ""
	}
	return "; write " + strings.Join(args, " ") + " in a block"
}

func need(values int) string {
	if values == 0 {
		return "a block with settings"
	}
	return "a value or a block with settings"
}

// at is a dispenser that stands on one token, for errors that concern it.
func at(token caddyfile.Token) *caddyfile.Dispenser {
	d := caddyfile.NewDispenser([]caddyfile.Token{token})
	d.Next()
	return d
}
