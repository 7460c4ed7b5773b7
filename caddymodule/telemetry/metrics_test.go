// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/geo"
)

// shown is what a registry shows, by name and the values of labels. Of a histogram it
// is how much was observed.
func shown(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		if family.GetHelp() == "" {
			t.Errorf("%s has no help", family.GetName())
		}
		for _, series := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "caddy_doorcode_")
			for _, label := range series.GetLabel() {
				name += " " + label.GetValue()
			}
			values[name] = series.GetCounter().GetValue() + series.GetGauge().GetValue() + float64(series.GetHistogram().GetSampleCount())
		}
	}
	return values
}

// known is the registry of a new configuration.
func known(t *testing.T) (*telemetry.Configuration, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	c, err := telemetry.NewConfiguration("v1", registry)
	if err != nil {
		t.Fatal(err)
	}
	return c, registry
}

// A configuration brings a new registry, and what was counted before is in it.
func TestCountersGoOnInTheRegistryOfEachConfiguration(t *testing.T) {
	_, first := known(t)
	before := shown(t, first)
	r, _ := watched(challenge.AuditPrefix)
	for _, e := range []challenge.Event{
		{Name: challenge.CodeSent, Reason: challenge.NewPlace},
		{Name: challenge.CodeSent, Reason: challenge.NewPlace, Again: true},
		{Name: challenge.CodeWithheld},
		{Name: challenge.CodeFailed, Reason: challenge.Sensitive},
		{Name: challenge.CheckOpened, Reason: challenge.NewPlace},
		{Name: challenge.Verified, Reason: challenge.NewPlace, Waited: 20 * time.Second},
		{Name: challenge.Verified, Way: challenge.ByBackup},
		{Name: challenge.Verified, Reason: challenge.NewPlace, Way: challenge.ByPasskey},
		{Name: challenge.Verified, Reason: challenge.Unproved, Way: challenge.BySecond},
		{Name: challenge.PasskeyRefused, Way: challenge.ByPasskey},
		{Name: challenge.PasskeyRefused, Change: challenge.AddPasskey},
		{Name: challenge.Decided, Decision: challenge.Check, Reason: challenge.NeedsPasskey},
		{Name: challenge.Decided, Decision: challenge.Check, Reason: challenge.Sensitive},
		{Name: challenge.Decided, Decision: challenge.Deny, Reason: challenge.Keyless},
		{Name: challenge.CheckEnded, Reason: challenge.NewPlace, Result: challenge.CheckStopped},
		{Name: challenge.Decided, Decision: challenge.Pass, Observed: risk.SetOf(challenge.NewNetwork, challenge.Travel), Device: "only-here"},
		{Name: challenge.Decided, Decision: challenge.Pass, Device: "only-here"},
		{Name: challenge.Decided, Decision: challenge.Pass, Reason: challenge.Keyless},
		{Name: challenge.Decided, Decision: challenge.Pass, Reason: challenge.NeedsPasskey},
		{Name: challenge.Reported},
		{Name: challenge.StreamCut},
		{Name: challenge.Locked, Limit: challenge.LimitTryAddress},
		{Name: challenge.Limited, Limit: challenge.LimitSendTotal},
		{Name: challenge.Limited, Limit: "ana@example.com"},
		{Name: challenge.WrongCode},
		{Name: challenge.OldCode},
		{Name: challenge.RepeatedCode},
		{Name: challenge.ExpiredCode},
		{Name: challenge.MalformedCode},
	} {
		r.Record(t.Context(), e)
	}
	for range 100 {
		_, _ = known(t)
	}
	_, last := known(t)
	after := shown(t, last)
	grew := map[string]float64{}
	for name, value := range after {
		was, there := before[name]
		if !there {
			t.Errorf("%s was not there from the beginning", name)
		}
		if value != was {
			grew[name] = value - was
		}
	}
	want := map[string]float64{
		"checks_total new_place asked": 1, "checks_total new_browser asked": 1, "checks_total sensitive asked": 1, "checks_total new_place opened": 1,
		"checks_total new_place passed": 1, "checks_total new_browser other_way": 1, "checks_total new_place other_way": 1, "checks_total unproved passed": 1,
		"checks_total passkey asked": 1, "checks_total keyless refused": 1, "passkeys_total right": 1, "passkeys_total refused": 1, "checks_total new_place stopped": 1,
		"checks_total new_network observed": 1, "checks_total travel observed": 1, "checks_total keyless observed": 1, "checks_total passkey observed": 1, "devices": 1,
		"time_to_verify_seconds": 1, "codes_total right": 3, "codes_total wrong": 1, "codes_total old": 1, "codes_total repeat": 1, "codes_total expired": 1, "codes_total malformed": 1,
		"reports_total": 1, "streams_cut_total": 1, "lockouts_total": 1, "limited_total send_total": 1,
	}
	for name, by := range want {
		if grew[name] != by {
			t.Errorf("%s grew by %v, want %v", name, grew[name], by)
		}
		delete(grew, name)
	}
	if len(grew) > 0 {
		t.Errorf("these grew too: %v", grew)
	}
}

