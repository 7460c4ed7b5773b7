// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Who reads an audit log that names nobody finds the same person and network in it as
// in the store.
func TestNamesThatStandForPeopleAndNetworksAreThoseOfTheirRecords(t *testing.T) {
	w := newWorld(t)
	b := w.linked(w.gate(challenge.GateOptions{}))
	b.ip = netip.MustParseAddr("81.2.69.142")
	b.signIn(ana, false)
	person, network := challenge.AccountName(w.ring, "ana+news@example.com"), challenge.NetworkName(w.ring, netip.MustParsePrefix("81.2.69.142/32"))
	if got := w.diary.last().Account; got != person {
		t.Errorf("the event is about %q, AccountName is %q", got, person)
	}
	found := map[string]bool{}
	for key := range dump(t, w) {
		found[key] = true
		if rest, ok := strings.CutPrefix(key, "net/"); ok && strings.HasPrefix(rest, network) {
			found["network"] = true
		}
	}
	if !found["person/"+person] || !found["network"] {
		t.Errorf("no records of %s and %s in %v", person, network, found)
	}
	if len(network) != 8 {
		t.Errorf("a network is named %q, which is not as short as it was", network)
	}
}
