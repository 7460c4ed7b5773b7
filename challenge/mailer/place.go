// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	// The images that servers run in often have no time zones. A command imports
	// this for itself, but the command is not ours where others build it.
	_ "time/tzdata"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// maxForeign bounds what a database says, in characters: a city, a network's
// owner.
const maxForeign = 60

// foreign words are those of a database that readers might take for a code, a
// link or an address.
var foreign = regexp.MustCompile(`(?i)\S*(?:\p{Nd}{4,}|//|@|www\.|\.\S*/)\S*`)

// tame makes a name out of a database fit for a mail: whoever registers a
// network may call it as he likes.
func tame(name string) string {
	name = plain(name, 4*maxForeign)
	return plain(foreign.ReplaceAllLiteralString(name, ""), maxForeign)
}

// Whereabouts are what a mail says of where somebody is.
type whereabouts struct {
	near string         // "near Lisbon, Portugal"; empty when unknown
	city string         // named in near; empty when it names none
	zone *time.Location // of the city; nil when unknown
	own  *time.Location // that the reader chose; nil: none
}

// whereabouts tells a local time only where it names a city: what is no more than a
// country may have several.
func (l Letter) whereabouts(lexicon *words.Lexicon) whereabouts {
	p := l.Notice.Place
	where := words.Spot{City: tame(p.City), Country: tame(p.Country), Private: p.Private}
	if p.Located {
		where.Radius = p.Radius
	}
	s := whereabouts{near: plain(lexicon.Near(where), maxName), own: zone(l.Notice.Zone)}
	if where.City == "" || where.Private || !strings.Contains(s.near, where.City) {
		return s
	}
	s.city, s.zone = where.City, zone(p.TimeZone)
	return s
}

// zone is nil unless the name is one of the time zone database. Go takes ""
// for UTC and "Local" for the zone of this machine, which say nothing of a
// place.
func zone(name string) *time.Location {
	if name == "" || name == "Local" {
		return nil
	}
	if known, ok := zones.Load(name); ok {
		z, _ := known.(*time.Location)
		return z
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, z)
	return z
}

// zones are those that were read, by name. There are a few hundred in the database, and
// reading one from its file would take as long as all else of a mail.
var zones sync.Map

// credit is what the licence of a database asks for beside a place, without
// anything that a reader could follow.
func (l Letter) credit(s whereabouts) string {
	if s.near == "" || l.Notice.Place.Private {
		return ""
	}
	credit := plain(l.Notice.Place.Credit, maxCredit)
	for _, scheme := range []string{"https://", "http://"} {
		credit = strings.ReplaceAll(credit, scheme, "")
	}
	return credit
}

// maxCredit bounds a credit, in characters.
const maxCredit = 160

// A fact is one line on who did what the mail is about.
type fact struct {
	Label string
	Value string
	Pad   string // aligns values in the text part
}

// facts leave out what is unknown. The User-Agent itself is never printed: it is
// text that a stranger sends to other people in our name.
func (l Letter) facts(lexicon *words.Lexicon, browser string, s whereabouts) []fact {
	var facts []fact
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, fact{Label: lexicon.Text(key, nil), Value: value})
		}
	}
	near := s.near
	if s.city != "" {
		near = lexicon.Text("mail.approximate", words.Args{"place": near})
	}
	add("mail.why", l.why())
	add("mail.browser", browser)
	add("mail.place", near)
	add("mail.network", l.network(lexicon))
	add("mail.time", moment(lexicon, l.Notice.Asked, s))
	widest := 0
	for _, f := range facts {
		widest = max(widest, utf8.RuneCountInString(f.Label))
	}
	for i, f := range facts {
		facts[i].Pad = strings.Repeat(" ", widest-utf8.RuneCountInString(f.Label))
	}
	return facts
}

// network is the address of whoever asked, and whose it is.
func (l Letter) network(lexicon *words.Lexicon) string {
	if !l.Notice.IP.IsValid() {
		return ""
	}
	ip := l.Notice.IP.WithZone("").Unmap().String()
	owner := tame(l.Notice.Place.Network)
	if owner == "" {
		return ip
	}
	return lexicon.Text("mail.network_owner", words.Args{"ip": ip, "owner": owner})
}

// moment is a time by the reader's clock, or else in UTC, and by the clocks of a city
// where they differ from the reader's, without a year: four digits would look like a
// code.
func moment(lexicon *words.Lexicon, at time.Time, s whereabouts) string {
	read, text := at.UTC(), ""
	if s.own == nil {
		text = lexicon.Text("mail.moment", clock(lexicon, read))
	} else {
		read = at.In(s.own)
		args := clock(lexicon, read)
		args["zone"] = zoneName(read)
		text = lexicon.Text("mail.moment_zone", args)
	}
	if s.zone == nil {
		return text
	}
	local := at.In(s.zone)
	if s.own != nil && offset(local) == offset(read) {
		return text
	}
	args := clock(lexicon, local)
	args["moment"], args["city"] = text, s.city
	if local.Day() != read.Day() {
		return lexicon.Text("mail.moment_other_day", args)
	}
	return lexicon.Text("mail.moment_same_day", args)
}

func offset(at time.Time) int {
	_, seconds := at.Zone()
	return seconds
}

// zoneName is what a zone is called at a time. Of one without letters it has a colon
// between the digits, as four of them would look like a code, and a true minus, at which
// no line breaks.
func zoneName(at time.Time) string {
	name, _ := at.Zone()
	if name == "" || name[0] == '+' || name[0] == '-' {
		return strings.Replace(at.Format("UTC-07:00"), "-", "\u2212", 1)
	}
	return name
}

func clock(lexicon *words.Lexicon, at time.Time) words.Args {
	return words.Args{
		"day":   at.Day(),
		"month": lexicon.Text("mail.month_"+strconv.Itoa(int(at.Month())), nil),
		"clock": at.Format("15:04"),
	}
}
