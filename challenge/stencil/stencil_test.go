// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package stencil_test

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"strings"
	"sync"
	"testing"
	texttemplate "text/template"

	"github.com/doorcode/caddy-doorcode/challenge/stencil"
)

// data is what the templates of these tests are about.
type data struct {
	embedded
	Text, Empty string
	Named       named
	HTML        template.HTML
	Attr        template.HTMLAttr
	URL         template.URL
	CSS         template.CSS
	Number      int
	Yes, No     bool
	List        []inner
	None        []inner
	Inner       *inner
	Nil         *inner
	Any         any
	Anys        []any
	Told        told
	Float       float64
	hidden      string
}

type embedded struct{ Deep string }

type inner struct{ Name string }

// Loud is a method that only a pointer has.
func (i *inner) Loud() string { return strings.ToUpper(i.Name) }

type named string

// told says of itself what it is.
type told string

func (told) String() string { return "<told>" }

func (d data) Joined(with string, n named) string { return d.Text + with + string(n) }

func (d data) Both() (string, error) { return d.Text, nil }

func some(text string) *data {
	return &data{
		embedded: embedded{Deep: text}, Text: text, Named: named(text), HTML: template.HTML(text), Attr: template.HTMLAttr(text),
		URL: template.URL(text), CSS: template.CSS(text), Number: -len(text), Yes: true, List: []inner{{text}, {"<&>"}}, Inner: &inner{text},
		Any: inner{text}, Anys: []any{text, "", 0, 1, &inner{text}, (*inner)(nil), nil}, Told: told(text), hidden: text,
	}
}

// cut are templates that can be cut and printed.
var cut = map[string]string{
	"text":                               `a<b>{{.Text}}</b>{{.Named}}{{.HTML}}{{.Attr}}{{.URL}}{{.CSS}}{{.Number}}{{.Yes}}{{.No}}`,
	"attributes":                         `<p title="{{.Text}}" lang='{{.Named}}' data-x="{{.URL}}" data-y="{{.Number}}">`,
	"titles":                             `<title>{{.Text}}{{.HTML}}</title><textarea>{{.HTML}}</textarea>`,
	"addresses":                          `<a href="{{.Text}}"><a href="{{.URL}}"><form action="{{.Named}}"><button formaction="{{.HTML}}">`,
	"a field of what is embedded":        `{{.Deep}}`,
	"fields behind a pointer and any":    `{{.Inner.Name}}{{.Any.Name}}`,
	"a condition":                        `{{if .Text}}a{{else}}b{{end}}{{if .Empty}}c{{else if .Yes}}d{{end}}{{if .No}}e{{end}}{{if .Nil}}f{{end}}{{if .Number}}g{{end}}`,
	"or, and and not":                    `{{if or .Empty .Nil .Text}}a{{end}}{{if and .Yes .Empty}}b{{end}}{{if not .No}}c{{end}}{{if and .Yes (not .Empty)}}d{{end}}`,
	"with":                               `{{with .Inner}}{{.Name}}{{$.Text}}{{else}}a{{end}}{{with .Nil}}b{{else}}{{.Text}}{{end}}`,
	"a list":                             `{{range .List}}{{.Name}},{{$.Text}}{{else}}a{{end}}{{range .None}}b{{else}}c{{end}}`,
	"a list of anything":                 `{{range .Anys}}{{if .}}a{{else}}b{{end}}{{with .}}c{{else}}d{{end}}{{if not .}}e{{end}},{{end}}`,
	"variables":                          `{{$a := .Text}}{{with $b := .Inner}}{{$b.Name}}{{$a}}{{$a := .Name}}{{$a}}{{end}}{{$a}}{{$a = .Named}}{{$a}}`,
	"a variable that hides another":      `{{$x := .Text}}{{with .Inner}}{{$x := .Name}}{{$x = "in"}}{{$x}}{{end}}{{$x}}{{if .Yes}}{{$x = "out"}}{{end}}{{$x}}`,
	"a variable of a branch":             `{{if $a := .Text}}{{$a}}{{else}}{{$a}}-{{end}}`,
	"a template in another":              `{{define "x"}}({{.Name}}{{$.Name}}{{template "y" .Name}}){{end}}{{define "y"}}{{.}}{{end}}{{range .List}}{{template "x" .}}{{end}}{{template "x" .Any}}`,
	"methods":                            `{{.Joined "<" .Named}}{{$.Joined .Text .Named}}{{range .List}}{{.Loud}}{{end}}{{with .Inner}}{{.Loud}}{{end}}`,
	"an attribute that is known":         `<p{{if .Text}} title="a"{{end}}>`,
	"white space that is cut":            "a  {{- .Text -}}  b\n{{- /* remark */ -}}\n c",
	"a style of ours":                    `<style>p{color:{{with .Inner}}red{{end}}}</style>`,
	"comments, which browsers never see": `<!-- a -->{{.Text}}`,
}

