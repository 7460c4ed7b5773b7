// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// onRedis is a gate of many machines that keep their records in Redis.
const onRedis = "redis redis://STORE {\n\t\t\tgrace 10m\n\t\t}"

// oneDoor is the site of a fleet, for everybody at example.com, with its storage
// and further lines in its block.
func oneDoor(storage string, lines ...string) string {
	return "http://localhost:PORT {\n\tdoorcode *@example.com {\n\t\tmail file MAIL\n\t\tsecret " + rootSecret + "\n\t\tstorage " + storage + "\n\t\t" +
		strings.Join(lines, "\n\t\t") + "\n\t}\n\treverse_proxy APP\n}\n"
}

// pair are two machines of one door on one Redis.
func pair(t testing.TB, lines ...string) (f *harness.Fleet, a, b *harness.Machine, server *redistest.Server) {
	t.Helper()
	server = redistest.Start(t)
	f = harness.NewFleet(t, oneDoor(onRedis, lines...))
	both := f.Run(t, server.Addr, server.Addr)
	return f, both[0], both[1], server
}

// F-09: two machines on one Redis are one door: a code that was asked for at one is
// entered at the other, the session holds at both, and so does the browser.
func TestF09TwoMachinesAreOneDoor(t *testing.T) {
	t.Parallel()
	_, first, second, _ := pair(t, generous(""))
	b := first.Browser(t)
	code := ask(t, first.Caddy, b, "/", ana)
	b.Move(second)
	page := b.Submit(t, "verify", url.Values{"code": {code}, "remember": {"on"}})
	wantStatus(t, "entered at the other machine", page, http.StatusOK)
	wantStatus(t, "the session at the first", b.Move(first).Fetch(t, "/"), http.StatusOK)
	for _, m := range []*harness.Machine{first, second, first} {
		b.Drop(t, "doorcode")
		wantStatus(t, "the remembered browser at "+m.At, b.Move(m).Fetch(t, "/"), http.StatusOK)
	}
	keys := first.Browser(t).Fetch(t, "/.doorcode/jwks.json").Body
	if other := second.Browser(t).Fetch(t, "/.doorcode/jwks.json").Body; other != keys || !strings.Contains(keys, `"kid"`) {
		t.Errorf("the machines publish different keys:\n%s\n%s", keys, other)
	}
}

// RL-09: tries add up, whichever machine they are made at and whichever is started
// again between them.
func TestRL09TriesAddUpOverMachines(t *testing.T) {
	t.Parallel()
	_, first, second, _ := pair(t, generous("send_address 2/1h"))
	b := first.Browser(t)
	code := ask(t, first.Caddy, b, "/", ana)
	right := form(t, b, code)
	for n := range 3 {
		wantStatus(t, "wrong at the first", enter(t, b, notThis(code, n)), http.StatusUnauthorized)
	}
	first.Kill()
	first.Run(t)
	b.Move(second)
	for n := range 2 {
		wantStatus(t, "wrong at the second", enter(t, b, notThis(code, 3+n)), http.StatusUnauthorized)
	}
	for _, m := range []*harness.Machine{first, second} {
		if page := b.Move(m).Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin); setCookies(page)["doorcode"] != nil {
			t.Errorf("%s: the sixth try made a session", m.At)
		}
	}
	ask(t, second.Caddy, from(t, second.Caddy, 1), "/", ana)
	last := from(t, first.Caddy, 2)
	last.Open(t, "/")
	wantWait(t, "the third mail", last.Submit(t, "email", url.Values{"email": {ana}}))
}

// RL-02 over machines: a lock that tries at one machine made keeps out at all.
func TestRL02ALockHoldsAtEveryMachine(t *testing.T) {
	t.Parallel()
	_, first, second, _ := pair(t, generous("try_address 4/1h"))
	guesser := from(t, first.Caddy, 1)
	code := ask(t, first.Caddy, guesser, "/", ana)
	right := form(t, guesser, code)
	for n := range 4 {
		guesser.Move([]*harness.Machine{first, second}[n%2])
		enter(t, guesser, notThis(code, n))
	}
	for _, m := range []*harness.Machine{first, second} {
		if page := guesser.Move(m).Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin); setCookies(page)["doorcode"] != nil {
			t.Errorf("%s: the right code of a locked address made a session", m.At)
		}
		b := from(t, m.Caddy, 2)
		b.Open(t, "/")
		wantWait(t, m.At, b.Submit(t, "email", url.Values{"email": {ana}}))
	}
}

