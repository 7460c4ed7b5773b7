// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/ways"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// Each file in testdata/flows is a story: a configuration, "----------", and
// what people do, a line each, with what they see after "->":
//
//	visitor <name> [from <address>]      whose browser it is from here on
//	open <path> -> <status> ["<text>"...]
//	fetch <path> -> <status> ["<text>"...]
//	submit <form> [<field>=<value>...] -> <status> ["<text>"...]
//	press "<button>" [<field>=<value>...] -> <status> ["<text>"...]
//	follow "<link>" -> <status> ["<text>"...]
//	mail <address> [<n>]                 waits for the n-th mail; $code and $ref are its
//	code <address> [<n>]                 the same for the n-th mail that holds a code
//	told <address> "<text>"...           waits for a mail that says all this
//	no mail <address> [beyond <n>]
//	shown codes                          $backup and $another are the first that the page shows
//	shown key                            $app is a code of the app that has this key, $later its next
//	app saw <header>: <value>
//	app saw no <header>
//	app got <n> requests
//	reload
//	close                                the browser, which forgets what it holds for a session
//
// FOLDER/city.mmdb and its like say where visitors are, as the atlas of tests does.
// "!text" wants a text not to be there. $wrong is a code that is not $code. In a value
// of a field "_" stands for a space.
func TestFlows(t *testing.T) {
	files, err := filepath.Glob("testdata/flows/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config, steps, ok := strings.Cut(string(raw), "\n----------\n")
			if !ok {
				t.Fatal("no line ---------- between configuration and steps")
			}
			c := harness.Prepare(t)
			drawAtlas(t, c)
			c.Load(t, config)
			s := &story{t: t, caddy: c, people: map[string]*harness.Browser{}, words: map[string]string{}}
			s.visitor("somebody", "")
			for n, line := range strings.Split(steps, "\n") {
				s.line = fmt.Sprintf("step %d: %s", n+1, line)
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					s.step(line)
				}
			}
		})
	}
}

// story is one script at work.
type story struct {
	t       *testing.T
	line    string
	caddy   *harness.Caddy
	people  map[string]*harness.Browser
	browser *harness.Browser
	words   map[string]string
}

func (s *story) step(line string) {
	s.t.Helper()
	action, expected, _ := strings.Cut(line, " -> ")
	words := strings.Fields(s.fill(action))
	switch words[0] {
	case "visitor":
		s.visitor(words[1], strings.Join(words[2:], " "))
	case "open":
		s.expect(s.browser.Open(s.t, words[1]), expected)
	case "fetch":
		s.expect(s.browser.Fetch(s.t, words[1]), expected)
	case "submit":
		s.expect(s.browser.Submit(s.t, words[1], fields(words[2:])), expected)
	case "press", "follow":
		s.touch(words[0], s.fill(action), expected)
	case "mail":
		s.mail(words[1:], s.caddy.Mailbox.Wait)
	case "code":
		s.mail(words[1:], s.caddy.Mailbox.WaitCode)
	case "told":
		s.told(words[1], s.fill(action))
	case "shown":
		s.shown(words[1])
	case "no":
		s.noMail(words[2:])
	case "app":
		s.app(words[1:])
	case "close":
		s.browser.Drop(s.t, "doorcode")
	case "reload":
		s.caddy.Reload(s.t)
	default:
		s.t.Fatalf("%s: unknown step", s.line)
	}
}

func (s *story) visitor(name, from string) {
	if s.people[name] == nil {
		s.people[name] = s.caddy.Browser(s.t)
	}
	s.browser = s.people[name]
	if address, ok := strings.CutPrefix(from, "from "); ok {
		s.browser.From = address
	}
}

func fields(words []string) url.Values {
	values := url.Values{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		values.Set(name, strings.ReplaceAll(value, "_", " "))
	}
	return values
}

