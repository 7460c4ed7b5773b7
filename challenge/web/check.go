// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
	"github.com/doorcode/caddy-doorcode/geo"
)

// A check is one showing of the page that asks for an address or a code, in
// place of what the person wanted to see.
type check struct {
	door        *Door
	r           *http.Request
	in          *Arrival
	verdict     challenge.Verdict
	answersPost bool   // the page answers a POST: it must never be loaded again
	formLost    bool   // that POST was a form of the app
	held        *held  // which can be sent later all the same; nil when it is lost
	sealed      string // the held form as the page carries it
	back        string // where the person wants to go
	flow        *challenge.Flow
	change      *challenge.Flow // has the browser's cookie, and is of a change in the session that is to be confirmed
	acted       bool            // flow is what a form of this page has just come to
	replaced    bool            // a code was entered for a change that another one has replaced
}

// A screen is a page with what goes with it.
type screen struct {
	page   pages.Page
	status int
	retry  time.Time       // for Retry-After
	flow   *challenge.Flow // to be set as a cookie; nil leaves the browser's alone
}

// retryMail is how long to wait when mail fails.
const retryMail = 30 * time.Second

func (d *Door) show(w http.ResponseWriter, c *check) {
	c.door = d
	shown, err := c.screen()
	if err != nil {
		d.unavailable(w, c.r, c.in)
		return
	}
	if shown.status == http.StatusUnauthorized && !c.answersPost && c.in.Status != 0 {
		shown.status = c.in.Status // of a page only, never of what is wrong with it
	}
	h := d.head(w)
	if c.in.visit.Change == nil {
		d.challengeHead(h, c.in, c.verdict.Reason)
	} else { // the person is in: it is one of their own pages, and as closed to scripts
		h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		if shown.status == http.StatusUnauthorized {
			shown.status = http.StatusOK
		}
	}
	if shown.status != http.StatusUnauthorized {
		h.Del("WWW-Authenticate")
	}
	if c.acted && shown.flow == nil {
		shown.flow = c.flow
	}
	if c.r.Method == http.MethodGet && namesCode(shown.page) {
		d.gate.Opened(c.flow)
	}
	if shown.flow != nil && c.r.Method != http.MethodHead {
		h.Add("Set-Cookie", d.cookies.flow(c.in, d.gate.SealFlow(shown.flow), challenge.FlowLife))
	}
	if !shown.retry.IsZero() {
		h.Set("Retry-After", seconds(shown.retry.Sub(c.in.Now)))
	}
	d.page(w, c.r, c.in, shown.status, shown.page)
}

// namesCode reports that a page tells which code it waits for. Its copy of the page would
// else be part of the stack of everyone who is shown one, which would have to grow for it
// in each request of a new connection.
//
//go:noinline
func namesCode(p pages.Page) bool {
	code, ok := p.(pages.Code)
	return ok && code.Ref != ""
}

// screen decides what to show. It changes nothing, but for a mail to a person
// whom an earlier step has named and who has just arrived.
func (c *check) screen() (screen, error) {
	if !c.acted {
		c.flow = c.door.flowOf(c.in)
	}
	if c.flow != nil && !c.flow.Fits(&c.in.visit) {
		if live := c.in.visit.Confirm; live != nil && c.flow.Change != nil && c.flow.Session == live.Key() {
			c.change = c.flow
		}
		c.flow = nil // of a check that is none any more, or of another kind
	}
	if c.door.gate.OnlyPasskeys(&c.in.visit) {
		return c.passkeyScreen(), nil
	}
	if c.isKnown() {
		return c.known()
	}
	fresh := c.begun()
	if c.asksEmail() {
		return c.emailScreen(fresh), nil
	}
	return c.code()
}

// begun begins a flow where there is none, and returns it for its cookie to be set; nil
// where there was one.
func (c *check) begun() *challenge.Flow {
	if c.flow != nil {
		return nil
	}
	c.flow = c.door.gate.NewFlow(&c.in.visit)
	return c.flow
}

// asksEmail reports whether the address form is to be shown.
func (c *check) asksEmail() bool {
	return !c.isKnown() && (c.flow.Address == "" || ofEmail(c.flow.Note))
}

// isKnown reports whether nobody has to type an address: an earlier step has
// named the person, or a session that they are to confirm.
func (c *check) isKnown() bool { return c.in.Earlier != nil || c.in.visit.Confirm != nil }

// code shows the page of a flow that has an address. For a known identity whose
// challenge is long over it shows nothing: a new mail is due.
func (c *check) code() (screen, error) {
	p, err := c.door.gate.Progress(c.r.Context(), &c.in.visit, c.flow)
	if err != nil {
		return screen{}, err
	}
	if p.Phase == challenge.NoChallenge && c.isKnown() && !ofLimit(c.flow.Note) && !c.needsNoMail() {
		return screen{}, nil
	}
	return c.codeScreen(p, nil), nil
}