// hostile are texts that mean something somewhere.
var hostile = []string{
	"", "plain", `<b title="x">&amp; 'y' +1</b>`, "\x00\xff\ufffe\u2028é", "javascript:alert(1)", "https://example.com/a?b=c&d=%zz", "https://example.com/%7e'(x)",
	"./a%20b/.doorcode/", "data:image/png;base64,AA+/=", "mailto:a+b@example.com", "HTTPS:x", "//x", "a:b", "{{.}}", "%", "%4", "%41", "&lt;b>",
}

func TestAStencilPrintsWhatItsTemplateDoes(t *testing.T) {
	for name, source := range cut {
		t.Run(name, func(t *testing.T) {
			set := template.Must(template.New("t").Parse(source))
			plain := texttemplate.Must(texttemplate.New("t").Parse(source))
			s, err := stencil.CutHTML(set, "t")
			p, textErr := stencil.CutText(plain, "t")
			if err := errors.Join(err, textErr); err != nil {
				t.Fatal(err)
			}
			for _, text := range hostile {
				same(t, s, set.ExecuteTemplate, some(text))
				same(t, p, plain.ExecuteTemplate, some(text))
			}
		})
	}
}

// same compares what is appended to a buffer that has something in it.
func same(t *testing.T, s *stencil.Stencil, execute func(w io.Writer, name string, d any) error, d any) {
	t.Helper()
	got, want := bytes.NewBufferString("before "), bytes.NewBufferString("before ")
	if err := execute(want, "t", d); err != nil {
		t.Fatal(err)
	}
	if !s.Print(got, "t", d) || got.String() != want.String() {
		t.Errorf("prints %q\n want %q", got, want)
	}
}

// A faulty has a method that fails, and a text that only a pointer to it tells.
type faulty struct {
	Text   string
	Masked masked
}

func (faulty) Boom() string { panic("boom") }

type masked string

func (*masked) String() string { return "***" }

// What a template makes an error of, or would have told by a method, is left to it.
func TestWhatOnlyATemplateCanPrintIsLeftToIt(t *testing.T) {
	for name, source := range map[string]string{"a method that panics": `a{{.Text}}{{.Boom}}`, "a value that its pointer prints": `a{{.Masked}}`} {
		s, err := stencil.CutText(texttemplate.Must(texttemplate.New("t").Parse(source)), "t")
		if err != nil {
			t.Fatal(err)
		}
		dst := bytes.NewBufferString("before ")
		if s.Print(dst, "t", &faulty{Text: "x", Masked: "secret"}) || dst.String() != "before " {
			t.Errorf("%s: printed %q", name, dst)
		}
	}
}

func TestWhatNoStencilUnderstandsIsNotCut(t *testing.T) {
	for name, source := range map[string]string{
		"a function":                              `{{printf "%s" .Text}}`,
		"an escaper of its own":                   `{{.Text | html}}`,
		"a script":                                `<script>x = {{.Text}}</script>`,
		"an attribute without quotes":             `<p title={{.Text}}>`,
		"an attribute that runs":                  `<p onclick="{{.Text}}">`,
		"a style":                                 `<p style="{{.Text}}">`,
		"an address that is begun":                `<a href="/x?{{.Text}}">`,
		"a list of addresses":                     `<img srcset="{{.Text}}">`,
		"a list with its numbers":                 `{{range $i, $x := .List}}{{$i}}{{end}}`,
		"a loop that is left":                     `{{range .List}}{{break}}{{end}}`,
		"a constant":                              `{{3}}`,
		"a variable that is made in brackets":     `{{if or .Text ($y := .Named)}}a{{end}}`,
		"a field of something in brackets":        `{{(.Inner).Name}}`,
		"a template without data":                 `{{define "x"}}a{{end}}{{template "x"}}`,
		"a template that is not there":            `{{template "x" .}}`,
		"a template that never ends":              `<a href="{{.Text}}`,
		"a template that is part of an attribute": `{{define "x"}}{{.}}{{end}}<p title="{{template "x" .Text}}">{{template "x" .Text}}`,
	} {
		t.Run(name, func(t *testing.T) {
			set := template.Must(template.New("t").Parse(source))
			s, err := stencil.CutHTML(set, "t")
			if !errors.Is(err, stencil.ErrUnfit) {
				t.Errorf("error = %v", err)
			}
			var b bytes.Buffer
			if s.Print(&b, "t", some("x")) || b.Len() > 0 {
				t.Errorf("prints %q", &b)
			}
		})
	}
}

