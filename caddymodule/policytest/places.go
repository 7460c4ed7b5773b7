// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/doorcode/caddy-doorcode/geo"
)

// A wish is a place that is looked for by its name.
type wish struct {
	city, country string                // one of them may be empty
	found         map[string]netip.Addr // by country
}

// readWish reads "Lisbon", "Lisbon, PT" or "PT".
func readWish(text string) *wish {
	w := &wish{city: strings.TrimSpace(text), found: map[string]netip.Addr{}}
	if i := strings.LastIndexAny(w.city, ", "); i >= 0 && isCountry(w.city[i+1:]) {
		w.city, w.country = strings.TrimRight(w.city[:i], ", "), w.city[i+1:]
	} else if isCountry(w.city) {
		w.city, w.country = "", w.city
	}
	return w
}

// isCountry recognises an ISO 3166-1 code by its letters.
func isCountry(text string) bool {
	return len(text) == 2 && strings.ToUpper(text) == text && strings.IndexFunc(text, isLetter) == 0
}

// take notes an address if it is at the place and says something of where a person is.
func (w *wish) take(ip netip.Addr, p *geo.Place) {
	if p.Country == "" || p.Private || p.Anonymous || p.Hosting || p.Roaming ||
		w.country != "" && p.Country != w.country || w.city != "" && !strings.EqualFold(p.City, w.city) {
		return
	}
	if _, known := w.found[p.Country]; !known {
		w.found[p.Country] = ip
	}
}

// FindPlaces finds an address at each of the places, in databases of places. locate is
// how the gate itself reads them. It goes through whole files.
func FindPlaces(files []string, locate func(netip.Addr) *geo.Place, spots []Spot) (map[string]netip.Addr, error) {
	wishes := map[string]*wish{}
	for _, s := range spots {
		wishes[s.Text] = readWish(s.Text)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("'%s' is a name, and the site has no database of places; write an address, or set 'geoip'", spots[0].Text)
	}
	for _, file := range files {
		if err := search(file, locate, wishes); err != nil {
			return nil, err
		}
	}
	found, faults := map[string]netip.Addr{}, []error(nil)
	for _, text := range slices.Sorted(maps.Keys(wishes)) {
		ip, err := wishes[text].choose(text)
		found[text], faults = ip, append(faults, err)
	}
	return found, errors.Join(faults...)
}

// search goes through the networks of a file. Those with one and the same record are
// one place.
func search(file string, locate func(netip.Addr) *geo.Place, wishes map[string]*wish) error {
	db, err := maxminddb.Open(file)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	defer db.Close() //nolint:errcheck // only read from
	seen := map[uintptr]bool{}
	for network := range db.Networks() {
		if err := network.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		if seen[network.Offset()] {
			continue
		}
		seen[network.Offset()] = true
		ip := first(network.Prefix())
		place := locate(ip)
		for _, w := range wishes {
			w.take(ip, place)
		}
	}
	return nil
}

// first is an address of a network that a visitor can have.
func first(network netip.Prefix) netip.Addr {
	ip := network.Addr()
	if network.IsSingleIP() {
		return ip.Unmap()
	}
	return ip.Next().Unmap()
}

// choose is the address that was found, where there is one place of that name.
func (w *wish) choose(text string) (netip.Addr, error) {
	switch len(w.found) {
	case 1:
		for _, ip := range w.found {
			return ip, nil
		}
	case 0:
		return netip.Addr{}, fmt.Errorf("no network in the databases is at '%s'; write the English name of a city, such as Lisbon, or the code of a country, such as PT", text)
	}
	countries := slices.Sorted(maps.Keys(w.found))
	return netip.Addr{}, fmt.Errorf("'%s' is in %s; write '%s, %s'", text, strings.Join(countries, " and "), w.city, countries[0])
}
