// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// TestDemoShowsTheWholeThingAndLeavesNothing: a newcomer's first command prints
// the addresses of the app, the mailbox and the account pages in this order, lets
// them in with the code from the mailbox, and is gone with everything it wrote on
// Ctrl-C.
func TestDemoShowsTheWholeThingAndLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	demo := harness.Command(folder, "doorcode", "demo", "--listen", "localhost:"+harness.FreePort(t))
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = demo.Process.Kill() })
	lines := bufio.NewScanner(out)
	app, mailbox, account := addressIn(t, lines), addressIn(t, lines), addressIn(t, lines)

	c := &harness.Caddy{Port: app.Port()}
	b := c.Browser(t)
	b.From = "" // a demo shows its mailbox to nobody who comes over a proxy
	if page := b.Open(t, "/"); page.Status != http.StatusUnauthorized || !strings.Contains(page.Text(), "Sign in to Doorcode demo") {
		t.Fatalf("the app's address answers %d:\n%s", page.Status, page.Text())
	}
	b.Submit(t, "email", url.Values{"email": {"ana@example.com"}})
	var code string
	harness.Eventually(t, "mail in the mailbox", func() bool {
		if found := regexp.MustCompile(`([0-9]{6}) is your Doorcode demo code`).FindStringSubmatch(b.Do(t, http.MethodGet, mailbox.Path, nil).Body); found != nil {
			code = found[1]
		}
		return code != ""
	})
	if page := b.Submit(t, "verify", url.Values{"code": {code}}); !strings.Contains(page.Text(), "Hello ana@example.com") {
		t.Errorf("after the code: %d\n%s", page.Status, page.Text())
	}
	if page := b.Follow(t, "Your account"); page.URL.String() != account.String() || page.Status != http.StatusOK || !strings.Contains(page.Text(), "Access tokens") {
		t.Errorf("the account page, %s, is %s and answers %d:\n%s", account, page.URL, page.Status, page.Text())
	}
	proxied := b.Do(t, http.MethodGet, mailbox.Path, nil, http.Header{"X-Forwarded-For": {"203.0.113.7"}})
	if proxied.Status != http.StatusForbidden {
		t.Errorf("the mailbox answers a forwarded request with %d, want 403", proxied.Status)
	}

	if err := demo.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := demo.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the demo left %q behind (%v)", left, err)
	}
}

// addressIn reads on to the next address that a command prints.
func addressIn(t *testing.T, lines *bufio.Scanner) *url.URL {
	t.Helper()
	for lines.Scan() {
		if at := strings.Index(lines.Text(), "http://"); at >= 0 {
			address, err := url.Parse(lines.Text()[at:])
			if err != nil {
				t.Fatal(err)
			}
			return address
		}
	}
	t.Fatal("the command printed no address")
	return nil
}

// TestDemoCanBeAsked by the command that it prints, and by nobody but its own user.
func TestDemoCanBeAsked(t *testing.T) {
	folder, err := os.MkdirTemp("", "d") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	said := demoSays(t, folder)
	found := regexp.MustCompile(`doorcode why --address unix/(\S+) ana@example\.com`).FindStringSubmatch(said)
	if found == nil {
		t.Fatalf("no command to ask the demo by:\n%s", said)
	}
	out, err := harness.Command(folder, strings.Fields(found[0])...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Nobody has entered with this address yet.") {
		t.Errorf("the command that the demo prints: %v\n%s", err, out)
	}
	for _, path := range []string{found[1], filepath.Dir(found[1])} {
		if about, err := os.Stat(path); err != nil || about.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v, %v", path, about, err)
		}
	}

	for _, name := range []string{strings.Repeat("long", 30), "a|b"} { // Caddy reads what is behind | as permissions
		other := filepath.Join(folder, name)
		if err := os.Mkdir(other, 0o700); err != nil {
			t.Fatal(err)
		}
		if said := demoSays(t, other); strings.Contains(said, "doorcode why") || !strings.Contains(said, "Its mailbox") {
			t.Errorf("where no socket can be had, the demo says\n%s", said)
		}
	}
}

// demoSays runs a demo until the test ends, and returns what it prints first.
func demoSays(t *testing.T, folder string) (said string) {
	t.Helper()
	demo := harness.Command(folder, "doorcode", "demo", "--listen", "localhost:"+harness.FreePort(t))
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = demo.Process.Kill()
		_ = demo.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if said += lines.Text() + "\n"; strings.HasPrefix(lines.Text(), "Ctrl-C") {
			return said
		}
	}
	t.Fatalf("the demo ended, having said\n%s", said)
	return ""
}

// TestDemoListensOnThisMachineOnly, since whoever reaches it can read its codes.
func TestDemoListensOnThisMachineOnly(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:8080", "192.0.2.1:8080", "example.com:80", "8080"} {
		out, err := harness.Command(t.TempDir(), "doorcode", "demo", "--listen", listen).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "localhost:8080") {
			t.Errorf("--listen %s: %v\n%s", listen, err, out)
		}
	}
	if out, err := harness.Command(t.TempDir(), "doorcode", "dmeo").CombinedOutput(); err == nil {
		t.Errorf("a misspelt command succeeded:\n%s", out)
	}
}