// TestWEB04NothingIsPrintedThatWasNotEscaped: a stencil of a set whose escapers are not
// written yet, or cannot be, has nothing to print.
func TestWEB04NothingIsPrintedThatWasNotEscaped(t *testing.T) {
	set := template.Must(template.New("t").Parse(`{{.Text}}`))
	template.Must(set.New("broken").Parse(`{{if .Yes}}<p title="{{end}}{{.Text}}`))
	s, err := stencil.CutHTML(set, "t", "broken", "missing")
	if !errors.Is(err, stencil.ErrUnfit) || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("error = %v", err)
	}
	var b bytes.Buffer
	if s.Print(&b, "broken", some("<")) || s.Print(&b, "missing", some("<")) || !s.Print(&b, "t", some("<")) || b.String() != "&lt;" {
		t.Errorf("prints %q", &b)
	}
}

// TestATemplateThatTurnsOutUnfitIsNotPrintedByOthersEither has b cut while a is being cut,
// before a is found to be unfit.
func TestATemplateThatTurnsOutUnfitIsNotPrintedByOthersEither(t *testing.T) {
	type node struct{ Below *node }
	set := template.Must(template.New("a").Parse(`{{template "b" .}}{{printf "x"}}`))
	template.Must(set.New("b").Parse(`y{{with .Below}}{{template "a" .}}{{end}}`))
	s, err := stencil.CutHTML(set, "a", "b")
	if !errors.Is(err, stencil.ErrUnfit) {
		t.Errorf("error = %v", err)
	}
	var b bytes.Buffer
	if s.Print(&b, "a", node{}) || s.Print(&b, "b", node{&node{}}) || !s.Print(&b, "b", node{}) || b.String() != "y" {
		t.Errorf("prints %q", &b)
	}
}

func TestValuesOfOtherKindsAreLeftToTheTemplate(t *testing.T) {
	for name, source := range map[string]string{
		"a text of its own":                     `a{{.Told}}`,
		"a number with a point":                 `a{{.Float}}`,
		"a structure":                           `a{{.Any}}`,
		"a list":                                `a{{.List}}`,
		"a pointer":                             `a{{.Inner}}`,
		"a field of nothing":                    `a{{.Nil.Name}}`,
		"a field that is not there":             `a{{.Missing}}`,
		"a field that is hidden":                `a{{.hidden}}`,
		"a method with two results":             `a{{.Both}}`,
		"a method that is asked too much":       `a{{.Joined "x" .Named "y"}}`,
		"a method that is asked something else": `a{{.Joined .Named .Named}}`,
		"a field that is asked something":       `a{{.Text "x"}}`,
		"a list of a text":                      `a{{range .Text}}b{{end}}`,
		"an attribute of unknown text":          `<p {{.Text}}>`,
		"elements in an attribute":              `<p title="{{.HTML}}">`,
		"a template that includes itself":       `a{{define "x"}}{{template "x" .}}{{end}}{{template "x" .}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := stencil.CutHTML(template.Must(template.New("t").Parse(source)), "t")
			if err != nil {
				t.Fatal(err)
			}
			b := bytes.NewBufferString("before")
			if s.Print(b, "t", some("<i>")) || b.String() != "before" {
				t.Errorf("prints %q", b)
			}
		})
	}
}

func TestAStencilIsPrintedByManyAtOnce(t *testing.T) {
	s, err := stencil.CutHTML(template.Must(template.New("t").Parse(`{{.Name}}`)), "t")
	if err != nil {
		t.Fatal(err)
	}
	other := struct{ First, Name int }{3, 7}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				var b bytes.Buffer
				if !s.Print(&b, "t", inner{"a"}) || !s.Print(&b, "t", &inner{"b"}) || !s.Print(&b, "t", other) || b.String() != "ab7" {
					t.Errorf("prints %q", &b)
				}
			}
		})
	}
	all.Wait()
}
