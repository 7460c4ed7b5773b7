// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// own is one of our templates.
func own(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("templates", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// changed is a folder with one of our templates, in which something stands in place
// of something else.
func changed(t testing.TB, name, old, replacement string) fstest.MapFS {
	t.Helper()
	source := own(t, name)
	if !strings.Contains(source, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	return fstest.MapFS{name: {Data: []byte(strings.ReplaceAll(source, old, replacement))}}
}

func TestOurOwnTemplatesCanTakeTheirOwnPlace(t *testing.T) {
	files := fstest.MapFS{"notes.txt": {Data: []byte("{{")}, "en/texts.json": {Data: []byte("{}")}}
	for _, name := range pages.TemplateNames() {
		files[name] = &fstest.MapFile{Data: []byte(own(t, name))}
	}
	set, err := pages.ReadTemplates(files)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := renderer(t, nil), renderer(t, func(o *pages.LookOptions) { o.Templates = set })
	for _, s := range screens() {
		if render(t, ours, s.page) != render(t, theirs, s.page) {
			t.Errorf("%s differs", s.name)
		}
	}
}

func TestATemplateOfTheOperatorTakesThePlaceOfOurs(t *testing.T) {
	set, err := pages.ReadTemplates(changed(t, "code.html", "<main>\n", "<main class=\"mine\">\n<p lang=\"la\">Salve</p>\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := renderer(t, func(o *pages.LookOptions) { o.Templates = set })
	if page := render(t, r, asked()); !strings.Contains(page, `<main class="mine">`) || !strings.Contains(page, "Salve") {
		t.Errorf("the page is\n%s", inlined.ReplaceAllString(page, ""))
	}
	if page := render(t, r, pages.Email{Endpoints: endpoints}); strings.Contains(page, "Salve") {
		t.Error("another page has it, too")
	}
}

func TestATemplateThatDoesNotFitIsRefused(t *testing.T) {
	tests := []struct{ name, file, old, replacement, want string }{
		{"no field for the code", "code.html", ` name="code"`, "", `code.html:49: the field "code", with its value, in the form that posts to "verify" is missing`},
		{"no field for the address", "email.html", ` name="email" value="{{.Address}}"`, "", `the field "email", with its value, in the form that posts to "email" is missing`},
		{"no sealed value", "frame.html", `<input type="hidden" name="flow" value="{{.Flow}}">`, "", `the field "flow", with its value, in the form that posts to "verify" is missing`},
		{"another sealed value", "languages.html", `value="{{.Flow}}"`, `value="mine"`, `languages.html:16: the field "flow", with its value, in the form that posts to "language" is missing`},
		{"a form that goes elsewhere", "email.html", `action="{{.Endpoints}}email"`, `action="{{.Endpoints}}mail"`, `the form that posts to "email" is missing`},
		{"a form of another method", "code.html", `method="post" action="{{.Endpoints}}{{.Field.To}}"`, `method="get" action="{{.Endpoints}}{{.Field.To}}"`, `the form that posts to "verify" is missing`},
		{"no button for another way", "code.html", `{{with .Way}} name="way" value="{{.}}"{{end}}`, "", `the button way="backup" that posts to "way" is missing`},
		{"no place of the style", "frame.html", "{{.Style}}", "", "frame.html:4: the place of the style, {{.Style}}, is missing"},
		{"no place of the script", "frame.html", "{{.Script}}", "", "the place of the script, {{.Script}}, is missing"},
		{"no element that the script needs", "code.html", ` id="error"`, "", `the element with id="error", which the script looks for, is missing`},
		{"no attribute that the script reads", "code.html", ` data-error="{{.ErrorTitle}}"`, "", "the attribute data-error, which the script reads, is missing"},
		{"no language", "frame.html", ` lang="{{.Lang}}"`, "", `<html lang="{{.Lang}}" dir="{{.Dir}}"> is missing`},
		{"a script of its own", "code.html", "<main>", "<main>\n<script>alert(1)</script>", "code.html:6: it has a script of its own"},
		{"a script from elsewhere", "plain.html", "<main>", `<main><script src="/x.js"></script>`, "plain.html:4: it has a script of its own"},
		{"a style of its own", "plain.html", "<main>", "<main>\n<style>p{color:red}</style>", "plain.html:5: it has a style of its own"},
		{"a style in an attribute", "plain.html", "<main>", `<main style="color:red">`, "plain.html:4: it has an attribute style"},
		{"an event handler", "plain.html", "<h1>", `<h1 onclick="alert(1)">`, "plain.html:5: it has an attribute onclick"},
		{"an image from elsewhere", "plain.html", "<main>", `<main><img src="https://cdn.example.net/a.png" alt="">`, "plain.html:4: it has the address https://cdn.example.net/a.png"},
		{"an image from elsewhere without a scheme", "plain.html", "<main>", `<main><img src="//cdn.example.net/a.png" alt="">`, "plain.html:4: it has the address //cdn.example.net/a.png"},
		{"a form that goes to another site", "email.html", "</main>", `<form action="https://evil.example"></form></main>`, "it has the address https://evil.example"},
		{"a base", "frame.html", `<meta charset="utf-8">`, `<meta charset="utf-8"><base href="/x/">`, "frame.html:5: it has an element <base>"},
		{"a frame", "plain.html", "</main>", `<iframe src="/"></iframe></main>`, "it has an element <iframe>"},
		{"a page that goes on by itself", "frame.html", `<meta charset="utf-8">`, `<meta charset="utf-8"><meta http-equiv="refresh" content="1">`, "frame.html:5: it has a meta element with http-equiv"},
		{"no template", "code.html", `{{- template "top" . -}}`, `{{- template "top" . -`, "code.html:1"},
		{"a field that there is not", "code.html", "{{$.Heading}}", "{{$.Headline}}", "code.html:6"},
		{"a template that there is not", "code.html", `{{template "brand" $}}`, `{{template "brand"}}{{template "nothing" $}}`, "code.html"},
		{"a value where none can be", "code.html", "<main>", "<main {{.Typed}}>", "code.html"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := pages.ReadTemplates(changed(t, tt.file, tt.old, tt.replacement))
			if !errors.Is(err, pages.ErrTemplate) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ReadTemplates = %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAFileThatTakesThePlaceOfNoneIsRefused(t *testing.T) {
	_, err := pages.ReadTemplates(fstest.MapFS{"codes.html": {Data: []byte("x")}})
	if !errors.Is(err, pages.ErrTemplate) || !strings.Contains(err.Error(), "codes.html takes the place of none; there are account.html") {
		t.Errorf("ReadTemplates = %v", err)
	}
	_, err = pages.ReadTemplates(fstest.MapFS{"code.html": {Data: []byte(strings.Repeat("x", 65<<10))}})
	if !errors.Is(err, pages.ErrTemplate) || !strings.Contains(err.Error(), "code.html has 66560 bytes") {
		t.Errorf("ReadTemplates = %v", err)
	}
}

func TestFaultsAreToldOnce(t *testing.T) {
	_, err := pages.ReadTemplates(fstest.MapFS{"code.html": {Data: []byte(`{{template "top" .}}<body>{{template "bottom" .}}`)}})
	if err == nil {
		t.Fatal("a page without anything is taken")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > 13 || !regexp.MustCompile(`^and \d+ more$`).MatchString(lines[len(lines)-1]) {
		t.Errorf("ReadTemplates = %v", err)
	}
}

func TestCSS(t *testing.T) {
	tests := []struct {
		name, css, want string // empty: it is fine
	}{
		{"nothing", "", ""},
		{"rules", "main{border-radius:0}\n@media print{footer{display:none}}", ""},
		{"an image of its own", `.brand{background:url(data:image/png;base64,AAAA)}a{background:url( "data:image/svg+xml,<svg/>" )}`, ""},
		{"the end of the element", "p{}\n</STYLE><script>", "line 2 has \"</STYLE\""},
		{"a comment of HTML", "<!-- p{} -->", "line 1 has \"<!--\""},
		{"another style", "p{}\n\n@import 'x.css';", "line 3 has @import"},
		{"an image from elsewhere", "p{\nbackground:url(https://cdn.example.net/a.png)}", "line 2 has url(https://cdn.example.net/a.png)"},
		{"an image of the site", "p{background:URL('/a.png')}", "line 1 has url(/a.png)"},
		{"a font", "@font-face{src:url(data:font/woff2;base64,AAAA)}", "line 1 has url(data:font/woff2;base64,AAAA)"},
		{"bytes that are no text", "p{content:'\xff'}", "it is not UTF-8"},
		{"too much", strings.Repeat("p{}", 6000), "it has 18000 bytes, and may have 16384"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := pages.CheckCSS(tt.css)
			if tt.want == "" {
				if err != nil {
					t.Errorf("CheckCSS = %v", err)
				}
				return
			}
			if !errors.Is(err, pages.ErrCSS) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CheckCSS = %v, want %s", err, tt.want)
			}
			if _, err := pages.New(pages.LookOptions{Name: "Example", CSS: tt.css}); !errors.Is(err, pages.ErrCSS) {
				t.Errorf("New = %v, want ErrCSS", err)
			}
		})
	}
}

// TestTheOperatorsStyleComesLast: it wins over ours, may use the colours by their names,
// and is in the hash of each page's policy.
func TestTheOperatorsStyleComesLast(t *testing.T) {
	r := renderer(t, func(o *pages.LookOptions) { o.CSS = "main{color:var(--accent)}" })
	for _, s := range screens() {
		page := render(t, r, s.page)
		if !strings.Contains(page, "main{color:var(--a)}</style>") {
			t.Errorf("%s ends its style with something else", s.name)
		}
		if !strings.Contains(r.CSP(s.page), "style-src "+hash(t, page, "style")+";") {
			t.Errorf("%s: the policy does not allow its style: %s", s.name, r.CSP(s.page))
		}
	}
}
