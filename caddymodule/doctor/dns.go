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
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// sender looks at what receivers look at to decide whether a mail is what it says:
// at the DNS of the domain of its sender.
func sender(ctx context.Context, f *Facts, n *notes) {
	var mails []Mail
	for _, m := range f.Mails {
		if !m.Local {
			mails = append(mails, m)
		}
	}
	if len(mails) == 0 {
		n.skip("", "no mail leaves this machine", "write 'mail smtp …', and run the doctor again")
		return
	}
	each(n, mails, func(m Mail, n *notes) {
		_, domain, ok := strings.Cut(m.From, "@")
		if !ok {
			n.fail(m.Name, "'"+m.From+"' is no sender", "write 'from login@example.com' with a domain of yours")
			return
		}
		domain = strings.ToLower(strings.TrimSuffix(domain, "."))
		if isLocal(domain) {
			n.skip(m.From, "nobody can ask for records of "+domain, "send from a domain of yours")
			return
		}
		d := &domainCheck{facts: f, mail: m, domain: domain, n: n}
		if d.relation() && d.mailboxes(ctx) {
			d.spf(ctx)
			d.dkim(ctx)
			d.dmarc(ctx)
			d.reverse(ctx)
		}
	})
	n.once() // several transports may send for one domain
}

// dnsFix is what to look at where the DNS does not answer.
func (f *Facts) dnsFix() string {
	if f.Asked != "" {
		return "look whether this machine reaches the DNS server at " + f.Asked + ", or leave out --resolver"
	}
	return "look at the DNS servers of this machine (/etc/resolv.conf), or give --resolver"
}

// isLocal reports whether a domain is in no public DNS.
func isLocal(domain string) bool {
	return mailer.IsLoopback(domain) || !strings.Contains(domain, ".") || strings.HasPrefix(domain, "[") ||
		slices.ContainsFunc([]string{".local", ".internal", ".home.arpa", ".lan"}, func(end string) bool { return strings.HasSuffix(domain, end) })
}

// A domainCheck looks at the domain of one sender.
type domainCheck struct {
	facts  *Facts
	mail   Mail
	domain string
	n      *notes
}

// organisation is the part of a domain that somebody has registered.
func organisation(domain string) string {
	if owner, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return owner
	}
	return domain
}

// relation compares the sender with the sites: mail programs fill codes in where the
// two belong together, and people look at the sender. It reports whether the domain
// can be the operator's.
func (d *domainCheck) relation() bool {
	if isFreeMail(d.domain) {
		d.n.warn(d.mail.From, "a free-mail sender: what does not come from "+d.domain+" itself is refused or taken for spam, and the site looks like a fraud",
			"send from a domain of yours, best the site's own or its parent")
		return false
	}
	compared := false
	for _, host := range d.mail.Hosts {
		if mailer.IsLoopback(host) {
			continue
		}
		if compared = true; organisation(strings.ToLower(host)) == organisation(d.domain) {
			continue
		}
		d.n.warn(d.mail.From, "the sender's domain is not that of "+host+", so mail programs do not fill the code in, and people cannot tell the mail from a fraud",
			"send from "+organisation(strings.ToLower(host))+" or a name below it")
		return true
	}
	if compared {
		d.n.ok(d.mail.From, "the sender's domain is that of the site")
	}
	return true
}

// mailboxes looks for where bounces go. It reports whether the DNS answers.
func (d *domainCheck) mailboxes(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	const fix = "add an MX record for the domain, or send from a domain that receives mail: bounces go to the sender, and many receivers refuse one that cannot be answered"
	servers, err := d.facts.Resolver.LookupMX(ctx, d.domain)
	switch {
	case err != nil && !isUnknown(err):
		d.n.skip(d.domain, "the DNS does not answer: "+err.Error(), d.facts.dnsFix())
		return false
	case len(servers) == 1 && strings.Trim(servers[0].Host, ".") == "":
		d.n.fail(d.domain, "it says that it receives no mail (RFC 7505)", fix)
	case len(servers) > 0:
		d.n.ok(d.domain, "MX: "+strings.TrimSuffix(servers[0].Host, "."))
	default:
		if _, err := d.facts.Resolver.LookupNetIP(ctx, "ip", d.domain); err != nil {
			d.n.fail(d.domain, "it has neither an MX record nor an address, so that nothing can be answered", fix)
			break
		}
		d.n.warn(d.domain, "it has no MX record", fix)
	}
	return true
}

