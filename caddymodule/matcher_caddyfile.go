// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// conditions are the words of the matcher.
var conditions = table[*Matcher]{
	"group":   several(func(m *Matcher) *[]string { return &m.Group }).as("<name...>"),
	"address": several(func(m *Matcher) *[]string { return &m.Address }).as("<address|*@domain...>"),
	"country": several(func(m *Matcher) *[]string { return &m.Country }).as("<iso-code...>"),
	"fresh":   line(1, duration(func(m *Matcher) *caddy.Duration { return &m.Fresh })).as("<age>"),
	"verified": {read: func(d *caddyfile.Dispenser, m *Matcher) error {
		m.Verified = true
		_, err := readArgs(d, m, 0, nil)
		return err
	}},
}

// several is one value or more, of which one must fit.
func several(field func(*Matcher) *[]string) entry[*Matcher] {
	e := list(func(m *Matcher, word, text string) error {
		if word == "country" {
			text = strings.ToUpper(text)
		}
		*field(m) = append(*field(m), text)
		return nil
	})
	e.repeats = false
	return e
}

// UnmarshalCaddyfile reads one condition, or a block of them, all of which must
// hold:
//
//	doorcode group    <name...>
//	doorcode address  <address|*@domain...>
//	doorcode country  <iso-code...>
//	doorcode fresh    <age>
//	doorcode verified
//	doorcode {
//		<condition> <value...>
//	}
//
// Of several values on a line one must fit.
func (m *Matcher) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	seen := map[string]bool{}
	for d.Next() { // Caddy hands over all lines of a set that name this matcher
		start, before := d.Token(), *m
		*m = Matcher{}
		if err := m.readLine(d); err != nil {
			return err
		}
		if err := m.complete(); err != nil {
			return at(start).WrapErr(err)
		}
		for word, set := range m.set() {
			if set && seen[word] {
				return at(start).Errf("'%s' is already set; write it once", word)
			}
			seen[word] = seen[word] || set
		}
		m.join(before)
	}
	return nil
}

const matcherOwner = "doorcode matcher"

func (m *Matcher) readLine(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		_, err := conditions.readBlock(d, matcherOwner, m)
		return err
	}
	word := d.Val()
	e, known := conditions[word]
	if !known {
		return d.WrapErr(conditions.unrecognized(matcherOwner, word, d.RemainingArgs()))
	}
	if err := e.take(d, word, m); err != nil {
		return err
	}
	for _, value := range slices.Concat(m.Group, m.Address, m.Country) {
		if _, other := conditions[strings.ToLower(value)]; other {
			return d.Errf("'%s' takes all words behind it; write several conditions in a block, one on each line", word)
		}
	}
	return nil
}

// set are the conditions that are there.
func (m *Matcher) set() map[string]bool {
	return map[string]bool{
		"group": len(m.Group) > 0, "address": len(m.Address) > 0, "country": len(m.Country) > 0,
		"fresh": m.Fresh != 0, "verified": m.Verified,
	}
}

// join adds the conditions of an earlier line, which are others.
func (m *Matcher) join(other Matcher) {
	m.Group, m.Address, m.Country = slices.Concat(m.Group, other.Group), slices.Concat(m.Address, other.Address), slices.Concat(m.Country, other.Country)
	m.Fresh, m.Verified = m.Fresh+other.Fresh, m.Verified || other.Verified
}

var _ caddyfile.Unmarshaler = (*Matcher)(nil)
