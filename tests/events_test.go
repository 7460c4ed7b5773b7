// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/doorcode/caddy-doorcode/geo/geotest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// Whoever reads a log finds each event in the documentation.
func TestEveryEventIsDocumented(t *testing.T) {
	source, err := os.ReadFile("../challenge/event.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	events := regexp.MustCompile(`EventName = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(events) < 20 {
		t.Fatalf("%d events were found, so this test shows nothing", len(events))
	}
	for _, event := range events {
		if !strings.Contains(string(page), "`"+event[1]+"`") {
			t.Errorf("docs/operating.md does not say what %s means", event[1])
		}
	}
}

func init() { caddy.RegisterModule(subscriber{}) }

// A subscriber is told of Caddy's events. It is made by Caddy, so what it was told is
// the process's.
type subscriber struct{}

// heard is what subscribers were told since a test began.
var heard struct {
	sync.Mutex
	events []caddy.Event
	hold   chan struct{} // nil, or what each event waits for
}

// CaddyModule names the subscriber.
func (subscriber) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.doorcode_tests", New: func() caddy.Module { return new(subscriber) }}
}

// UnmarshalCaddyfile reads the name alone.
func (*subscriber) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	return nil
}

// Handle keeps an event. One that is told of "locked" breaks, as another's code may.
func (subscriber) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	heard.events = append(heard.events, e)
	hold := heard.hold
	heard.Unlock()
	if hold != nil {
		<-hold
	}
	if e.Name() == "locked" {
		panic("a subscriber breaks")
	}
	return nil
}

// subscribed are options by which everything is told, with a log.
func subscribed(t *testing.T) string {
	t.Helper()
	heard.Lock()
	heard.events, heard.hold = nil, nil
	heard.Unlock()
	var on strings.Builder
	for _, name := range emitted {
		on.WriteString("\t\ton " + name + " doorcode_tests\n")
	}
	return "\tevents {\n" + on.String() + "\t}\n" + logged
}

// emitted are the events that product and documentation name.
var emitted = []string{
	"code_sent", "code_failed", "verified", "locked", "new_browser", "reported", "revoked", "mail_failed", "mail_recovered", "key_rotated", "geoip_stale",
}

// wantTold waits for an event, and returns its data.
func wantTold(t *testing.T, name string, want event) event {
	t.Helper()
	var data event
	harness.Eventually(t, name, func() bool {
		heard.Lock()
		defer heard.Unlock()
		i := slices.IndexFunc(heard.events, func(e caddy.Event) bool { return e.Name() == name })
		if i >= 0 {
			data = heard.events[i].Data
			if id := heard.events[i].Origin().CaddyModule().ID; id != "doorcode.events" {
				t.Errorf("%s comes from %s", name, id)
			}
		}
		return i >= 0
	})
	wantFields(t, name, data, want)
	return data
}

