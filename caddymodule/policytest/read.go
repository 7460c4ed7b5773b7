// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/http/httpguts"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const (
	// mostUsual bounds the places that are remembered of a person.
	mostUsual = 8
	// longestAge is how long what is known of a person lasts, without a new code.
	longestAge = 360 * 24 * time.Hour
)

// Decisions and reasons that a test can expect.
var (
	pass, check = challenge.Pass.String(), challenge.Check.String()
	decisions   = []string{pass, check, challenge.Deny.String(), "public", "own"}
	reasons     = []string{
		"travel", "new_place", "operator", "ended", "expired", "new_browser", "new_network", "always", "sensitive",
		string(challenge.NeedsPasskey), string(challenge.Keyless), string(challenge.Unproved),
	}
)

// proofs are what a person can have shown last.
var proofs = []string{"code", "passkey"}

// A person is somebody whom tests name.
type person struct {
	email      challenge.Email
	user       string
	usual      []Spot
	remembered bool
	bound      bool
	passkey    bool
	coded      time.Duration
}

func (r *reader) file(root *yaml.Node) *File {
	f := &File{Name: r.name}
	var tests *yaml.Node
	r.people = map[string]person{}
	r.keys(root, "the file", table{
		"site":   func(n *yaml.Node) { r.site = r.host(n) },
		"people": r.everybody,
		"tests":  func(n *yaml.Node) { tests = n },
	})
	if tests == nil {
		if len(r.faults) == 0 {
			r.fault(root, "there are no 'tests' in it")
		}
		return f
	}
	for _, n := range r.list(tests, "'tests'") { // after the people, wherever they stand
		f.Tests = append(f.Tests, r.test(n))
	}
	if len(f.Tests) == 0 && len(r.faults) == 0 {
		r.fault(tests, "'tests' is an empty list")
	}
	return f
}

func (r *reader) everybody(n *yaml.Node) {
	pairs, _ := r.mapping(n, "'people'")
	for _, pair := range pairs {
		r.people[pair.key.Value] = r.person(pair.value, "person '"+pair.key.Value+"'")
	}
}

func (r *reader) person(n *yaml.Node, what string) person {
	p := person{coded: -1}
	r.keys(n, what, table{
		"email":      func(n *yaml.Node) { p.email = r.email(n) },
		"user":       func(n *yaml.Node) { p.user, _ = r.text(n, "'user'") },
		"usual":      func(n *yaml.Node) { p.usual = r.usual(n) },
		"remembered": func(n *yaml.Node) { p.remembered = r.yesOrNo(n, "'remembered'") },
		"bound":      func(n *yaml.Node) { p.bound = r.yesOrNo(n, "'bound'") },
		"proof":      func(n *yaml.Node) { p.passkey = r.word(n, "'proof'", proofs) == proofs[1] },
		"last_code":  func(n *yaml.Node) { p.coded = r.age(n, "'last_code'") },
	})
	if p.email == "" && n.Kind == yaml.MappingNode {
		r.fault(n, "%s needs an 'email'", what)
	}
	return p
}