func (c *check) codeScreen(p challenge.Progress, set *challenge.Flow) screen {
	page := c.codePage(p)
	shown := screen{page: page, status: http.StatusUnauthorized, flow: set}
	switch page.Trouble {
	case pages.AddressLocked, pages.NetworkLocked, pages.AppLocked, pages.AddressMails, pages.NetworkMails, pages.AllMails:
		shown.status, shown.retry = http.StatusTooManyRequests, page.RetryAt
	case pages.MailDown:
		shown.status, shown.retry = http.StatusServiceUnavailable, c.in.Now.Add(retryMail)
	}
	return shown
}

// codePage fills in screens [2], [3] and [5], and all that can come of them.
func (c *check) codePage(p challenge.Progress) pages.Code {
	page := c.pageOfCode(p)
	switch trouble, until := c.passkeyTrouble(); {
	case trouble == pages.PasskeyRefused:
		page.Notice = pages.PasskeyNotTaken
	case trouble == pages.PasskeyOften && page.RetryAt.IsZero():
		page.Notice, page.RetryAt = pages.PasskeysUsedOften, until
	}
	return page
}

func (c *check) pageOfCode(p challenge.Progress) pages.Code {
	policy := c.door.gate.Policy()
	page := pages.Code{
		Endpoints: c.endpoints(), Flow: c.hidden(), Address: string(c.flow.Address), Known: c.isKnown(), Confirm: c.in.visit.Confirm != nil,
		Way: pageWays[c.flow.Way], Offers: c.door.offersAt(c.flow), Passkeys: c.usesPasskeys(), For: purposeOf(c.flow),
		Ref: p.Ref, Length: p.Form.Length, Alphabet: string(p.Form.Alphabet), Dead: !takesCode(c.flow, p),
		Tries: policy.Code.Attempts, TriesLeft: p.Left, Mails: policy.Code.Mails, MailsUsedUp: p.MailsUp,
		Now: c.in.Now, Expires: p.Ends, RetryAt: p.Until, ResendIn: max(0, p.ResendAt.Sub(c.in.Now)),
		Remember: remembering[policy.Devices.Choice], Days: int(policy.Devices.Idle / (24 * time.Hour)),
		Ticked: c.door.ticks(c.in, c.flow), Often: c.door.gate.OftenAsked(c.r.Context(), &c.in.visit), Reason: c.pageReason(),
		FormNotSent: c.formLost, Held: c.kept(), AnswersPost: c.answersPost, SignedOut: c.verdict.Elsewhere, ByOperator: c.verdict.ByOperator, Replaced: c.replaced,
	}
	if c.in.Earlier != nil && page.For == pages.PurposeNone {
		page.Delivery = deliveryOf(c.door.gate.Delivery(c.flow))
	}
	if page.Known {
		place := c.door.gate.Locate(c.in.IP)
		page.Near, page.Credit = nearOf(place), place.Credit
	}
	if page.Confirm {
		page.GoBack = c.in.site.origin + "/"
	}
	if c.change != nil {
		page.Offers = pages.WayOffers{}
	}
	if listsWays(c.flow.Note) {
		page.Way = pages.WayChoice
	}
	if page.Way == pages.WayChoice || typesWay(c.flow.Way) {
		return c.wayPage(page, p)
	}
	switch p.Phase {
	case challenge.NoChallenge, challenge.Lapsed:
		page.Trouble = pages.CodeExpired
	case challenge.Lost:
		page.Trouble = pages.CodeLost
	case challenge.Cancelled:
		page.Trouble = pages.CodeCancelled
	case challenge.LockedOut:
		page.Trouble = pages.AddressLocked
		return page
	}
	applyNote(&page, c.flow.Note, p)
	if page.Trouble == pages.NoTrouble && !page.Delivery.IsKnown() && c.door.gate.MailDown() {
		page.Trouble, page.Recovers = pages.MailDown, true
	}
	if page.Trouble == pages.MailDown {
		page.Notice = pages.NoNotice // that mail was just asked for is no news
	}
	return page
}

// takesCode reports whether any code could be right on the page of a flow. Where somebody
// signs in, one that an operator reads out is, for as long as no code is mailed.
func takesCode(f *challenge.Flow, p challenge.Progress) bool {
	switch p.Phase {
	case challenge.Waiting:
		return true
	case challenge.Cancelled:
		return false
	default:
		return f.TakesSpoken()
	}
}

// reason is why a code is asked for, as far as the page may say: what is usual
// for a person is told only where this browser was theirs before.
func (c *check) reason() challenge.Reason {
	reason := c.verdict.Reason
	if reason == "" {
		reason = c.flow.Reason
	}
	switch reason {
	case challenge.NewPlace, challenge.NewNetwork, challenge.Travel:
		if !c.isKnown() && !c.door.gate.Recognises(&c.in.visit, c.flow.Address) {
			return challenge.NewBrowser
		}
	}
	return reason
}

