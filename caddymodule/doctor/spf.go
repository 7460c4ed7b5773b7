// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Faults of an SPF record (RFC 7208), for each of which receivers act as if there
// were none, or refuse the mail.
var (
	errNoSPF     = errors.New("there is no SPF record")
	errTwoSPF    = errors.New("there are several SPF records, and only one may be")
	errManySPF   = errors.New("the SPF record needs more than 10 look-ups in the DNS, and receivers stop there")
	errBrokenSPF = errors.New("the SPF record cannot be read")
)

// mostLookups is how many terms of a record may ask the DNS (RFC 7208 section
// 4.6.4).
const mostLookups = 10

// An spf is what a record and all that it includes come to.
type spf struct {
	resolver Resolver
	lookups  int
	networks []netip.Prefix // that may send
	macros   bool           // some of it depends on the mail, and was not looked at
	all      string         // the last word of the outermost record, such as "-all"
}

// readSPF reads the record of a domain. The count of look-ups is that of the worst
// case, which is what a sender that no network holds gets.
func readSPF(ctx context.Context, r Resolver, domain string) (*spf, error) {
	s := &spf{resolver: r}
	return s, s.read(ctx, domain, true)
}

// covers reports whether an address may send.
func (s *spf) covers(ip netip.Addr) bool {
	return slices.ContainsFunc(s.networks, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// find reads the one record of a domain.
func (s *spf) find(ctx context.Context, domain string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	texts, err := s.resolver.LookupTXT(ctx, domain)
	if err != nil && !isUnknown(err) {
		return "", err
	}
	records := slices.DeleteFunc(texts, func(t string) bool { return !isSPF(t) })
	switch len(records) {
	case 0:
		return "", fmt.Errorf("%s: %w", domain, errNoSPF)
	case 1:
		return records[0], nil
	}
	return "", fmt.Errorf("%s: %w", domain, errTwoSPF)
}

func isSPF(text string) bool {
	version, _, _ := strings.Cut(text, " ")
	return strings.EqualFold(version, "v=spf1")
}

// isUnknown reports whether a name or record does not exist, rather than that nobody
// can be asked.
func isUnknown(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

func (s *spf) read(ctx context.Context, domain string, outermost bool) error {
	record, err := s.find(ctx, domain)
	if err != nil {
		return err
	}
	terms := strings.Fields(record)[1:]
	redirect := ""
	for _, term := range terms {
		lower := strings.ToLower(term)
		if to, ok := strings.CutPrefix(lower, "redirect="); ok {
			redirect = to
			continue
		}
		if name, _, ok := strings.Cut(lower, "="); ok && !strings.ContainsAny(name, ":/") {
			continue // a modifier that says nothing of who may send (section 6)
		}
		if strings.HasSuffix(lower, "all") && strings.TrimLeft(lower, "+-~?") == "all" {
			if outermost {
				s.all = lower
			}
			return nil // what follows is not looked at (section 5.1)
		}
		if err := s.mechanism(ctx, domain, lower); err != nil {
			return err
		}
	}
	if redirect == "" {
		return nil
	}
	if err := s.count(); err != nil {
		return err
	}
	return s.read(ctx, redirect, outermost)
}

func (s *spf) count() error {
	if s.lookups++; s.lookups > mostLookups {
		return errManySPF
	}
	return nil
}

// mechanism reads one term that says who may send.
func (s *spf) mechanism(ctx context.Context, domain, term string) error {
	passes := !strings.ContainsAny(term[:1], "-~?")
	term = strings.TrimLeft(term, "+-~?")
	name, value, _ := strings.Cut(term, ":")
	if name == term { // "a/24"
		name, _, _ = strings.Cut(term, "/")
		value = strings.TrimPrefix(term, name)
	}
	switch name {
	case "ip4", "ip6":
		return s.network(value, passes)
	case "a", "mx", "include", "exists", "ptr":
		if err := s.count(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%w: '%s' means nothing", errBrokenSPF, term)
	}
	target, bits, _ := strings.Cut(value, "/")
	if target == "" {
		target = domain
	}
	switch {
	case strings.Contains(target, "%"), name == "exists", name == "ptr":
		s.macros = true
		return nil
	case name == "include":
		return s.read(ctx, target, false)
	}
	return s.hosts(ctx, name, target, bits, passes)
}

// network reads ip4 and ip6.
func (s *spf) network(text string, passes bool) error {
	prefix, err := netip.ParsePrefix(text)
	if ip, fault := netip.ParseAddr(text); fault == nil {
		prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	if err != nil {
		return fmt.Errorf("%w: '%s' is no network", errBrokenSPF, text)
	}
	if passes {
		s.networks = append(s.networks, prefix.Masked())
	}
	return nil
}

// hosts are those of a and mx.
func (s *spf) hosts(ctx context.Context, name, target, bits string, passes bool) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	names := []string{target}
	if name == "mx" {
		servers, err := s.resolver.LookupMX(ctx, target)
		if err != nil && !isUnknown(err) {
			return err
		}
		names = nil
		for _, mx := range servers[:min(len(servers), mostLookups)] {
			names = append(names, mx.Host)
		}
	}
	four, six, _ := strings.Cut(bits, "//")
	for _, host := range names {
		addresses, err := s.resolver.LookupNetIP(ctx, "ip", host)
		if err != nil && !isUnknown(err) {
			return err
		}
		for _, ip := range addresses {
			ip, length := ip.Unmap(), six
			if ip.Is4() {
				length = four
			}
			if prefix, err := ip.Prefix(orAll(length, ip)); err == nil && passes {
				s.networks = append(s.networks, prefix)
			}
		}
	}
	return nil
}

func orAll(bits string, ip netip.Addr) int {
	if n, err := strconv.Atoi(bits); err == nil {
		return n
	}
	return ip.BitLen()
}
