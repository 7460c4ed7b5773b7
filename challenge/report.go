// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"strings"
	"time"
)

// A ReportKind says what a report ends.
type ReportKind uint8

// The kinds.
const (
	ReportCode   ReportKind = iota // a code on its way
	ReportEntry                    // an entry, and the browser that it was from
	ReportChange                   // a change of ways in, and the browser that made it
)

// A Report is a person's word that something was not them, by the link in a
// mail. It says what there was to see in that mail, and never whose it was.
type Report struct {
	Kind    ReportKind
	Browser string // from a fixed vocabulary, such as "Firefox on Windows"
	City    string // empty when unknown, as Country is
	Country string // ISO 3166-1 code
	Radius  int    // kilometres that the place may be off by
	Private bool   // from a network that is none of the public internet
	Credit  string // what the licence of the places asks to be printed
	Network string // IPv4 /24 or IPv6 /48; empty when unknown
	At      time.Time
	// Named: an earlier step had named the person, so that whoever asked has
	// passed that step and may know the password.
	Named bool
	// Passkey: the entry was by one, which does not work any more.
	Passkey bool
	// Asker: a session asked for the code. It has ended, and its browser is
	// forgotten.
	Asker bool
	// Trusted: the browser that reports is remembered for the address, and may
	// lift the block again.
	Trusted bool
	// Change is what was changed, and Waits whether it has not taken effect yet.
	Change ChangeKind
	Waits  bool
	// Blocked: the network cannot ask for codes of the address at the moment.
	Blocked bool
	// Link is what Unreport takes, where no link in a mail led here.
	Link string
}

// ErrNoReport reports a link that has nothing to end: it is malformed, used, too
// old, or of another house.
var ErrNoReport = errors.New("nothing to report by this link")

// Reportable says what a link would end. It changes nothing, whoever follows the
// link. The id is the part of the link after "no/".
//
// Its errors are ErrNoReport and ErrUnavailable. With ErrNoReport, Blocked says
// that the link was used within the hour, and Trusted whether Unreport would take
// that back.
func (g *Gate) Reportable(ctx context.Context, v *Visit, id string) (Report, error) {
	l, err := parseStop(id)
	if err != nil {
		return Report{}, err
	}
	r, err := g.reportable(ctx, v, l)
	if err != nil && !errors.Is(err, ErrNoReport) {
		return Report{}, unavailable(err)
	}
	if err == nil || r.Blocked {
		var trust error
		if r.Trusted, trust = g.mayLift(ctx, v, l); trust != nil {
			return Report{}, unavailable(trust)
		}
	}
	return r, err
}

func (g *Gate) reportable(ctx context.Context, v *Visit, l link) (Report, error) {
	switch l.kind {
	case stopBrowser:
		return g.reportableEntry(ctx, v, g.house.trail(l))
	case stopChange:
		return g.reportableChange(ctx, v, l)
	}
	return g.reportableCode(ctx, v, l)
}

// Report ends what a link is about, once, and keeps the network that it came
// from from asking for codes of the address for an hour: of a code, the code
// alone; of an entry, the browser and all its sessions, everywhere, with what it
// taught of the person's places.
//
// Its errors are ErrNoReport and ErrUnavailable.
func (g *Gate) Report(ctx context.Context, v *Visit, id string) (Report, error) {
	l, err := parseStop(id)
	if err != nil {
		return Report{}, err
	}
	var r Report
	switch l.kind {
	case stopBrowser:
		r, err = g.reportEntry(ctx, v, g.house.trail(l))
	case stopChange:
		r, err = g.undoChange(ctx, v, l)
	default:
		r, err = g.reportCode(ctx, v, l)
	}
	switch {
	case errors.Is(err, ErrNoReport):
		return Report{}, ErrNoReport
	case err != nil:
		g.log(ctx, v, Event{Name: StoreFailed, Err: err})
		return Report{}, unavailable(err)
	}
	r.Blocked = r.Blocked || r.Kind == ReportEntry
	r.Trusted, _ = g.mayLift(ctx, v, l) // what was reported stands although this is not known
	return r, nil
}

