// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package received

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// A Level says how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "FAIL"
)

// A Finding is one thing that the header tells of the sender.
type Finding struct {
	About string // SPF, DKIM, DMARC or delay
	Level Level
	Text  string
	Fix   string // empty where there is nothing to do
}

// slow is how long a mail may be on its way before people wonder.
const slow = time.Minute

// Explain says what the results mean for the sender that people see.
func (h *Header) Explain() []Finding {
	spf, dkim := h.spf(), h.dkim()
	found := []Finding{spf, dkim, h.dmarc(spf.Level == OK || dkim.Level == OK)}
	if h.Took >= slow {
		found = append(found, Finding{
			"delay", Warn, fmt.Sprintf("it was %s on its way, as far as two clocks can tell", h.Took.Round(time.Second)),
			"a code works for 10 minutes: look into the relay's queue, or whether the receiver makes unknown senders wait (greylisting)",
		})
	}
	return found
}

// of are the results of one method, the good ones first.
func (h *Header) of(method string) []Result {
	found := slices.DeleteFunc(slices.Clone(h.Results), func(r Result) bool { return r.Method != method })
	slices.SortStableFunc(found, func(a, b Result) int { return rank(a.Value) - rank(b.Value) })
	return found
}

func rank(value string) int {
	if value == "pass" {
		return 0
	}
	return 1
}

// property is the first of some properties that a result has.
func (r Result) property(names ...string) string {
	for _, name := range names {
		if v := r.Properties[name]; v != "" {
			return v
		}
	}
	return ""
}

// aligned reports whether two domains belong to the same organisation, which is what
// DMARC asks for unless its record is strict (RFC 7489 section 3.1).
func aligned(a, b string) bool { return a != "" && organisation(a) == organisation(b) }

func organisation(domain string) string {
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	if known, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return known
	}
	return domain
}

func (h *Header) spf() Finding {
	results := h.of("spf")
	if len(results) == 0 {
		return Finding{"SPF", Warn, "the receiver says nothing of SPF", "send to a mailbox whose provider checks SPF, such as a large one"}
	}
	r := results[0]
	envelope := domainOf(r.property("smtp.mailfrom", "smtp.mail", "smtp.helo"))
	named := orWord(envelope, "the envelope's sender")
	switch {
	case r.Value == "pass" && aligned(envelope, h.From):
		return Finding{"SPF", OK, "passes for " + named + ", which belongs to " + h.From, ""}
	case r.Value == "pass":
		return Finding{
			"SPF", Warn, "passes for " + named + ", which is not of " + h.From + ": it does not count for DMARC",
			"this is usual for services that use an address of their own for bounces; DKIM has to pass then, or set a bounce domain of " + h.From + " there",
		}
	case r.Value == "none":
		return Finding{"SPF", Fail, named + " has no SPF record", "publish a TXT record at " + named + " that names the relay, such as \"v=spf1 include:<what the relay says> -all\""}
	case r.Value == "temperror":
		return Finding{"SPF", Warn, "could not be looked up just then", "try again; if it stays so, look at the name servers of " + named}
	case r.Value == "permerror":
		return Finding{"SPF", Fail, "the record of " + named + " is wrong", "leave one record that begins with v=spf1, with at most 10 look-ups in it"}
	}
	return Finding{"SPF", Fail, r.Value + ": the relay is not named in the record of " + named, "add the relay to the SPF record of " + named + ": its documentation says what to include"}
}

func (h *Header) dkim() Finding {
	results := h.of("dkim")
	const own = "have the relay sign for %s, or let Doorcode do it: 'dkim %s <selector> <key-file>'"
	fix := fmt.Sprintf(own, h.From, h.From)
	if len(results) == 0 || results[0].Value == "none" {
		return Finding{"DKIM", Fail, "the mail is not signed", fix}
	}
	for _, r := range results {
		if signer := signerOf(r); r.Value == "pass" && aligned(signer, h.From) {
			return Finding{"DKIM", OK, "passes for " + signer + ", which belongs to " + h.From, ""}
		}
	}
	signer := orWord(signerOf(results[0]), "another domain")
	switch results[0].Value {
	case "pass":
		return Finding{"DKIM", Warn, "passes for " + signer + ", which is not of " + h.From + ": it does not count for DMARC", fix}
	case "temperror":
		return Finding{"DKIM", Warn, "the key of " + signer + " could not be looked up just then", "try again; if it stays so, look at the name servers of " + signer}
	}
	return Finding{
		"DKIM", Fail, results[0].Value + ": the signature of " + signer + " is not good" + noted(results[0]),
		"look whether <selector>._domainkey." + signer + " holds the public key that belongs to the private one, and whether something on the way changes mails (footers, link trackers)",
	}
}

// signerOf is the domain that has signed.
func signerOf(r Result) string { return domainOf(r.property("header.d", "header.i")) }

var policy = regexp.MustCompile(`(?i)\bp=(none|quarantine|reject)\b`)

// dmarc explains DMARC. counts: one of the others passes for the sender's domain.
func (h *Header) dmarc(counts bool) Finding {
	results := h.of("dmarc")
	record := "publish a TXT record at _dmarc." + organisation(h.From) + ", to begin with: \"v=DMARC1; p=none; rua=mailto:<where reports go>\""
	switch {
	case len(results) > 0 && results[0].Value == "pass":
		if p := policy.FindStringSubmatch(results[0].Note); p != nil && strings.EqualFold(p[1], "none") {
			return Finding{"DMARC", OK, "passes; the policy is 'none', so mails that others forge arrive as well", "once the reports look right, raise it to p=quarantine"}
		}
		return Finding{"DMARC", OK, "passes for " + h.From, ""}
	case len(results) > 0 && (results[0].Value == "none" || results[0].Value == "bestguesspass"):
		return Finding{"DMARC", Warn, organisation(h.From) + " has no DMARC record", record}
	case len(results) > 0:
		return Finding{"DMARC", Fail, results[0].Value + ": " + h.unaligned(), "mend SPF or DKIM as said above; until then large providers put codes into spam, or refuse them"}
	case counts:
		return Finding{"DMARC", Warn, "the receiver says nothing of DMARC; what it says of SPF and DKIM would do", record}
	}
	return Finding{"DMARC", Fail, "the receiver says nothing of DMARC, and " + h.unaligned(), "mend SPF or DKIM as said above"}
}

// unaligned says why nothing counts. SPF or DKIM may well pass for somebody else.
func (h *Header) unaligned() string {
	for _, r := range slices.Concat(h.of("spf"), h.of("dkim")) {
		if r.Value == "pass" {
			return "SPF or DKIM passes, but none that passes is aligned with " + h.From
		}
	}
	return "neither SPF nor DKIM passes for " + h.From
}

func noted(r Result) string {
	if r.Note == "" {
		return ""
	}
	return " (" + r.Note + ")"
}

func orWord(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
