// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// The events that are read. All others are let be.
const (
	eventLoaded   = "loaded"
	eventVerified = string(challenge.Verified)
	eventRenewed  = string(challenge.Renewed)
	eventDecided  = string(challenge.Decided)
)

// A line is one line of the audit log, as far as it is read. Its fields are those of
// docs/operating.md.
type line struct {
	Event string          `json:"event"`
	At    json.RawMessage `json:"ts"`
	Gate  string          `json:"gate"`

	Policy string `json:"policy"` // of "loaded"
	Change string `json:"change"` // of "verified"

	Decision  string        `json:"decision"`
	Reason    risk.Reason   `json:"reason"`
	Factor    string        `json:"factor"`
	Account   string        `json:"account"`
	Domain    string        `json:"domain"`
	Address   string        `json:"address"`
	Source    string        `json:"source"`
	Session   string        `json:"session"`
	Request   string        `json:"request"`
	Device    string        `json:"device"`
	Network   string        `json:"network"`
	IP        string        `json:"ip"`
	Country   string        `json:"country"`
	Held      []risk.Reason `json:"held"`
	Barred    bool          `json:"barred"`
	Sensitive bool          `json:"sensitive"`
	Since     int64         `json:"since_s"`
}

// errNoObject says that a line is of another kind of log.
var errNoObject = errors.New("no JSON object")

// parseLine reads one line. A line that begins no object is errNoObject.
func parseLine(text []byte) (line, error) {
	var l line
	if len(text) == 0 || text[0] != '{' {
		return l, errNoObject
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, err
	}
	return l, nil
}

// A record is a decision about somebody.
type record struct {
	at       time.Time
	gate     string
	before   Outcome
	reason   risk.Reason // why a code was asked for
	factor   challenge.Factor
	account  string
	masked   string // such as a••@example.com; empty where the log holds no addresses
	domain   string
	source   string
	session  string
	request  string
	device   bool         // the session is of a remembered browser
	network  netip.Prefix // not valid where it is not known, or only by its hash
	country  string
	held     risk.Set
	barred   bool
	wants    bool // a fresh code, which there was not
	since    time.Duration
	entry    entry
	renewed  bool // by a browser, which made a session for it
	outdated bool // of a version that did not write what it went by
}

// record reads a decision about somebody.
func (l *line) record() (record, error) {
	at, err := parseTime(l.At)
	if err != nil {
		return record{}, err
	}
	factor := challenge.Factor(l.Factor)
	r := record{
		at: at, gate: l.Gate, reason: l.Reason, factor: factor, account: l.Account, masked: l.Address, domain: l.Domain,
		source: l.Source, session: l.Session, request: l.Request, device: l.Device != "", network: l.network(), country: l.Country, held: risk.SetOf(l.Held...), barred: l.Barred,
		wants: l.Sensitive, since: time.Duration(min(max(l.Since, 0), longest)) * time.Second,
		outdated: l.Domain == "" && factor != challenge.FactorToken,
	}
	if r.domain == "" { // a line about a token has only the address
		_, r.domain, _ = strings.Cut(l.Address, "@")
	}
	switch {
	case l.Decision == challenge.Check.String(), l.Decision == challenge.Pass.String() && entered[factor]:
		r.before = Asked
	case l.Decision == challenge.Deny.String():
		r.before = Refused
	case l.Decision == challenge.Pass.String():
		r.before = Passed
	default:
		return record{}, fmt.Errorf("decision '%s' is none of pass, check and deny", l.Decision)
	}
	return r, nil
}

// longest bounds how many seconds ago something was: a hundred years.
const longest = 100 * 366 * 24 * 60 * 60

// entered are the factors of a decision that somebody came to by entering a code, or by a
// passkey, which was asked for before.
var entered = map[challenge.Factor]bool{
	challenge.FactorCode: true, challenge.FactorBackup: true, challenge.FactorApp: true, challenge.FactorSecond: true, challenge.FactorLetIn: true,
	challenge.FactorPasskey: true,
}

// network is where a visit came from, as exactly as the log has it.
func (l *line) network() netip.Prefix {
	if ip, err := netip.ParseAddr(l.IP); err == nil && ip.Zone() == "" {
		return netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
	}
	prefix, err := netip.ParsePrefix(l.Network)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// layouts are how Caddy's encoder can write a time, beside seconds since 1970.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.000Z0700", "2006/01/02 15:04:05.000", "2006/01/02 15:04:05", "02/Jan/2006:15:04:05 -0700",
}

// The sizes by which seconds since 1970 are told from milliseconds and from
// nanoseconds: years that no log is of.
const (
	mostSeconds = 1e11
	mostMillis  = 1e14
	mostNanos   = 9e18
)

// parseTime reads the time of a line, in any of the forms that the log's encoder has.
func parseTime(raw json.RawMessage) (time.Time, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		for _, layout := range layouts {
			if at, err := time.Parse(layout, text); err == nil {
				return at, nil
			}
		}
		return time.Time{}, fmt.Errorf("ts %q is no time that Caddy's encoder writes", text)
	}
	var n float64
	if len(raw) == 0 || json.Unmarshal(raw, &n) != nil || !(n > 0) || n > mostNanos {
		return time.Time{}, errors.New("there is no time, 'ts', in it")
	}
	switch {
	case n < mostSeconds:
		whole, part := math.Modf(n)
		return time.Unix(int64(whole), int64(part*1e9)), nil
	case n < mostMillis:
		return time.UnixMilli(int64(n)), nil
	default:
		return time.Unix(0, int64(n)), nil
	}
}
