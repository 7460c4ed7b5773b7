// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAPersonMakesAndRevokesAToken(t *testing.T) {
	w := newTokenWorld(t)
	b := w.browser().signIn("/x", ana)
	token := b.token("name", "Phone <b>calendar", "path", "notes/", "reads", "1", "days", "90")
	b.page.wants(t, http.StatusOK, "Phone <b>calendar", "curl --user ana@example.com https://app.example.com/notes")
	headers := with(terminal, "Doorcode-Token", token)
	w.browser().do(http.MethodGet, "/notes/a", nil, headers).wants(t, http.StatusOK, "app")

	b.open("/.doorcode/tokens").wants(t, http.StatusOK, "Phone <b>calendar", "app.example.com/notes", "Reading only", "203.0.113.0/24", "!"+token[10:30])
	if strings.Contains(b.page.body, "<b>") {
		t.Error("a name is HTML")
	}
	id := b.objectOf("revoke")
	b.chooses("/.doorcode/tokens", "revoke", id).wants(t, http.StatusOK, "Revoke Phone <b>calendar?")
	w.browser().do(http.MethodGet, "/notes/a", nil, headers).wants(t, http.StatusOK, "app") // a page alone ends nothing
	b.submit("/tokens").wants(t, http.StatusOK, "You don't have any access tokens.")
	w.browser().do(http.MethodGet, "/notes/a", nil, headers).wants(t, http.StatusUnauthorized, "invalid-token")
	b.chooses("/.doorcode/tokens", "revoke", id).wants(t, http.StatusNotFound)
}

func TestATokenIsShownOnce(t *testing.T) {
	w := newTokenWorld(t)
	b := w.browser().signIn("/x", ana)
	b.open("/.doorcode/tokens")
	b.submit("/tokens", "name", "Laptop", "days", "30")
	b.submit("/verify", "code", w.mailbox.last(t).Code.Reveal())
	target, fields := b.form("/tokens")
	first := b.do(http.MethodPost, target, fields, clicked)
	first.wants(t, http.StatusOK, "dct_")
	if first.Header.Get("Cache-Control") != "no-store" || first.Header.Get("Cross-Origin-Embedder-Policy") != "require-corp" {
		t.Errorf("headers: %v", first.Header)
	}
	again := b.do(http.MethodPost, target, fields, clicked)
	again.wants(t, http.StatusSeeOther, "!dct_")
	b.open("/.doorcode/tokens").wants(t, http.StatusOK, "Laptop", "!dct_")
}

func TestWhatIsWrongWithATokenIsSaidBeforeACodeIsMailed(t *testing.T) {
	w := newTokenWorld(t)
	b := w.browser().signIn("/x", ana)
	mails := len(w.mailbox.all())
	for _, tt := range []struct {
		name   string
		fields []string
		status int
		says   string
	}{
		{"no name", []string{"name", " "}, 422, "Enter a name, such as Laptop backup."},
		{"steps", []string{"name", "x", "path", "/a/../b"}, 422, "Enter a path like /team/notes"},
		{"a query", []string{"name", "x", "path", "/a?b=<script>"}, 422, "Enter a path like /team/notes"},
		{"no such time", []string{"name", "x", "days", "36500"}, 404, ""},
		{"no such action", []string{"action", "x", "flow", b.press("tokens", "x", "")}, 404, ""},
		{"without its code", []string{"action", "confirm", "change", "add_token", "flow", b.press("tokens", "confirm", "add_token")}, 303, ""},
		{"of another change", []string{"action", "confirm", "change", "export", "flow", b.press("tokens", "confirm", "export")}, 404, ""},
		{"a token that is not there", []string{"action", "revoke", "id", "x", "flow", b.press("tokens", "revoke", "x")}, 404, ""},
	} {
		b.open("/.doorcode/tokens")
		got := b.post(clicked, "/tokens", append([]string{"path", "/", "days", "30"}, tt.fields...)...)
		got.wants(t, tt.status, tt.says)
		if strings.Contains(got.body, "<script>b") || strings.Contains(got.body, "=<script>") {
			t.Errorf("%s: what was typed is HTML", tt.name)
		}
	}
	if len(w.mailbox.all()) != mails {
		t.Error("something was mailed")
	}
}

// CSRF, and forms of other people: see also TestCSR01AccountFormsAreOfTheirSession.
func TestCSR01NobodyElseMakesOrEndsATokenForAPerson(t *testing.T) {
	w := newTokenWorld(t)
	b := w.browser().signIn("/x", ana)
	b.token()
	b.open("/.doorcode/tokens")
	id := b.objectOf("revoke")
	eve := w.browser().signIn("/x", "eve@example.org")
	eve.chooses("/.doorcode/tokens", "revoke", id).wants(t, http.StatusNotFound)
	revoking := url.Values{"flow": {eve.press("tokens", "revoke", id)}, "action": {"revoke"}, "id": {id}}
	eve.do(http.MethodPost, "/.doorcode/tokens", revoking, clicked).wants(t, http.StatusNotFound)
	eve.open("/.doorcode/tokens")
	target, foreign := eve.form("/tokens")
	before := w.store.dump(t)
	for name, tt := range map[string]struct {
		fields  url.Values
		headers http.Header
	}{
		"a form of somebody else": {foreign, clicked},
		"no form":                 {url.Values{}, clicked},
		"another site":            {b.fields(t, "/tokens"), with(clicked, "Sec-Fetch-Site", "cross-site")},
		"a script":                {b.fields(t, "/tokens"), scripted},
	} {
		for _, action := range []string{"start", "confirm", "revoke"} {
			tt.fields.Set("action", action)
			tt.fields.Set("id", id)
			if got := b.do(http.MethodPost, target, tt.fields, tt.headers); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s, %s: status %d", name, action, got.StatusCode)
			}
		}
	}
	if after := w.store.dump(t); len(after) != len(before) {
		t.Error("the store changed")
	}
	b.open("/.doorcode/tokens").wants(t, http.StatusOK, "Laptop")
}

// fields are those of a form of the page.
func (b *browser) fields(t testing.TB, action string) url.Values {
	t.Helper()
	_, fields := b.form(action)
	return fields
}