// A limit without its series would be one of which no alert ever speaks.
func TestEveryLimitHasItsSeries(t *testing.T) {
	files, err := filepath.Glob("../../challenge/*.go")
	if err != nil {
		t.Fatal(err)
	}
	_, registry := known(t)
	series, found := shown(t, registry), 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`Limit[A-Za-z]+ +Limit = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			_, there := series["limited_total "+match[1]]
			if found++; !there || !slices.Contains(telemetry.Limits, challenge.Limit(match[1])) {
				t.Errorf("limited_total has no series for %s", match[1])
			}
		}
	}
	if found != len(telemetry.Limits) {
		t.Errorf("%d limits were found in the source, and there are series for %d", found, len(telemetry.Limits))
	}
}

type house struct{ sessions int }

func (h *house) Health() challenge.Health { return challenge.Health{Sessions: h.sessions} }

func (*house) KeyList(now time.Time) []sessions.KeyInfo {
	return []sessions.KeyInfo{
		{ID: "next", State: sessions.KeyNext, From: now.Add(time.Hour)},
		{ID: "signs", State: sessions.KeySigning, From: now.Add(-time.Hour)},
		{ID: "signed", State: sessions.KeyVerifying, From: now.Add(-100 * time.Hour)},
	}
}

type queue int

func (q queue) Pending() int { return int(q) }

func TestAConfigurationMeasuresWhatItUsesAlone(t *testing.T) {
	old, first := known(t)
	old.AddHouse(&house{7}, queue(1))
	old.AddDatabases(func() []geo.File { return []geo.File{{Type: "GeoLite2-City", Built: time.Unix(5, 0)}} })
	c, second := known(t)
	one := &house{2}
	c.AddHouse(one, queue(3))
	c.AddHouse(one, queue(3)) // of another site
	c.AddHouse(&house{3}, queue(4))
	c.AddDatabases(func() []geo.File {
		return []geo.File{{Path: "/var/a.mmdb", Type: "GeoLite2-ASN\xff", Built: time.Unix(200, 0)}, {Path: "/b.mmdb", Type: "GeoLite2-ASN", Built: time.Unix(100, 0)}}
	})
	for i, tt := range []struct {
		registry *prometheus.Registry
		want     map[string]float64
	}{
		{first, map[string]float64{"sessions": 7, "mail_queue": 1, "geoip_build_timestamp_seconds GeoLite2-City": 5, "build_info v1": 1}},
		{second, map[string]float64{"sessions": 5, "mail_queue": 7, "geoip_build_timestamp_seconds GeoLite2-ASN": 100, "build_info v1": 1}},
	} {
		got := shown(t, tt.registry)
		for name, want := range tt.want {
			if got[name] != want {
				t.Errorf("configuration %d: %s is %v, want %v", i, name, got[name], want)
			}
		}
		if age := got["key_age_seconds signs"]; age < 3600 || age > 3700 {
			t.Errorf("configuration %d: the key that signs is %v seconds old", i, age)
		}
		for name := range got {
			if strings.HasPrefix(name, "key_age_seconds") && name != "key_age_seconds signs" {
				t.Errorf("configuration %d shows %s", i, name)
			}
		}
	}
	if _, there := shown(t, second)["geoip_build_timestamp_seconds GeoLite2-City"]; there {
		t.Error("a database of a configuration that is over is shown")
	}
}

func TestNothingIsMeasuredOfNoConfiguration(t *testing.T) {
	var none *telemetry.Configuration
	none.AddHouse(&house{}, queue(0))
	none.AddDatabases(func() []geo.File { return nil })
	var quiet *telemetry.Emitter
	quiet.Emit("verified", func() map[string]any { t.Error("data are gathered for nobody"); return nil })
}

func TestRememberedBrowsersAreCountedForADayAndWithoutEnd(t *testing.T) {
	var s telemetry.Sightings
	now := time.Now()
	s.Note("", now)
	s.Note("a", now.Add(-25*time.Hour))
	s.Note("b", now.Add(-26*time.Hour))
	s.Note("b", now.Add(-23*time.Hour))
	if got := s.Count(); got != 1 {
		t.Errorf("%v are counted, want 1", got)
	}
	for n := range 100_010 {
		s.Note(strings.Repeat("x", 1+n%3)+string(rune('a'+n%26))+time.Duration(n).String(), now)
	}
	if got := s.Count(); got != 100_000 {
		t.Errorf("%v are counted, want 100000", got)
	}
}

func TestMailsAreCountedByTheKindOfTransport(t *testing.T) {
	_, registry := known(t)
	telemetry.ExpectMail("smtp relay.example.com:587")
	before := shown(t, registry)
	for _, r := range []mailer.Report{
		{Outcome: mailer.Sent, Route: "smtp relay.example.com:587", Took: time.Second},
		{Outcome: mailer.Deferred, Route: "smtp relay.example.com:587", Took: time.Second},
		{Outcome: mailer.Bounced, Route: "smtp 127.0.0.1:25", Took: time.Second},
		{Outcome: mailer.Failed, Route: "smtp [::1]:25"},
		{Outcome: mailer.Lost, Route: "smtp relay.example.com:587"},
		{Outcome: mailer.Withheld, Route: "smtp relay.example.com:587", Took: time.Second},
		{Outcome: mailer.Sent, Route: "/var/mail/x"},
		{Outcome: mailer.Sent, Route: "demo", Passed: []string{"smtp relay.example.com:587", "http api.example.com"}},
		{Outcome: mailer.Withheld, Route: "demo", Passed: []string{"smtp relay.example.com:587"}},
		{Outcome: mailer.Kept, Route: "smtp relay.example.com:587", Took: time.Second},
		{Outcome: mailer.Unkept},
	} {
		telemetry.CountMail(r)
	}
	after := shown(t, registry)
	for name, want := range map[string]float64{
		"mail_total sent smtp": 1, "mail_total deferred smtp": 2, "mail_total deferred http": 1, "mail_total sent demo": 1, "mail_total deferred other": 0, "mail_total bounced smtp": 1, "mail_total failed smtp": 2, "mail_total sent other": 1, "mail_seconds smtp": 3,
	} {
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s grew by %v, want %v", name, got, want)
		}
	}
}

// atlas says the same of every address.
type atlas geo.Place

func (a atlas) Locate(netip.Addr) *geo.Place { return (*geo.Place)(&a) }

func TestLookupsAreCountedByWhatTheyFind(t *testing.T) {
	_, registry := known(t)
	before := shown(t, registry)
	for _, p := range []geo.Place{{Country: "PT"}, {Private: true}, {ASN: 5}, {Country: "JP"}} {
		locator := telemetry.CountLookups(atlas(p))
		if got := locator.Locate(travelled.IP); *got != p {
			t.Errorf("found %v, want %v", got, p)
		}
	}
	after := shown(t, registry)
	for name, want := range map[string]float64{"geoip_lookups_total found": 2, "geoip_lookups_total private": 1, "geoip_lookups_total unknown": 1} {
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s grew by %v, want %v", name, got, want)
		}
	}
}