// pageReason is reason in the words of the page: that the time of a browser is over is
// not why, where it lacks a key.
func (c *check) pageReason() pages.Reason {
	if c.verdict.Keyless {
		return pages.ReasonKeyless
	}
	return reasons[c.reason()]
}

func nearOf(p *geo.Place) words.Spot {
	return words.Spot{City: p.City, Country: p.Country, Radius: p.Radius, Private: p.Private}
}

// ticks reports whether the box for remembering is ticked: as the person left it,
// or, on a first visit, as this browser is remembered already.
func (d *Door) ticks(in *Arrival, f *challenge.Flow) bool {
	if f.Note != nil {
		return f.Note.Remember
	}
	return d.gate.Recognises(&in.visit, f.Address)
}

func (c *check) emailScreen(set *challenge.Flow) screen {
	page := c.emailPage()
	shown := screen{page: page, status: http.StatusUnauthorized, flow: set}
	if page.RetryAt.After(c.in.Now) {
		shown.status, shown.retry = http.StatusTooManyRequests, page.RetryAt
	}
	return shown
}

// emailPage fills in screen [1].
func (c *check) emailPage() pages.Email {
	page := pages.Email{
		Endpoints: c.endpoints(), Flow: c.hidden(), Address: string(c.verdict.Remembered),
		Now: c.in.Now, FormNotSent: c.formLost, Held: c.kept(), AnswersPost: c.answersPost,
		SignedOut: c.verdict.Elsewhere, ByOperator: c.verdict.ByOperator, Unproved: c.verdict.Reason == challenge.Unproved,
		Passkeys: c.usesPasskeys(), OnlyPasskeys: c.door.onlyPasskeys(c.in),
	}
	n := c.flow.Note
	if n == nil {
		return page
	}
	if n.Typed != "" {
		page.Address = n.Typed
	}
	if n.Until != 0 {
		page.RetryAt = time.Unix(n.Until, 0)
		if !page.RetryAt.After(c.in.Now) { // it may be tried again
			return page
		}
	}
	page.Trouble = emailTroubles[n.Kind]
	if n.Kind == noteSuggest {
		page.Better = n.Better
	}
	return page
}

func (c *check) endpoints() string { return c.door.endpointsFrom(c.in.Original) }

func (c *check) hidden() string {
	f := form{Flow: formOwner(c.in, c.flow), Back: c.back}
	if !c.asksEmail() {
		f.Address, f.Way = tagOf(c.flow.Address), c.flow.Way
	}
	if c.change != nil {
		f.Reason = c.reason()
	}
	return c.door.sealForm(c.in, f)
}

// formOwner is what a form of the check is tied to: the browser's flow, or,
// where a session or an earlier step names the person, that, so that all tabs of a
// restored window can enter the code that one of them asked for.
func formOwner(in *Arrival, f *challenge.Flow) string {
	switch {
	case f.Change != nil: // a code for one thing must not be typed on a page that speaks of another
		return f.Session + "\x00" + string(f.Change.Kind)
	case f.Session != "":
		return f.Session
	case in.Earlier != nil:
		return in.Earlier.Source + "\x00" + in.Earlier.User
	default:
		return f.Key()
	}
}

// flowOf is the flow that a browser is on; nil when there is none that counts.
func (d *Door) flowOf(in *Arrival) *challenge.Flow {
	if f := d.flowIn(in); f != nil && !f.Left {
		return f
	}
	return nil
}

// flowIn reads the flow cookie, also that of a change which its person went back from. Of
// two different ones that would count one was planted, so neither does.
func (d *Door) flowIn(in *Arrival) (found *challenge.Flow) {
	for _, value := range in.found.Values(flowCookie) {
		f, err := d.gate.OpenFlow(value, &in.visit)
		if err != nil {
			continue
		}
		if found != nil {
			return nil
		}
		found = f
	}
	return found
}

var remembering = map[challenge.Choice]pages.Remember{
	challenge.ChoiceAsk: pages.RememberAsk, challenge.ChoiceAlways: pages.RememberAlways, challenge.ChoiceNever: pages.RememberNever,
}

var reasons = map[challenge.Reason]pages.Reason{
	challenge.NewBrowser: pages.ReasonNewBrowser, challenge.Expired: pages.ReasonExpired,
	challenge.Ended: pages.ReasonEnded, challenge.Always: pages.ReasonAlways, challenge.Operator: pages.ReasonOperator,
	challenge.NewPlace: pages.ReasonNewPlace, challenge.NewNetwork: pages.ReasonNewNetwork, challenge.Travel: pages.ReasonTravel,
	challenge.Sensitive: pages.ReasonSensitive, challenge.Unproved: pages.ReasonUnproved,
}
