// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What the tests see of the measures.
var (
	Faults = faults
	Limits = limits
)

// A Sightings is what counts remembered browsers.
type Sightings struct{ sightings }

// Note notes one.
func (s *Sightings) Note(name string, now time.Time) { s.note(name, now) }

// Count is how many there are.
func (s *Sightings) Count() float64 { return s.count() }

// NewWaiting is an emitter whose subscribers are not told before they ask.
func NewWaiting() *Emitter { return &Emitter{waiting: make(chan emission, maxWaiting)} }

// Next is the name of the event that has waited longest, which then waits no more;
// empty where none does.
func (e *Emitter) Next() string {
	select {
	case next := <-e.waiting:
		e.release(next.name)
		return next.name
	default:
		return ""
	}
}

// Requests are the measures of requests.
func Requests() prometheus.Collector { return requests{} }
