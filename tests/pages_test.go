// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// keep writes a file below a folder.
func keep(t *testing.T, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// ownTemplate is one of the built-in templates of pages, with something in place of
// something else.
func ownTemplate(t *testing.T, name, old, replacement string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "challenge", "pages", "templates", name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), old) {
		t.Fatalf("%s has no %q", name, old)
	}
	return strings.Replace(string(content), old, replacement, 1)
}

// dressed is a site with a folder of templates and a style sheet.
func dressed(folder, css string, more ...string) string {
	lines := append([]string{"templates " + folder, "css " + css}, more...)
	return site("pages {\n\t\t\t" + strings.Join(lines, "\n\t\t\t") + "\n\t\t}")
}

func TestPagesLookAsTheirFilesSay(t *testing.T) {
	folder := t.TempDir()
	keep(t, folder, "email.html", ownTemplate(t, "email.html", "<main>", "<main>\n<p>Members only.</p>"))
	keep(t, folder, "en/own.json", `{"email.button": "Mail me a code", "mail.not_you": "Not you? Ring the porter of {app}."}`)
	keep(t, folder, "README.txt", "{{ no template")
	css := keep(t, t.TempDir(), "own.css", "main{border-radius:0;background:url(data:image/png;base64,AAAA)}")
	c := harness.Start(t, dressed(folder, css, `announcement "Closed <on> Sunday"`, "imprint https://example.com/imprint", "languages en de"))
	b := c.Browser(t)

	page := b.Open(t, "/reports")
	for _, want := range []string{
		"<p>Members only.</p>", ">Mail me a code</button>", ";base64,AAAA)}</style>",
		`<p class="note" role="note" dir="auto">Closed &lt;on&gt; Sunday</p>`,
		`<a href="https://example.com/imprint">Legal notice</a>`, `<a href="./reports/.doorcode/language">Language</a>`,
	} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %s:\n%s", want, page.Body)
		}
	}
	ask(t, c, b, "/reports", ana)
	if mail := c.Mailbox.Wait(t, ana, 1); !strings.Contains(mail.Text, "Ring the porter of ") {
		t.Errorf("the mail says\n%s", mail.Text)
	}

	keep(t, folder, "en/own.json", `{"email.button": "Let me in"}`)
	c.Reload(t)
	if page := c.Browser(t).Open(t, "/"); !strings.Contains(page.Body, ">Let me in</button>") {
		t.Error("a reload does not take what has changed")
	}
}

// TestAFileThatDoesNotFitIsRefused: each is told with its file, and what there was
// before goes on.
func TestAFileThatDoesNotFitIsRefused(t *testing.T) {
	c := harness.Start(t, site())
	b := c.Browser(t)
	code := ask(t, c, b, "/", ana)
	folder := t.TempDir()
	css := keep(t, t.TempDir(), "own.css", "main{}")
	tests := []struct{ name, file, content, want string }{
		{"a template without its field", "code.html", ownTemplate(t, "code.html", ` name="code"`, ""), `code.html:49: the field "code"`},
		{"a template that is none", "code.html", "{{if}}", "code.html:1"},
		{"a template with a name of its own", "welcome.html", "", "welcome.html takes the place of none"},
		{"a text that nobody asks for", "en/own.json", `{"code.buton": "x"}`, "en/own.json: code.buton: unknown key; the keys are those of challenge/words/en"},
		{"a text with another placeholder", "de/own.json", `{"email.heading": "{name}"}`, "de/own.json: email.heading: bad placeholder"},
		{"a language that lacks texts", "tlh/own.json", `{"code.button": "x"}`, "tlh is no built-in language and needs every text"},
	}
	for _, tt := range tests {
		path := keep(t, folder, tt.file, tt.content)
		if err := c.TryLoad(t, dressed(folder, css)); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: loading = %v, want %s", tt.name, err, tt.want)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	loading := keep(t, filepath.Dir(css), "loading.css", "@import 'x.css';")
	for want, settings := range map[string]string{
		"css " + loading + ": not a style that can stand in a page: line 1 has @import": dressed(folder, loading),
		"css: open " + css + ".old":                               dressed(folder, css+".old"),
		"templates: open " + folder + "-old":                      dressed(folder+"-old", css),
		`there are no texts in this language: "tlh"`:              site("pages {\n\t\t\tlanguages en tlh\n\t\t}"),
		"'privacy' takes a link such as https://example.com/page": site("pages {\n\t\t\tprivacy http://x.test\n\t\t}"),
	} {
		if err := c.TryLoad(t, settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("loading = %v, want %s", err, want)
		}
	}
	if page := b.Submit(t, "verify", url.Values{"code": {code}}); page.Status != http.StatusOK {
		t.Errorf("the code that was on its way: %d\n%s", page.Status, page.Text())
	}
}

func TestOnlyTheLanguagesThatAreOfferedAreSpoken(t *testing.T) {
	c := harness.Start(t, site("pages {\n\t\t\tlanguage de\n\t\t\tlanguages en de\n\t\t}"))
	for accept, want := range map[string]string{"": "de", "fr": "de", "en-GB": "en", "de-AT": "de"} {
		page := c.Browser(t).Do(t, http.MethodGet, "/", nil, http.Header{"Accept-Language": {accept}, "Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}})
		if got := page.Header.Get("Content-Language"); got != want {
			t.Errorf("Accept-Language %q: the page is in %s, want %s", accept, got, want)
		}
	}
}