func (r *reader) test(n *yaml.Node) Test {
	t := Test{Line: n.Line, Site: r.site, Method: http.MethodGet, Path: "/", Coded: -1}
	var who person
	own := table{}
	set := func(key string, read func(*yaml.Node)) { own[key] = read }
	named, remembered, bound, passkey, coded := false, (*bool)(nil), (*bool)(nil), (*bool)(nil), time.Duration(-1)
	set("name", func(n *yaml.Node) { t.Name, _ = r.text(n, "'name'") })
	set("person", func(n *yaml.Node) { who, named = r.named(n), true })
	set("from", func(n *yaml.Node) { t.From = r.spot(n, "'from'") })
	set("site", func(n *yaml.Node) { t.Site = r.host(n) })
	set("path", func(n *yaml.Node) { t.Path = r.path(n) })
	set("method", func(n *yaml.Node) { t.Method = r.method(n) })
	set("agent", func(n *yaml.Node) { t.Agent, _ = r.text(n, "'agent'") })
	set("headers", func(n *yaml.Node) { t.Header = r.headers(n) })
	set("remembered", func(n *yaml.Node) { b := r.yesOrNo(n, "'remembered'"); remembered = &b })
	set("bound", func(n *yaml.Node) { bound = new(r.yesOrNo(n, "'bound'")) })
	set("proof", func(n *yaml.Node) { passkey = new(r.word(n, "'proof'", proofs) == proofs[1]) })
	set("session", func(n *yaml.Node) { t.Session, t.Coded = true, r.age(n, "'session'") })
	set("last_code", func(n *yaml.Node) { coded = r.age(n, "'last_code'") })
	set("expect", func(n *yaml.Node) { t.Want.Decision = r.word(n, "'expect'", decisions) })
	set("reason", func(n *yaml.Node) { t.Want.Reason = r.word(n, "'reason'", reasons) })
	set("status", func(n *yaml.Node) { t.Want.Status = r.status(n) })
	before := len(r.faults)
	r.keys(n, "a test", own)

	t.Email, t.User, t.Usual, t.Remembered = who.email, who.user, slices.Clone(who.usual), who.remembered
	t.Bound, t.Passkey = who.bound, who.passkey
	for to, said := range map[*bool]*bool{&t.Remembered: remembered, &t.Bound: bound, &t.Passkey: passkey} {
		if said != nil {
			*to = *said
		}
	}
	switch {
	case t.Session && coded >= 0:
		r.fault(n, "'session' says already how old the last code or passkey is; leave 'last_code' out")
	case t.Session:
	case coded >= 0:
		t.Coded = coded
	default:
		t.Coded = who.coded
	}
	if len(r.faults) == before {
		r.complete(n, &t, named)
	}
	return t
}

// complete refuses a test that leaves out what nobody can guess, or wants what cannot be.
func (r *reader) complete(n *yaml.Node, t *Test, named bool) {
	if t.Name == "" {
		t.Name = "line " + strconv.Itoa(t.Line)
	}
	switch {
	case !named:
		r.fault(n, "'%s' needs a 'person'", t.Name)
	case t.From.Text == "" && len(t.Usual) == 0:
		r.fault(n, "'%s' needs a 'from': an address, a network, a city or a country", t.Name)
	case t.Want.Decision == "":
		r.fault(n, "'%s' needs an 'expect': %s", t.Name, strings.Join(decisions, ", "))
	case t.Want.Reason != "" && t.Want.Decision != reasoned(t.Want.Reason):
		r.fault(n, "'%s': only 'expect: %s' has the 'reason: %s'", t.Name, reasoned(t.Want.Reason), t.Want.Reason)
	case t.Want.Status != 0 && (t.Want.Decision == pass || t.Want.Decision == "public"):
		r.fault(n, "'%s': the status of what passes is the app's", t.Name)
	}
	if t.From.Text == "" && len(t.Usual) > 0 {
		t.From = t.Usual[0]
	}
}

// reasoned is the decision that a reason stands for.
func reasoned(reason string) string {
	if reason == string(challenge.Keyless) {
		return challenge.Deny.String()
	}
	return check
}

func (r *reader) named(n *yaml.Node) person {
	name, ok := r.text(n, "'person'")
	who, known := r.people[name]
	if ok && !known {
		names := make([]string, 0, len(r.people))
		for one := range r.people {
			names = append(names, one)
		}
		slices.Sort(names)
		instead := "write them under 'people'"
		if near := r.suggest(name, names); near != "" {
			instead = "did you mean '" + near + "'?"
		}
		r.fault(n, "nobody is called '%s'; %s", name, instead)
	}
	return who
}

func (r *reader) email(n *yaml.Node) challenge.Email {
	text, ok := r.text(n, "'email'")
	if !ok {
		return "-"
	}
	email, err := challenge.ParseEmail(text)
	if err != nil {
		r.fault(n, "'email' takes an address such as ana@example.com, got '%s'", text)
		return "-" // so that it does not seem to be missing
	}
	return email
}

func (r *reader) usual(n *yaml.Node) (spots []Spot) {
	entries := []*yaml.Node{n}
	if n.Kind != yaml.ScalarNode {
		entries = r.list(n, "'usual'")
	}
	if len(entries) > mostUsual {
		r.fault(n, "'usual' takes up to %d places, got %d", mostUsual, len(entries))
		return nil
	}
	for _, entry := range entries {
		spots = append(spots, r.spot(entry, "'usual'"))
	}
	return spots
}

