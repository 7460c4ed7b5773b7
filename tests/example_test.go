// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// switchedOff are settings of the example that need something of the operator's:
// "#" and a word, without a space.
var switchedOff = regexp.MustCompile(`(?m)^(\t*)#(\S|\t)`)

// TestTheExampleAdapts as it stands and with everything switched on, in the form that
// caddy fmt gives it.
func TestTheExampleAdapts(t *testing.T) {
	example := read(t, "../Caddyfile.example")
	full := switchedOff.ReplaceAllString(example, "$1$2")
	// A gate has one storage, and one identity.
	full = regexp.MustCompile(`(?m)^\t\tstorage embedded \{(.|\n)*?^\t\t\}$`).ReplaceAllString(full, "\t\t# none")
	for name, text := range map[string]string{"as it stands": example, "switched on": full} {
		if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
			t.Errorf("%s: caddy fmt would change\n%s", name, cmp.Diff(text, formatted))
		}
		if _, err := harness.Adapt(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheExampleRuns: a whole Caddy with the example lets Ana in, and does what the
// example says of its paths. Only ports and the way of the mail are others.
func TestTheExampleRuns(t *testing.T) {
	c := harness.Prepare(t)
	text := strings.NewReplacer(
		"\t\tmail demo\n", "\t\tmail file MAIL\n", "localhost:8080", "localhost:PORT",
		"localhost:8081", "localhost:"+harness.FreePort(t), "localhost:8082", "localhost:"+harness.FreePort(t),
	).Replace(read(t, "../Caddyfile.example"))
	_, text, _ = strings.Cut(text, "\n{\n")
	options, body, _ := strings.Cut(text, "\n}\n")
	c.Load(t, options+"\n---\n"+body)

	b := c.Browser(t)
	if page := b.Open(t, "/"); !strings.Contains(page.Text(), "Sign in to Example GmbH") || !strings.Contains(page.Text(), "Maintenance on Sunday") {
		t.Errorf("the page is not that of the example:\n%s", page.Text())
	}
	wantStatus(t, "a public path", b.Fetch(t, "/robots.txt"), http.StatusOK)
	wantStatus(t, "a page for a web view", b.Open(t, "/auth/x"), http.StatusOK)
	if page := b.SignIn(t, c, "/", ana, true); page.Body != "Hello "+ana {
		t.Errorf("behind the door: %q", page.Body)
	}
	wantStatus(t, "a page that matters, right after the code", b.Open(t, "/admin/"), http.StatusOK)
}
