// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package devices_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func TestJudge(t *testing.T) {
	seen := noon.Add(-time.Minute)
	for _, tt := range []struct {
		name       string
		presented  int64
		generation int
		want       devices.Outcome
	}{
		{"the newest", 0, 7, devices.Current},
		{"the newest, seen before", seen.Unix(), 7, devices.Current},
		{"the one before, while the newest was never seen", 0, 6, devices.Previous},
		{"the one before, 59 s after the newest was seen", seen.Unix() + 1, 6, devices.Previous},
		{"the one before, 60 s after the newest was seen", seen.Unix(), 6, devices.Stale},
		{"an older one", 0, 5, devices.Stale},
		{"a later one, of which the record was lost", 0, 8, devices.Current},
		{"none", 0, 0, devices.Stale},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := devices.Record{Generation: 7, Presented: tt.presented}
			if got := r.Judge(tt.generation, noon); got != tt.want {
				t.Errorf("Judge = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	r := devices.Record{Generation: 7}
	if r.Confirm(6, noon); !r.Unconfirmed() {
		t.Error("an older generation confirms the newest")
	}
	r.Confirm(7, noon)
	if r.Confirm(7, noon.Add(time.Hour)); r.Presented != noon.Unix() {
		t.Errorf("presented at %d, want the first time, %d", r.Presented, noon.Unix())
	}
	if r.Rotate(7); r.Generation != 8 || !r.Unconfirmed() {
		t.Errorf("after Rotate: %+v, want an unconfirmed generation 8", r)
	}
}

func TestOver(t *testing.T) {
	r := devices.Record{Used: noon.Unix(), Coded: noon.Add(-time.Hour).Unix()}
	for _, tt := range []struct {
		at   time.Duration
		want bool
	}{{29*time.Minute + 59*time.Second, false}, {30 * time.Minute, true}, {time.Hour, true}} {
		if got := r.Over(30*time.Minute, 24*time.Hour, noon.Add(tt.at)); got != tt.want {
			t.Errorf("unused for %s: over %v, want %v", tt.at, got, tt.want)
		}
		if got := r.Over(24*time.Hour, 90*time.Minute, noon.Add(tt.at)); got != tt.want {
			t.Errorf("code %s ago: over %v, want %v", tt.at+time.Hour, got, tt.want)
		}
	}
}

func claim(n int) devices.Claim {
	return devices.Claim{Address: fmt.Sprintf("p%d@example.com", n), ID: fmt.Sprint(n), Expires: noon.Unix() + 1}
}

func TestClaims(t *testing.T) {
	var c devices.Claims
	for n := range 5 {
		c = c.With(claim(n))
	}
	if len(c) != devices.MaxPeople || c[0] != claim(4) || c[2] != claim(2) {
		t.Errorf("claims %v, want 4, 3 and 2", c)
	}
	if c = c.With(claim(2)); len(c) != 3 || c[0] != claim(2) || c[1] != claim(4) {
		t.Errorf("claims %v, want 2, 4 and 3", c)
	}
	if got, err := devices.Parse(c.Encode()); err != nil || !slices.Equal(got, c) {
		t.Errorf("Parse = %v, %v, want %v", got, err, c)
	}
	if _, ok := c.Find("p2@example.com", "", "", noon); !ok {
		t.Error("p2 is not found")
	}
	for name, ok := range map[string]bool{
		"another source": found(c, "p2@example.com", "basic", "", noon), "another user": found(c, "p2@example.com", "", "eve", noon),
		"another address": found(c, "p9@example.com", "", "", noon), "an expired one": found(c, "p2@example.com", "", "", noon.Add(time.Second)),
	} {
		if ok {
			t.Errorf("%s is found", name)
		}
	}
	if rest := c.Without("p2@example.com", "", ""); len(rest) != 2 || len(c) != 3 {
		t.Errorf("Without left %v of %v", rest, c)
	}
	slept := c.Sleep("p4@example.com")
	if !slept[0].Asleep || slept[1].Asleep || !slept[2].Asleep || c[0].Asleep {
		t.Errorf("asleep: %v, want all but p4, and %v unchanged", slept, c)
	}
	if again := slept.Sleep("p2@example.com"); !again[0].Asleep {
		t.Error("whoever sleeps was woken")
	}
	if woken := slept.With(claim(2)); woken[0].Asleep {
		t.Error("whoever comes back sleeps on")
	}
}

func found(c devices.Claims, address, source, user string, now time.Time) bool {
	_, ok := c.Find(address, source, user, now)
	return ok
}

func TestDescribe(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0":                                                        "Firefox on Windows",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36":                                   "Chrome on Linux",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": "Safari on iPhone or iPad",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Mobile Safari/537.36":                         "Chrome on Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0":           "Edge on Windows",
		"": devices.Unknown, "curl/8.9.1": devices.Unknown, "<img src=x onerror=alert(1)>": devices.Unknown,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": devices.Unknown,
		"Visit https://evil.example now/1.0":                                       devices.Unknown,
	} {
		if got := devices.Describe(agent); got != want {
			t.Errorf("Describe(%q) = %q, want %q", agent, got, want)
		}
	}
}

func TestABindingIsOfferedProvedAndHeld(t *testing.T) {
	var b devices.Binding
	if b.Prove(noon, noon) || b.Hold(noon) {
		t.Error("a browser without a key has proved it")
	}
	for _, step := range []struct {
		what       string
		key        string
		at         time.Duration
		want, held bool
	}{
		{"the first key", "one", 0, true, false},
		{"another at once", "two", 59 * time.Second, false, false},
		{"another, as the first was never shown", "three", time.Minute, true, true},
		{"one more, now that it was", "four", 24 * time.Hour, false, false},
	} {
		if got := b.Take(step.key, noon.Add(step.at)); got != step.want || got && b.Key != step.key {
			t.Errorf("%s: Take = %v, and the key is %q", step.what, got, b.Key)
		}
		if step.held && !b.Hold(noon.Add(step.at)) {
			t.Errorf("%s: it is not held", step.what)
		}
	}
	for _, step := range []struct {
		made time.Duration
		want bool
	}{{time.Hour, true}, {time.Hour, false}, {time.Hour - time.Millisecond, false}, {time.Hour + time.Millisecond, true}} {
		if got := b.Prove(noon.Add(step.made), noon); got != step.want {
			t.Errorf("by a challenge of %s: Prove = %v, want %v", step.made, got, step.want)
		}
	}
	if !b.Warn(time.Hour, noon) || b.Warn(time.Hour, noon.Add(time.Hour-time.Second)) || !b.Warn(time.Hour, noon.Add(time.Hour)) {
		t.Error("the person is told too often, or not at all")
	}
}

func TestWhatABrowserHasToProveItHasToProveStill(t *testing.T) {
	held, loose := devices.Binding{Key: "held", Held: 5, Proved: 7, Warned: 3}, devices.Binding{Key: "loose", Proved: 9, Warned: 4}
	later := devices.Binding{Key: "held", Held: 5, Proved: 8}
	for name, tt := range map[string]struct{ ours, theirs, want devices.Binding }{
		"of none and one":         {devices.Binding{}, held, held},
		"of one and none":         {held, devices.Binding{}, held},
		"of a key that was shown": {loose, held, devices.Binding{Key: "held", Held: 5, Proved: 7, Warned: 4}},
		"and the other way round": {held, loose, devices.Binding{Key: "held", Held: 5, Proved: 7, Warned: 4}},
		"of two proofs":           {held, later, devices.Binding{Key: "held", Held: 5, Proved: 8, Warned: 3}},
	} {
		if got := tt.ours.Join(tt.theirs); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestWhatABrowserIsCalledComesApart(t *testing.T) {
	for name, want := range map[string][2]string{
		"Firefox on Windows":       {"Firefox", "Windows"},
		"Safari on iPhone or iPad": {"Safari", devices.IOS},
		"Firefox":                  {"Firefox"},
		devices.Unknown:            {devices.Unknown},
		"Ana on Windows":           {"Ana on Windows"},
		"Firefox on my desk":       {"Firefox on my desk"},
		"":                         {""},
	} {
		if browser, system := devices.Parts(name); browser != want[0] || system != want[1] {
			t.Errorf("%q is %q on %q", name, browser, system)
		}
	}
}
