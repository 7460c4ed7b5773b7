// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	// fieldCredential is what a browser made of the options that it was given (WebAuthn
	// Level 3, section 5.1), as JSON.
	fieldCredential = "credential"

	passkeyEndpoint  = "passkey" // signs in by one
	passkeysEndpoint = "passkeys"

	notePasskey      = "passkey" // one was refused
	notePasskeyOften = "passkey_often"
)

// passkeyTroubles are what a passkey came to. The address form has notes of its own, by
// which it is shown again.
var passkeyTroubles = map[string]pages.PasskeyTrouble{
	notePasskey: pages.PasskeyRefused, noteOfEmail + notePasskey: pages.PasskeyRefused,
	notePasskeyOften: pages.PasskeyOften, noteOfEmail + notePasskeyOften: pages.PasskeyOften,
}

// servePasskeyScript serves the script of passkeys. Its pages name its version and check
// what they get, so that it can be kept for ever.
func (d *Door) servePasskeyScript(w http.ResponseWriter, r *http.Request, in *Arrival) {
	h := d.head(w)
	if in.Original.RawQuery == pages.PasskeyScriptVersion() {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Del("Vary")
	}
	write(w, r, http.StatusOK, "text/javascript; charset=utf-8", pages.ReadPasskeyScript())
}

// usesPasskeys reports whether the page of a flow can do with a passkey.
func (c *check) usesPasskeys() bool { return c.door.gate.OffersAt(c.flow).Passkeys }

// onlyPasskeys reports whether a code opens nothing of what the person wants, but for the
// pages on which a passkey is made.
func (d *Door) onlyPasskeys(in *Arrival) bool {
	return !in.visit.Account && in.visit.Change == nil && d.gate.Policy().Accept == challenge.AcceptPasskey
}

// postPasskey tries a passkey, or says what one has to sign. The latter keeps nothing
// and counts nothing: every stranger's page asks for it.
func (d *Door) postPasskey(ctx context.Context, r *http.Request, in *Arrival, f *challenge.Flow) result {
	response := r.PostForm.Get(fieldCredential)
	if response == "" {
		return d.offerPasskey(r, in, f)
	}
	in.visit.Language = d.languageOf(r, in)
	try := challenge.PasskeyTry{Response: []byte(response), Remember: r.PostForm.Get(fieldTrust) != ""}
	entry, err := d.gate.VerifyPasskey(ctx, &in.visit, f, try)
	switch {
	case errors.Is(err, challenge.ErrNotOffered):
		return result{flow: f, note: f.Note}
	case err != nil:
		return result{flow: f, note: passkeyNote(f, err, d.ticksOf(r, in, f)), err: broken(err)}
	default:
		return d.entered(in, entry)
	}
}

func (d *Door) offerPasskey(r *http.Request, in *Arrival, f *challenge.Flow) result {
	options, next, err := d.gate.OfferPasskey(&in.visit, f)
	if err != nil {
		return result{flow: f, note: f.Note}
	}
	failed := in.site.pages.Sentence(d.words(r, in), pages.Passkey{Trouble: pages.PasskeyUnused, Also: !d.gate.OnlyPasskeys(&in.visit)})
	return result{flow: next, note: f.Note, offered: &passkeyOffered{Options: options, Failed: failed}}
}

// passkeyOffered is what the script is told that asks what to sign. Failed is what to
// say when the browser does not.
type passkeyOffered struct {
	Options json.RawMessage `json:"options"`
	Failed  string          `json:"failed"`
}

// passkeyNote is what a refusal comes to on the page that it happened on.
func passkeyNote(f *challenge.Flow, err error, ticked bool) *challenge.FlowNote {
	note := noteOf(err)
	if note == nil {
		return nil
	}
	note.Remember = ticked
	asksEmail := f.Session == "" && f.Source == "" && (f.Address == "" || ofEmail(f.Note))
	switch {
	case note.Kind == string(challenge.LimitTryPasskey), asksEmail && note.Kind == string(challenge.LimitTryIP):
		note.Kind = notePasskeyOften
	case note.Kind == string(challenge.LimitTryIP): // its page says so of codes as well
		return note
	}
	if asksEmail {
		note.Kind = noteOfEmail + note.Kind
		if f.Note != nil {
			note.Typed = f.Note.Typed
		}
	}
	return note
}

