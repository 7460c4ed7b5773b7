// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bytes"
	"errors"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// An explanation is the answer to a question, as JSON has it. Its decision and
// reason are those that placeholders would have: of the gate that refuses, else
// of the last one that guards the request.
type explanation struct {
	Method   string   `json:"method"`
	Host     string   `json:"host"`
	Path     string   `json:"path"`
	IP       string   `json:"ip"`
	Decision string   `json:"decision"`
	Reason   string   `json:"reason"`
	Status   int      `json:"status,omitempty"` // 0 where the request passes
	Page     string   `json:"page"`             // its heading; where the request passes, what answers
	Gates    []judged `json:"gates"`
	Notes    []string `json:"notes"`
}

// judged is what one gate makes of the request.
type judged struct {
	Site      string     `json:"site"`
	Scope     string     `json:"scope"`
	Decision  string     `json:"decision"` // empty where a gate before it refuses
	Reason    string     `json:"reason"`
	Observed  []string   `json:"observed"`
	Person    judgedWho  `json:"person"`
	Place     *seenPlace `json:"place,omitempty"` // where there are databases
	Allow     []string   `json:"allow"`
	Deny      []string   `json:"deny"`
	Countries Countries  `json:"countries"`
	Challenge []string   `json:"challenge"`
	Observe   []string   `json:"observe"`
	Bind      string     `json:"bind"`
	Ways      judgedWays `json:"ways"`
	MaxAge    string     `json:"max_age,omitempty"` // of the code that the page wants
	Votes     []ballot   `json:"votes"`             // none where nobody is checked
}

// What a request is to a gate.
const (
	scopeGuarded   = "guarded"
	scopePublic    = "public"
	scopeOutside   = "outside"   // not covered by the directive's matcher
	scopeElsewhere = "elsewhere" // for a host that the gate does not stand at
)

type judgedWho struct {
	Email   string `json:"email"`
	User    string `json:"user,omitempty"`   // as an earlier step calls them
	Source  string `json:"source,omitempty"` // that step
	Allowed bool   `json:"allowed"`
	Rule    string `json:"rule"`
}

type seenPlace struct {
	Country string `json:"country"`
	City    string `json:"city"`
	ASN     uint32 `json:"asn,omitempty"`
	Private bool   `json:"private,omitempty"`
	Barred  bool   `json:"barred,omitempty"` // by 'countries'
	// WouldBar: 'countries' would refuse it, and all is only observed.
	WouldBar bool `json:"would_bar,omitempty"`
}

type ballot struct {
	Reason string `json:"reason"`
	Says   bool   `json:"says"`
	Effect string `json:"effect"`
	Why    string `json:"why"`
}

// perform asks the gates, and tells what they say.
func (x *rehearsal) perform(cookies []string) (*explanation, error) {
	w := new(reply)
	k, err := x.run(w, cookies, true)
	if err != nil {
		return nil, err
	}
	a := &explanation{Method: x.method, Host: x.host, Path: x.path, IP: x.ip.String(), Page: k.end, Notes: append([]string{}, x.notes...)}
	for _, s := range x.steps {
		a.Gates = append(a.Gates, x.judged(s))
		if s.outcome != nil && (a.Decision == "" || s.guards() || !s.outcome.Pass) {
			a.Decision, a.Reason = s.outcome.Decision, string(s.outcome.Reason)
		}
	}
	if a.Decision == "" {
		return nil, errors.New("no gate came to a decision")
	}
	if w.status != 0 {
		a.Status, a.Page = w.status, w.heading()
	}
	if left := k.leftOut(); len(left) > 0 {
		a.Notes = append(a.Notes, "Not asked, and taken to let the request pass: "+strings.Join(left, ", ")+".")
	}
	return a, nil
}

