// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A crawler is a connection that says something and then nothing.
type crawler struct {
	kind, text string
	held       bool // the gate waits for more of it
	late       bool // the server does, and the gate has said for how long
	answered   bool // at once, whatever else may come
}

const ownForm = " HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n"

var crawlers = []crawler{
	{kind: "half a request line", text: "GET /"},
	{kind: "half a header", text: "GET /x HTTP/1.1\r\nHost: HOST\r\nCookie: doorcode="},
	{kind: "half a form of ours", text: "POST /.doorcode/verify" + ownForm + "Content-Length: 4096\r\n\r\nflow=", held: true},
	{kind: "half a chunk of a form", text: "POST /.doorcode/email" + ownForm + "Transfer-Encoding: chunked\r\n\r\nff\r\nflow=", held: true},
	{kind: "a body for the app", text: "POST /upload HTTP/1.1\r\nHost: HOST\r\nAccept: application/json\r\nContent-Length: 99999999\r\n\r\nx", late: true},
	{kind: "a question whether to send one", text: "POST /upload HTTP/1.1\r\nHost: HOST\r\nAccept: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", answered: true},
	{kind: "a page that nobody reads", text: "GET /x HTTP/1.1\r\nHost: HOST\r\nAccept: text/html\r\nRange: bytes=0-1,1-2\r\n\r\n", answered: true},
}

const crawlersOfAKind = 50

// DOS-02, DOS-03: clients that send in crumbs, or stop, keep nobody else waiting. The
// gate holds on to none but those whose form it reads, and the server to none but those
// that send a body which nobody reads, for ten seconds each.
func TestDOS02SlowClientsLeaveOthersServed(t *testing.T) {
	c := harness.Start(t, loud+site(generous("")))
	b := signedIn(t, c, ana)
	goroutines, memory := ourGoroutines(), heap()
	var held, late []net.Conn
	for _, one := range crawlers {
		for range crawlersOfAKind {
			conn := c.Dial(t)
			if _, err := io.WriteString(conn, strings.ReplaceAll(one.text, "HOST", "localhost:"+c.Port)); err != nil {
				t.Fatalf("%s: %v", one.kind, err)
			}
			switch {
			case one.held:
				held = append(held, conn)
			case one.late:
				late = append(late, conn)
			}
			if _, err := conn.Read(make([]byte, one.answersIn())); err != nil {
				t.Errorf("%s is not answered: %v", one.kind, err)
			}
		}
	}
	reading := func() int { return goroutinesIn("challenge/web.(*Door).reads") }
	harness.Eventually(t, "the gate to read the forms", func() bool { return reading() == len(held) })
	if now := ourGoroutines(); now > goroutines+len(held)+10 {
		t.Errorf("%d goroutines for %d forms", now-goroutines, len(held))
	}
	if grown := int64(heap()) - int64(memory); grown > int64(len(crawlers)*crawlersOfAKind)*64<<10 {
		t.Errorf("%d bytes for %d connections", grown, len(crawlers)*crawlersOfAKind)
	}
	wantStatus(t, "somebody with a session", b.Fetch(t, "/x"), http.StatusOK)
	wantStatus(t, "somebody who comes", signedIn(t, c, ben).Fetch(t, "/x"), http.StatusOK)
	wantEnded(t, held, "HTTP/1.1 400")
	wantEnded(t, late, "HTTP/1.1 401")
	harness.Eventually(t, "the gate to let go", func() bool { return ourGoroutines() <= goroutines })
	noFault(t, c)
}

// wantEnded waits until the server has answered and gone.
func wantEnded(t *testing.T, conns []net.Conn, want string) {
	t.Helper()
	for _, conn := range conns {
		if raw, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(raw), want) {
			t.Fatalf("half a body was answered with %.60q, %v; want %s", raw, err, want)
		}
	}
}

// answersIn is how many bytes of an answer come.
func (one crawler) answersIn() int {
	if one.answered {
		return len("HTTP/1.1 401")
	}
	return 0
}

func heap() uint64 {
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

// DOS-02: whoever reads an answer a byte at a time holds up that answer alone, and
// nothing of it is left when they go.
func TestDOS02SlowReadersLeaveOthersServed(t *testing.T) {
	c := harness.Start(t, loud+site(generous("")))
	large := bytes.Repeat([]byte("x"), 8<<20)
	c.App.Answer(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			for range 8 { // more than two pairs of sockets hold
				_, _ = w.Write(large)
			}
		}
	})
	b := signedIn(t, c, ana)
	// Not a count of goroutines: those of the test before may still be ending.
	inTheGate := func() int { return goroutinesIn("caddymodule.(*Handler).ServeHTTP") }
	harness.Eventually(t, "the test before to be over", func() bool { return inTheGate() == 0 })
	var readers []net.Conn
	for range crawlersOfAKind {
		conn := c.Dial(t)
		readers = append(readers, conn)
		if _, err := io.WriteString(conn, "GET /large HTTP/1.1\r\nHost: localhost:"+c.Port+"\r\nCookie: "+cookies(t, b)+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if now := inTheGate(); now != crawlersOfAKind {
		t.Errorf("%d of %d wait, so this shows nothing", now, crawlersOfAKind)
	}
	wantStatus(t, "somebody with a session", b.Fetch(t, "/x"), http.StatusOK)
	wantStatus(t, "somebody who comes", signedIn(t, c, ben).Fetch(t, "/x"), http.StatusOK)
	for _, conn := range readers {
		_ = conn.Close()
	}
	harness.Eventually(t, "all to be over", func() bool { return inTheGate() == 0 })
}

// DOS-02: the tool that is made for it opens hundreds of slow connections of each kind,
// and looks in between whether others are served.
func TestDOS02SlowHTTPTestLeavesOthersServed(t *testing.T) {
	if _, err := exec.LookPath("slowhttptest"); err != nil {
		t.Fatal("slowhttptest is missing: Debian package slowhttptest")
	}
	c := harness.Start(t, loud+site(generous("")))
	b := signedIn(t, c, ana)
	for name, arguments := range map[string][]string{
		"slow headers": {"-H", "-u", c.URL("/")}, "slow bodies of ours": {"-B", "-s", "8000", "-u", c.URL("/.doorcode/verify")}, "slow bodies for the app": {"-B", "-s", "99999", "-u", c.URL("/upload")},
		"ranges": {"-R", "-u", c.URL("/")}, "slow readers": {"-X", "-w", "1", "-y", "20", "-z", "8", "-k", "5", "-u", c.URL("/")},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command("slowhttptest", append(arguments, "-c", "200", "-r", "200", "-i", "1", "-l", "3", "-p", "3", "-v", "1")...).CombinedOutput()
			said := string(out)
			if err != nil || !strings.Contains(said, "service available:") || strings.Contains(said, "\x1b[1;31mNO") || !available.MatchString(said) {
				t.Errorf("%v:\n%s", err, said)
			}
			wantStatus(t, "somebody with a session", b.Fetch(t, "/x"), http.StatusOK)
		})
	}
	noFault(t, c)
}

var available = regexp.MustCompile(`service available:[^\n]*YES`)
