// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// A form is the sealed hidden value of our forms. It ties a form to the browser
// that got it, so that no other site can make a browser send it, and carries
// where to go on.
type form struct {
	Flow    string `json:"f,omitempty"` // the flow that the page belongs to
	Session string `json:"s,omitempty"` // or the session, on forms of people who are in
	Address string `json:"a,omitempty"` // tag of where the code went, on forms that ask for it
	// Way is what the page asks for.
	Way challenge.Way `json:"w,omitempty"`
	// Reason is why it asks, where no cookie says so.
	Reason challenge.Reason `json:"r,omitempty"`

	Back string `json:"b"`
	Made int64  `json:"m"` // Unix seconds
}

const (
	maxBody     = 8 << 10          // bytes of a form
	bodyTime    = 10 * time.Second // to read one
	formLife    = 12 * time.Hour   // a page may stand open for long
	mediaForm   = "application/x-www-form-urlencoded"
	fieldForm   = "flow"
	fieldEmail  = "email"
	fieldCode   = "code"
	fieldKeep   = "keep"
	fieldForget = "forget"
	fieldTrust  = "remember"
)

var errBadForm = errors.New("form does not belong to this browser")

// tagOf stands for an address in a form.
func tagOf(e challenge.Email) string {
	sum := sha256.Sum256([]byte(e))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// speaksOf reports whether a form is about the address that its flow is at now.
// Another tab may have gone on to another one, whose tries are not this form's
// to spend.
func (f form) speaksOf(flow *challenge.Flow) bool {
	return f.Address == "" || f.Address == tagOf(flow.Address)
}

// replacedBy reports whether a form is for the code of a change after which its
// session has begun another one.
func (f form) replacedBy(flow *challenge.Flow) bool {
	session, kind, change := strings.Cut(f.Flow, "\x00")
	return change && flow != nil && flow.Change != nil && flow.Session == session && string(flow.Change.Kind) != kind
}

// purposeForm is that of the forms of people who are asked, or are in.
const purposeForm = ""

func (d *Door) sealForm(in *Arrival, f form) string {
	f.Made = in.Now.Unix()
	return d.sealFor(in, purposeForm, f)
}

// sealFor seals a value so that it opens for one purpose only.
func (d *Door) sealFor(in *Arrival, purpose string, value any) string {
	plain, err := json.Marshal(value)
	if err != nil {
		panic("web: encoding plain data: " + err.Error())
	}
	return d.gate.SealForm(plain, in.audienceFor(purpose))
}

// openFor reads what sealFor made, or returns errBadForm.
func (d *Door) openFor(in *Arrival, purpose, sealed string, value any) error {
	plain, err := d.gate.OpenForm(sealed, in.audienceFor(purpose))
	if err != nil || json.Unmarshal(plain, value) != nil {
		return errBadForm
	}
	return nil
}

func (in *Arrival) audienceFor(purpose string) string {
	if purpose == purposeForm {
		return in.visit.Audience
	}
	return in.visit.Audience + "\x00" + purpose
}

// openForm reads what sealForm made. With errBadForm the form is empty.
func (d *Door) openForm(in *Arrival, value string) (form, error) {
	var f form
	if d.openFor(in, purposeForm, value, &f) != nil {
		return form{}, errBadForm
	}
	// A form of a session lives as long as the session.
	if age := in.Now.Sub(time.Unix(f.Made, 0)); f.Session == "" && age > formLife {
		return form{}, errBadForm
	}
	return f, nil
}

// receives reads the form of a POST, or answers why it does not: it must come
// from a page of ours, be small and arrive in time.
func (d *Door) receives(w http.ResponseWriter, r *http.Request, in *Arrival) bool {
	return d.reads(w, r, in, func() int64 { return maxBody })
}

// receivesHeld is receives for forms that may carry a form of the app's, which
// makes them larger. The pages put it in front, so that a form without one is
// not read any further.
func (d *Door) receivesHeld(w http.ResponseWriter, r *http.Request, in *Arrival) bool {
	return d.reads(w, r, in, func() int64 {
		if 0 < r.ContentLength && r.ContentLength <= maxBody { // there is no need to look
			return maxBody
		}
		body := bufio.NewReaderSize(r.Body, maxBody+1)
		r.Body = bufferedBody{body, r.Body}
		if start, _ := body.Peek(maxBody + 1); bytes.Contains(start, []byte("&"+fieldHeld+"=")) {
			return maxHeldBody
		}
		return maxBody
	})
}

// A bufferedBody is a body of which the beginning has been looked at.
type bufferedBody struct {
	io.Reader
	io.Closer
}

// reads does what receives says. most looks at the body once there is a deadline.
func (d *Door) reads(w http.ResponseWriter, r *http.Request, in *Arrival, most func() int64) bool {
	if !sameOrigin(r, in) {
		d.refusal(w, r, in, pages.BadOrigin)
		return false
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaForm {
		d.refusal(w, r, in, pages.BadRequest)
		return false
	}
	// A server that cannot set a deadline still has its own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	limit := most()
	r.Body = http.MaxBytesReader(innermost(w), r.Body, limit)
	err = r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		d.refusal(w, r, in, pages.TooLarge)
	case err != nil:
		d.refusal(w, r, in, pages.BadRequest)
	}
	return err == nil
}

// innermost is the server's own writer. Only that one can be told by
// MaxBytesReader to wait for a refusal to arrive before it hangs up on whoever
// is still sending.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}