// spot reads a place. Of a network it is the first address that a visitor can have.
func (r *reader) spot(n *yaml.Node, what string) Spot {
	text, ok := r.text(n, what)
	s := Spot{Text: text, Line: n.Line}
	if !ok {
		return s
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		s.IP = prefix.Masked().Addr()
		if !prefix.IsSingleIP() {
			s.IP = s.IP.Next()
		}
	} else if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		s.IP = ip
	}
	s.IP = s.IP.Unmap()
	if s.Named() && strings.ContainsAny(text, "/:%@") || s.Named() && strings.IndexFunc(text, isLetter) < 0 {
		r.fault(n, "%s takes an address such as 203.0.113.7, a network, a city or a country such as PT, got '%s'", what, text)
	}
	return s
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f }

func (r *reader) host(n *yaml.Node) string {
	text, _ := r.text(n, "'site'")
	if strings.ContainsAny(text, "/ ") {
		r.fault(n, "'site' takes a host such as app.example.com, got '%s'", text)
	}
	return text
}

func (r *reader) path(n *yaml.Node) string {
	text, ok := r.text(n, "'path'")
	if _, err := url.ParseRequestURI(text); ok && (err != nil || !strings.HasPrefix(text, "/")) {
		r.fault(n, "'path' takes a path such as /admin, got '%s'", text)
	}
	return text
}

func (r *reader) method(n *yaml.Node) string {
	text, ok := r.text(n, "'method'")
	if ok && !httpguts.ValidHeaderFieldName(text) { // methods are tokens too, RFC 9110
		r.fault(n, "'method' takes a method such as POST, got '%s'", text)
	}
	return text
}

// headers are further headers of the request. Some say who is there, or where from, and
// are written by the file's own words.
func (r *reader) headers(n *yaml.Node) http.Header {
	pairs, _ := r.mapping(n, "'headers'")
	header := http.Header{}
	for _, pair := range pairs {
		name := textproto.CanonicalMIMEHeaderKey(pair.key.Value)
		text, ok := r.text(pair.value, "'"+pair.key.Value+"'")
		switch {
		case !ok:
		case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(text):
			r.fault(pair.key, "'%s' is no header with a value", pair.key.Value)
		case said[name] != "":
			r.fault(pair.key, "the header %s is made up from '%s'", name, said[name])
		default:
			header[name] = []string{text}
		}
	}
	return header
}

// said are headers of which other words of a test have the say.
var said = map[string]string{"Cookie": "session", "User-Agent": "agent", "Host": "site", "X-Forwarded-For": "from", "X-Forwarded-Proto": "site"}

func (r *reader) yesOrNo(n *yaml.Node, what string) (yes bool) {
	text, ok := r.text(n, what)
	if ok && (n.Tag != "!!bool" || n.Decode(&yes) != nil) {
		r.fault(n, "%s takes true or false, got '%s'", what, text)
	}
	return yes
}

func (r *reader) age(n *yaml.Node, what string) time.Duration {
	text, ok := r.text(n, what)
	age, err := caddy.ParseDuration(text)
	if ok && (err != nil || age < 0 || age > longestAge) {
		r.fault(n, "%s takes a duration such as 45m, 12h or 20d, up to 360d, got '%s'", what, text)
	}
	return age
}

func (r *reader) word(n *yaml.Node, what string, known []string) string {
	text, ok := r.text(n, what)
	if !ok || slices.Contains(known, text) {
		return text
	}
	instead := "there are " + strings.Join(known, ", ")
	if near := r.suggest(text, known); near != "" {
		instead = "did you mean '" + near + "'?"
	}
	r.fault(n, "%s cannot be '%s'; %s", what, text, instead)
	return ""
}

func (r *reader) status(n *yaml.Node) int {
	text, ok := r.text(n, "'status'")
	status, err := strconv.Atoi(text)
	if ok && (err != nil || status < 200 || status > 599) {
		r.fault(n, "'status' takes a status such as 401, got '%s'", text)
	}
	return status
}