// Acceptance 113: each event reaches a subscriber with the data that are documented,
// among which is no code.
func TestEventsReachASubscriber(t *testing.T) {
	relay := harness.NewRelay(t)
	c, port := harness.Prepare(t), harness.FreePort(t)
	drawAtlas(t, c)
	geotest.Database{Built: time.Now().AddDate(0, -4, 0)}.City(t, c.Folder, "city.mmdb", atlas)
	c.Load(t, adminAt(port, subscribed(t)+relayed(relay, databases, generous("try_address 5/1h"))))
	wantTold(t, "geoip_stale", event{"type": "GeoLite2-City", "file": nil, "built": nil})

	b := browserIn(t, c, lisbon)
	b.Open(t, "/")
	b.Submit(t, "email", map[string][]string{"email": {ana}})
	sent := wantTold(t, "code_sent", event{"address": ana, "ref": nil, "gate": nil, "ip": "81.2.69.0/24", "reason": "new_browser"})
	down := wantTold(t, "mail_failed", event{"transport": nil})
	relay.Up(t)
	mail := relay.Wait(t, ana, 1)
	up := wantTold(t, "mail_recovered", event{"transport": down["transport"]})
	if ref := mail.Ref(t); sent["ref"] != ref || up["transport"] != "smtp "+relay.Address {
		t.Errorf("the mail has the letters %s and went by %s; told %v and %v", ref, relay.Address, sent, up)
	}
	enter(t, b, mail.Code(t))
	wantTold(t, "verified", event{"address": ana, "session": nil, "gate": nil, "reason": "new_browser"})
	wantTold(t, "new_browser", event{"address": ana, "session": nil, "new_browser": true})

	order(t, port, "/doorcode/keys/rotate", "{}")
	wantTold(t, "key_rotated", event{"storage": nil})
	order(t, port, "/doorcode/sessions/revoke", `{"address":"`+ana+`"}`)
	wantTold(t, "revoked", event{"address": ana, "by": "operator"})

	press(t, c, stopLink(t, mail))
	wantTold(t, "reported", event{"account": nil})
	guesser := browserIn(t, c, madrid)
	guesser.Open(t, "/")
	guesser.Submit(t, "email", map[string][]string{"email": {ben}})
	code := relay.Wait(t, ben, 1).Code(t)
	for n := range 5 {
		enter(t, guesser, notThis(code, n))
	}
	wantTold(t, "locked", event{"address": ben, "limit": "try_address", "until": nil})
	harness.Eventually(t, "what broke in the subscriber to be logged", func() bool {
		return slices.ContainsFunc(logOf(t, c.Folder+"/caddy.log"), func(e event) bool { return e["msg"] == "fault in a subscriber of events" && e["name"] == "locked" })
	})
	order(t, port, "/doorcode/unlock", `{"address":"`+ben+`"}`)
	wantNoSecretTold(t, code, mail.Code(t), b.Cookies(t)["doorcode"])
}

// wantNoSecretTold fails if an event holds a secret.
func wantNoSecretTold(t *testing.T, secrets ...string) {
	t.Helper()
	heard.Lock()
	defer heard.Unlock()
	for _, e := range heard.events {
		for key, value := range e.Data {
			text, _ := value.(string)
			if slices.Contains(secrets, text) || key == "code" {
				t.Errorf("%s tells %s = %v", e.Name(), key, value)
			}
		}
	}
}

// A subscriber that hangs makes nobody wait. What finds no place is dropped, and the log
// says how much that was.
func TestASlowSubscriberHoldsNobodyUp(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	options := subscribed(t)
	hold := make(chan struct{})
	heard.Lock()
	heard.hold = hold
	heard.Unlock()
	c.Load(t, options+site(databases, generous("")))
	for n := range 300 {
		b := from(t, c, n%250)
		b.Open(t, "/")
		b.Submit(t, "email", map[string][]string{"email": {fmt.Sprintf("p%d@example.com", n)}})
	}
	close(hold)
	harness.Eventually(t, "the log to tell what was dropped", func() bool { return len(events(t, c, "events_dropped")) > 0 })
	dropped, _ := events(t, c, "events_dropped")[0]["dropped"].(float64)
	harness.Eventually(t, "the rest to be told", func() bool {
		heard.Lock()
		defer heard.Unlock()
		return len(heard.events) == 300-int(dropped)
	})
	if dropped < 168 || dropped > 172 { // 128 of what strangers cause wait, and one is being told
		t.Errorf("%v were dropped", dropped)
	}
}

// The events that subscribers get are those that the documentation names.
func TestTheEventsForSubscribersAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## Events for subscribers\n")
	table, _, _ = strings.Cut(table, "\n## ")
	named := map[string]bool{}
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z_]+)`").FindAllStringSubmatch(table, -1) {
		named[match[1]] = true
	}
	if got := slices.Sorted(maps.Keys(named)); !slices.Equal(got, slices.Sorted(slices.Values(emitted))) {
		t.Errorf("the documentation names %q", got)
	}
}

var _ caddyevents.Handler = subscriber{}
