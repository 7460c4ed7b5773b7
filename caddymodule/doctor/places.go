// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/doorcode/caddy-doorcode/geo"
)

// How old a database of places may be. Networks move all the time.
const (
	oldPlaces    = 45 * 24 * time.Hour
	uselessAfter = 365 * 24 * time.Hour
)

// wellKnown is an address that every database knows.
var wellKnown = netip.MustParseAddr("8.8.8.8")

const renewFix = "renew the files once a week, as docs/geoip.md says; Caddy takes new ones by itself"

// places looks at the databases that say where visitors are.
func places(_ context.Context, f *Facts, n *notes) {
	if len(f.Places) == 0 {
		n.ok("", "there are none ('geoip'), and places are not judged")
		return
	}
	for _, p := range f.Places {
		for _, file := range p.Files {
			judgeFile(file, f.now(), n)
		}
		p.try(f, n)
	}
}

func judgeFile(file geo.File, now time.Time, n *notes) {
	age := now.Sub(file.Built)
	text := fmt.Sprintf("%s, built %s ago", file.Type, span(age))
	switch {
	case age > uselessAfter:
		n.fail(file.Path, text+": much of it is wrong by now", renewFix)
	case age > oldPlaces:
		n.warn(file.Path, text+": some of it is wrong by now", renewFix)
	default:
		n.ok(file.Path, text)
	}
}

// try asks for addresses whose answer is known, or should be.
func (p Places) try(f *Facts, n *notes) {
	if said := p.describe(wellKnown); said == "" {
		n.fail(p.Name, "the databases know nothing of "+wellKnown.String()+", which every whole one does: they are empty, or cut to one country", renewFix)
		return
	}
	n.ok(p.Name, wellKnown.String()+" is "+p.describe(wellKnown))
	asked := false
	for _, ip := range f.Addresses {
		if !isPublic(ip) {
			continue
		}
		asked = true
		if said := p.describe(ip); said != "" {
			n.ok(p.Name, fmt.Sprintf("this machine, %s, is %s", ip, said))
		} else {
			n.warn(p.Name, fmt.Sprintf("the databases know nothing of %s, which is this machine", ip), renewFix)
		}
	}
	if !asked {
		n.ok(p.Name, "this machine has no public address to compare with")
	}
}

// describe says what the databases know of an address.
func (p Places) describe(ip netip.Addr) string {
	at := p.Locate(ip)
	switch {
	case at.Country != "" && at.City != "":
		return "near " + at.City + ", " + at.Country
	case at.Country != "":
		return "in " + at.Country
	case at.ASN != 0 && !p.Knows.Country:
		return fmt.Sprintf("of the network AS%d", at.ASN)
	case !p.Knows.Country && !p.Knows.ASN && p.Knows.Anonymous:
		return "looked up, in a database of anonymisers alone"
	}
	return ""
}
