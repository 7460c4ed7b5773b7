// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// AnswersOptions say what an app may not do in its answers.
type AnswersOptions struct {
	// Cookies are the names of the gate's cookies, in whatever case.
	Cookies []string
	// Dropped, if set, is told of each Set-Cookie of such a name that was dropped,
	// so that it can be logged. The name is as the app wrote it, trimmed. It is
	// called before the answer's header is sent and must not write to it.
	Dropped func(r *http.Request, cookie string)
}

// Answers makes Guards. It is built once for a gate and safe for concurrent use.
type Answers struct {
	cookies []string // in lower case
	dropped func(*http.Request, string)
}

// A Guard is the http.ResponseWriter for what comes after the gate. When the header
// is about to be sent, by whatever call, it drops Set-Cookie fields of the gate's
// names, takes "cookies" and "*" out of Clear-Site-Data, marks a guarded answer
// without any Cache-Control as private, and only then adds the gate's own cookies.
//
// After Listen it also recognises the app's demand for a fresh code, and then
// swallows the answer: see [Guard.Listen]. The field by which an app demands it
// reaches no visitor in any case.
//
// It keeps ReadFrom, flushing, hijacking and pushing as the writer below has them,
// and http.ResponseController reaches the rest through Unwrap. A Guard serves one
// request and, like every ResponseWriter, one goroutine at a time.
type Guard struct {
	service
	own    []string // Set-Cookie lines of the gate, not sent yet
	before snapshot // of the header when Listen was called
	room   [16]remembered
	cells  Cells
}

// service is what a Guard knows of one request.
type service struct {
	answers *Answers
	w       http.ResponseWriter
	r       *http.Request

	private   bool
	committed bool
	hijacked  bool
	fields    int  // in the header when it was sent
	announced bool // it named trailers
	streams   bool // it is that of an event stream

	follower  Follower
	following *following // of an answer that goes on

	listening  bool
	swallowed  bool // the answer goes nowhere
	coded, now time.Time
	demand     Demand
}

var guardPool = sync.Pool{New: func() any { return new(Guard) }}

// Guard returns a Guard around w. private says that the answer is guarded or
// depends on who is signed in. The caller calls Done after the next handler has
// returned; without it, as after a panic, the Guard is simply not used again.
func (a *Answers) Guard(w http.ResponseWriter, r *http.Request, private bool) *Guard {
	g := guardPool.Get().(*Guard)
	g.answers, g.w, g.r, g.private = a, w, r, private
	return g
}

// AddCookie adds a Set-Cookie line of the gate's own to the answer. It has an
// effect until the header is sent. A line put into Header instead would be taken
// for the app's and dropped.
func (g *Guard) AddCookie(line string) {
	g.own = append(g.own, line)
}

// Done ends the use of the Guard. If nothing was written, it filters the header
// that the server is going to send; if trailers were added, it filters these. After
// a swallowed answer it touches nothing. The Guard must not be used afterwards.
func (g *Guard) Done() {
	g.listening = false // nobody could hear of it any more
	g.Unfollow()
	switch {
	case g.hijacked:
		return // goroutines of the connection may outlive the handler and hold on to it
	case g.swallowed:
	case !g.committed:
		g.commit(http.StatusOK)
	default:
		if h := g.w.Header(); len(h) != g.fields || g.announced {
			g.filter(h, 0)
		}
	}
	clear(g.own)
	clear(g.before)
	g.service, g.own, g.before = service{}, g.own[:0], g.before[:0]
	guardPool.Put(g)
}

// Header returns the header of the writer below.
func (g *Guard) Header() http.Header { return g.w.Header() }

// Unwrap returns the writer below, for http.ResponseController.
func (g *Guard) Unwrap() http.ResponseWriter { return g.w }

// WriteHeader filters the header and sends it. Informational answers are filtered
// and passed on; the cookies of the gate wait for the final one. A second final
// answer is left to the server to complain about.
func (g *Guard) WriteHeader(status int) {
	switch {
	case g.committed:
	case status < 200 && status != http.StatusSwitchingProtocols:
		g.filter(g.w.Header(), status)
	default:
		g.commit(status)
	}
	if !g.swallowed {
		g.w.WriteHeader(status)
	}
}

