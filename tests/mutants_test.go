// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

func init() {
	caddy.RegisterModule(turnstile{})
	httpcaddyfile.RegisterHandlerDirective("doorcode_tests_turnstile", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return turnstile{}, nil
	})
}

// A turnstile stands where the app is reached, and counts who goes through.
type turnstile struct{}

var (
	passedAs  atomic.Int64 // with the identity of ana, which the gate has signed
	passedRaw atomic.Int64 // without
	lastRaw   atomic.Value // a string: what one of them was
)

// CaddyModule names the handler.
func (turnstile) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.doorcode_tests_turnstile", New: func() caddy.Module { return new(turnstile) }}
}

// ServeHTTP counts and answers.
func (turnstile) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	emails := r.Header.Values("Remote-Email")
	if len(emails) == 1 && emails[0] == ana && strings.Count(r.Header.Get("Doorcode-Assertion"), ".") == 2 {
		passedAs.Add(1)
	} else {
		passedRaw.Add(1)
		lastRaw.Store(fmt.Sprintf("%s %s %v", r.Method, r.RequestURI, r.Header))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mutantsVariable in the environment asks for another number of requests.
const mutantsVariable = "DOORCODE_MUTANTS"

func mutants(t *testing.T) int {
	t.Helper()
	text := os.Getenv(mutantsVariable)
	if text == "" {
		return 8_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", mutantsVariable, err)
	}
	return n
}

// CK-06, PTH-01: requests made from good ones by cutting, doubling and bending what
// a visitor sends. None may reach the app without an identity, and none with one
// unless the session stands in it whole. Each run draws others; the seed is printed.
func TestCK06OfAMillionMutatedRequestsNoneReachesTheAppUnknown(t *testing.T) {
	c := harness.Start(t, loud+"http://localhost:PORT {\n\troute {\n"+gate("*@example.com", "sensitive /never/*", "answer json /api/*")+"\n\t\tdoorcode_tests_turnstile\n\t}\n}\n")
	b := c.Browser(t)
	b.Open(t, "/")
	b.Visit(b.Submit(t, "email", map[string][]string{"email": {ana}}))
	wantStatus(t, "after the code", enter(t, b, c.Mailbox.Wait(t, ana, 1).Code(t)), http.StatusNoContent)
	passedAs.Store(0)
	passedRaw.Store(0)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	session := b.Cookies(t)["doorcode"]
	var whole, sent atomic.Int64
	var workers sync.WaitGroup
	for worker := range uint64(4) {
		workers.Go(func() {
			m := mutator{random: rand.New(rand.NewPCG(seed, worker)), session: session, cookies: cookies(t, b), host: "localhost:" + c.Port}
			for range mutants(t) / 4 / batch {
				requests := m.batch()
				for _, one := range requests {
					whole.Add(int64(strings.Count(one, session)))
				}
				sent.Add(int64(len(requests)))
				deliver(t, c.Address(), requests)
			}
		})
	}
	workers.Wait()
	t.Logf("%d requests, %d times the whole session, %d let through", sent.Load(), whole.Load(), passedAs.Load())
	if n := passedRaw.Load(); n > 0 {
		t.Errorf("%d requests reached the app without identity, such as %v", n, lastRaw.Load())
	}
	if passedAs.Load() > whole.Load() {
		t.Errorf("%d requests passed as %s, but only %d times was the session whole", passedAs.Load(), ana, whole.Load())
	}
	if passedAs.Load() == 0 {
		t.Error("nothing passed at all, so this shows nothing")
	}
	noFault(t, c)
}

// batch is how many requests go over one connection.
const batch = 25

// deliver sends requests one behind the other, over as many connections as that
// takes: the server drops one when it cannot read any further.
func deliver(t *testing.T, address string, requests []string) {
	for len(requests) > 0 {
		read, err := deliverSome(address, requests)
		if err != nil {
			t.Error(err)
			return
		}
		requests = requests[read:]
	}
}

func deliverSome(address string, requests []string) (read int, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // whatever it says
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	answers := bufio.NewReader(conn)
	for i, one := range requests {
		if _, err := io.WriteString(conn, one); err != nil {
			return max(i, 1), nil // it was closed after the one before
		}
		if i == len(requests)-1 { // its body may be announced longer than it is
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, answers)
			break
		}
		method, _, _ := strings.Cut(one, " ")
		response, err := http.ReadResponse(answers, &http.Request{Method: method})
		if err != nil {
			return i + 1, nil
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.Close {
			return i + 1, nil
		}
	}
	return len(requests), nil
}

// patience bounds what a test waits for a connection.
const patience = 20 * time.Second

// A mutator makes requests of which each was a good one once.
type mutator struct {
	random                 *rand.Rand
	session, cookies, host string
}

// batch makes requests for one connection. What may confuse where a request ends is
// the last of them.
func (m *mutator) batch() []string {
	var all []string
	for range batch - 1 {
		all = append(all, m.request([]string{"Content-Length: 0"}, "", nil))
	}
	framing := pick(m.random, framings)
	return append(all, m.request(framing.fields, framing.body, framing.after)+m.request([]string{"Connection: close"}, "", nil))
}

// request is a good one, but for what is bent in it.
func (m *mutator) request(framing []string, body string, edit func(string) string) string {
	line := m.sometimes("GET", methods) + " " + m.target() + " " + m.sometimes("HTTP/1.1", protocols)
	fields := append([]string{m.sometimes("Host: HOST", hosts)}, m.cookieLines()...)
	for range []int{0, 0, 1, 1, 2}[m.random.IntN(5)] {
		fields = append(fields, strings.ReplaceAll(pick(m.random, bentFields), "SESSION", m.session))
	}
	fields = append(fields, framing...)
	m.random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	text := line + "\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n" + body
	if edit != nil {
		text = edit(text)
	}
	return strings.ReplaceAll(text, "HOST", m.host)
}

// sometimes is mostly what is good.
func (m *mutator) sometimes(good string, bent []string) string {
	if m.random.IntN(6) > 0 {
		return good
	}
	return pick(m.random, bent)
}

func (m *mutator) target() string {
	switch m.random.IntN(6) {
	case 0:
		return pick(m.random, oddAdmin)
	case 1:
		return mangled(m.random, pick(m.random, targets))
	case 2:
		return pick(m.random, targets)
	default:
		return "/x"
	}
}

// cookieLines are none to three Cookie lines.
func (m *mutator) cookieLines() (lines []string) {
	for range []int{1, 1, 1, 1, 0, 2, 3}[m.random.IntN(7)] {
		lines = append(lines, pick(m.random, cookieNames)+m.cookie())
	}
	return lines
}

func (m *mutator) cookie() string {
	switch m.random.IntN(6) {
	case 0:
		return m.cookies
	case 1, 2:
		return mangled(m.random, m.cookies)
	case 3:
		parts := strings.SplitAfter(m.session, ".")
		m.random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return "doorcode=" + strings.Join(parts[:1+m.random.IntN(len(parts))], "")
	default:
		bent := mangled(m.random, m.session)
		if m.random.IntN(3) == 0 {
			bent = m.session
		}
		return strings.NewReplacer("SESSION", bent, "OTHER", m.cookies).Replace(pick(m.random, cookieShapes))
	}
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// mangled is a text with some bytes changed, lost, doubled, swapped or put in.
func mangled(random *rand.Rand, text string) string {
	b := []byte(text)
	for range 1 + random.IntN(4) {
		if len(b) < 2 {
			break
		}
		at, to := random.IntN(len(b)), random.IntN(len(b))
		switch random.IntN(8) {
		case 0:
			b[at] = byte(0x20 + random.IntN(0x5f))
		case 1:
			b[at] = byte(random.IntN(0x100))
		case 2:
			b = slices.Delete(b, min(at, to), max(at, to))
		case 3:
			b = slices.Insert(b, at, b[min(at, to):max(at, to)]...)
		case 4:
			b[at], b[to] = b[to], b[at]
		case 5:
			b = b[:max(1, at)]
		case 6:
			b[at] ^= 1 << random.IntN(8)
		case 7:
			b = slices.Insert(b, at, []byte(pick(random, inserts))...)
		}
	}
	return string(b)
}
