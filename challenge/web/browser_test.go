// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// What a request says of itself.
var (
	clicked = http.Header{
		"Accept":         {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"same-origin"},
	}
	scripted = http.Header{
		"Accept":         {"application/json"},
		"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-origin"},
	}
	terminal = http.Header{"Accept": {"*/*"}, "User-Agent": {"curl/8.9.0"}}
)

// with returns headers with some replaced; an empty value removes one.
func with(base http.Header, pairs ...string) http.Header {
	h := base.Clone()
	for i := 0; i < len(pairs); i += 2 {
		h.Del(pairs[i])
		if pairs[i+1] != "" {
			h.Set(pairs[i], pairs[i+1])
		}
	}
	return h
}

// A browser keeps cookies and the page it is on.
type browser struct {
	w     *world
	jar   map[string]string
	host  string
	agent string // User-Agent; empty: the client's own
	page  answer
	at    *url.URL
}

// An answer is what came back.
type answer struct {
	*http.Response
	body string
}

func (w *world) browser() *browser {
	return &browser{w: w, jar: map[string]string{}, host: "app.example.com"}
}

// clone is another tab, or a thief, with the same cookies and page.
func (b *browser) clone() *browser {
	c := *b
	c.jar = maps.Clone(b.jar)
	return &c
}

func (b *browser) request(method, target string, form url.Values, h http.Header) *http.Request {
	b.w.t.Helper()
	var r *http.Request
	if form == nil {
		r = httptest.NewRequest(method, target, nil)
	} else {
		r = httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://"+b.host)
	}
	if strings.HasPrefix(target, "/") {
		r.Host = b.host
	}
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	maps.Copy(r.Header, h.Clone())
	for _, name := range sorted(b.jar) {
		r.AddCookie(&http.Cookie{Name: name, Value: b.jar[name]})
	}
	return r
}

// do sends one request and keeps the cookies of the answer.
func (b *browser) do(method, target string, form url.Values, h http.Header) answer {
	b.w.t.Helper()
	return b.send(b.request(method, target, form, h))
}

func (b *browser) send(r *http.Request) answer {
	rec := httptest.NewRecorder()
	b.w.ServeHTTP(rec, r)
	a := answer{rec.Result(), rec.Body.String()}
	for _, cookie := range a.Cookies() {
		if cookie.MaxAge < 0 {
			delete(b.jar, cookie.Name)
		} else {
			b.jar[cookie.Name] = cookie.Value
		}
	}
	return a
}

// open goes to a page as a person does, and follows where it leads.
func (b *browser) open(target string) answer {
	b.w.t.Helper()
	for range 5 {
		at, err := url.Parse(target)
		if err != nil {
			b.w.t.Fatal(err)
		}
		b.at, b.page = at, b.do(http.MethodGet, at.RequestURI(), nil, clicked)
		if b.page.StatusCode != http.StatusSeeOther {
			return b.page
		}
		target = b.page.Header.Get("Location")
	}
	b.w.t.Fatalf("redirected for ever: %s", target)
	return answer{}
}

var formPattern = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)

var hiddenPattern = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// form finds a form of the page that some button sends to an action.
func (b *browser) form(action string) (target string, fields url.Values) {
	b.w.t.Helper()
	for _, match := range formPattern.FindAllStringSubmatch(b.page.body, -1) {
		own, whole := html.UnescapeString(match[1]), html.UnescapeString(match[0])
		at := regexp.MustCompile(`formaction="([^"]*` + action + `)"`).FindStringSubmatch(whole)
		switch {
		case strings.HasSuffix(own, action):
			target = own
		case at != nil:
			target = at[1]
		default:
			continue
		}
		fields = url.Values{}
		for _, hidden := range hiddenPattern.FindAllStringSubmatch(match[0], -1) {
			fields.Set(html.UnescapeString(hidden[1]), html.UnescapeString(hidden[2]))
		}
		u, err := b.at.Parse(target)
		if err != nil {
			b.w.t.Fatal(err)
		}
		return u.RequestURI(), fields
	}
	b.w.t.Fatalf("no form for %q on the page:\n%s", action, b.page.body)
	return "", nil
}

// post sends a form of the page and stays there. Pairs are fields and values.
func (b *browser) post(h http.Header, action string, pairs ...string) answer {
	b.w.t.Helper()
	target, fields := b.form(action)
	for i := 0; i < len(pairs); i += 2 {
		fields.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, target, fields, h)
}

// submit sends a form of the page and goes where that leads.
func (b *browser) submit(action string, pairs ...string) answer {
	b.w.t.Helper()
	sent := b.post(clicked, action, pairs...)
	if sent.StatusCode != http.StatusSeeOther {
		b.page = sent
		return sent
	}
	return b.open(sent.Header.Get("Location"))
}

// ask opens a page and asks for a code; it returns the code.
func (b *browser) ask(target, address string) string {
	b.w.t.Helper()
	b.open(target)
	b.submit("/email", "email", address)
	b.page.wants(b.w.t, http.StatusUnauthorized, "Check your email")
	return b.w.mailbox.last(b.w.t).Code.Reveal()
}

// signIn goes the whole way.
func (b *browser) signIn(target, address string, pairs ...string) *browser {
	b.w.t.Helper()
	code := b.ask(target, address)
	b.submit("/verify", append([]string{"code", code}, pairs...)...).wants(b.w.t, http.StatusOK, "app")
	return b
}

var elements = regexp.MustCompile(`(?s)<style.*?</style>|<script.*?</script>|<[^>]*>`)

// text is what a person reads.
func (a answer) text() string {
	read := html.UnescapeString(elements.ReplaceAllString(a.body, ""))
	return strings.Join(strings.Fields(read), " ")
}

// wants checks a status and what can be read; "!" in front wants it not to be.
func (a answer) wants(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status = %d, want %d:\n%s", a.StatusCode, status, a.body)
	}
	read := a.text()
	for _, text := range texts {
		unwanted, not := strings.CutPrefix(text, "!")
		if not && strings.Contains(read, unwanted) {
			t.Fatalf("answer says %q:\n%s", unwanted, read)
		}
		if !not && !strings.Contains(read, text) {
			t.Fatalf("answer does not say %q:\n%s", text, read)
		}
	}
}