// Unreport takes back the block that a used link made, where the visit's browser
// is remembered for the address. What the link ended stays ended.
//
// Its errors are ErrNoReport, also for a browser that may not, and
// ErrUnavailable.
func (g *Gate) Unreport(ctx context.Context, v *Visit, id string) error {
	l, err := parseStop(id)
	if err != nil {
		return err
	}
	trusted, err := g.mayLift(ctx, v, l)
	if err == nil && !trusted {
		return ErrNoReport
	}
	var key string
	if err == nil {
		key, err = g.doorKeyOf(ctx, l)
	}
	if err == nil {
		err = change(ctx, g.house.store, key, func(d *door, now time.Time) error {
			d.tidy(now)
			if !d.lift(l.mark) {
				return ErrNoReport
			}
			return nil
		})
	}
	if err != nil && !errors.Is(err, ErrNoReport) {
		return unavailable(err)
	}
	if err == nil {
		g.log(ctx, v, Event{Name: Unreported, Account: g.accountOf(v, l)})
	}
	return err
}

// What a link in a mail can end, as its first letter.
const (
	stopCode    = 'c' // a code on its way
	stopBrowser = 'b' // an entry, and the browser that it was from
	stopChange  = 'w' // a change of ways in
)

// stops are all of them.
const stops = "cbw"

// lettered writes links without digits, which a phone may take for a code.
var lettered = base32.NewEncoding("abcdefghijklmnopqrstuvwxyzABCDEF").WithPadding(base32.NoPadding)

// A link is what the id in a link says: a record, and a thing in it.
type link struct {
	kind         byte
	record, mark id
}

// stopLink is the URL that ends what a mail is about; empty where the gate does
// not know its own. It names a record and, by a keyed hash, one thing in it, so
// that nothing has to be stored for it and nobody can guess one.
func (g *Gate) stopLink(v *Visit, kind byte, record, thing id) string {
	if v.Link == "" {
		return ""
	}
	return v.Link + "no/" + link{kind, record, g.house.stopMark(kind, thing)}.text()
}

func (h *House) stopMark(kind byte, thing id) id {
	return cut(h.ring.MAC(labelStop, []byte{kind}, thing[:]))
}

// text is the id of a link, as parseStop reads it.
func (l link) text() string {
	return string(l.kind) + lettered.EncodeToString(append(l.record[:], l.mark[:]...))
}

// parseStop reads the id of a link. It has one spelling.
func parseStop(text string) (l link, err error) {
	const length = len(l.record) + len(l.mark)
	if text == "" || !strings.ContainsRune(stops, rune(text[0])) || len(text)-1 != lettered.EncodedLen(length) {
		return link{}, ErrNoReport
	}
	raw, err := lettered.DecodeString(text[1:])
	if err != nil || len(raw) != length || lettered.EncodeToString(raw) != text[1:] {
		return link{}, ErrNoReport // the decoder skips line breaks and the last bits
	}
	return link{text[0], id(raw[:16]), id(raw[16:])}, nil
}

// marks reports whether a link is about a thing.
func (h *House) marks(l link, thing id) bool {
	mark := h.stopMark(l.kind, thing)
	return subtle.ConstantTimeCompare(mark[:], l.mark[:]) == 1
}

// account stands for the person of a link in logs, where it names them.
func (l link) account() string {
	if l.kind == stopCode {
		return ""
	}
	return l.record.String()
}

// accountOf is account where a browser that the person has lifts a block: it knows
// them by their address.
func (g *Gate) accountOf(v *Visit, l link) string {
	for _, claim := range g.house.claims(v) {
		if e := Email(claim.Address); g.house.recordOf(l.kind, e) == l.record {
			return g.house.personID(e).String()
		}
	}
	return l.account()
}

// report is what a report says of who asked.
func (a asked) report(kind ReportKind, named bool) Report {
	return Report{
		Kind: kind, Browser: a.Browser, City: a.City, Country: a.Country, Radius: a.Radius, Private: a.Private, Credit: a.Credit,
		Network: a.Network, At: time.Unix(a.At, 0), Named: named,
	}
}
