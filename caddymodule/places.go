// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

// databases are those of places that are in memory, by their files. They are
// large, so that configurations share them.
var databases = caddy.NewUsagePool()

// A pooledPlaces is a set of databases.
type pooledPlaces struct {
	*geo.DB
	report *atomic.Pointer[func(geo.Event)] // to the log of the newest configuration
}

// Destruct ends the looking for newer versions.
func (p *pooledPlaces) Destruct() error {
	p.Close()
	return nil
}

type placesKey struct {
	files   string
	refresh caddy.Duration
}

// openPlaces reads the databases of a site, and refuses settings that they cannot
// serve. It returns nil where there are none.
func openPlaces(b *building, said Settings) (*pooledPlaces, error) {
	p, err := b.poolPlaces(said.withDefaults().GeoIP)
	if p == nil || err != nil {
		return nil, err
	}
	knows := p.Knows()
	switch {
	case !knows.Country && len(said.Countries.Allow)+len(said.Countries.Deny) > 0:
		return nil, errors.New("geoip: no country is in these databases; 'countries' needs a Country or City database")
	case !knows.Points && said.Location.Distance != 0:
		return nil, fmt.Errorf("geoip: %s has no coordinates; 'location distance' needs a City database", p.Files()[0].Type)
	case !knows.Points && said.Location.Speed != 0:
		return nil, fmt.Errorf("geoip: %s has no coordinates; 'location speed' needs a City database", p.Files()[0].Type)
	}
	for _, reason := range slices.Concat(said.Challenge, said.Observe) {
		if aboutPlaces(reason) && (!knows.Country || reason == string(risk.Travel) && !knows.Points) {
			b.logger.Warn("these databases cannot tell what a reason needs, so it never speaks; new_place needs countries, travel a City database",
				zap.String("reason", reason), zap.Strings("files", said.GeoIP.Files))
		}
	}
	return p, nil
}

func (b *building) poolPlaces(g GeoIP) (*pooledPlaces, error) {
	if len(g.Files) == 0 {
		return nil, nil //nolint:nilnil // most sites have none
	}
	key := placesKey{strings.Join(g.Files, "\x00"), g.Refresh}
	report := watcher(b.logger, b.emitter)
	pooled, _, err := databases.LoadOrNew(key, func() (caddy.Destructor, error) {
		p := &pooledPlaces{report: new(atomic.Pointer[func(geo.Event)])}
		p.report.Store(&report)
		var err error
		p.DB, err = geo.Open(geo.Options{Files: g.Files, Refresh: time.Duration(g.Refresh), Report: func(e geo.Event) { (*p.report.Load())(e) }})
		return p, err
	})
	if err != nil {
		return nil, err
	}
	b.keep(hold{databases, key})
	p, ok := pooled.(*pooledPlaces)
	if !ok {
		return nil, fmt.Errorf("shared databases are a %T", pooled)
	}
	p.report.Store(&report)
	b.gauges.AddDatabases(p.Files)
	return p, nil
}

// watcher writes what happens to databases to the log, and tells subscribers of those
// that are old.
func watcher(logger *zap.Logger, emitter *telemetry.Emitter) func(geo.Event) {
	logger = logger.Named("geoip")
	return func(e geo.Event) {
		fields := []zap.Field{zap.String("event", "geoip_"+string(e.Kind)), zap.String("file", e.File), zap.String("type", e.Type), zap.Time("built", e.Built)}
		switch e.Kind {
		case geo.Refused:
			logger.Error("a database of places cannot be used; the version before it stays in use", append(fields, zap.Error(e.Err))...)
		case geo.Stale:
			logger.Warn("a database of places is old; places may be wrong", fields...)
			emitter.Emit(telemetry.EventGeoIPStale, func() map[string]any {
				return map[string]any{"file": e.File, "type": e.Type, "built": e.Built.UTC().Format(time.RFC3339)}
			})
		default:
			logger.Info("a database of places is in use", fields...)
		}
	}
}

// locator is the databases as the domain asks them; nil where there are none.
func (e *entrance) locator() challenge.Locator {
	if e.places == nil {
		return nil
	}
	return telemetry.CountLookups(e.places)
}

// networks are those that the operator named.
func (c *Checks) networks() (list []challenge.Network, err error) {
	for name, texts := range c.Networks {
		n := challenge.Network{Name: name}
		for _, text := range texts {
			prefix, err := parseNetwork(text)
			if err != nil {
				return nil, err
			}
			n.Prefixes = append(n.Prefixes, prefix)
		}
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b challenge.Network) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

var binds = map[string]risk.Bind{"none": risk.BindNone, "place": risk.BindPlace, "network": risk.BindNetwork}

// judging says in the domain's words what is out of the ordinary.
func (e *entrance) judging() risk.Policy {
	s := e.settings
	p := risk.Policy{
		Ask: reasonSet(s.Challenge), Observe: reasonSet(s.Observe), ObserveAll: s.observesAll(), Bind: binds[s.Session.Bind],
		Distance: float64(s.Location.Distance), Speed: float64(s.Location.Speed),
	}
	if e.places != nil {
		p.Places = e.places.Knows().Country
	}
	return p
}

// observesAll reports whether nobody is asked or refused.
func (c *Checks) observesAll() bool { return slices.Contains(c.Observe, "all") }

// reasonSet leaves out the words that are no reasons: never and all.
func reasonSet(words []string) (set risk.Set) {
	for _, word := range words {
		set |= risk.SetOf(risk.Reason(word))
	}
	return set
}
