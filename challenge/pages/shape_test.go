// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// element is a start tag.
type element struct {
	name  string
	attrs map[string]string
}

// document is a page taken apart.
type document struct {
	elements []element
	text     map[string]string // of the last element of each name
}

// parse takes a page apart, and fails the test if its elements are not nested.
// The contents of style and script are looked at elsewhere, and characters that
// HTML shrugs at and XML refuses are dropped.
func parse(t testing.TB, html string) document {
	t.Helper()
	if !utf8.ValidString(html) {
		t.Fatalf("page is not UTF-8: %q", html)
	}
	allowed := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == '\uFFFE' || r == '\uFFFF' {
			return -1
		}
		return r
	}, inlined.ReplaceAllString(html, "<$1></$1>"))
	d := xml.NewDecoder(strings.NewReader(allowed))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	doc := document{text: map[string]string{}}
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return doc
		}
		if err != nil {
			t.Fatalf("parsing: %v\n%s", err, html)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{token.Name.Local, map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			doc.elements = append(doc.elements, e)
			open = append(open, e.name)
			doc.text[e.name] = ""
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, name := range open {
				doc.text[name] += string(token)
			}
		}
	}
}

func (d document) all(name string) []element {
	return slices.DeleteFunc(slices.Clone(d.elements), func(e element) bool { return e.name != name })
}

func (d document) byID(id string) (element, bool) {
	i := slices.IndexFunc(d.elements, func(e element) bool { return e.attrs["id"] == id })
	if i < 0 {
		return element{}, false
	}
	return d.elements[i], true
}

func TestEveryPageHasTheShapeOfAPage(t *testing.T) {
	r := renderer(t, nil)
	for _, s := range screens() {
		t.Run(s.name, func(t *testing.T) {
			doc := parse(t, render(t, r, s.page))
			for _, name := range []string{"html", "head", "title", "body", "main", "h1", "style"} {
				if n := len(doc.all(name)); n != 1 {
					t.Errorf("%d elements %s, want one", n, name)
				}
			}
			root := doc.all("html")[0]
			if root.attrs["lang"] != "en" || root.attrs["dir"] != "ltr" {
				t.Errorf("html has %v", root.attrs)
			}
			heading := strings.TrimSpace(doc.text["h1"])
			title := strings.TrimPrefix(doc.text["title"], "Error: ")
			if heading == "" || title != heading+" – Example" {
				t.Errorf("title is %q under the heading %q", doc.text["title"], heading)
			}
			_, over := doc.byID("trouble")
			failed := over || doc.has("aria-invalid", "true")
			if failed != strings.HasPrefix(doc.text["title"], "Error: ") {
				t.Errorf("title is %q, failed is %v", doc.text["title"], failed)
			}
			ids := map[string]bool{}
			for _, e := range doc.elements {
				if id := e.attrs["id"]; id != "" && ids[id] {
					t.Errorf("id %s stands twice", id)
				}
				ids[e.attrs["id"]] = true
			}
			for _, e := range doc.elements {
				for id := range strings.FieldsSeq(e.attrs["aria-describedby"] + " " + e.attrs["for"]) {
					if !ids[id] {
						t.Errorf("%s points to %q, which is not there", e.name, id)
					}
				}
			}
		})
	}
}

func (d document) has(attr, value string) bool {
	return slices.ContainsFunc(d.elements, func(e element) bool { return e.attrs[attr] == value })
}

func TestNothingIsLoadedFromAnywhere(t *testing.T) {
	r := renderer(t, nil)
	local := regexp.MustCompile(`^(\./|/[^/]|/$|#main$)`)
	for _, s := range screens() {
		t.Run(s.name, func(t *testing.T) {
			html := render(t, r, s.page)
			if strings.Contains(html, "url(") || strings.Contains(html, "@import") {
				t.Error("the style loads something")
			}
			for _, e := range parse(t, html).elements {
				for name, value := range e.attrs {
					link := name == "src" || name == "href" || name == "action" || name == "formaction" || name == "srcset"
					known := value == "data:," || value == "https://example.com/privacy" ||
						strings.HasPrefix(value, "mailto:help@example.com") || strings.HasPrefix(value, "data:image/png;base64,")
					if link && !known && !local.MatchString(value) {
						t.Errorf("%s %s=%q", e.name, name, value)
					}
				}
			}
		})
	}
}

// TestWEB03EveryFormWorksWithoutScript: a form has a method, a place to go, a
// button and a secret value, but for the one that begins a check, the one that opens
// a page and the app's own.
func TestWEB03EveryFormWorksWithoutScript(t *testing.T) {
	r := renderer(t, nil)
	for _, s := range screens() {
		t.Run(s.name, func(t *testing.T) {
			html := render(t, r, s.page)
			forms := strings.Split(html, "<form")[1:]
			for _, form := range forms {
				form, _, _ = strings.Cut(form, "</form>")
				_, begins := s.page.(pages.Begin)
				_, opens := s.page.(pages.NotVisited)
				_, sends := s.page.(pages.SendForm)
				ours, secret := strings.Contains(form, `action="./`), strings.Contains(form, flow) || strings.Contains(form, nonce)
				if !strings.Contains(form, `method="post"`) || !strings.Contains(form, "<button") ||
					ours == sends || secret == (begins || sends || opens) {
					t.Errorf("form lacks something: %s", form)
				}
			}
			_, foreign := s.page.(pages.NotSent)
			_, stub := s.page.(pages.Framed)
			if (foreign || stub) && len(forms) > 0 {
				t.Error("a page that other sites may cause has a form")
			}
		})
	}
}

