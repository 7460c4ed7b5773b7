// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/rand"
	"html/template"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// A Letter is a mail as the inbox shows it.
type Letter struct {
	To, Subject string
	Text, HTML  string
	At          time.Time
}

// An Inbox shows mail in the browser, so that Doorcode can be tried without a
// mail server. Whoever sees it sees every code: it answers on loopback only,
// under a name that cannot be guessed, and never to a forwarded request.
type Inbox struct {
	name    string
	below   string          // where the endpoints are, with its last slash
	letters func() []Letter // newest first
}

// NewInbox makes an inbox. letters returns its mail, the newest first.
func NewInbox(letters func() []Letter) *Inbox {
	return &Inbox{name: "inbox/" + rand.Text(), below: "/" + segment + "/", letters: letters}
}

// Path is where the inbox is, on the door that it was given to.
func (i *Inbox) Path() string { return i.below + i.name }

func (i *Inbox) serves(name string) bool { return name == i.name }

func (d *Door) showInbox(w http.ResponseWriter, r *http.Request, in *Arrival) {
	h := d.head(w)
	if !in.IP.Unmap().IsLoopback() || !fromLoopback(r) || forwarded(r.Header) {
		empty(w, http.StatusForbidden)
		return
	}
	var page bytes.Buffer
	if err := inboxPage.Execute(&page, d.options.Inbox.letters()); err != nil {
		empty(w, http.StatusInternalServerError)
		return
	}
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; frame-src 'self'")
	h.Set("Refresh", "3")
	write(w, r, http.StatusOK, "text/html; charset=utf-8", page.Bytes())
}

func fromLoopback(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// forwarded reports whether a proxy says that it carried the request.
func forwarded(h http.Header) bool {
	for name := range h {
		switch {
		case strings.HasPrefix(name, "X-Forwarded"), strings.HasSuffix(name, "-Client-Ip"), strings.HasSuffix(name, "-Connecting-Ip"):
			return true
		case name == "Forwarded", name == "Via", name == "X-Real-Ip":
			return true
		}
	}
	return false
}

var inboxPage = template.Must(template.New("inbox").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Inbox</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<style>
body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:44rem;padding:0 1rem}
article{border:1px solid #8886;border-radius:.75rem;margin:1rem 0;overflow:hidden}
header{padding:1rem 1.25rem;border-bottom:1px solid #8884}
h2{font-size:1.05rem;margin:0}header p{margin:.25rem 0 0;opacity:.75;font-size:.9rem}
iframe{border:0;width:100%;height:42rem;background:#fff}@media(max-width:30rem){iframe{height:52rem}}
footer{padding:.75rem 1.25rem}pre{display:none;white-space:pre-wrap;overflow-wrap:anywhere}pre:target{display:block}
</style></head><body><h1>Inbox</h1>
<p>Every mail that Doorcode sends in this trial lands here. The page looks for new mail every three seconds.</p>
{{range .}}<article><header><h2>{{.Subject}}</h2><p>to {{.To}} · {{.At.Format "15:04:05"}}</p></header>
<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="The mail as a reader shows it" srcdoc="{{.HTML}}"></iframe>
<footer><a href="#mail-{{.At.UnixNano}}">Plain text</a><pre id="mail-{{.At.UnixNano}}">{{.Text}}</pre></footer></article>
{{else}}<p>No mail yet.</p>{{end}}</body></html>
`))