// asideOf is the flow of a form by which a passkey confirms a session, where the browser
// has none for that: a change of the session has its cookie, which [4] leaves alone, or had
// it. Such a form is tied to the session, so that the browser which has both is the one
// that got it. A change that goes on is returned, too.
func (d *Door) asideOf(r *http.Request, in *Arrival, sealed form, flow *challenge.Flow) (aside, change *challenge.Flow) {
	switch {
	case sealed.Flow == "" || flow != nil && (flow.Change == nil || sealed.Flow != flow.Session):
		return flow, nil
	case flow != nil:
		in.visit.Change = nil // what is wanted is no account page
		return d.gate.Beside(&in.visit, flow), flow
	}
	live, ok := d.gate.Session(r.Context(), &in.visit)
	if !ok || sealed.Flow != live.Key() {
		return nil, nil
	}
	in.visit.Confirm = live
	return d.gate.NewFlow(&in.visit), nil
}

// besides is a result of the flow beside a change, as the cookie of that change has it.
func (res result) besides(change *challenge.Flow) result {
	at := *change
	at.Passkey = nil
	if res.flow != nil {
		at.Passkey = res.flow.Passkey
	}
	if res.offered != nil {
		res.note = change.Note
	}
	res.flow = &at
	return res
}

// passkeyScreen shows [4]. Nothing is mailed for it.
func (c *check) passkeyScreen() screen {
	fresh := c.beside(c.begun())
	page := pages.Passkey{
		Endpoints: c.endpoints(), Flow: c.hidden(), Held: c.kept(), AnswersPost: c.answersPost, FormNotSent: c.formLost,
		ToAdd: c.toPasskeys(), Address: c.in.visit.Confirm.Email, Now: c.in.Now,
		Has: c.door.gate.HasPasskey(c.r.Context(), c.in.visit.Confirm, c.in.Now),
	}
	page.Trouble, page.RetryAt = c.passkeyTrouble()
	shown := screen{page: page, status: http.StatusUnauthorized, flow: fresh}
	if page.Trouble == pages.PasskeyOften {
		shown.status, shown.retry = http.StatusTooManyRequests, page.RetryAt
	}
	return shown
}

// passkeyTrouble is what the last passkey came to, unless another may be tried again.
func (c *check) passkeyTrouble() (pages.PasskeyTrouble, time.Time) {
	n := c.flow.Note
	if n == nil {
		return pages.NoPasskeyTrouble, time.Time{}
	}
	trouble, until := passkeyTroubles[n.Kind], time.Unix(n.Until, 0)
	if n.Kind == string(challenge.LimitTryIP) {
		trouble = pages.PasskeyOften
	}
	if trouble == pages.PasskeyOften && !until.After(c.in.Now) {
		return pages.NoPasskeyTrouble, time.Time{}
	}
	return trouble, until
}

// explainPasskey tells a script what a passkey came to, for the page that it is on.
func (d *Door) explainPasskey(w http.ResponseWriter, r *http.Request, in *Arrival, res result, back string) {
	c := check{door: d, r: r, in: in, flow: res.flow}
	c.flow.Note = res.note
	page := pages.Passkey{Now: in.Now, Also: !d.gate.OnlyPasskeys(&in.visit)}
	page.Trouble, page.RetryAt = c.passkeyTrouble()
	p := problem{Type: noteProblems[res.note.Kind], To: safeBack(back), Message: in.site.pages.Sentence(d.words(r, in), page)}
	if page.Trouble == pages.PasskeyOften {
		w.Header().Set("Retry-After", seconds(page.RetryAt.Sub(in.Now)))
	}
	d.problem(w, r, p)
}

// nameOfPasskey is what a new passkey is called unless its person says otherwise.
func nameOfPasskey(a challenge.Account) string {
	for _, b := range a.Browsers {
		if name := nameOf(b); b.This && name != devices.Unknown {
			return unlike(name, a)
		}
	}
	return ""
}

// unlike is a name that none of a person's passkeys has: with a number where it is taken.
func unlike(name string, a challenge.Account) string {
	taken := map[string]bool{}
	for _, p := range a.Passkeys {
		taken[p.Name] = true
	}
	for _, w := range a.Waiting {
		taken[w.Called] = taken[w.Called] || w.Kind == challenge.AddPasskey
	}
	free := name
	for n := 2; taken[free]; n++ {
		free = name + " " + strconv.Itoa(n)
	}
	return free
}
