// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"net/netip"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/geo"
)

// CountLookups counts what a locator is asked for.
func CountLookups(locator challenge.Locator) challenge.Locator { return lookups{locator} }

type lookups struct{ challenge.Locator }

// Locate looks an address up.
func (l lookups) Locate(ip netip.Addr) *geo.Place {
	p := l.Locator.Locate(ip)
	switch {
	case p.Private:
		lookupsPrivate.Inc()
	case p.Country == "":
		lookupsUnknown.Inc()
	default:
		lookupsFound.Inc()
	}
	return p
}

// Each is found by its label once: each request of a stranger counts some.
var (
	lookupsFound   = lookupsTotal.WithLabelValues(lookupFound)
	lookupsPrivate = lookupsTotal.WithLabelValues(lookupPrivate)
	lookupsUnknown = lookupsTotal.WithLabelValues(lookupUnknown)
)
