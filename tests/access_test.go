// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

func listed(lines ...string) string {
	return strings.Replace(site(lines...), " *@example.com {", " {", 1)
}

// An app that gives rights by groups is told those of the configuration and of
// the people file, and never those that the visitor names.
func TestGroupsReachTheApp(t *testing.T) {
	c := harness.Prepare(t)
	people := filepath.Join(c.Folder, "people.csv")
	content := "address,user,name,groups,until\nana@example.com,ana.r,Ana Rocha,press,\nben@example.com,,,,2020-01-01\n"
	if err := os.WriteFile(people, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Load(t, listed("allow group:staff", "group staff ana@example.com *@corp.example", "people_file "+people))
	b := c.Browser(t)
	b.Extra = http.Header{"Remote-Groups": {"root"}}
	b.SignIn(t, c, "/", ana, false)
	seen := c.App.Last(t).Header
	for name, want := range map[string]string{"Remote-User": "ana.r", "Remote-Name": "Ana Rocha", "Remote-Email": ana} {
		if got := seen.Get(name); got != want {
			t.Errorf("the app saw %s %q, want %q", name, got, want)
		}
	}
	groups := strings.Split(seen.Get("Remote-Groups"), ",")
	if len(groups) != 2 || !strings.Contains(seen.Get("Remote-Groups"), "staff") || !strings.Contains(seen.Get("Remote-Groups"), "press") {
		t.Errorf("the app saw the groups %q", groups)
	}
	other := c.Browser(t)
	other.Open(t, "/")
	other.Submit(t, "email", map[string][]string{"email": {ben}}) // their time is over
	signedIn(t, c, "eva@corp.example")
	if mails := c.Mailbox.Mails(t, ben); len(mails) != 0 {
		t.Errorf("somebody whose time is over was mailed %d times", len(mails))
	}
}

// Who has more groups than a field of the header holds is not let through with half of
// them, nor without the assertion: the request is refused.
func TestGroupsThatNoFieldHoldsReachNoApp(t *testing.T) {
	c := harness.Prepare(t)
	people := filepath.Join(c.Folder, "people.csv")
	var groups []string
	for n := range 500 {
		groups = append(groups, fmt.Sprintf("group-%04d", n))
	}
	if err := os.WriteFile(people, []byte("address,user,name,groups,until\nana@example.com,,,"+strings.Join(groups, " ")+",\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Load(t, listed("people_file "+people, "assertion off"))
	b := signedIn(t, c, ana)
	if told := c.App.Last(t).Header["Remote-Groups"]; told != nil {
		t.Errorf("the app was told %d bytes of groups", len(told[0]))
	}
	c.Load(t, listed("people_file "+people))
	reached := len(c.App.Seen())
	wantStatus(t, "with an assertion", b.Fetch(t, "/"), http.StatusServiceUnavailable)
	if now := len(c.App.Seen()); now != reached {
		t.Errorf("%d requests reached the app", now-reached)
	}
}

// SES-06: whoever is taken off the list is out with the next request, cached
// session or not: by a reload, and by a file that changed on disk.
func TestSES06WhoeverIsTakenOffTheListIsOut(t *testing.T) {
	c := harness.Start(t, listed("allow ana@example.com ben@example.com"))
	first, second := signedIn(t, c, ana), signedIn(t, c, ben)
	c.Load(t, listed("allow ana@example.com"))
	reached := len(c.App.Seen())
	wantStatus(t, "ben after the reload", second.Fetch(t, "/"), http.StatusForbidden)
	page := second.Open(t, "/")
	wantStatus(t, "ben after the reload, page", page, http.StatusForbidden)
	c.App.Untouched(t, reached)
	wantStatus(t, "ana after the reload", first.Fetch(t, "/"), http.StatusOK)
	c.Load(t, listed("allow *@example.com", "deny ana@example.com"))
	wantStatus(t, "ana, denied", first.Fetch(t, "/"), http.StatusForbidden)
	wantStatus(t, "ben, back", second.Fetch(t, "/"), http.StatusOK)
}

// SES-06: the same by a list in a file, which is read again by itself.
func TestSES06AnAllowFileThatChangesTakesEffect(t *testing.T) {
	c := harness.Prepare(t)
	file := filepath.Join(c.Folder, "people.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# who may pass\nana@example.com\nben@example.com\n")
	c.Load(t, listed("allow_file "+file))
	b := signedIn(t, c, ben)
	write("ana@example.com\n")
	harness.Eventually(t, "ben to be out", func() bool { return b.Fetch(t, "/").Status == http.StatusForbidden })
	write("not an address\n") // a mistake changes nothing
	signedIn(t, c, ana)
	write("ana@example.com\nben@example.com # again\n")
	harness.Eventually(t, "ben to be back", func() bool { return b.Fetch(t, "/").Status == http.StatusOK })
}