func (d *domainCheck) spf(ctx context.Context) {
	const name = "SPF: "
	host, _, _ := net.SplitHostPort(d.mail.Address)
	s, err := readSPF(ctx, d.facts.Resolver, d.domain)
	switch {
	case errors.Is(err, errNoSPF) && strings.HasPrefix(err.Error(), d.domain+":"):
		d.n.fail(d.domain, name+"there is no record, so anybody may send in its name, and receivers distrust all of it",
			spfFix(host))
		return
	case errors.Is(err, errNoSPF), errors.Is(err, errTwoSPF), errors.Is(err, errManySPF), errors.Is(err, errBrokenSPF):
		d.n.fail(d.domain, name+err.Error(), "mend the TXT record; there may be one that begins with v=spf1, and what it includes must exist")
		return
	case err != nil:
		d.n.skip(d.domain, name+"the DNS does not answer: "+err.Error(), "run the doctor again")
		return
	case s.all == "+all" || s.all == "all":
		d.n.fail(d.domain, name+"the record lets everybody send ("+s.all+")", "end it with ~all or -all")
		return
	case s.all == "?all" || s.all == "":
		d.n.warn(d.domain, name+"the record does not say what to think of other senders", "end it with ~all or -all")
		return
	}
	d.relay(ctx, s, host)
}

func spfFix(host string) string {
	if mailer.IsLoopback(host) {
		return "add a TXT record with the addresses that your mail server sends from, such as \"v=spf1 mx ip4:… -all\""
	}
	return "add the TXT record that the operator of " + host + " names, such as \"v=spf1 include:… -all\""
}

// relay looks whether the record covers the machine that mails are handed to. Many
// services send from others than they take mail at, so this proves nothing.
func (d *domainCheck) relay(ctx context.Context, s *spf, host string) {
	text := fmt.Sprintf("SPF: one record, with %s of at most %d", count(s.lookups, "look-up"), mostLookups)
	addresses, err := d.facts.lookup(ctx, host)
	if d.mail.API || err != nil || mailer.IsLoopback(host) || s.macros {
		d.n.ok(d.domain, text)
		return
	}
	if slices.ContainsFunc(addresses, func(ip netip.Addr) bool { return s.covers(ip) }) {
		d.n.ok(d.domain, text+", and it covers "+host)
		return
	}
	if len(s.networks) == 0 {
		d.n.fail(d.domain, "SPF: the record lets nobody send", spfFix(host))
		return
	}
	d.n.ok(d.domain, text+"; the addresses of "+host+" itself are not in it, which is right only where it sends from others")
}

