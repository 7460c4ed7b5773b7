// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

func requestsShown(t testing.TB) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(telemetry.Requests()); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			labels := ""
			for _, label := range series.GetLabel() {
				labels += " " + label.GetValue()
			}
			values[family.GetName()+labels] = series.GetCounter().GetValue()
			if h := series.GetHistogram(); h != nil {
				values["took"], values["seconds"] = float64(h.GetSampleCount()), h.GetSampleSum()
				for _, bucket := range h.GetBucket() {
					values["within "+time.Duration(bucket.GetUpperBound()*1e9).String()] = float64(bucket.GetCumulativeCount())
				}
			}
		}
	}
	return values
}

// count counts a request with its time, as the gate does.
func count(s *telemetry.Shard, decision string, kind telemetry.Kind, took time.Duration) {
	if times := s.Count(decision, kind); times > 0 {
		s.Took(took, times)
	}
}

func TestRequestsThatAreCountedAtOnceAreAllCounted(t *testing.T) {
	const crowd, each = 100, 1600 // of 16 that pass one is timed
	before := requestsShown(t)
	var all sync.WaitGroup
	for range crowd { // more than there are shards
		shard := telemetry.NextShard()
		all.Go(func() {
			for range each {
				count(shard, web.DecisionPass, telemetry.KindAPI, 20*time.Microsecond)
			}
			count(shard, web.DecisionOwn, telemetry.KindOwn, time.Second)
			count(shard, web.DecisionCheck, telemetry.KindPage, 10*time.Microsecond)
		})
	}
	all.Wait()
	after := requestsShown(t)
	for name, want := range map[string]float64{
		"caddy_doorcode_requests_total pass api": crowd * each, "caddy_doorcode_requests_total own own": crowd, "caddy_doorcode_requests_total check page": crowd,
		"caddy_doorcode_requests_total deny ws": 0, "took": crowd * (each + 2), "within 10µs": crowd, "within 25µs": crowd * (each + 1), "within 10ms": crowd * (each + 1),
	} {
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s grew by %v, want %v", name, got, want)
		}
	}
	if got, want := after["seconds"]-before["seconds"], crowd*1.03201; got < want-1e-6 || got > want+1e-6 {
		t.Errorf("seconds grew by %v, want %v", got, want)
	}
	if series := len(after) - 13; series != 4*6+1 { // besides the histogram
		t.Errorf("%d series: %v", series, after)
	}
}

func TestCoresShareNoLineOfMemory(t *testing.T) {
	if size := unsafe.Sizeof(telemetry.Shard{}); size%128 != 0 {
		t.Errorf("a shard has %d bytes", size)
	}
	if a, b := telemetry.NextShard(), telemetry.NextShard(); a == b {
		t.Error("two in a row are the same")
	}
}