func (x *rehearsal) judged(s *step) judged {
	settings := s.entrance.settings
	j := judged{
		Site: x.siteOf(s), Scope: s.scope(), Person: s.person(x.email), Observed: []string{}, Votes: []ballot{},
		Allow: append([]string{}, slices.Concat(settings.Allow, s.entrance.lists.said.Load().allowed)...), Deny: append([]string{}, settings.Deny...),
		Countries: settings.Countries, Challenge: settings.Challenge, Observe: append([]string{}, settings.Observe...), Bind: settings.Session.Bind,
		Ways: settings.Ways.judged(),
	}
	if s.entrance.places != nil {
		gate := s.doorway.gate
		at, barred := gate.Locate(s.in.IP), gate.Bars(s.in.IP)
		j.Place = &seenPlace{at.Country, at.City, at.ASN, at.Private, barred, !barred && gate.WouldBar(s.in.IP)}
	}
	if age := s.in.Page.MaxAge; age > 0 {
		j.MaxAge = brief(age)
	}
	if s.outcome != nil {
		j.Decision, j.Reason = s.outcome.Decision, string(s.outcome.Reason)
		for _, r := range s.outcome.Observed {
			j.Observed = append(j.Observed, string(r))
		}
	}
	if s.guards() {
		for _, v := range s.votes {
			j.Votes = append(j.Votes, ballot{string(v.Reason), v.Says, string(v.Effect), v.Why})
		}
	}
	return j
}

// siteOf is the origin of a gate that the request is for.
func (x *rehearsal) siteOf(s *step) string {
	origins := x.app.building.originsOf(s.entrance)
	for _, origin := range origins {
		if _, host, _ := strings.Cut(origin, "://"); strings.EqualFold(host, x.host) {
			return origin
		}
	}
	return strings.Join(origins, " ")
}

func (s *step) scope() string {
	switch {
	case !s.stands:
		return scopeElsewhere
	case !s.in.Guarded:
		return scopeOutside
	case s.in.Public:
		return scopePublic
	default:
		return scopeGuarded
	}
}

// person is who the request is of to a gate, and what its lists say of them.
func (s *step) person(typed challenge.Email) judgedWho {
	who := judgedWho{Email: string(typed)}
	if from := s.in.Earlier; from != nil {
		who.Email, who.User, who.Source = string(from.Email), from.User, from.Source
	}
	if who.Email == "" {
		who.Rule = "the earlier step knows no address of this user"
		return who
	}
	who.Allowed, who.Rule = s.entrance.ruleFor(challenge.Email(who.Email), s.in.Now)
	return who
}

// ruleFor says whether an address may pass, and by which line of the lists.
func (e *entrance) ruleFor(email challenge.Email, now time.Time) (allowed bool, rule string) {
	right, said := e.lists.access.Load().Judge(email, now), e.lists.said.Load()
	everyone := []string{"*"}
	alone := func(o challenge.AccessOptions) challenge.Right {
		o.Groups, o.NoPlus = said.groups, !*e.settings.Plus
		access, err := challenge.NewAccess(o)
		if err != nil {
			return challenge.Right{}
		}
		return access.Judge(email, now)
	}
	for _, entry := range slices.Concat(e.settings.Allow, said.allowed) {
		if right.Allowed && alone(challenge.AccessOptions{Allow: []string{entry}}).Rule == right.Rule {
			return true, "allow " + entry
		}
	}
	for _, entry := range e.settings.Deny {
		if right.Rule == "deny" && alone(challenge.AccessOptions{Allow: everyone, Deny: []string{entry}}).Rule == right.Rule {
			return false, "deny " + entry
		}
	}
	if right.Rule == "identity" {
		return true, "identity " + e.settings.Identity.Source
	}
	return right.Allowed, right.Rule
}

// leftOut are the names of handlers that a real request would have met.
func (k *routeWalk) leftOut() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(k.left)) {
		switch {
		case !k.left[name]:
		case name == "reverse_proxy":
			names = append(names, "forward_auth")
		default:
			names = append(names, name)
		}
	}
	return names
}

// A reply is what a gate answers.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is that of the answer.
func (w *reply) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader keeps the status.
func (w *reply) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write keeps the body.
func (w *reply) Write(part []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(part)
}

// heading is what a person reads first on the page, else what the status means.
func (w *reply) heading() string {
	_, rest, found := strings.Cut(w.body.String(), "<h1>")
	text, _, closed := strings.Cut(rest, "</h1>")
	if !found || !closed || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		return http.StatusText(w.status)
	}
	return html.UnescapeString(text)
}
