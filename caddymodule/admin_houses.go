// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// A lodging is one storage of a configuration with the gates that keep their
// records there, of which there is at least one.
type lodging struct {
	pooled *pooledHouse
	gates  []*entrance
}

func (l lodging) storage() Storage { return l.gates[0].storage }

// name says which storage is meant.
func (l lodging) name() string { return l.storage().Where() }

// runningApp is the app of the configuration that is in use. It is found for
// each request anew: after a configuration that failed to load, Caddy's admin
// routes belong to the failed one.
func runningApp() (*App, error) {
	module, err := caddy.ActiveContext().AppIfConfigured("doorcode")
	if err != nil && !errors.Is(err, caddy.ErrNotConfigured) {
		return nil, refusal(http.StatusInternalServerError, "finding doorcode in the running configuration: %w", err)
	}
	app, ok := module.(*App)
	if !ok || len(app.building.gates()) == 0 {
		return nil, refusal(http.StatusConflict, "the running configuration has no site with a doorcode directive")
	}
	return app, nil
}

// lodgingsOf are the storages that an order is about, in the order of the sites.
func lodgingsOf(o order) (*App, []lodging, error) {
	app, err := runningApp()
	if err != nil {
		return nil, nil, err
	}
	all := app.lodgings()
	if o.Site == "" {
		return app, all, nil
	}
	chosen := slices.DeleteFunc(all, func(l lodging) bool {
		return !slices.ContainsFunc(l.gates, func(e *entrance) bool { return e.standsAt(o.Site) })
	})
	if len(chosen) == 0 {
		return nil, nil, refusal(http.StatusNotFound, "no gate stands at '%s'; there are gates at %s", o.Site, strings.Join(app.hosts(), ", "))
	}
	return app, chosen, nil
}

// lodgings are the open storages of the app, by the origins of their gates: the
// order in which Caddy makes handlers differs from that of the sites.
func (a *App) lodgings() (found []lodging) {
	gates := a.building.gates()
	slices.SortStableFunc(gates, func(x, y *entrance) int { return slices.Compare(a.building.originsOf(x), a.building.originsOf(y)) })
	for _, e := range gates {
		d, err := e.open()
		if err != nil {
			continue // a configuration with such a gate is not loaded
		}
		at := slices.IndexFunc(found, func(l lodging) bool { return l.pooled == d.house })
		if at < 0 {
			at, found = len(found), append(found, lodging{pooled: d.house})
		}
		found[at].gates = append(found[at].gates, e)
	}
	return found
}

// hosts are where gates stand, each once.
func (a *App) hosts() (hosts []string) {
	for _, e := range a.building.gates() {
		for _, origin := range a.building.originsOf(e) {
			hosts = append(hosts, hostOf(origin))
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// hostOf is the host of an origin, with its port where that is unusual.
func hostOf(origin string) string {
	if _, host, ok := strings.Cut(origin, "://"); ok {
		return host
	}
	return origin
}

// standsAt reports whether the gate is one of a site, given as an origin or as a
// host with or without its port.
func (e *entrance) standsAt(site string) bool {
	return slices.ContainsFunc(e.app.building.originsOf(e), func(origin string) bool {
		host := hostOf(origin)
		return strings.EqualFold(site, origin) || strings.EqualFold(site, host) || strings.EqualFold(site, withoutPort(host))
	})
}

// kindOf is the last part of a guest module's name.
func kindOf(module any) string {
	if m, ok := module.(caddy.Module); ok {
		return m.CaddyModule().ID.Name()
	}
	return "unknown"
}