func TestARequestIsCountedByWhatItWants(t *testing.T) {
	browser := func(dest, mode string) http.Header {
		return http.Header{"Sec-Fetch-Dest": {dest}, "Sec-Fetch-Mode": {mode}, "Accept": {"*/*"}}
	}
	for _, tt := range []struct {
		name     string
		method   string
		decision string
		header   http.Header
		token    bool
		want     telemetry.Kind
	}{
		{"a document", "GET", web.DecisionCheck, browser("document", "navigate"), false, telemetry.KindPage},
		{"a form", "POST", web.DecisionPass, browser("document", "navigate"), false, telemetry.KindPage},
		{"a frame", "GET", web.DecisionPass, browser("iframe", "navigate"), false, telemetry.KindPage},
		{"a script's request", "GET", web.DecisionPass, browser("empty", "cors"), false, telemetry.KindAPI},
		{"an image", "GET", web.DecisionPublic, browser("image", "no-cors"), false, telemetry.KindAsset},
		{"a kind of the future", "GET", web.DecisionPublic, browser("hologram", "no-cors"), false, telemetry.KindAsset},
		{"a WebSocket", "GET", web.DecisionPass, http.Header{"Upgrade": {"websocket"}, "Sec-Fetch-Dest": {"empty"}}, false, telemetry.KindWS},
		{"a WebSocket of HTTP/2", "CONNECT", web.DecisionPass, http.Header{}, false, telemetry.KindWS},
		{"a token", "PROPFIND", web.DecisionPass, http.Header{"Accept": {"text/html"}}, true, telemetry.KindToken},
		{"an old browser's page", "GET", web.DecisionCheck, http.Header{"Accept": {"text/html,*/*;q=0.8"}}, false, telemetry.KindPage},
		{"its page on plain http", "GET", web.DecisionCheck, http.Header{"Sec-Fetch-Mode": {"navigate"}}, false, telemetry.KindPage},
		{"its image", "GET", web.DecisionCheck, http.Header{"Accept": {"image/webp,*/*"}}, false, telemetry.KindAsset},
		{"its script's request", "GET", web.DecisionCheck, http.Header{"X-Requested-With": {"XMLHttpRequest"}}, false, telemetry.KindAPI},
		{"curl", "GET", web.DecisionDeny, http.Header{"Accept": {"*/*"}}, false, telemetry.KindOther},
		{"nothing at all", "GET", web.DecisionDeny, http.Header{}, false, telemetry.KindOther},
		{"an empty field", "GET", web.DecisionDeny, http.Header{"Sec-Fetch-Dest": {}}, false, telemetry.KindOther},
		{"an endpoint of the gate", "POST", web.DecisionOwn, browser("document", "navigate"), true, telemetry.KindOwn},
	} {
		if got := kindOf(&http.Request{Method: tt.method, Header: tt.header}, tt.decision, tt.token); got != tt.want {
			t.Errorf("%s is counted as %s, want %s", tt.name, got, tt.want)
		}
	}
}

var decisions = []string{web.DecisionPass, web.DecisionPublic, web.DecisionCheck, web.DecisionDeny, web.DecisionOwn}

// kindOf is the kind of a request whose header nobody has looked at.
func kindOf(r *http.Request, decision string, token bool) telemetry.Kind {
	var met upstream.Met
	met.Meet(r.Header)
	return telemetry.KindOf(r, &met, decision, token)
}

// Whatever a request says, its labels are among those that were there before.
func FuzzKindOf(f *testing.F) {
	f.Add("GET", "document", "navigate", "text/html", "", 0, false)
	f.Add("GET", "empty", "cors", "*/*", "websocket", 1, true)
	f.Fuzz(func(t *testing.T, method, dest, mode, accept, upgrade string, decision int, token bool) {
		h := http.Header{"Sec-Fetch-Dest": {dest}, "Sec-Fetch-Mode": {mode}, "Accept": {accept}}
		if upgrade != "" {
			h["Upgrade"] = []string{upgrade}
		}
		d := decisions[uint(decision)%uint(len(decisions))]
		kind := kindOf(&http.Request{Method: method, Header: h}, d, token)
		if (kind == telemetry.KindOwn) != (d == web.DecisionOwn) || !strings.Contains(" page api ws asset token other own ", " "+kind.String()+" ") {
			t.Errorf("counted as %s", kind)
		}
	})
}

// BenchmarkCount tells what counting a request costs, in turn and by all cores at once.
func BenchmarkCount(b *testing.B) {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{"Sec-Fetch-Dest": {"empty"}, "Accept": {"*/*"}}}
	var met upstream.Met
	met.Meet(r.Header)
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		shard := telemetry.NextShard()
		for b.Loop() {
			count(shard, web.DecisionPass, telemetry.KindOf(r, &met, web.DecisionPass, false), 8*time.Microsecond)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			shard := telemetry.NextShard()
			for p.Next() {
				count(shard, web.DecisionPass, telemetry.KindOf(r, &met, web.DecisionPass, false), 8*time.Microsecond)
			}
		})
	})
}