// begin sends the header if a handler writes without it, before the server below
// would do so by itself.
func (g *Guard) begin() {
	if !g.committed {
		g.WriteHeader(http.StatusOK)
	}
}

// Write writes to the answer's body.
func (g *Guard) Write(p []byte) (int, error) {
	if g.begin(); g.swallowed {
		return len(p), nil
	}
	if g.cut() {
		return 0, errEnded
	}
	return g.w.Write(p)
}

// WriteString writes to the answer's body.
func (g *Guard) WriteString(s string) (int, error) {
	if g.begin(); g.swallowed {
		return len(s), nil
	}
	if g.cut() {
		return 0, errEnded
	}
	return io.WriteString(g.w, s)
}

// ReadFrom copies r to the answer's body by the shortest way that the writer below
// knows, such as sendfile.
func (g *Guard) ReadFrom(r io.Reader) (int64, error) {
	if g.begin(); g.swallowed {
		return io.Copy(io.Discard, r)
	}
	if g.following != nil {
		return io.Copy(writer{g}, r) // each part is looked at
	}
	if below, ok := g.w.(io.ReaderFrom); ok {
		return below.ReadFrom(r)
	}
	return io.Copy(g.w, r)
}

// writer is a Guard that can only be written to.
type writer struct{ io.Writer }

// FlushError sends what was written so far, the header first. Without it,
// http.ResponseController would find the flusher below and send the header as the
// app left it.
func (g *Guard) FlushError() error {
	if g.begin(); g.swallowed {
		return nil
	}
	if g.cut() {
		return errEnded
	}
	return http.NewResponseController(g.w).Flush()
}

// Hijack takes the connection over. What the header holds by then is filtered,
// since the caller may write it to the connection itself. After a swallowed answer
// the connection is not the app's to take.
func (g *Guard) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if g.swallowed {
		return nil, nil, http.ErrNotSupported
	}
	if !g.committed {
		g.filter(g.w.Header(), 0)
	}
	conn, rw, err := http.NewResponseController(g.w).Hijack()
	g.hijacked = g.hijacked || err == nil
	return conn, rw, err
}

// Push starts an HTTP/2 push if the writer below can.
func (g *Guard) Push(target string, o *http.PushOptions) error {
	if below, ok := g.w.(http.Pusher); ok && !g.swallowed {
		return below.Push(target, o)
	}
	return http.ErrNotSupported
}

// commit makes the header final, unless it holds a demand that the session does
// not meet.
func (g *Guard) commit(status int) {
	g.committed = true
	h := g.w.Header()
	cached, maxAge := g.filter(h, status)
	if g.listening && g.stale(maxAge) {
		g.swallow(maxAge)
		return
	}
	if g.private && !cached {
		g.cells.Set(h, "Cache-Control", "private")
	}
	if len(g.own) > 0 {
		// Whatever the app says: a shared cache that kept this answer would hand
		// one person's session to others.
		for _, field := range cacheFields {
			deleteFolded(h, field)
		}
		h.Set("Cache-Control", "private, no-store")
	}
	for _, line := range g.own {
		h.Add("Set-Cookie", line)
	}
	g.fields = len(h)
	if g.follower != nil && g.streams {
		g.follow()
	}
}

// cacheFields say how caches are to treat an answer: those of delivery networks
// go before Cache-Control there.
var cacheFields = []string{
	"cache-control", "expires", "cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control",
	"edge-control", "x-accel-expires", "vercel-cdn-cache-control", "netlify-cdn-cache-control",
}

// deleteFolded removes a field in whatever case a handler wrote it.
func deleteFolded(h http.Header, name string) {
	for key := range h {
		if equalFold(key, name) {
			delete(h, key)
		}
	}
}

var (
	_ http.Hijacker   = (*Guard)(nil)
	_ http.Pusher     = (*Guard)(nil)
	_ io.ReaderFrom   = (*Guard)(nil)
	_ io.StringWriter = (*Guard)(nil)
)
