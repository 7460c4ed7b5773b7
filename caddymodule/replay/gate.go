// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

// A Gate is one gate of the configuration under which decisions are judged again.
type Gate struct {
	ID      string   // as the log names it
	Origins []string // at which it stands
	Digest  string   // of its policy, as "loaded" has it
	Source  string   // of the identity; empty where visitors type an address
	// Policy is what the gate demands, with the defaults filled in.
	Policy challenge.Policy
	Access *challenge.Access
	// Listed are all addresses that the gate's lists name one by one.
	Listed []challenge.Email
	// Account is the keyed hash that stands for an address in the log. Nil: the secret
	// is not at hand.
	Account func(challenge.Email) string
	// Networks are those that the operator named.
	Networks []challenge.Network
	// Locate says where an address is used. Nil: nothing does.
	Locate func(netip.Addr) *geo.Place
	// Narrow: the directive has a matcher, so that it does not stand before every
	// request.
	Narrow bool
	// Sensitive are how old the last code may be, of each rule for sensitive pages.
	Sensitive []time.Duration

	accounts map[string][]challenge.Email
	met      bool // one of them was in the log
}

// prepare finds the accounts of the addresses that the lists name.
func (g *Gate) prepare() {
	g.accounts = map[string][]challenge.Email{}
	if g.Account == nil {
		return
	}
	for _, address := range g.Listed {
		account := g.Account(address)
		g.accounts[account] = append(g.accounts[account], address)
	}
}

// hostOf is the host of an origin.
func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	return host
}

// sameHost compares hosts; without a port, any port will do.
func sameHost(host, wanted string) bool {
	if strings.EqualFold(host, wanted) {
		return true
	}
	name, _, found := strings.Cut(host, ":")
	return found && !strings.HasPrefix(host, "[") && strings.EqualFold(name, wanted)
}

// originOf is where a gate stood, by its name in the log.
func originOf(id string) string {
	_, origin, _ := strings.Cut(id, "@")
	origin, _, _ = strings.Cut(origin, "#")
	return origin
}

// An answer is true, false, or not to be known.
type answer uint8

const (
	no answer = iota
	yes
	unknown
)

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

// admits says whether the gate's lists let somebody pass. People are known by the hash
// of their address: where that is of no address that the lists name, it is one of the
// many of its domain; and without the secret it may be either.
func (g *Gate) admits(r *record) answer {
	candidates := g.accounts[r.account]
	if g.met = g.met || len(candidates) > 0; len(candidates) == 0 {
		candidates = []challenge.Email{challenge.Email(nobody + "@" + r.domain)}
		if g.Account == nil {
			candidates = append(candidates, g.likely(r)...)
		}
	}
	first := g.Access.Judge(candidates[0], r.at).Allowed
	for _, address := range candidates[1:] {
		if g.Access.Judge(address, r.at).Allowed != first {
			return unknown
		}
	}
	return answerOf(first)
}

// nobody is a local part that no list has.
const nobody = "-nobody-"

// likely are the addresses of the lists that a masked one may stand for.
func (g *Gate) likely(r *record) (addresses []challenge.Email) {
	for _, address := range g.Listed {
		if address.Domain() == r.domain && (r.masked == "" || address.Masked() == r.masked) {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// bars says whether nobody is let in from where a visit came from, as the gate itself
// would say it. A country that the log does not have is looked up.
func (g *Gate) bars(r *record) answer {
	list, country := g.Policy.Countries, r.country
	if len(list.Allow)+len(list.Deny) == 0 {
		return no
	}
	if country == "" && (!r.network.IsValid() || g.Locate == nil) {
		return unknown
	}
	if country == "" {
		place := g.Locate(r.network.Addr())
		if country = place.Country; place.Private {
			return no
		}
	}
	barred := slices.Contains(list.Deny, country)
	if len(list.Allow) > 0 {
		barred = !slices.Contains(list.Allow, country)
	}
	if !barred {
		return no
	}
	switch named := g.named(r); named {
	case yes:
		return no
	case no:
		return yes
	default:
		return named
	}
}

// named says whether a visit came from a network that the gate's operator has named,
// which is a usual place of everybody.
func (g *Gate) named(r *record) answer {
	if len(g.Networks) == 0 {
		return no
	}
	if !r.network.IsValid() {
		return unknown
	}
	touches := false
	for _, network := range g.Networks {
		for _, prefix := range network.Prefixes {
			if prefix.Bits() <= r.network.Bits() && prefix.Contains(r.network.Addr()) {
				return yes
			}
			touches = touches || prefix.Overlaps(r.network)
		}
	}
	if touches { // the log has the network alone, of which a part is named
		return unknown
	}
	return no
}

// effects are the reasons that ask for a code when their rule speaks, and those that are
// only observed, outside a session or in one.
func (g *Gate) effects(session bool) (asks, observed risk.Set) {
	facts := risk.Facts{Browser: risk.Unknown}
	if session {
		facts.Browser = risk.InSession
	}
	for _, vote := range risk.Explain(&facts, &g.Policy.Risk, time.Unix(0, 0)) {
		switch vote.Effect {
		case risk.Asks:
			asks |= risk.SetOf(vote.Reason)
		case risk.Observed:
			observed |= risk.SetOf(vote.Reason)
		}
	}
	return asks, observed
}

// always reports whether each sign-in needs a code.
func (g *Gate) always() bool {
	return (g.Policy.Risk.Ask &^ g.Policy.Risk.Observe).Has(risk.Always)
}

// asksGuests reports whether an earlier step's word never does without a code.
func (g *Gate) asksGuests() bool {
	return (g.Policy.Risk.Ask &^ g.Policy.Risk.Observe).Has(risk.NewBrowser) || g.always()
}
