// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A peopleAnswer is who may enter, by the lists of each gate.
type peopleAnswer struct {
	People []listedPerson `json:"people"`
	// Unnamed is how many people have entered whose address is not kept, since they last
	// did under a version before. A domain may cover them.
	Unnamed int `json:"unnamed,omitempty"`
}

// A listedPerson is somebody on a list, or everybody whom an entry of it covers.
type listedPerson struct {
	Site string `json:"site"`
	// Who is an address, or what an entry covers: `*@example.com`, or `*` for everybody.
	Who string `json:"who"`
	// Entry is the line of the list: as Who, or `group:name`, or `people_file`, or
	// `identity` where an earlier step decides.
	Entry   string     `json:"entry"`
	Allowed bool       `json:"allowed"`
	Rule    string     `json:"rule"` // which decides
	User    string     `json:"user,omitempty"`
	Name    string     `json:"name,omitempty"`
	Groups  []string   `json:"groups,omitempty"`
	Until   *time.Time `json:"until,omitempty"` // from then on they may not enter
	// First and Last are when they entered a code; empty: never, or before that was
	// kept. Always empty for what covers several.
	First *time.Time `json:"first,omitempty"`
	Last  *time.Time `json:"last,omitempty"`
}

func listPeople(ctx context.Context, o order) (any, error) {
	answer := peopleAnswer{People: []listedPerson{}}
	err := inEach(o, "listing people", func(l lodging) error {
		entered, err := l.pooled.house.People(ctx)
		if err != nil {
			return err
		}
		known := map[challenge.Email]challenge.PersonState{}
		for _, p := range entered {
			if p.Address == "" {
				answer.Unnamed++
				continue
			}
			known[p.Address] = p
		}
		for _, e := range l.gates {
			if o.Site == "" || e.standsAt(o.Site) {
				answer.People = append(answer.People, e.listed(known, time.Now())...)
			}
		}
		return nil
	})
	return answer, err
}

// A census collects the people of one gate.
type census struct {
	gate  *entrance
	site  string
	now   time.Time
	known map[challenge.Email]challenge.PersonState
	seen  map[challenge.Email]bool
	rows  []listedPerson
}

// listed are the people on the lists of a gate, in the order in which they are judged:
// the people file, addresses, then what covers several. Each address stands there once,
// under the entry that decides.
func (e *entrance) listed(known map[challenge.Email]challenge.PersonState, now time.Time) []listedPerson {
	c := census{gate: e, site: hostOf(e.app.building.originsOf(e)[0]), now: now, known: known, seen: map[challenge.Email]bool{}}
	said := e.lists.said.Load()
	for _, m := range said.people {
		c.member(m)
	}
	entries := slices.Concat(e.settings.Allow, said.allowed)
	for _, add := range []func(who, entry string){c.one, c.several} {
		for _, entry := range entries {
			members := []string{entry}
			if name, ok := strings.CutPrefix(entry, groupPrefix); ok {
				members = said.groups[name]
			}
			for _, who := range members {
				add(who, entry)
			}
		}
	}
	if len(entries) == 0 && len(said.people) == 0 {
		c.several("*", "identity")
	}
	return c.rows
}

// member adds a row of the people file. One whose time is over is told with its end.
func (c *census) member(m challenge.Member) {
	before := len(c.rows)
	c.one(m.Mailbox, "people_file")
	if len(c.rows) > before {
		row := &c.rows[before]
		row.User, row.Name, row.Until = m.User, m.Name, givenTime(m.Until)
		if !row.Allowed { // then nobody joins in the others
			row.Groups = m.Groups
		}
	}
}

// one adds an entry that is an address.
func (c *census) one(who, entry string) {
	if address, err := challenge.ParseEmail(who); err == nil && !strings.HasPrefix(who, "*") {
		c.add(address, entry)
	}
}

// several adds an entry that covers more than one address, and of those the ones that
// have entered.
func (c *census) several(who, entry string) {
	if !strings.HasPrefix(who, "*") {
		return
	}
	row := listedPerson{Site: c.site, Who: who, Entry: entry, Allowed: true, Rule: c.rule(entry)}
	denied := func(d string) bool { return strings.EqualFold(d, who) }
	if slices.ContainsFunc(c.gate.settings.Deny, denied) {
		row.Allowed, row.Rule = false, "deny "+who
	}
	c.rows = append(c.rows, row)
	for _, address := range slices.Sorted(maps.Keys(c.known)) {
		if who == "*" || strings.EqualFold("*@"+address.Domain(), who) {
			c.add(address, entry)
		}
	}
}

// rule is how an entry is called that lets somebody pass.
func (c *census) rule(entry string) string {
	switch entry {
	case "people_file":
		return entry
	case "identity":
		return "identity " + c.gate.settings.Identity.Source
	}
	return "allow " + entry
}

// add adds one address, with what decides about it.
func (c *census) add(address challenge.Email, entry string) {
	if c.seen[address] {
		return
	}
	c.seen[address] = true
	right := c.gate.lists.access.Load().Judge(address, c.now)
	row := listedPerson{
		Site: c.site, Who: string(address), Entry: entry, Allowed: right.Allowed, Rule: c.rule(entry),
		User: right.User, Name: right.Name, Groups: right.Groups, Until: givenTime(right.Until),
	}
	if !right.Allowed {
		_, row.Rule = c.gate.ruleFor(address, c.now)
	}
	if p, ok := c.known[address]; ok {
		row.First, row.Last = givenTime(p.First), givenTime(p.Last)
	}
	c.rows = append(c.rows, row)
}

// givenTime is a time in an answer; nil where there is none.
func givenTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}
