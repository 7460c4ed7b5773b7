// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"html/template"
	"strings"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// A Spot is where an address is thought to be, as far as a sentence can tell.
// Its zero value is an unknown place.
type Spot struct {
	// City is a name as a database has it; empty when unknown.
	City string
	// Country is an ISO 3166-1 alpha-2 code such as PT; empty when unknown.
	Country string
	// Radius is how far from the city the truth may be, in kilometres.
	Radius int
	// Private: the address is none of the public internet, and nowhere.
	Private bool
}

const (
	// maxCityRadius is up to where the name of a city says anything, in
	// kilometres.
	maxCityRadius = 200
	// maxPlaceName bounds a name out of a database, in characters.
	maxPlaceName = 60
)

// Near says where a spot is: "near Lisbon, Portugal", only the country where
// the truth may be over 200 km away, "a private network", or "" where nothing
// is known.
func (l *Lexicon) Near(s Spot) string {
	key, args := l.near(s, func(city string) any { return city })
	if args == nil {
		return key
	}
	return l.Text(key, args)
}

// NearHTML is Near as HTML. The city keeps its own direction: its name is not
// in the page's language.
func (l *Lexicon) NearHTML(s Spot) template.HTML {
	key, args := l.near(s, func(city string) any {
		return template.HTML("<bdi>" + template.HTMLEscapeString(city) + "</bdi>")
	})
	if args == nil {
		return template.HTML(template.HTMLEscapeString(key))
	}
	return l.HTML(key, args)
}

// near chooses a message, or, without args, all there is to say.
func (l *Lexicon) near(s Spot, isolate func(string) any) (key string, args Args) {
	country, city := l.Country(s.Country), printable(s.City)
	switch {
	case s.Private:
		return "place.private", Args{}
	case city == "" || s.Radius > maxCityRadius:
		return country, nil
	case country == "":
		return "place.near_city", Args{"city": isolate(city)}
	default:
		return "place.near", Args{"city": isolate(city), "country": country}
	}
}

// Country is the name of a country in this language by its ISO 3166-1 alpha-2
// code, the code itself where no name is known, and "" for none.
func (l *Lexicon) Country(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil || region.String() == "ZZ" { // "Unknown Region" is no name
		return printable(code)
	}
	if names := display.Regions(l.tag); names != nil {
		if name := names.Name(region); name != "" {
			return name
		}
	}
	return printable(code)
}

// printable leaves of a name what can be read, on one line. Names come from
// files that others make: no line break may get into a mail, no bidirectional
// control may turn a sentence round.
func printable(name string) string {
	readable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, name)
	runes := []rune(strings.Join(strings.Fields(readable), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), maxPlaceName)]))
}
