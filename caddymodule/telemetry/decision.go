// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

// decision is what a decision was made by, and enough to judge it again under another
// policy. It names nobody in clear: whoever reads many of these need not know who each
// of them was.
func decision(ctx context.Context, e *challenge.Event, d discretion) []zap.Field {
	fields := []zap.Field{
		zap.String("decision", e.Decision.String()), written("reason", string(e.Reason)), written("factor", string(e.Factor)),
		written("account", e.Account), written("domain", e.Facts.Domain), written("device", e.Device),
		written("request", requestID(ctx)), zap.Duration("took", e.Took), written("network", d.network(e.IP)),
		listed("held", e.Held), listed("observed", e.Observed),
	}
	if !d.hides() {
		fields = append(fields, written("address", e.Address.Masked()))
	}
	if d.keep == challenge.AuditFull {
		fields = append(fields, written("ip", d.ip(e.IP)))
	}
	for _, f := range [...]struct {
		key   string
		value bool
	}{{"barred", e.Barred}, {"sensitive", e.Held.Has(risk.Sensitive)}} {
		if f.value {
			fields = append(fields, zap.Bool(f.key, true))
		}
	}
	for _, f := range [...]struct {
		key   string
		value int64
	}{{"distance_km", int64(e.Facts.Distance)}, {"since_s", wholeSeconds(e.Facts.Since)}, {"speed_kmh", int64(e.Facts.Speed)}} {
		if f.value > 0 {
			fields = append(fields, zap.Int64(f.key, f.value))
		}
	}
	return append(fields, placeFields(e.Place)...)
}

// listed is a set of reasons; left out where it is empty.
func listed(key string, set risk.Set) zap.Field {
	reasons := set.Reasons()
	if len(reasons) == 0 {
		return zap.Skip()
	}
	return zap.Strings(key, textsOf(reasons))
}

func textsOf(reasons []risk.Reason) []string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = string(r)
	}
	return texts
}

func placeFields(p *geo.Place) []zap.Field {
	if p == nil {
		return nil
	}
	fields := []zap.Field{written("country", p.Country), written("city", p.City), written("network_name", p.Network)}
	if p.ASN != 0 {
		fields = append(fields, zap.Uint32("asn", p.ASN))
	}
	return fields
}

// whys are what led to a decision, a short sentence each.
func whys(e *challenge.Event) []string {
	found := []string{"nothing lets the visitor in by itself"}
	if e.Factor != "" {
		found[0] = "in by " + string(e.Factor)
	}
	for _, r := range e.Held.Reasons() {
		found = append(found, string(r)+" holds"+effectOf(e, r))
	}
	if e.Held == 0 && e.Reason != "" {
		found = append(found, string(e.Reason)+" asks")
	}
	if e.Barred {
		found = append(found, "nobody is let in from there")
	}
	if e.Held.Has(risk.Sensitive) {
		found = append(found, "the page wants a fresh code")
	}
	if since := e.Facts.Since; since > 0 {
		found = append(found, "last code "+since.Round(time.Second).String()+" ago")
	}
	if e.Facts.Distance > 0 {
		found = append(found, fmt.Sprintf("%d km from there, %d km/h", e.Facts.Distance, e.Facts.Speed))
	}
	found = append(found, whereabouts(e.Place))
	for i, why := range found {
		found[i] = still(why)
	}
	return found
}

// effectOf is what becomes of a reason that holds.
func effectOf(e *challenge.Event, r risk.Reason) string {
	switch {
	case e.Observed.Has(r):
		return ", is only observed"
	case e.Decision == challenge.Check && e.Reason == r:
		return ", asks"
	case e.Decision == challenge.Check:
		return ""
	default:
		return ", has no say"
	}
}

func whereabouts(p *geo.Place) string {
	switch {
	case p == nil || p.Country == "" && p.ASN == 0 && !p.Private:
		return "place not known"
	case p.Private:
		return "in a private network"
	case p.ASN == 0:
		return "country " + p.Country
	case p.Country == "":
		return fmt.Sprintf("network AS%d", p.ASN)
	default:
		return fmt.Sprintf("country %s, network AS%d", p.Country, p.ASN)
	}
}