func TestWEB01ThePolicyAllowsThePageAndNothingElse(t *testing.T) {
	r := renderer(t, nil)
	for _, s := range screens() {
		t.Run(s.name, func(t *testing.T) {
			html, policy := render(t, r, s.page), r.CSP(s.page)
			ancestors := "frame-ancestors 'none'"
			if _, ok := s.page.(pages.Framed); ok {
				ancestors = "frame-ancestors 'self'"
			}
			want := []string{"default-src 'none'", "style-src " + hash(t, html, "style")}
			if scripts := scriptsOf(t, html); scripts != "" {
				want = append(want, "script-src "+scripts)
			}
			if !ofAccount(s.page) && strings.Contains(html, "<script") {
				want = append(want, "connect-src 'self'")
			}
			want = append(want, "img-src data:")
			if _, ok := s.page.(pages.SendForm); !ok {
				want = append(want, "form-action 'self'")
			}
			want = append(want, "base-uri 'none'", ancestors)
			if policy != strings.Join(want, "; ") {
				t.Errorf("CSP = %s\nwant  %s", policy, strings.Join(want, "; "))
			}
			for _, e := range parse(t, html).elements {
				for name := range e.attrs {
					if name == "style" || strings.HasPrefix(name, "on") {
						t.Errorf("%s has %s, which the policy blocks", e.name, name)
					}
				}
			}
		})
	}
}

// TestVariablesOfTheScriptAreShortenedEverywhereOrNowhere counts where each of
// them is used: behind a dot or a quote it is something else.
func TestVariablesOfTheScriptAreShortenedEverywhereOrNowhere(t *testing.T) {
	source, err := os.ReadFile("assets/page.js")
	if err != nil {
		t.Fatal(err)
	}
	before := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(string(source), "")
	after := render(t, renderer(t, nil), asked())
	_, after, _ = strings.Cut(after, "<script>")
	after, _, _ = strings.Cut(after, "</script>")
	if m := regexp.MustCompile(`[^\w'{\\][A-Z]\b`).FindString(before); m != "" {
		t.Errorf("the source has the short name %s itself", m)
	}
	shortened := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:const|let|,) (\w+)\b`).FindAllStringSubmatch(before, -1) {
		variable := regexp.MustCompile(`(?:^|\.\.\.|[^.\w'])` + m[1] + `\b`)
		was, is := len(variable.FindAllString(before, -1)), len(variable.FindAllString(after, -1))
		if is != was && is != 0 {
			t.Errorf("%s stands at %d places of the source and %d of the script", m[1], was, is)
		}
		if is == 0 {
			shortened[m[1]] = true
		}
	}
	if len(shortened) < 10 {
		t.Errorf("only %v are shortened", shortened)
	}
}

// scriptsOf are the source expressions of a page's own script and of that for passkeys,
// which have to be what the page says.
func scriptsOf(t *testing.T, html string) string {
	t.Helper()
	var sources []string
	if strings.Contains(html, "<script>") {
		sources = append(sources, hash(t, html, "script"))
	}
	if m := regexp.MustCompile(`<script src="[./a-z]*/passkey\.js\?[\w-]{4}" integrity="([^"]*)"`).FindStringSubmatch(html); m != nil {
		sum := sha256.Sum256(pages.ReadPasskeyScript())
		if want := "sha256-" + base64.StdEncoding.EncodeToString(sum[:]); m[1] != want {
			t.Errorf("the script has the integrity %s, want %s", m[1], want)
		}
		sources = append(sources, "'"+m[1]+"'")
	}
	if n := strings.Count(html, "<script"); n != len(sources) {
		t.Errorf("%d scripts, of which %d are known", n, len(sources))
	}
	return strings.Join(sources, " ")
}

// hash is the source expression for the only element of a name.
func hash(t *testing.T, html, name string) string {
	t.Helper()
	parts := strings.Split(html, "<"+name+">")
	if len(parts) != 2 {
		t.Fatalf("%d elements %s, want one", len(parts)-1, name)
	}
	inside, _, _ := strings.Cut(parts[1], "</"+name+">")
	sum := sha256.Sum256([]byte(inside))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// largest are code pages with all that can come together on one.
func largest() (list []screen) {
	for name, c := range map[string]pages.Code{"asked": asked(), "known": known(), "for a change": changing(pages.PurposeBackupCodes)} {
		c.Held, c.Reason, c.Near, c.Credit = held, pages.ReasonNewPlace, porto, credit
		c.Trouble, c.TriesLeft, c.Typed, c.Length, c.Alphabet = pages.WrongCode, 3, "BCDFGHJK", 8, "BCDFGHJKLMNPQRSTVWXZ"
		c.Often, c.Offers, c.Passkeys = c.Known, everyWay, true
		if c.Known {
			c.Delivery = &pages.Delivery{Stage: pages.StageAccepted, At: noon.Add(-9 * time.Minute)}
		}
		list = append(list, screen{"the largest page, " + name, c})
		c.Reason = pages.ReasonKeyless
		list = append(list, screen{"the largest page without a key, " + name, c})
	}
	return list
}

// ofAccount reports an account page, which has a style and a script of its own.
func ofAccount(page pages.Page) bool {
	return strings.HasPrefix(reflect.TypeOf(page).Name(), "Account")
}
