// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// counted are the sums over all series of a metric, as one registry shows them.
func counted(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			result := ""
			for _, label := range series.GetLabel() {
				if label.GetName() == "result" {
					result = label.GetValue()
				}
			}
			sums[family.GetName()+" "+result] += series.GetCounter().GetValue()
		}
	}
	return sums
}

// A configuration brings a new registry, and Caddy may ask twice for one.
func TestCountersAreKnownToEveryRegistry(t *testing.T) {
	first, second := prometheus.NewPedanticRegistry(), prometheus.NewPedanticRegistry()
	for _, registry := range []*prometheus.Registry{first, first, second} {
		if err := caddymodule.RegisterMetrics(registry); err != nil {
			t.Fatal(err)
		}
	}
	before := counted(t, first)
	for _, e := range []challenge.Event{
		{Name: challenge.CodeSent, Reason: challenge.NewPlace},
		{Name: challenge.CodeSent, Reason: challenge.NewPlace, Again: true},
		{Name: challenge.CodeWithheld},
		{Name: challenge.CodeFailed, Reason: challenge.Sensitive},
		{Name: challenge.Verified, Reason: challenge.NewPlace},
		{Name: challenge.Decided, Decision: challenge.Pass, Observed: risk.SetOf(challenge.NewNetwork, challenge.Travel)},
		{Name: challenge.Reported},
		{Name: challenge.WrongCode},
	} {
		caddymodule.Tally(e)
	}
	after := counted(t, second)
	for name, want := range map[string]float64{
		"caddy_doorcode_checks_total asked": 3, "caddy_doorcode_checks_total passed": 1, "caddy_doorcode_checks_total observed": 2,
		"caddy_doorcode_reports_total ": 1, "caddy_doorcode_streams_cut_total ": 0,
	} {
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s grew by %v, want %v", name, got, want)
		}
	}
}
