// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package web puts the domain over HTTP: it recognises what kind of request it
// has before it, lets it through or answers it in place, and serves the
// endpoints below ".doorcode".
//
// A [Door] belongs to one gate. It never talks to the app: [Door.Serve] either
// writes an answer or says that the request may pass, and as whom.
package web

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/tokens"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Door serves one gate over HTTP. It is safe for concurrent use.
type Door struct {
	gate    *challenge.Gate
	sites   map[string][]*site // by host name, in the order of the options
	first   *site              // stands in where no origin fits
	options Options
	cookies cookies

	catalogue *words.Catalogue

	tokens bool // access tokens let programs in
}

// Options say what is particular to a door.
type Options struct {
	Gate *challenge.Gate
	// Origins are the public origins that the gate stands in front of, such as
	// https://app.example.com. At least one.
	Origins []string
	// SingleSignOn is the domain whose hosts share sessions. Empty: each host
	// has its own.
	SingleSignOn string
	// Look is what pages look like. An empty Name is the host's.
	Look pages.LookOptions
	// Words are the languages of pages and mails. Nil: those that are built in.
	Words *words.Catalogue
	// Cookie says what our cookies are like.
	Cookie CookieOptions
	// Endpoints pins the own endpoints to one prefix, such as "/.doorcode".
	// Empty: below every path.
	Endpoints string
	// Inside is the path at which the gate stands, where it does not stand in
	// front of the whole site, such as "/admin". Links in mails lead below it.
	Inside string
	// PassPreflight lets CORS preflights through to the app.
	PassPreflight bool
	// SendButton waits for a button before mail goes to a known identity.
	SendButton bool
	// Inbox shows mail in the browser, for trials. Nil: there is none.
	Inbox *Inbox
}

// New makes a door. Its errors name the option that is wrong.
func New(o Options) (*Door, error) {
	if len(o.Origins) == 0 {
		return nil, errors.New("origins: want at least one")
	}
	d := &Door{gate: o.Gate, options: o, sites: make(map[string][]*site, len(o.Origins)), catalogue: o.Words}
	if d.catalogue == nil {
		d.catalogue = words.Standard()
	}
	for _, origin := range o.Origins {
		s, err := newSite(origin, o)
		if err != nil {
			return nil, err
		}
		if d.first == nil {
			d.first = s
		}
		name := hostname(s.host)
		d.sites[name] = append(d.sites[name], s)
	}
	if o.Inbox != nil {
		o.Inbox.below = d.endpointsPath(&url.URL{Path: "/"})
	}
	d.cookies, d.tokens = newCookies(o.Cookie, o.SingleSignOn), o.Gate.Offers().Tokens
	return d, nil
}

// AdjustedAccent reports the accent that pages use in place of the operator's,
// and whether it had to be changed to be readable.
func (d *Door) AdjustedAccent() (used string, adjusted bool) {
	color, changed := d.first.pages.AdjustedAccent()
	return color.String(), changed
}

// An Arrival is what the server in front knows of a request. The caller may
// reuse it once the request is over, see [Arrival.Reset].
type Arrival struct {
	// Original is the URL as the visitor sent it, before any rewrite.
	Original *url.URL
	// IP is the client's address; zero when unknown.
	IP netip.Addr
	// Secure: the visitor uses https.
	Secure bool
	// Guarded: the gate stands in front of this path. Public: it lets this path
	// be without a check.
	Guarded, Public bool
	// Answer is what the operator chose instead of a page.
	Answer Answer
	// Page is how fresh a code the page asks for.
	Page challenge.Page
	// Status is that of the check page; zero is 401.
	Status int
	// KeepShell leaves the service workers of the app alone.
	KeepShell bool
	// Earlier is what an earlier step says; nil where visitors type an address.
	Earlier *challenge.Identity
	// Token is the access token that it brings, see [TokenIn].
	Token Presented
	// Proxy is the address of a peer that forwards https without being trusted.
	Proxy string
	// Met is what the request says of itself, where its header was swept already, see
	// [upstream.Cleaner.Clean]. The zero value has it looked for.
	Met upstream.Met
	// Now is the time of the request.
	Now time.Time

	visit    challenge.Visit
	demanded bool            // the app asks for a fresh code
	proved   *challenge.Live // whose page it is; nil: nobody has shown who they are
	lexicon  *words.Lexicon  // nil before it was looked for
	site     *site
	found    *upstream.Found // nil before somebody looked
}

