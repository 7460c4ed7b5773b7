// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func TestNewNetwork(t *testing.T) {
	noASN := on(lisbon, 0)
	noASN.Net = "home0000-of-many-more"
	other := noASN
	other.Net = "other000-of-many-more"
	table := map[string]struct {
		facts risk.Facts
		want  bool
	}{
		"a known autonomous system":                       {risk.Facts{Here: lisbon, Person: someone(lisbon)}, false},
		"a known autonomous system in another city":       {risk.Facts{Here: madeira, Person: someone(lisbon)}, false},
		"another autonomous system in the same city":      {risk.Facts{Here: on(lisbon, 12353), Person: someone(lisbon)}, true},
		"a known prefix":                                  {risk.Facts{Here: noASN, Person: someone(noASN)}, false},
		"another prefix":                                  {risk.Facts{Here: other, Person: someone(noASN)}, true},
		"a known prefix, now that its number is known":    {risk.Facts{Here: on(noASN, 3243), Person: someone(noASN)}, false},
		"a known autonomous system over IPv6":             {risk.Facts{Here: v6(lisbon), Person: someone(lisbon)}, false},
		"a private prefix that is known":                  {risk.Facts{Here: home, Person: someone(home)}, false},
		"a network that nothing is known of":              {risk.Facts{Here: risk.Where{Country: "PT"}, Person: someone(risk.Where{Country: "PT"})}, true},
		"a new one in the first days":                     {risk.Facts{Here: on(lisbon, 12353), Person: newcomer(lisbon)}, false},
		"one that the operator named":                     {risk.Facts{Here: named(tokyo), Person: someone(lisbon)}, false},
		"a VPN that was learned":                          {risk.Facts{Here: vpn, Person: someone(vpn)}, false},
		"a VPN that is new":                               {risk.Facts{Here: vpn, Person: someone(lisbon)}, true},
		"L-37 of nobody":                                  {risk.Facts{Here: lisbon}, true},
		"a session from before networks were remembered":  {risk.Facts{Browser: risk.InSession, Here: lisbon}, false},
		"a session on its network":                        {risk.Facts{Browser: risk.InSession, Here: madeira, From: lisbon}, false},
		"a session on another network":                    {risk.Facts{Browser: risk.InSession, Here: on(lisbon, 12353), From: lisbon}, true},
		"a session on a network that the person uses":     {risk.Facts{Browser: risk.InSession, Here: porto, From: lisbon, Person: someone(porto)}, false},
		"a session from a VPN on the network of it":       {risk.Facts{Browser: risk.InSession, Here: on(madeira, vpn.ASN), From: vpn}, true},
		"a session that leaves for an unknown network":    {risk.Facts{Browser: risk.InSession, Here: risk.Where{}, From: lisbon, Person: someone(lisbon)}, true},
		"a session that was always on an unknown network": {risk.Facts{Browser: risk.InSession, Here: risk.Where{}, From: risk.Where{Country: "PT"}, Person: someone(lisbon)}, false},
	}
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			if got := says(t, risk.NewNetwork, test.facts, usual); got != test.want {
				t.Errorf("new_network says %v, want %v: %s", got, test.want, why(risk.NewNetwork, test.facts))
			}
		})
	}
}

// The caller hashes what GEO-07 names: IPv4 by /24, IPv6 by /48. Both families of
// one provider are one network, and one area where they are located together.
func TestGEO07BothFamiliesOfOneProviderAreOneNetwork(t *testing.T) {
	four, six := lisbon, v6(lisbon)
	four.Net, six.Net = "prefix24", "prefix48"
	var p risk.Profile
	p.Learn(four, "laptop00", noon.Add(-30*day))
	p.Learn(six, "laptop00", noon.Add(-30*day))
	if len(p.Networks) != 1 || len(p.Areas) != 1 || p.Networks[0].Net != "" {
		t.Errorf("networks %+v, areas %+v, want one of each", p.Networks, p.Areas)
	}
	if len(p.Sightings) != 2 {
		t.Errorf("sightings %+v, want one of each family", p.Sightings)
	}
}