// OTC-04, L-24: of two hundred right answers at two machines at once, one gets in.
func TestOTC04OneRightAnswerOfTwoHundredAtTwoMachines(t *testing.T) {
	t.Parallel()
	f, first, _, _ := pair(t, generous(""))
	b := first.Browser(t)
	code := ask(t, first.Caddy, b, "/", ana)
	pages := atOnce(200, f, form(t, b, code), cookies(t, b), t)
	if n := sessionsIn(pages); n != 1 {
		t.Errorf("%d sessions for one code, want 1", n)
	}
}

// OTC-04: the same for fifty codes, four right answers of each at two machines.
func TestOTC04FiftyCodesAtTwoMachines(t *testing.T) {
	t.Parallel()
	f, first, _, _ := pair(t, generous(""))
	var all sync.WaitGroup
	for n := range 50 {
		address := fmt.Sprintf("person%d@example.com", n)
		b := from(t, first.Caddy, n)
		code := ask(t, first.Caddy, b, "/", address)
		right, line := form(t, b, code), cookies(t, b)
		all.Go(func() {
			if n := sessionsIn(atOnce(4, f, right, line, t)); n != 1 {
				t.Errorf("%s: %d sessions for one code, want 1", address, n)
			}
		})
	}
	all.Wait()
}

// atOnce sends a code in n copies of one browser at the same time, to all machines
// in turn.
func atOnce(n int, f *harness.Fleet, right url.Values, line string, t *testing.T) []harness.Page {
	t.Helper()
	pages := make([]harness.Page, n)
	var all sync.WaitGroup
	for i := range n {
		twin := with(t, f.Machines[i%len(f.Machines)].Caddy, line)
		all.Go(func() { pages[i] = twin.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin) })
	}
	all.Wait()
	return pages
}

// sessionsIn counts the answers that hold a session.
func sessionsIn(pages []harness.Page) (n int) {
	for _, page := range pages {
		if cookie := setCookies(page)["doorcode"]; cookie != nil && cookie.Value != "" {
			n++
		}
	}
	return n
}

// A codeState is what is left of one code.
type codeState struct {
	left int
	over bool
}

// A codeAnswer is what one try was told: let in, or how many tries are left, none
// where the code is over. What is left is looked up when the answer is written, so
// that it may be less than what the try itself left.
type codeAnswer struct {
	in   bool
	left int
}

// oneCode is how a code behaves that is tried by one visitor after another.
var oneCode = porcupine.Model{
	Init: func() any { return codeState{left: 5} },
	Step: func(state, input, output any) (bool, any) {
		s, got := state.(codeState), output.(codeAnswer)
		right := input.(bool)
		switch {
		case s.over:
			return got == codeAnswer{}, s
		case right:
			return got.in, codeState{over: true}
		default:
			s.left--
			s.over = s.left == 0
			return !got.in && got.left <= s.left, s
		}
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("right %v: %+v", input, output) },
}

// OTC-04, OTC-09: whatever is typed at two machines at once, each answer is one that
// could have been given had the tries come one after another.
func TestOTC04TriesAtTwoMachinesAreAsIfOneAfterAnother(t *testing.T) {
	t.Parallel()
	f, first, _, _ := pair(t, generous(""))
	for round := range 12 {
		b := from(t, first.Caddy, round)
		code := ask(t, first.Caddy, b, "/", ana)
		right, line := form(t, b, code), cookies(t, b)
		var all sync.WaitGroup
		history := make([]porcupine.Operation, 8)
		began := time.Now()
		for i := range history {
			answer, entered := url.Values{"flow": right["flow"], "code": {notThis(code, i)}}, i%4 == round%4
			if entered {
				answer = right
			}
			twin := with(t, f.Machines[i%2].Caddy, line)
			all.Go(func() {
				called := time.Since(began)
				page := twin.Do(t, http.MethodPost, "/.doorcode/verify", answer, harness.Scripted)
				history[i] = porcupine.Operation{
					ClientId: i, Input: entered, Call: int64(called), Output: answerOf(t, page), Return: int64(time.Since(began)),
				}
			})
		}
		all.Wait()
		if !porcupine.CheckOperations(oneCode, history) {
			t.Errorf("round %d: no order explains %+v", round, history)
		}
	}
}

// answerOf reads what a try was told.
func answerOf(t *testing.T, page harness.Page) (got codeAnswer) {
	t.Helper()
	if got.in = sessionsIn([]harness.Page{page}) == 1; got.in {
		return got
	}
	var problem struct {
		Left int `json:"tries_left"`
	}
	if err := json.Unmarshal([]byte(page.Body), &problem); err != nil || page.Status < 400 {
		t.Errorf("answer %d, %v:\n%s", page.Status, err, page.Body)
	}
	return codeAnswer{left: problem.Left}
}