// Reset makes the Arrival ready for another request.
func (in *Arrival) Reset() {
	found := in.found
	*in = Arrival{}
	in.found = found
	found.Clear()
}

// An Outcome says whether a request may go on to the app.
type Outcome struct {
	Pass bool
	// Admission is who it is; nil where nobody need be known.
	Admission *challenge.Admission
	// Origin is the configured origin, for the assertion.
	Origin string
	// Cookies are Set-Cookie values that the app's answer is to carry.
	Cookies []string
	// Decision and Reason are for the operator's logs and placeholders.
	Decision string
	Reason   challenge.Reason
	// Observed are reasons that would have asked, were they not only observed.
	Observed []challenge.Reason
	// Placed is what the gate prepared of where a session is.
	Placed any
	// ForeignPost: the request was a form of another site, which never reaches
	// the app through a check.
	ForeignPost bool
	// Unlogged: the address of the page is a key to it, which no log should hold.
	Unlogged bool
}

// The decisions as logs and placeholders name them.
const (
	DecisionPass   = "pass"
	DecisionPublic = "public"
	DecisionCheck  = "check"
	DecisionDeny   = "deny"
	DecisionOwn    = "own"
)

// The reasons of refusals that no check could lift, beside the gate's own.
const (
	// PlainHTTP: our cookies cannot live on a site without https.
	PlainHTTP challenge.Reason = "plain_http"

	tooEarly    challenge.Reason = "too_early"
	misdirected challenge.Reason = "misdirected"
)

// Serve answers a request, or says that it may pass.
func (d *Door) Serve(w http.ResponseWriter, r *http.Request, in *Arrival) Outcome {
	in.site = d.siteOf(r.Host, in.Secure)
	endpoint, own := d.endpoint(in.Original)
	if in.site == nil {
		if !own && (!in.Guarded || in.Public) {
			return Outcome{Pass: true, Decision: DecisionPublic}
		}
		hurry(w, r)
		out := d.misdirected(w, r, in)
		out.Unlogged = unlogged(endpoint)
		return out
	}
	d.makeVisit(r, in)
	switch {
	case own:
		in.visit.Own = true
		hurry(w, r)
		d.serveEndpoint(w, r, in, endpoint)
		return Outcome{Decision: DecisionOwn, Unlogged: unlogged(endpoint)}
	case !in.Guarded || in.Public:
		return d.public(r, in)
	case d.cookieless(in):
		hurry(w, r)
		d.plainHTTP(w, r, in)
		return Outcome{Decision: DecisionDeny, Reason: PlainHTTP}
	case isEarly(r, in):
		return d.early(w, r, in)
	}
	var verdict challenge.Verdict
	err := d.admit(r, in, &verdict)
	if err == nil && verdict.Decision == challenge.Pass {
		return d.passed(w, in, &verdict)
	}
	hurry(w, r)
	if d.tokens && in.Token.any() {
		return d.refuseToken(w, r, in, verdict, err)
	}
	return d.refuse(w, r, in, verdict)
}

// admit says what becomes of a request. A session counts before an access token, and
// so does a remembered browser; the token is for whoever has neither.
func (d *Door) admit(r *http.Request, in *Arrival, verdict *challenge.Verdict) (err error) {
	v := &in.visit
	if !d.tokens || !in.Token.any() {
		*verdict = d.gate.Admit(r.Context(), v)
		return nil
	}
	if v.Session != "" || v.Device != "" || v.Earlier != nil || d.gate.Policy().Risk.ObserveAll {
		if *verdict = d.gate.Admit(r.Context(), v); verdict.Decision != challenge.Check {
			return nil
		}
	}
	media := ""
	if lines := r.Header["Content-Type"]; len(lines) == 1 {
		media = lines[0]
	}
	*verdict, err = d.gate.AdmitToken(r.Context(), v, in.Token.text, tokens.Request{
		Host: in.site.host, Path: pathOf(in.Original), Query: in.Original.RawQuery, Method: r.Method, Media: media,
		Upgrade: len(r.Header["Upgrade"]) > 0 || r.Method == http.MethodConnect,
	})
	return err
}

