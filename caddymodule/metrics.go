// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// Counters go on counting when a configuration is replaced. Each configuration
// has a registry of its own, to which the same counters are made known.
//
// No label may hold what a visitor can choose, nor anything about a person.
var (
	checksTotal  = newChecks()
	reportsTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "doorcode", Name: "reports_total",
		Help: "Codes and entries of which a person said that they were not theirs.",
	})
	streamsCutTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "doorcode", Name: "streams_cut_total",
		Help: "WebSockets and event streams that were cut because their session had ended.",
	})
)

// The results of a check.
const (
	checkAsked    = "asked"
	checkPassed   = "passed"
	checkObserved = "observed"
)

// newChecks makes every series at once, since an alert that divides by one which is
// missing never fires.
func newChecks() *prometheus.CounterVec {
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "doorcode", Name: "checks_total",
		Help: "Checks by the reason for them: asked (a code was made), passed (it was entered) and observed (the reason would have asked).",
	}, []string{"reason", "result"})
	for _, reason := range (^risk.Set(0)).Reasons() {
		for _, result := range []string{checkAsked, checkPassed, checkObserved} {
			checks.WithLabelValues(string(reason), result)
		}
	}
	return checks
}

// registerMetrics makes the counters known to the registry of a configuration,
// which may know them already.
func registerMetrics(registry *prometheus.Registry, collectors ...prometheus.Collector) error {
	for _, c := range append(collectors, checksTotal, reportsTotal, streamsCutTotal) {
		var known prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &known) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// tally counts an event.
func tally(e challenge.Event) {
	switch e.Name {
	case challenge.CodeSent, challenge.CodeWithheld, challenge.CodeFailed:
		if !e.Again {
			checksTotal.WithLabelValues(reasonLabel(e.Reason), checkAsked).Inc()
		}
	case challenge.Verified:
		checksTotal.WithLabelValues(reasonLabel(e.Reason), checkPassed).Inc()
	case challenge.Reported:
		reportsTotal.Inc()
	case challenge.StreamCut:
		streamsCutTotal.Inc()
	case challenge.Decided:
		for _, r := range e.Observed.Reasons() {
			checksTotal.WithLabelValues(reasonLabel(r), checkObserved).Inc()
		}
	}
}

// reasonLabel is the label of a reason. One that was lost on the way, as with a
// form that was sent without its cookie, is that of every new visitor.
func reasonLabel(r challenge.Reason) string {
	if r == "" {
		r = challenge.NewBrowser
	}
	return string(r)
}

var builtDesc = prometheus.NewDesc("caddy_doorcode_geoip_build_timestamp_seconds",
	"When the database of places that is in use was built, in Unix seconds; of several of one type, the oldest.", []string{"db"}, nil)

// databaseAges tells how old the databases of one configuration are.
type databaseAges struct{ of *building }

// Describe tells the name of the measure.
func (databaseAges) Describe(to chan<- *prometheus.Desc) { to <- builtDesc }

// Collect tells the age of each database. A file is named by what it calls
// itself, never by its path.
func (a databaseAges) Collect(to chan<- prometheus.Metric) {
	oldest := map[string]time.Time{}
	for _, p := range a.of.databasesInUse() {
		for _, file := range p.Files() {
			name := strings.ToValidUTF8(file.Type, "")
			if built, known := oldest[name]; !known || file.Built.Before(built) {
				oldest[name] = file.Built
			}
		}
	}
	for name, built := range oldest {
		to <- prometheus.MustNewConstMetric(builtDesc, prometheus.GaugeValue, float64(built.Unix()), name)
	}
}
