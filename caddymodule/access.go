// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const groupPrefix = "group:"

func (a *Access) check() error {
	for _, entry := range a.Allow {
		if err := checkAllowed("allow", entry); err != nil {
			return err
		}
	}
	for _, entry := range a.Deny {
		if err := checkMember("deny", entry); err != nil {
			return err
		}
	}
	for name, members := range a.Group {
		if err := checkGroupName(name); err != nil {
			return err
		}
		for _, entry := range members {
			if err := checkMember("group", entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkAllowed refuses what cannot stand in an allow list.
func checkAllowed(word, entry string) error {
	if entry == "*" {
		return nil
	}
	if name, ok := strings.CutPrefix(entry, groupPrefix); ok {
		return checkGroupName(name)
	}
	return checkMember(word, entry)
}

// checkMember refuses what is neither an address nor all addresses of a domain.
func checkMember(word, entry string) error {
	domain, wild := strings.CutPrefix(entry, "*@")
	if wild && isDomain(domain) || !strings.Contains(entry, "*") && isAddress(entry) {
		return nil
	}
	if strings.HasPrefix(entry, "@") {
		return fmt.Errorf("'%s' looks like a named matcher%s", entry, domainHint(entry))
	}
	if word == "doorcode" {
		return fmt.Errorf("'%s' is not an address; the arguments of doorcode are the addresses that may pass, such as alice@example.com or *@example.com", entry)
	}
	return fmt.Errorf("'%s' is not an address; '%s' takes addresses such as alice@example.com or *@example.com", entry, word)
}

// domainHint helps those who wrote "@example.com", which Caddy reads as the
// name of a matcher, for everyone at that domain.
func domainHint(name string) string {
	if !strings.Contains(name, ".") {
		return ""
	}
	return fmt.Sprintf("; to allow every address of a domain write '*%s'", name)
}

func checkGroupName(name string) error { return checkName("a group", name) }

func checkName(what, name string) error {
	if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_-.") != "" {
		return fmt.Errorf("'%s' cannot name %s; use letters, digits, '-', '_' and '.'", name, what)
	}
	return nil
}

// requireSomebody refuses a gate that would let nobody in. With an identity
// from an earlier step an empty list means everyone whom that step admits.
func requireSomebody(s Settings) error {
	if len(s.Allow) == 0 && s.AllowFile == "" && s.PeopleFile == "" && s.Identity.asks() {
		return errors.New("nobody is allowed: give addresses after doorcode or an 'allow' line; 'allow *' allows everyone who can receive mail")
	}
	if s.PeopleFile != "" {
		return nil // its people may be members of groups that are named nowhere else
	}
	for _, entry := range s.Allow {
		name, ok := strings.CutPrefix(entry, groupPrefix)
		if _, known := s.Group[name]; ok && !known {
			return fmt.Errorf("'%s' is not defined; add 'group %s <addresses...>'", entry, name)
		}
	}
	return nil
}

// everyone reports whether the list is open to all who can receive mail.
func (a Access) everyone() bool { return slices.Contains(a.Allow, "*") }

// isAddress accepts what the gate accepts from visitors.
func isAddress(text string) bool {
	_, err := challenge.ParseEmail(text)
	return err == nil
}

// isDomain accepts what may stand behind the "@" of an address.
func isDomain(text string) bool { return !strings.Contains(text, "@") && isAddress("a@"+text) }