// expect compares a status and texts of a page.
func (s *story) expect(page harness.Page, expected string) {
	s.t.Helper()
	status, texts, _ := strings.Cut(s.fill(expected), " ")
	if want, err := strconv.Atoi(status); err != nil || page.Status != want {
		s.t.Fatalf("%s\nstatus = %d, want %s:\n%s", s.line, page.Status, status, page.Text())
	}
	read := page.Text()
	for i, text := range strings.Split(texts, `"`) {
		if i%2 == 0 {
			continue
		}
		unwanted, not := strings.CutPrefix(text, "!")
		if not && strings.Contains(read, unwanted) {
			s.t.Fatalf("%s\npage says %q:\n%s", s.line, unwanted, read)
		}
		if !not && !strings.Contains(read, text) {
			s.t.Fatalf("%s\npage does not say %q:\n%s", s.line, text, read)
		}
	}
}

// touch presses a button or follows a link, which are named by their words.
func (s *story) touch(how, action, expected string) {
	s.t.Helper()
	parts := strings.SplitN(action, `"`, 3)
	if len(parts) < 3 {
		s.t.Fatalf("%s: no words in quotes", s.line)
	}
	if how == "follow" {
		s.expect(s.browser.Follow(s.t, parts[1]), expected)
		return
	}
	s.expect(s.browser.Press(s.t, parts[1], fields(strings.Fields(parts[2]))), expected)
}

// told waits for a mail that says all that is in quotes.
func (s *story) told(address, action string) {
	s.t.Helper()
	var wanted []string
	for i, text := range strings.Split(action, `"`) {
		if i%2 == 1 {
			wanted = append(wanted, text)
		}
	}
	harness.Eventually(s.t, s.line, func() bool {
		return slices.ContainsFunc(s.caddy.Mailbox.Mails(s.t, address), func(mail harness.Mail) bool {
			said := mail.Subject + "\n" + mail.Text
			return !slices.ContainsFunc(wanted, func(text string) bool { return !strings.Contains(said, text) })
		})
	})
}

// shown keeps what the page shows only once.
func (s *story) shown(what string) {
	s.t.Helper()
	text := s.browser.Page().Text()
	switch what {
	case "codes":
		codes := shownCode.FindAllString(text, -1)
		if len(codes) < 2 {
			s.t.Fatalf("%s: the page shows %d:\n%s", s.line, len(codes), text)
		}
		s.words["$backup"], s.words["$another"] = codes[0], codes[1]
	case "key":
		seed, step := seedOf(s.t, text), ways.Step(time.Now())
		s.words["$app"], s.words["$later"] = seed.Code(step), seed.Code(step+1)
	default:
		s.t.Fatalf("%s: unknown", s.line)
	}
}

func (s *story) mail(words []string, wait func(t testing.TB, address string, n int) harness.Mail) {
	s.t.Helper()
	n := 1
	if len(words) > 1 {
		n, _ = strconv.Atoi(words[1])
	}
	got := wait(s.t, words[0], n)
	s.words["$code"], s.words["$ref"] = got.Code(s.t), got.Ref(s.t)
	s.words["$wrong"] = "000000"
	if s.words["$code"] == "000000" {
		s.words["$wrong"] = "111111"
	}
}

func (s *story) noMail(words []string) {
	s.t.Helper()
	most := 0
	if len(words) > 2 {
		most, _ = strconv.Atoi(words[2])
	}
	if mails := s.caddy.Mailbox.Mails(s.t, words[0]); len(mails) > most {
		s.t.Fatalf("%s: %d mails", s.line, len(mails))
	}
}

func (s *story) app(words []string) {
	s.t.Helper()
	if words[0] == "got" {
		if want, _ := strconv.Atoi(words[1]); len(s.caddy.App.Seen()) != want {
			s.t.Fatalf("%s: it got %d", s.line, len(s.caddy.App.Seen()))
		}
		return
	}
	header := s.caddy.App.Last(s.t).Header
	if words[1] == "no" {
		if values := header.Values(words[2]); len(values) > 0 {
			s.t.Fatalf("%s: it saw %q", s.line, values)
		}
		return
	}
	name := strings.TrimSuffix(words[1], ":")
	if got, want := header.Get(name), strings.Join(words[2:], " "); got != want {
		s.t.Fatalf("%s: it saw %q", s.line, got)
	}
}

// fill puts what the last mail said in place of $code and $ref.
func (s *story) fill(text string) string {
	for name, value := range s.words {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}
