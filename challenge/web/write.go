// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// head sets what every answer of ours carries.
func (d *Door) head(w http.ResponseWriter) http.Header {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Accept, Sec-Fetch-Mode, Sec-Fetch-Dest")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self)")
	return h
}

// challengeHead adds the challenge that a 401 needs (RFC 9110, section 11.6.1).
// The gate gives a reason beyond the plainest only to who brings a cookie of ours.
func (d *Door) challengeHead(h http.Header, in *Arrival, reason challenge.Reason) {
	h.Set("Doorcode-Reason", string(reason))
	h.Set("WWW-Authenticate", "Doorcode realm="+strconv.Quote(in.site.host)+", reason="+strconv.Quote(string(reason))+
		", begin="+strconv.Quote(d.endpointsPath(in.Original)+"begin"))
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// page renders a page in the language of its visitor. The headers common to all
// answers are set already.
func (d *Door) page(w http.ResponseWriter, r *http.Request, in *Arrival, status int, p pages.Page) {
	d.pageIn(w, r, in, d.words(r, in), status, p)
}

func (d *Door) pageIn(w http.ResponseWriter, r *http.Request, in *Arrival, lex *words.Lexicon, status int, p pages.Page) {
	buf, ok := buffers.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	defer buffers.Put(buf)
	buf.Reset()
	if err := in.site.pages.RenderIn(buf, lex, p, d.around(in, p)); err != nil {
		empty(w, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", in.site.pages.CSP(p))
	h.Set("Content-Language", lex.Lang())
	write(w, r, status, "text/html; charset=utf-8", buf.Bytes())
}

const mediaJSON = "application/json"

func answerJSON(w http.ResponseWriter, r *http.Request, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		empty(w, http.StatusInternalServerError)
		return
	}
	write(w, r, http.StatusOK, mediaJSON, append(raw, '\n'))
}

// write sends a body, but to HEAD only what there is to say of it.
func write(w http.ResponseWriter, r *http.Request, status int, media string, body []byte) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

func empty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// redirect leads on after a POST (303), always to this origin.
func redirect(w http.ResponseWriter, s *site, back string) {
	w.Header().Set("Location", s.origin+safeBack(back))
	empty(w, http.StatusSeeOther)
}

// seconds writes a wait for Retry-After, at least one second.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
