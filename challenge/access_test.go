// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestML02AddressesThatFoolSomebodyAreRefused(t *testing.T) {
	for _, typed := range []string{
		"", "@", "ana", "ana@", "@example.com", "a@evil.com@allowed.com", "a@allowed.com@", `"a@b"@example.com`, `"ana"@example.com`,
		"ana(comment)@example.com", "ana@example.com(comment)", "ana@example.com.", "ana@.example.com", "ana@example..com", "ana@example",
		".ana@example.com", "ana.@example.com", "a..na@example.com", "ana@[192.0.2.1]", "ana@192.0.2.1", "ana@1.2", "ana@example.123",
		"ana@-example.com", "ana@example-.com", "ana@exa_mple.com", "ana@exam ple.com", "an a@example.com", "ana@example.com\r\nBcc: eve@example.com",
		"ana\x00@example.com", "ana@example.com\x00", "<ana@example.com>", "ana@example.com, eve@example.com", "ana@example.com;eve@example.com",
		"ána@example.com", "аna@example.com", "ana＠example.com", "ana@example.com/../x", "ana@xn--a", "ana@xn--0000h.com", "\xff@example.com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("a", 64) + ".com", "a@" + strings.Repeat("abcdefg.", 40) + "com",
		strings.Repeat("a", 1000) + "@example.com", "ana@example.com" + strings.Repeat(" x", 200),
	} {
		if got, err := challenge.ParseEmail(typed); !errors.Is(err, challenge.ErrBadEmail) {
			t.Errorf("ParseEmail(%.60q) = %q, %v, want ErrBadEmail", typed, got, err)
		}
	}
}

func TestAddressesThatPeopleHaveAreRead(t *testing.T) {
	for typed, want := range map[string]challenge.Email{
		"ana@example.com":                       "ana@example.com",
		"  Ana@EXAMPLE.com\n":                   "ana@example.com",
		"ana.o'neil+x@example.co.uk":            "ana.o'neil+x@example.co.uk",
		"!#$%&'*+-/=?^_`{|}~@a.io":              "!#$%&'*+-/=?^_`{|}~@a.io",
		"ana@bücher.example":                    "ana@xn--bcher-kva.example",
		"ana@XN--BCHER-KVA.example":             "ana@xn--bcher-kva.example",
		"ana@ｅｘａｍｐｌｅ．ｃｏｍ":                       "ana@example.com",
		"1@1.example":                           "1@1.example",
		"a@" + strings.Repeat("a", 63) + ".com": challenge.Email("a@" + strings.Repeat("a", 63) + ".com"),
	} {
		if got, err := challenge.ParseEmail(typed); got != want || err != nil {
			t.Errorf("ParseEmail(%q) = %q, %v, want %q", typed, got, err, want)
		}
	}
}

func TestML03DomainsMatchWhole(t *testing.T) {
	a := access(t, challenge.AccessOptions{Allow: []string{"*@Allowed.com", "*@bücher.example"}})
	for typed, want := range map[string]bool{
		"a@allowed.com": true, "a@ALLOWED.com": true, "a@ａllowed.com": true, "a@allowed。com": true, "A+b@allowed.com": true,
		"a@bücher.example": true, "a@xn--bcher-kva.example": true, "a@BÜCHER.example": true,
		"a@evilallowed.com": false, "a@allowed.com.evil.com": false, "a@sub.allowed.com": false, "a@allowed.co": false,
		"allowed.com@evil.com": false, "a@bucher.example": false, "a@xn--allowed-9za.com": false,
	} {
		address, err := challenge.ParseEmail(typed)
		if err != nil {
			if want {
				t.Errorf("ParseEmail(%q) = %v", typed, err)
			}
			continue
		}
		if got := a.Judge(address, time.Time{}); got.Allowed != want {
			t.Errorf("%s: allowed %v by %q, want %v", typed, got.Allowed, got.Rule, want)
		}
	}
}