// dkim compares the key that others will find with the one that mails are signed
// with.
func (d *domainCheck) dkim(ctx context.Context) {
	signed := d.mail.Signed
	if signed.Name == "" {
		d.n.ok(d.domain, "DKIM: left to the mail server; --send-to shows whether it signs, in the Authentication-Results of the mail")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	texts, err := d.facts.Resolver.LookupTXT(ctx, signed.Name)
	fix := fmt.Sprintf("add the TXT record %s: %s", signed.Name, signed.Text)
	switch {
	case err != nil && !isUnknown(err):
		d.n.skip(d.domain, "DKIM: the DNS does not answer: "+err.Error(), "run the doctor again")
	case !slices.ContainsFunc(texts, func(t string) bool { return publicKey(t) != "" }):
		d.n.fail(d.domain, "DKIM: there is no key at "+signed.Name+", so that no signature of ours can be verified", fix)
	case !slices.ContainsFunc(texts, func(t string) bool { return publicKey(t) == publicKey(signed.Text) }):
		d.n.fail(d.domain, "DKIM: the key at "+signed.Name+" is another one than mails are signed with", fix)
	case organisation(signed.Domain) != organisation(d.domain):
		d.n.fail(d.domain, "DKIM: mails are signed for "+signed.Domain+", which is not the sender's domain, so the signature counts for nothing (DMARC alignment)", "write 'dkim "+d.domain+" <selector> <key-file>'")
	case signed.Weak:
		d.n.warn(d.domain, "DKIM: the key at "+signed.Name+" is that of the signatures, and is shorter than 2048 bits, which some receivers don't trust", "make a key of 2048 bits, and give it another selector")
	default:
		d.n.ok(d.domain, "DKIM: the key at "+signed.Name+" is that of the signatures")
	}
}

// publicKey is what a DKIM record (RFC 6376 section 3.6.1) holds.
func publicKey(record string) string {
	for tag := range strings.SplitSeq(record, ";") {
		if name, value, ok := strings.Cut(tag, "="); ok && strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// dmarc looks for the policy (RFC 7489) of the domain, else of the one above it that
// somebody has registered.
func (d *domainCheck) dmarc(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	const name = "DMARC: "
	for _, domain := range slices.Compact([]string{d.domain, organisation(d.domain)}) {
		texts, err := d.facts.Resolver.LookupTXT(ctx, "_dmarc."+domain)
		if err != nil && !isUnknown(err) {
			d.n.skip(d.domain, name+"the DNS does not answer: "+err.Error(), "run the doctor again")
			return
		}
		records := slices.DeleteFunc(texts, func(t string) bool { return !strings.HasPrefix(strings.TrimSpace(t), "v=DMARC1") })
		switch {
		case len(records) == 0:
			continue
		case len(records) > 1:
			d.n.fail(d.domain, name+"there are several records, so that none counts", "leave one at _dmarc."+domain)
		case policyOf(records[0]) == "":
			d.n.fail(d.domain, name+"the record at _dmarc."+domain+" has no policy, so that it does not count", "write p=none, p=quarantine or p=reject into it, right behind v=DMARC1")
		default:
			d.n.ok(d.domain, name+"p="+policyOf(records[0]))
		}
		return
	}
	d.n.fail(d.domain, name+"there is no record; large receivers ask for one", "add the TXT record _dmarc."+d.domain+": v=DMARC1; p=none; rua=mailto:postmaster@"+d.domain)
}

func policyOf(record string) string {
	for tag := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(tag, "=")
		value = strings.ToLower(strings.TrimSpace(value))
		if strings.TrimSpace(name) == "p" && slices.Contains([]string{"none", "quarantine", "reject"}, value) {
			return value
		}
	}
	return ""
}

// reverse looks for the names of this machine's public addresses where it runs its
// own mail server: most receivers refuse a sender without one.
func (d *domainCheck) reverse(ctx context.Context) {
	host, _, err := net.SplitHostPort(d.mail.Address)
	if err != nil || !mailer.IsLoopback(host) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	for _, ip := range d.facts.Addresses {
		if !isPublic(ip) {
			continue
		}
		if names, err := d.facts.Resolver.LookupAddr(ctx, ip.String()); err != nil || len(names) == 0 {
			d.n.warn(d.domain, fmt.Sprintf("the mail server of this machine sends from %s, which has no name in the DNS (PTR)", ip),
				"have whoever gave you the address set its PTR record to the name that the mail server greets with")
		}
	}
}

// isPublic reports whether an address is reached from everywhere.
func isPublic(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// reserved are networks that look public and are not (RFC 6598, 5737, 3849, 2544).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("2001:db8::/32"),
}
