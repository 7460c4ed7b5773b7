// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

func init() {
	caddy.RegisterModule(early{})
	caddy.RegisterModule(broken{})
}

// early is an app that sends a request to the http app once everything is
// provisioned and nothing has been started.
type early struct{ http *caddyhttp.App }

// answered is what the last early request got.
var answered *httptest.ResponseRecorder

// CaddyModule names the app.
func (early) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "doorcode_tests_early", New: func() caddy.Module { return new(early) }}
}

// Provision finds the http app.
func (e *early) Provision(ctx caddy.Context) error {
	app, err := ctx.App("http")
	if err != nil {
		return err
	}
	e.http = app.(*caddyhttp.App)
	return nil
}

// Validate sends the request.
func (e *early) Validate() error {
	answered = httptest.NewRecorder()
	for _, server := range e.http.Servers {
		r := httptest.NewRequest(http.MethodGet, "/x", nil)
		r.Host = "localhost"
		server.ServeHTTP(answered, r)
	}
	return nil
}

// Start does nothing.
func (e *early) Start() error { return nil }

// Stop does nothing.
func (e *early) Stop() error { return nil }

// Caddy starts its apps in any order, so the first request may come before the
// gate's own start. It must meet the gate, not an open door or a panic.
func TestTheFirstRequestMayComeBeforeTheStart(t *testing.T) {
	c := harness.Prepare(t)
	config, err := harness.Adapt(c.Fill(t, site()))
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(config), `"apps":{`, `"apps":{"doorcode_tests_early":{},`, 1)
	if err := caddy.Load([]byte(with), true); err != nil {
		t.Fatal(err)
	}
	if answered == nil || answered.Code != http.StatusUnauthorized || answered.Header().Get("Doorcode-Reason") == "" {
		t.Errorf("the early request was answered %+v", answered)
	}
	wantStatus(t, "a later one", c.Browser(t).Open(t, "/"), http.StatusUnauthorized)
	c.App.Untouched(t, 0)
}

// broken is a matcher that panics, as one of another module may.
type broken struct{}

// CaddyModule names the matcher.
func (broken) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.doorcode_tests_broken", New: func() caddy.Module { return new(broken) }}
}

// MatchWithError never returns.
func (broken) MatchWithError(r *http.Request) (bool, error) {
	if r.URL.Path == "/error" {
		return false, errors.New("no answer")
	}
	panic("broken matcher")
}

// F-22: a panic while a request is judged refuses that request, and only it.
func TestF22APanicWhileJudgingRefusesTheRequest(t *testing.T) {
	for name, raw := range map[string]string{
		"guard":  `"handler":"doorcode","match":[{"doorcode_tests_broken":{}}]`,
		"public": `"handler":"doorcode","public":[{"doorcode_tests_broken":{}}]`,
	} {
		c := harness.Prepare(t)
		config, err := harness.Adapt(c.Fill(t, site()))
		if err != nil {
			t.Fatal(err)
		}
		if err := caddy.Load([]byte(strings.Replace(string(config), `"handler":"doorcode"`, raw, 1)), true); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			response, err := http.Get(c.URL("/x"))
			if err != nil {
				continue // the server hung up, which is a refusal too
			}
			_ = response.Body.Close()
			if response.StatusCode < 400 {
				t.Errorf("%s: status %d", name, response.StatusCode)
			}
		}
		wantStatus(t, name+" that gives an error", c.Browser(t).Fetch(t, "/error"), http.StatusUnauthorized)
		c.App.Untouched(t, 0)
	}
}

// "caddy validate" is run beside the server that is to be reloaded, by
// scripts and by hand. It must neither need what the server holds nor touch it.
func TestValidatingBesideARunningServerTouchesNothing(t *testing.T) {
	relay := harness.NewRelay(t)
	relay.Up(t)
	child := harness.PrepareChild(t, relayed(relay))
	child.Run(t)
	b := signedInBy(t, child.Caddy, relay, ana)
	before, dials := tree(t, child.Folder), relay.Dials()

	twin := child.Twin(t)
	twin.Begin(t, "validate")
	<-twin.Exited()
	if twin.Code() != 0 {
		t.Errorf("validate beside the server: exit code %d\n%s", twin.Code(), twin.Log(t))
	}
	after := tree(t, child.Folder)
	if before != after {
		t.Errorf("files before:\n%s\nafter:\n%s", before, after)
	}
	if relay.Dials() != dials {
		t.Error("the relay was dialled")
	}
	wantStatus(t, "the server", b.Fetch(t, "/"), http.StatusOK)

	// Nor does it make anything where no server has ever run.
	fresh := harness.PrepareChild(t, site("identity ask"))
	fresh.Begin(t, "validate")
	<-fresh.Exited()
	if made := tree(t, fresh.Folder); fresh.Code() != 0 || strings.Contains(made, "doorcode.db") || strings.Contains(made, "secret") || strings.Contains(made, "mail") {
		t.Errorf("exit code %d, files made:\n%s\n%s", fresh.Code(), made, fresh.Log(t))
	}
}

// signedInBy is a browser whose code came through a relay.
func signedInBy(t *testing.T, c *harness.Caddy, relay *harness.Relay, address string) *harness.Browser {
	t.Helper()
	b := c.Browser(t)
	b.Open(t, "/")
	b.Submit(t, "email", map[string][]string{"email": {address}})
	wantStatus(t, "after the code", enter(t, b, relay.Wait(t, address, 1).Code(t)), http.StatusOK)
	return b
}

// tree lists the gate's files in a folder, with size and time of change.
func tree(t *testing.T, folder string) string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, folder)
		if strings.HasPrefix(name, "/log") || strings.HasPrefix(name, "/Caddyfile") || strings.HasPrefix(name, "/twin") {
			return nil // the test's own
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !strings.HasPrefix(name, "/doorcode.db") { // which the server itself goes on writing to
			name += " " + info.ModTime().String()
		}
		files = append(files, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	return strings.Join(files, "\n")
}

// F-18: two processes that write one file would undo each other's counting. The
// second says so and does not start.
func TestF18ASecondProcessOnTheSameStorage(t *testing.T) {
	child := harness.PrepareChild(t, "\tlog {\n\t\toutput stderr\n\t}\n---\n"+site())
	child.Run(t)
	b := signedIn(t, child.Caddy, ana)
	twin := child.Twin(t)
	twin.Begin(t, "run")
	harness.Eventually(t, "the second process to end", func() bool {
		select {
		case <-twin.Exited():
			return true
		default:
			return false
		}
	})
	if log := twin.Log(t); twin.Code() == 0 || !strings.Contains(log, "doorcode.db") || !strings.Contains(log, "another") {
		t.Errorf("exit code %d, log:\n%s", twin.Code(), log)
	}
	wantStatus(t, "the first process", b.Fetch(t, "/"), http.StatusOK)
}