func TestRuling8WhoMayPass(t *testing.T) {
	noon := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	groups := map[string][]string{"staff": {"ana@example.com", "*@staff.example"}, "left": {"bob@example.com"}}
	for _, tt := range []struct {
		name    string
		options challenge.AccessOptions
		address challenge.Email
		allowed bool
		rule    string
	}{
		{"an exact entry", challenge.AccessOptions{Allow: []string{"Ana@Example.com"}}, ana, true, "allow address"},
		{"an exact entry covers no tag", challenge.AccessOptions{Allow: []string{"ana@example.com"}}, "ana+x@example.com", false, "not allowed"},
		{"a tagged entry covers no other", challenge.AccessOptions{Allow: []string{"ana+x@example.com"}}, ana, false, "not allowed"},
		{"a domain covers tags", challenge.AccessOptions{Allow: []string{"*@example.com"}}, "ana+x@example.com", true, "allow domain"},
		{"a domain covers no tags with plus off", challenge.AccessOptions{Allow: []string{"*@example.com"}, NoPlus: true}, "ana+x@example.com", false, "not allowed"},
		{"an exact tagged entry with plus off", challenge.AccessOptions{Allow: []string{"ana+x@example.com"}, NoPlus: true}, "ana+x@example.com", true, "allow address"},
		{"everyone", challenge.AccessOptions{Allow: []string{"*"}}, nobody, true, "allow domain"},
		{"deny wins over an exact entry", challenge.AccessOptions{Allow: []string{"ana@example.com"}, Deny: []string{"ana@example.com"}}, ana, false, "deny"},
		{"deny wins over everyone", challenge.AccessOptions{Allow: []string{"*"}, Deny: []string{"*@example.com"}}, ana, false, "deny"},
		{"deny covers every tag", challenge.AccessOptions{Allow: []string{"*"}, Deny: []string{"ana@example.com"}}, "ana+x@example.com", false, "deny"},
		{"deny ignores its own tag", challenge.AccessOptions{Allow: []string{"*"}, Deny: []string{"ana+x@example.com"}}, "ana+y@example.com", false, "deny"},
		{"deny wins over the people file", challenge.AccessOptions{People: []challenge.Member{{Mailbox: "ana@example.com"}}, Deny: []string{"ana@example.com"}}, ana, false, "deny"},
		{"deny wins without any list", challenge.AccessOptions{Open: true, Deny: []string{"ana@example.com"}}, ana, false, "deny"},
		{"a member of a group", challenge.AccessOptions{Allow: []string{"group:staff"}, Groups: groups}, ana, true, "allow address"},
		{"a group's domain", challenge.AccessOptions{Allow: []string{"group:staff"}, Groups: groups}, "x@staff.example", true, "allow domain"},
		{"no member of a group", challenge.AccessOptions{Allow: []string{"group:staff"}, Groups: groups}, bob, false, "not allowed"},
		{"a group that is denied", challenge.AccessOptions{Allow: []string{"*"}, Deny: []string{"group:left"}, Groups: groups}, bob, false, "deny"},
		{"the people file", challenge.AccessOptions{People: []challenge.Member{{Mailbox: "Ana@example.com"}}}, ana, true, "people_file"},
		{"until before its end", challenge.AccessOptions{People: []challenge.Member{{Mailbox: "ana@example.com", Until: noon.Add(1)}}}, ana, true, "people_file"},
		{"until at its end", challenge.AccessOptions{Allow: []string{"*"}, People: []challenge.Member{{Mailbox: "ana@example.com", Until: noon}}}, ana, false, "people_file until"},
		{"an earlier step's users without any list", challenge.AccessOptions{Open: true}, nobody, true, "identity"},
		{"a list closes an open gate", challenge.AccessOptions{Open: true, Allow: []string{"bob@example.com"}}, ana, false, "not allowed"},
		{"people close an open gate", challenge.AccessOptions{Open: true, People: []challenge.Member{{Mailbox: "bob@example.com"}}}, ana, false, "not allowed"},
		{"nobody", challenge.AccessOptions{}, ana, false, "not allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := access(t, tt.options).Judge(tt.address, noon)
			if got.Allowed != tt.allowed || got.Rule != tt.rule {
				t.Errorf("allowed %v by %q, want %v by %q", got.Allowed, got.Rule, tt.allowed, tt.rule)
			}
		})
	}
}

func TestGroupsAreToldOnceAndInOrder(t *testing.T) {
	a := access(t, challenge.AccessOptions{
		Allow:  []string{"*"},
		People: []challenge.Member{{Mailbox: string(ana), Groups: []string{"zoo", "all"}}},
		Groups: map[string][]string{"all": {"*@example.com"}, "bees": {string(ana)}, "cats": {string(bob)}},
	})
	if got := a.Judge(ana, time.Time{}).Groups; !slices.Equal(got, []string{"zoo", "all", "bees"}) {
		t.Errorf("ana is in %q", got)
	}
	if got := a.Judge(bob, time.Time{}).Groups; !slices.Equal(got, []string{"all", "cats"}) {
		t.Errorf("bob is in %q", got)
	}
}

func TestListsThatAreWrongAreQuoted(t *testing.T) {
	for _, o := range []challenge.AccessOptions{
		{Allow: []string{"wr@ng@example.com"}},
		{Deny: []string{"*@wr@ng"}},
		{Allow: []string{"group:wr@ng"}},
		{Groups: map[string][]string{"x": {"wr@ng"}}},
		{People: []challenge.Member{{Mailbox: "wr@ng"}}},
	} {
		if _, err := challenge.NewAccess(o); err == nil || !strings.Contains(err.Error(), "wr@ng") {
			t.Errorf("NewAccess(%+v) = %v, want an error that quotes the entry", o, err)
		}
	}
}
