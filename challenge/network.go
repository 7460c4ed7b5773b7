// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"net/netip"
	"time"
)

// A network is the record of what one network did.
type network struct {
	Mails tally `json:"mails,omitempty"`
	Tries tally `json:"tries,omitempty"`
	// Passkeys are those that were tried.
	Passkeys tally `json:"passkeys,omitempty"`
	Keep     int64 `json:"keep"` // Unix seconds
}

func (n *network) lives(now time.Time) time.Duration { return time.Unix(n.Keep, 0).Sub(now) }

func (*network) dated() {}

// prefixes are the networks that a client address is counted as: an IPv4
// address by itself; an IPv6 address by its /64, which one machine has to
// itself, and its /48, which one customer has.
func prefixes(ip netip.Addr) []netip.Prefix {
	ip = ip.Unmap().WithZone("")
	switch {
	case ip.Is4():
		return []netip.Prefix{netip.PrefixFrom(ip, 32)}
	case ip.Is6():
		return []netip.Prefix{netip.PrefixFrom(ip, 64).Masked(), netip.PrefixFrom(ip, 48).Masked()}
	default:
		return []netip.Prefix{{}} // all visitors without an address share one count
	}
}

// network names the /24 or /48 of an address: what may begin a few challenges of
// one address, what a report blocks, and what is learned of where people are.
func (h *House) network(ip netip.Addr) id {
	return h.networkID(Surroundings(ip))
}

func (h *House) networkKey(p netip.Prefix) string { return keyNetwork + h.networkID(p).String() }

func (h *House) networkID(p netip.Prefix) id { return networkIn(h.ring, p) }

// countNetwork counts one event against each network of a client address, and
// refuses when one of them is full.
func (h *House) countNetwork(ctx context.Context, ip netip.Addr, limit Limit, rates []Rate) error {
	for _, p := range prefixes(ip) {
		events := eventsOf(p, limit, rates)
		if err := h.usedUp.refuse(events, h.now()); err != nil {
			return err
		}
		var full *LimitError
		err := change(ctx, h.store, h.networkKey(p), func(n *network, now time.Time) error {
			full = nil
			count := n.count(limit)
			if free, ok := count.room(rates, now); !ok {
				full = &LimitError{Limit: limit, Until: free}
				return nil
			}
			count.add(now)
			n.Keep = max(n.Keep, now.Add(longest(rates)).Unix())
			return nil
		})
		if err != nil {
			return unavailable(err)
		}
		if full != nil {
			h.usedUp.note(events, full, h.now())
			return full
		}
	}
	return nil
}

// giveBack undoes the count of a mail that was not sent, or of a try that was
// right. Where the store does not answer it stays counted, which errs on the
// safe side.
func (h *House) giveBack(ctx context.Context, ip netip.Addr, limit Limit, rates []Rate) {
	for _, p := range prefixes(ip) {
		h.usedUp.lift(eventsOf(p, limit, rates))
		_ = change(ctx, h.store, h.networkKey(p), func(n *network, _ time.Time) error {
			n.count(limit).takeBack()
			return nil
		})
	}
}

// count is what a limit of networks goes by.
func (n *network) count(limit Limit) *tally {
	switch limit {
	case LimitTryIP:
		return &n.Tries
	case LimitTryPasskey:
		return &n.Passkeys
	default:
		return &n.Mails
	}
}

func longest(rates []Rate) (d time.Duration) {
	for _, r := range rates {
		d = max(d, r.Per)
	}
	return d
}