// passed is what becomes of a request that a gate admits. Where it has a new session,
// the app's answer asks the browser for a key.
func (d *Door) passed(w http.ResponseWriter, in *Arrival, v *challenge.Verdict) Outcome {
	if v.SetSession != "" && v.Admission != nil {
		d.addOffer(w.Header(), in, v.Admission.Live)
	}
	return Outcome{
		Pass: true, Admission: v.Admission, Origin: in.site.origin,
		Cookies: d.cookiesOf(in, v), Decision: DecisionPass, Observed: v.Observed.Reasons(), Placed: v.Placed,
	}
}

// cookieless reports whether browsers would not keep our cookies here.
func (d *Door) cookieless(in *Arrival) bool { return !in.Secure && !d.cookies.bare(in) }

// makeVisit fills in the visit.
func (d *Door) makeVisit(r *http.Request, in *Arrival) {
	if in.found == nil {
		in.found = new(upstream.Found)
	}
	if !in.visit.Now.IsZero() { // a rehearsal looks twice
		in.visit = challenge.Visit{}
		in.found.Clear()
	}
	if !in.Met.Known {
		in.Met.Meet(r.Header)
	}
	d.cookies.jar(in).Find(in.Met.Cookies, in.found)
	d.introduce(in)
	switch values := in.found.Values(passCookie); len(values) {
	case 0:
	case 1:
		in.visit.Pass = values[0]
	default:
		in.visit.Pass = d.gate.ChoosePass(in.visit, values)
	}
	switch values := in.found.Values(sessionCookie); len(values) {
	case 0:
	case 1:
		in.visit.Session = values[0]
	default:
		in.visit.Session = d.gate.Choose(r.Context(), in.visit, values)
	}
	switch values := in.found.Values(deviceCookie); len(values) {
	case 0:
	case 1:
		in.visit.Device = values[0]
	default:
		in.visit.Device = d.gate.ChooseDevice(in.visit, values)
	}
}

// introduce fills in what is known of a visit without its cookies. Each field by
// itself: a literal would be made beside the visit, and copied into it.
func (d *Door) introduce(in *Arrival) {
	v, s := &in.visit, in.site
	v.Now, v.IP, v.Earlier, v.Page, v.Agent = in.Now, in.IP, in.Earlier, in.Page, in.Met.Agent
	v.Audience, v.Host, v.App, v.Link = s.audience, s.host, s.name, s.link
}

// public lets a request by, with an identity if a session brings one. Nothing
// is renewed: a public path must not cost a store write.
func (d *Door) public(r *http.Request, in *Arrival) Outcome {
	out := Outcome{Pass: true, Origin: in.site.origin, Decision: DecisionPublic}
	if in.visit.Session == "" || (in.Earlier != nil && in.Earlier.Email == "") {
		return out
	}
	in.visit.Device = ""
	if verdict := d.gate.Admit(r.Context(), &in.visit); verdict.Decision == challenge.Pass {
		out.Admission, out.Cookies, out.Placed = verdict.Admission, d.cookiesOf(in, &verdict), verdict.Placed
	}
	return out
}

// cookiesOf are the cookies that a verdict changes; none on most requests.
func (d *Door) cookiesOf(in *Arrival, v *challenge.Verdict) []string {
	var set []string
	if v.SetSession != "" {
		set = append(set, d.cookies.session(in, v.SetSession))
	}
	if v.SetDevice != "" {
		set = append(set, d.cookies.device(in, v.SetDevice, d.gate.Policy().Devices.Most))
	}
	return set
}

// Owns reports whether a URL, as the visitor sent it, is an endpoint of ours.
func (d *Door) Owns(u *url.URL) bool {
	_, own := d.endpoint(u)
	return own
}

// OfSession reports whether an endpoint is about the session that a browser has,
// whatever check it may have under way besides.
func (d *Door) OfSession(u *url.URL) bool {
	name, own := d.endpoint(u)
	return own && (name == "session" || name == "signout" || name == "form" || endpoints[name].desk)
}

// Serves reports whether the door stands at a host.
func (d *Door) Serves(host string) bool { return len(d.sites[hostname(host)]) > 0 }

// GateID is the name of the door's gate.
func (d *Door) GateID() string { return d.gate.ID() }

// GateOfFlow names the gate at which the browser's check began; empty when it
// has none under way.
func (d *Door) GateOfFlow(r *http.Request) string {
	for _, jar := range []*upstream.Jar{d.cookies.secured, d.cookies.plain} {
		found := jar.Read(r.Header)
		for _, value := range found.Values(flowCookie) {
			if gate := d.gate.GateOfFlow(value); gate != "" {
				return gate
			}
		}
	}
	return ""
}
