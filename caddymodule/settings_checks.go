// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Checks say when a code is asked for.
type Checks struct {
	// The reasons that ask for a code: `new_browser` (one that is not remembered
	// for the person, or no longer), `new_place`, `new_network`, `travel` (too far
	// for the time in between) and `always` (at every sign-in); or `never` alone,
	// after an earlier step. `new_place` and `travel` need `geoip`. Default:
	// new_browser new_place travel, of which the last two have no effect without
	// `geoip`.
	Challenge []string `json:"challenge,omitempty"`

	// Reasons that are judged, logged and counted but ask nobody; with `all`
	// nobody is asked or refused. Default: none.
	Observe []string `json:"observe,omitempty"`

	// What a browser gets that looks for a new version of an app's service
	// worker without being signed in: `release` (a worker that lets go of the
	// pages, so that the check can be shown) or `keep` (a refusal). Default:
	// release.
	AppShell string `json:"app_shell,omitempty"`

	// Addresses and ranges such as `203.0.113.0/24` by the name of a network. A
	// named network is a usual place of everybody and has limits of its own.
	// Default: none.
	Networks map[string][]string `json:"networks,omitempty"`
}

// What may stand after challenge and observe.
var (
	usualReasons    = []string{"new_browser", "new_place", "travel"}
	askingReasons   = []string{"new_browser", "new_place", "new_network", "travel", "always", "never"}
	observedReasons = []string{"new_browser", "new_place", "new_network", "travel", "always", "all"}
)

func (c *Checks) check() error {
	if err := checkReasons("challenge", c.Challenge, askingReasons, "never"); err != nil {
		return err
	}
	if err := checkReasons("observe", c.Observe, observedReasons, "all"); err != nil {
		return err
	}
	if err := optional("app_shell", c.AppShell, "release", "keep"); err != nil {
		return err
	}
	return checkNetworks(c.Networks)
}

// checkReasons refuses a list with a word that it cannot hold, or with others
// beside the word that stands alone.
func checkReasons(word string, reasons, choices []string, alone string) error {
	for i, reason := range reasons {
		if err := oneOf(word, reason, choices); err != nil {
			return err
		}
		if slices.Contains(reasons[:i], reason) {
			return fmt.Errorf("'%s' names %s twice", word, reason)
		}
	}
	if len(reasons) > 1 && slices.Contains(reasons, alone) {
		return fmt.Errorf("'%s %s' stands alone, without other reasons", word, alone)
	}
	return nil
}

func checkNetworks(networks map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(networks)) {
		if _, err := parseNetwork(name); err == nil {
			return fmt.Errorf("'networks' takes a name before the networks, such as office %s", name)
		}
		if err := checkName("a network", name); err != nil {
			return err
		}
		for _, text := range networks[name] {
			if _, err := parseNetwork(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseNetwork reads a range or a single address. Bits behind the length of a
// range are dropped, and an IPv4 network in IPv6 clothes is taken out of them,
// because visitors' addresses are as well.
func parseNetwork(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if addr, single := netip.ParseAddr(text); single == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err == nil && prefix.Addr().Is4In6() {
		// Fewer than the 96 bits of ::ffff:0:0 leave no valid network.
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if err != nil || !prefix.IsValid() {
		return netip.Prefix{}, fmt.Errorf("'networks' takes networks such as 203.0.113.0/24 or 2001:db8::/32, got '%s'", text)
	}
	if prefix.Bits() == 0 {
		return netip.Prefix{}, fmt.Errorf("'networks' cannot hold %s, which would make every network one usual place", text)
	}
	return prefix.Masked(), nil
}
