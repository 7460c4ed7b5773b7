// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Access says who may pass. It is immutable: a list that changes is a new
// Access, and every session is judged by it on the next request.
type Access struct {
	allow, deny list
	people      map[Email]Member
	groups      []group
	plus        bool
	open        bool
}

// AccessOptions are the lists as an operator writes them.
type AccessOptions struct {
	// Allow holds addresses, "*@domain", "*" and "group:name".
	Allow []string
	// Deny holds the same forms and wins. It ignores "+tag".
	Deny []string
	// Groups gives the members of each name, as addresses and "*@domain".
	Groups map[string][]string
	// People may pass until their end date.
	People []Member
	// NoPlus keeps "*@domain" from matching an address with a "+tag".
	NoPlus bool
	// Open lets everyone pass when Allow and People are empty. It is for gates
	// behind an earlier step, which decides by itself whom it admits.
	Open bool
}

// A Member is one person as the people file knows them.
type Member struct {
	Mailbox string // as the operator spells the address
	User    string
	Name    string
	Groups  []string
	Until   time.Time // zero: no end
}

type group struct {
	name    string
	members list
}

// list holds parsed entries; the value of exact is the operator's spelling,
// which is where mail goes.
type list struct {
	exact    map[Email]string
	domains  map[string]struct{}
	everyone bool
}

// NewAccess parses the lists. Its errors quote the entry that is wrong.
func NewAccess(o AccessOptions) (*Access, error) {
	a := &Access{plus: !o.NoPlus, people: make(map[Email]Member, len(o.People))}
	var err error
	if a.allow, err = parseList(o.Allow, o.Groups); err != nil {
		return nil, err
	}
	if a.deny, err = parseList(o.Deny, o.Groups); err != nil {
		return nil, err
	}
	for address, spelling := range a.deny.exact {
		a.deny.exact[address.Canonical()] = spelling
	}
	for _, m := range o.People {
		address, err := ParseEmail(m.Mailbox)
		if err != nil {
			return nil, fmt.Errorf("%q is not an address", m.Mailbox)
		}
		a.people[address] = m
	}
	for name, entries := range o.Groups {
		members, err := parseList(entries, nil)
		if err != nil {
			return nil, err
		}
		a.groups = append(a.groups, group{name, members})
	}
	slices.SortFunc(a.groups, func(x, y group) int { return strings.Compare(x.name, y.name) })
	a.open = o.Open && len(o.Allow) == 0 && len(o.People) == 0
	return a, nil
}

func parseList(entries []string, groups map[string][]string) (list, error) {
	l := list{exact: map[Email]string{}, domains: map[string]struct{}{}}
	for _, entry := range entries {
		members := []string{entry}
		if name, ok := strings.CutPrefix(entry, "group:"); ok {
			if members, ok = groups[name]; !ok {
				return list{}, fmt.Errorf("group %q is not defined; write 'group %s <address|*@domain...>'", name, name)
			}
		}
		if err := l.add(members...); err != nil {
			return list{}, err
		}
	}
	return l, nil
}

func (l *list) add(entries ...string) error {
	for _, entry := range entries {
		if err := l.addOne(entry); err != nil {
			return err
		}
	}
	return nil
}

func (l *list) addOne(entry string) error {
	if entry == "*" {
		l.everyone = true
		return nil
	}
	if typed, ok := strings.CutPrefix(entry, "*@"); ok {
		domain, err := parseDomain(typed)
		if err != nil {
			return fmt.Errorf("%q is not a domain; write *@example.com", entry)
		}
		l.domains[domain] = struct{}{}
		return nil
	}
	address, err := ParseEmail(entry)
	if err != nil {
		return fmt.Errorf("%q is not an address; write alice@example.com, *@example.com or *", entry)
	}
	l.exact[address] = entry
	return nil
}

// wide reports whether a domain or "*" covers the address.
func (l list) wide(e Email) bool {
	if l.everyone {
		return true
	}
	_, ok := l.domains[e.Domain()]
	return ok
}

// A Right is what Access says of one address.
type Right struct {
	Member         // what the app is told, beside the address, and until when the answer holds
	Allowed bool   // whether the address may pass
	Rule    string // the rule that decided, for the operator's log
}

// Judge says whether an address may pass at the given time, and by which rule.
// An exact entry is compared as written but for ASCII case; deny ignores every
// "+tag". A row of the people file goes before the allow list, so that its end
// date holds.
func (a *Access) Judge(e Email, now time.Time) Right {
	if a.denies(e) {
		return Right{Rule: "deny"}
	}
	if m, ok := a.people[e]; ok {
		r := Right{Member: m, Allowed: true, Rule: "people_file"}
		if !m.Until.IsZero() && !now.Before(m.Until) {
			return Right{Rule: "people_file until"}
		}
		r.Groups = a.groupsOf(e, m.Groups)
		return r
	}
	r := Right{Member: Member{Mailbox: string(e), Groups: a.groupsOf(e, nil)}}
	if spelling, ok := a.allow.exact[e]; ok {
		r.Mailbox, r.Allowed, r.Rule = spelling, true, "allow address"
		return r
	}
	if a.allow.wide(e) && (a.plus || !e.Tagged()) {
		r.Allowed, r.Rule = true, "allow domain"
		return r
	}
	if a.open {
		r.Allowed, r.Rule = true, "identity"
		return r
	}
	return Right{Rule: "not allowed"}
}

func (a *Access) denies(e Email) bool {
	if _, ok := a.deny.exact[e.Canonical()]; ok {
		return true
	}
	return a.deny.wide(e)
}

// groupsOf joins the groups of the people file with the operator's, each once.
func (a *Access) groupsOf(e Email, own []string) []string {
	groups := slices.Clone(own)
	for _, g := range a.groups {
		_, exact := g.members.exact[e]
		if (exact || g.members.wide(e)) && !slices.Contains(groups, g.name) {
			groups = append(groups, g.name)
		}
	}
	return groups
}

// complete fills in what the app is told of somebody: the earlier step's word
// first, then the people file's, then the address.
func (r Right) complete(who Identity) Identity {
	if who.User == "" {
		who.User = r.User
	}
	if who.User == "" {
		who.User = string(who.Email)
	}
	if who.Name == "" {
		who.Name = r.Name
	}
	who.Groups = union(who.Groups, r.Groups)
	return who
}

func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}
