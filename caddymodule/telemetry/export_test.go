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

// Requests are the measures of requests.
func Requests() prometheus.Collector { return requests{} }
