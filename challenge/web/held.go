// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// A held is a form of the app that arrived when its session was over, or had to be
// confirmed. It waits
// in the page, sealed, while its person is asked for a code; then the browser
// sends it, if they still want that. Nothing here ever sends it for them.
type held struct {
	Owner   string          `json:"f"` // what the forms of the check are tied to
	Session string          `json:"s"` // the session that the browser brought
	Email   challenge.Email `json:"e"` // and whose it was
	Target  string          `json:"t"` // path and query that the form was going to
	From    string          `json:"r"` // the page that it was on
	Parts   bool            `json:"p,omitempty"`
	Made    int64           `json:"m"` // Unix seconds

	fields []pages.Field
}

const (
	maxHeld     = 64 << 10 // bytes of a form that is held
	maxHeldBody = 96 << 10 // bytes of a form of ours that carries one
	heldLife    = 15 * time.Minute
	fieldHeld   = "held"
	fieldTicket = "for"

	purposeTicket = "send a held form"
)

// hold reads a form that may not reach the app. It returns nil for one that its
// person will have to fill in again: only a page of ours can have sent it, from a
// browser that had a session a moment ago, and it must be small and plain.
func (d *Door) hold(w http.ResponseWriter, r *http.Request, in *Arrival) *held {
	target := pathOf(in.Original)
	if in.Original.RawQuery != "" {
		target += "?" + in.Original.RawQuery
	}
	if !sameOrigin(r, in) || r.ContentLength < 0 || r.ContentLength > maxHeld || safeBack(target) != target {
		return nil
	}
	late, ok := d.gate.Lately(r.Context(), &in.visit)
	if !ok {
		return nil
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(innermost(w), r.Body, maxHeld))
	if err != nil || int64(len(body)) != r.ContentLength { // some of it was read already
		return nil
	}
	fields, inParts, ok := readFields(r.Header.Get("Content-Type"), body)
	if !ok {
		return nil
	}
	return &held{Session: late.Session, Email: late.Email, Target: target, From: d.cameFrom(r, in), Parts: inParts, Made: in.Now.Unix(), fields: fields}
}

// kept is the hidden value of the form that a page holds; empty where it holds
// none, or one of somebody else than the page is about.
func (c *check) kept() string {
	if c.held == nil || !c.asksEmail() && c.flow.Address != c.held.Email {
		return ""
	}
	if c.sealed == "" {
		c.held.Owner = formOwner(c.in, c.flow)
		c.sealed = c.door.sealHeld(c.in, c.held)
	}
	return c.sealed
}

func (d *Door) sealHeld(in *Arrival, h *held) string {
	head, err := json.Marshal(h)
	if err != nil {
		panic("web: encoding plain data: " + err.Error())
	}
	plain := append(binary.AppendUvarint(nil, uint64(len(head))), head...)
	return d.gate.SealHeld(packFields(plain, h.fields), in.visit.Audience)
}

// openHeld reads what sealHeld made, if that is not too long ago.
func (d *Door) openHeld(in *Arrival, value string) (*held, error) {
	plain, err := d.gate.OpenHeld(value, in.visit.Audience)
	if err != nil {
		return nil, errBadForm
	}
	h, ok := parseHeld(plain)
	if made := time.Unix(h.Made, 0); !ok || in.Now.Sub(made) > heldLife || made.Sub(in.Now) > time.Minute {
		return nil, errBadForm
	}
	return &h, nil
}

func parseHeld(plain []byte) (h held, ok bool) {
	size, n := binary.Uvarint(plain)
	if n <= 0 || size > uint64(len(plain)-n) {
		return held{}, false
	}
	head, packed := plain[n:n+int(size)], plain[n+int(size):]
	if json.Unmarshal(head, &h) != nil {
		return held{}, false
	}
	h.fields, ok = unpackFields(packed)
	return h, ok
}

// A carried is what a form of the check brings along for the app.
type carried struct {
	value string
	held  *held // nil when it was not made for this check in this browser
}

