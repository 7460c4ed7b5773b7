// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// A source is one version of one file, whole and in memory. It never changes.
type source struct {
	path   string
	reader *maxminddb.Reader
	shapes []shape // those that its records have
	knows  Knowledge
	credit string
}

// newSource makes a source of the bytes of a file, which it keeps. What it
// returns has been verified to the last record: no lookup can fail later.
func newSource(path string, data []byte) (*source, error) {
	if packed(data) {
		return nil, fmt.Errorf("geoip: %s: %w but a packed one; unpack it first (gunzip, tar -x, unzip)", path, ErrDamaged)
	}
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, damaged(path, err)
	}
	// The description is for people, some makers leave it out, and Verify then
	// refuses a file that is sound.
	if len(reader.Metadata.Description) == 0 {
		reader.Metadata.Description = map[string]string{"en": reader.Metadata.DatabaseType}
	}
	if err := reader.Verify(); err != nil {
		return nil, damaged(path, err)
	}
	s := &source{path: path, reader: reader}
	s.examine()
	if len(s.shapes) == 0 {
		return nil, fmt.Errorf("geoip: %s: a %q database %w; give a City, Country, ASN or Anonymous-IP database", path, s.kind(), ErrUseless)
	}
	if dbipLite(s.kind()) && (s.knows.Country || s.knows.City) {
		s.credit = dbipCredit
	}
	return s, nil
}

func damaged(path string, err error) error {
	return fmt.Errorf("geoip: %s: %w; download it again: %w", path, ErrDamaged, err)
}

// packed tells whether a file is still in the archive that it was downloaded
// in: the usual mistake, which deserves a better word than "damaged".
func packed(data []byte) bool {
	for _, magic := range []string{"\x1f\x8b", "PK\x03\x04", "BZh", "\xfd7zXZ", "\x28\xb5\x2f\xfd"} {
		if bytes.HasPrefix(data, []byte(magic)) {
			return true
		}
	}
	const tarMagic = 257
	return len(data) > tarMagic && bytes.HasPrefix(data[tarMagic:], []byte("ustar"))
}

// The licence of the Lite databases (CC BY 4.0) asks for these words wherever
// results are shown.
const dbipCredit = "IP geolocation by DB-IP (db-ip.com)"

func dbipLite(kind string) bool {
	kind = strings.ToLower(kind)
	return strings.HasPrefix(kind, "dbip") && strings.Contains(kind, "lite")
}

const (
	// enough records to see all shapes of a file that is what it says.
	enough = 1000
	// mostNetworks bounds the look at a file that does not hold what its name
	// promises. A tree may be folded so that walking it never ends.
	mostNetworks = 1 << 20
)

// examine finds which shapes the records have and what they tell. The type that
// a database gives itself is only where to stop looking: makers choose it
// freely, and geoip2 refuses many that hold the usual records.
func (s *source) examine() {
	want := promise(s.kind())
	found := make([]bool, len(shapes))
	seen := make(map[uintptr]bool)
	networks := 0
	// Networks without data and aliases are walked as well: skipped inside the
	// iterator, they would not count, and nothing would stop it.
	for r := range s.reader.Networks(maxminddb.IncludeNetworksWithoutData(), maxminddb.IncludeAliasedNetworks()) {
		if networks++; networks > mostNetworks {
			break
		}
		if !r.Found() || seen[r.Offset()] {
			continue
		}
		seen[r.Offset()] = true
		for i, read := range shapes {
			if p, ok := read(r); ok {
				found[i] = true
				s.knows = s.knows.with(p.tells())
			}
		}
		if len(seen) >= enough && slices.Contains(found, true) && s.knows.with(want) == s.knows {
			break
		}
	}
	for i, read := range shapes {
		if found[i] {
			s.shapes = append(s.shapes, read)
		}
	}
}

// promise is what a database of that type should tell.
func promise(kind string) Knowledge {
	kind = strings.ToLower(kind)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(kind, w) })
	}
	city := has("city", "enterprise", "location")
	return Knowledge{
		Country:   city || has("country"),
		City:      city,
		Points:    city,
		ASN:       has("asn", "isp"),
		Anonymous: has("anonym"),
	}
}

// addTo adds to p what the source tells of ip and p does not tell yet.
func (s *source) addTo(p *Place, ip netip.Addr) {
	r := s.reader.Lookup(ip)
	if !r.Found() { // nor is an IPv6 address in a file of IPv4
		return
	}
	for _, read := range s.shapes {
		if found, ok := read(r); ok {
			p.add(found, s.credit)
		}
	}
}

func (s *source) kind() string { return s.reader.Metadata.DatabaseType }

func (s *source) built() time.Time { return s.reader.Metadata.BuildTime() }
