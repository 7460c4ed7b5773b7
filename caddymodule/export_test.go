// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// What the tests of the configuration see of it.
var (
	Merged, WithDefaults        = merged, Settings.withDefaults
	Check, CheckHandler, Covers = (*Settings).check, (*Handler).check, (*Reach).covers
	RequireMail, Warnings       = requireMail, warnings
	RequireSomebody, Brief      = requireSomebody, brief
	RequireFit, ParseNetwork    = requireFit, parseNetwork
	OpenSecret, ProvisionSMTP   = openSecret, (*SMTPMail).provision
	ProvisionHTTP               = (*HTTPMail).provision
	SiteWords, SharedWords      = directiveSettings.words, sharedSettings.words
	ConditionWords              = conditions.words
	AllowedIn, UsersIn          = readAllowFile, readMapFile
	ForwardedIP                 = forwardedIP
)

// A Setting describes one word of the grammar.
type Setting = setting

// SiteSettings and Conditions describe the directive and the matcher.
var SiteSettings, Conditions = directiveSettings.settings, conditions.settings

// InsideWords are the words in the block of a setting, nil if it has none.
func InsideWords(word string) []string {
	var words []string
	for _, inner := range directiveSettings[word].inside {
		words = append(words, inner.Word)
	}
	return words
}

// PeopleIn reads a people file, a line for each person.
func PeopleIn(path string) ([]string, error) {
	people, err := readPeopleFile(path)
	var lines []string
	for _, p := range people {
		until := ""
		if !p.Until.IsZero() {
			until = p.Until.Format(time.DateOnly)
		}
		lines = append(lines, strings.Join([]string{p.Mailbox, p.User, p.Name, strings.Join(p.Groups, "+"), until}, "|"))
	}
	return lines, err
}

// Guards reports whether a handler with this matcher stands in front of a request.
func Guards(matcher caddyhttp.MatcherSet, r *http.Request) bool {
	u := rules{guard: newRuleSet(caddyhttp.MatcherSets{matcher})}
	return u.guards(r, plainPath(r))
}

// Skips reports whether the path of a request alone says that it does not match.
func Skips(matcher caddyhttp.MatcherSet, r *http.Request) bool {
	s := newRuleSet(caddyhttp.MatcherSets{matcher})
	return s.misses(plainPath(r))
}

// PolicyOf is what a gate with these settings demands.
func PolicyOf(s Settings) (challenge.Policy, error) { return (&entrance{settings: s}).policy() }

// Reread is who may pass before and after the files of the settings change.
func Reread(s Settings, change func()) (before, after *challenge.Access, err error) {
	l, err := newLists(s)
	if err != nil {
		return nil, nil, err
	}
	before, after = l.access.Load(), l.access.Load()
	change()
	l.refresh(zap.NewNop(), func(a *challenge.Access) { after = a })
	return before, after, nil
}

// StyleOf is how the mails of a transport look at a gate with these pages.
func StyleOf(said Pages, m Mail) (mailer.Style, error) {
	d, err := new(folders).dressed(said)
	if err != nil {
		return mailer.Style{}, err
	}
	e := &entrance{settings: Settings{Pages: said}.withDefaults(), dress: d}
	route, err := e.route(m, nil)
	return route.Style, err
}

// MailFacts are what the doctor is told of a transport.
func MailFacts(m Mail) doctor.Mail { return describeMail(nil, m) }

// ABaton is what gates of one site hand on, as a variable of the request.
func ABaton(cookie string) any { return &baton{cookies: []string{cookie}} }