// carriedBy opens what a form of the check carries; nil where that is nothing.
// Whoever could plant a form in somebody else's browser would have them send it:
// it counts only where both the check and the session before are the same.
func (d *Door) carriedBy(r *http.Request, in *Arrival, f *challenge.Flow) *carried {
	value := r.PostForm.Get(fieldHeld)
	if value == "" {
		return nil
	}
	brings := &carried{value: value}
	h, err := d.openHeld(in, value)
	if err != nil || h.Owner != formOwner(in, f) {
		return brings
	}
	if late, ok := d.gate.Lately(r.Context(), &in.visit); ok && late.Session == h.Session && late.Email == h.Email {
		brings.held = h
	}
	return brings
}

// showAgain answers a form that carries another one with the page itself. A
// redirect would lose it.
func (d *Door) showAgain(w http.ResponseWriter, r *http.Request, in *Arrival, res result, back string, brings *carried) {
	res.flow.Note = res.note
	verdict := challenge.Verdict{Decision: challenge.Check, Reason: cmp.Or(res.flow.Reason, in.visit.Reason, challenge.NewBrowser)}
	d.show(w, &check{
		r: r, in: in, verdict: verdict, answersPost: true, formLost: true, back: back,
		flow: res.flow, acted: true, held: brings.held, sealed: brings.value,
	})
}

// A ticket lets the browser in which a check came off have its form back.
type ticket struct {
	Session string `json:"s"` // the session that came of it
	Held    string `json:"h"` // digest of the sealed form; empty for none
	Back    string `json:"b"`
	Made    int64  `json:"m"` // Unix seconds
}

// formURL is where our script sends the form that it carries, once the person is
// in. A form that is not theirs is not given out there.
func (d *Door) formURL(in *Arrival, res result, back string, brings *carried) string {
	t := ticket{Session: res.live.Key(), Back: safeBack(back), Made: in.Now.Unix()}
	if brings.fits(res.live) {
		t.Held = digestOf(brings.value)
	}
	return d.endpointsPath(in.Original) + "form?" + fieldTicket + "=" + d.sealFor(in, purposeTicket, t)
}

// fits reports whether a form belongs to whoever has just come in.
func (c *carried) fits(live *challenge.Live) bool {
	return c.held != nil && live != nil && c.held.Email == challenge.Email(live.Email)
}

func digestOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// heldForm gives a held form back to the browser that it came from, for its
// person to send.
func (d *Door) heldForm(w http.ResponseWriter, r *http.Request, in *Arrival) {
	if !d.receivesHeld(w, r, in) {
		return
	}
	v := d.judge(r, in)
	if v.Decision == challenge.Unavailable {
		d.unavailable(w, r, in)
		return
	}
	d.head(w)
	var t ticket
	err := d.openFor(in, purposeTicket, in.Original.Query().Get(fieldTicket), &t)
	if err != nil || in.Now.Sub(time.Unix(t.Made, 0)) > heldLife {
		d.notSent(w, r, in, d.backOf(in.Original))
		return
	}
	value := r.PostForm.Get(fieldHeld)
	h, err := d.openHeld(in, value)
	if err != nil || v.Admission == nil || v.Admission.Live.Key() != t.Session || string(h.Email) != v.Admission.Live.Email || digestOf(value) != t.Held {
		d.notSent(w, r, in, t.Back)
		return
	}
	in.proved = v.Admission.Live
	d.sendForm(w, r, in, h)
}

// sendForm shows screen [8].
func (d *Door) sendForm(w http.ResponseWriter, r *http.Request, in *Arrival, h *held) {
	target := safeBack(h.Target)
	d.page(w, r, in, http.StatusOK, pages.SendForm{
		Action: target, Path: readable(target), Multipart: h.Parts, Fields: h.fields, Discard: safeBack(h.From),
	})
}

// notSent says that a form did not reach the app, and never will by itself.
func (d *Door) notSent(w http.ResponseWriter, r *http.Request, in *Arrival, back string) {
	d.page(w, r, in, http.StatusConflict, pages.NotSent{URL: in.site.origin + safeBack(back), Kept: true})
}

// readable is the path of a URL as a person knows it.
func readable(target string) string {
	path, _, _ := strings.Cut(target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil || strings.ContainsFunc(plain, func(c rune) bool { return !unicode.IsPrint(c) || c == unicode.ReplacementChar }) {
		return path
	}
	return plain
}
