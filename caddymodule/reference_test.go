// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"cmp"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

var update = flag.Bool("update", false, "write docs/caddyfile.md and the comments with the syntax")

const (
	referencePage  = "../docs/caddyfile.md"
	referenceProse = "testdata/caddyfile.md.tmpl"
)

// TestReferenceIsWrittenFromTheGrammar: docs/caddyfile.md is what the tables of the
// parser, the comments of the JSON fields and the prose make of it.
func TestReferenceIsWrittenFromTheGrammar(t *testing.T) {
	w := newWriter(t)
	want := w.page(referenceProse)
	if diff := gocmp.Diff(caddymodule.SiteWords(), slices.Sorted(slices.Values(w.order))); diff != "" {
		t.Errorf("settings on the page (-table +prose):\n%s", diff)
	}
	if *update {
		if err := os.WriteFile(referencePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/caddyfile.md is old; write it by 'go test ./caddymodule -run Reference -update' (-want +got):\n%s", diff)
	}
}

// TestReferenceHasEveryKey of the JSON configuration, and no other.
func TestReferenceHasEveryKey(t *testing.T) {
	s := readSource(t)
	for _, tt := range []struct {
		name     string
		of       keys
		settings []caddymodule.Setting
		// beside are keys that no word sets: those of matchers and their parts.
		beside []string
	}{
		{"handler", settled(s), caddymodule.SiteSettings(), []string{"match"}},
		{"matcher", first(guestFields(t, s, "http.matchers.doorcode")), caddymodule.Conditions(), nil},
	} {
		documented := slices.Concat(keysOf(tt.settings, ""), tt.beside)
		compareKeys(t, tt.name, tt.of, documented)
	}
	for _, word := range caddymodule.SiteSettings() {
		for _, guest := range word.Guests {
			id := map[string]string{"mail": "doorcode.mail.", "storage": "doorcode.storage."}[word.Word] + guest.Word
			documented := slices.Concat(guest.Keys, keysOf(guest.Inside, ""))
			switch guest.Word {
			case "http":
				documented = append(documented, "header") // its word sets request_header
				fallthrough
			case "postmark", "resend", "sendgrid":
				documented = append(documented, refused...)
			}
			compareKeys(t, id, first(guestFields(t, s, id)), documented)
		}
	}
}

func first(of keys, _ string) keys { return of }

func compareKeys(t *testing.T, name string, of keys, documented []string) {
	t.Helper()
	for _, f := range of {
		if !f.whole && !slices.Contains(documented, f.key) {
			t.Errorf("%s: no word sets the key %s", name, f.key)
		}
	}
	for _, key := range documented {
		if _, at := of.find(key); at < 0 {
			t.Errorf("%s: a word sets the key %s, which does not exist", name, key)
		}
	}
}

// prosaic are keys whose comment says the default in words, and not as the code
// spells it.
var prosaic = []string{"copy_headers", "retry_on"}

// refused are keys that some transports share with others and refuse, because a
// service writes and signs its mails itself.
var refused = []string{"dkim.domain", "dkim.selector", "dkim.key"}

// TestReferenceNamesTheRealDefaults: what a comment calls the default is what a gate
// has that sets nothing.
func TestReferenceNamesTheRealDefaults(t *testing.T) {
	s := readSource(t)
	check := func(of keys) {
		for _, f := range of {
			if f.standard == "" {
				t.Errorf("the comment of %s names no default", f.key)
			}
			if _, same := f.said(); f.real != "" && !same && !slices.Contains(prosaic, f.key) {
				t.Errorf("the comment of %s calls %q the default, but it is %q", f.key, f.standard, f.real)
			}
			if f.real == "" && !f.whole && spelled(f.standard) && !slices.Contains(prosaic, f.key) {
				t.Errorf("the comment of %s calls %q the default, but the code has none", f.key, f.standard)
			}
		}
	}
	check(settled(s))
	for _, word := range caddymodule.SiteSettings() {
		for _, guest := range word.Guests {
			of, _ := guestFields(t, s, "doorcode."+word.Word+"."+guest.Word)
			check(of)
		}
	}
}

// TestReferenceOfTheReadmeHasTheRealDefaults: the table of defaults in README.md names
// keys, and of each the value that the code applies, in this order.
func TestReferenceOfTheReadmeHasTheRealDefaults(t *testing.T) {
	of := settled(readSource(t))
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n| what | default | key in JSON |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	quoted, rows := regexp.MustCompile("`([^`]+)`"), 0
	for line := range strings.Lines(table + "\n") {
		columns := strings.Split(line, "|")
		rows++
		var keys, real, shown []string
		for _, match := range quoted.FindAllStringSubmatch(columns[3], -1) {
			f, at := of.find(match[1])
			if at < 0 {
				t.Errorf("there is no key %s", match[1])
			}
			keys, real = append(keys, match[1]), append(real, f.real)
		}
		for _, match := range quoted.FindAllStringSubmatch(columns[2], -1) {
			if shown = append(shown, match[1]); match[1] == "geoip" {
				shown = shown[:len(shown)-1] // named, and no value
			}
		}
		if !slices.Equal(real, shown) {
			t.Errorf("%v: README.md says %q, the code %q", keys, shown, real)
		}
	}
	if rows < 10 {
		t.Errorf("the table has %d rows", rows)
	}
}

// spelled reports whether a default reads like a value and not like a sentence.
func spelled(standard string) bool {
	word, _, _ := strings.Cut(standard, ",")
	return strings.ContainsAny(word, "0123456789") && !strings.Contains(word, " ") || slices.Contains([]string{"true", "false", "auto"}, word)
}

// guestStandards are the defaults that the code of each module applies.
var guestStandards = func() map[string]map[string]string {
	grace := caddymodule.Brief(new(caddymodule.EmbeddedStorage).GracePeriod())
	mailTimeout := seconds("../challenge/mailer/smtp.go", "defaultTimeout")
	apiTimeout := seconds("../challenge/mailer/http.go", "usualTimeout")
	standards := map[string]map[string]string{
		"doorcode.storage.embedded": {"grace": grace},
		"doorcode.storage.redis": {
			"grace": grace, "prefix": redisstore.DefaultPrefix, "timeout": seconds("../challenge/store/redisstore/options.go", "defaultTimeout"), "cluster": "off",
		},
		"doorcode.mail.file": {"text_only": "off"},
		"doorcode.mail.smtp": {"text_only": "off", "timeout": mailTimeout},
		"doorcode.mail.http": {"text_only": "off", "timeout": apiTimeout, "method": "POST"},
	}
	for _, service := range []string{"postmark", "resend", "sendgrid"} {
		standards["doorcode.mail."+service] = map[string]string{"text_only": "off", "timeout": apiTimeout}
	}
	return standards
}()

// seconds reads a constant of another package, such as 10 * time.Second, as 10s.
func seconds(path, name string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	found := regexp.MustCompile(`(?m)^\t` + name + ` += (?:(\d+) \* )?time\.Second$`).FindStringSubmatch(string(content))
	if found == nil {
		return path + " has no constant " + name
	}
	return cmp.Or(found[1], "1") + "s"
}

// TestReferenceStandsInTheComments of the functions that read the grammar, where
// Caddy's users look for it.
func TestReferenceStandsInTheComments(t *testing.T) {
	w := newWriter(t)
	w.page(referenceProse)
	var site []caddymodule.Setting
	for _, word := range w.order {
		i := slices.IndexFunc(w.settings, func(s caddymodule.Setting) bool { return s.Word == word })
		site = append(site, w.settings[i])
	}
	lines := append([]string{"doorcode [<matcher>] [<addresses...>] {"}, comment(site, "\t", "", w.keys)...)
	compareComment(t, "parseDirective", append(lines, "}"))
	for _, word := range w.settings {
		for _, guest := range word.Guests {
			id := "doorcode." + word.Word + "." + guest.Word
			lines := []string{strings.TrimRight(guest.Word+" "+guest.Takes, " ")}
			if len(guest.Inside) > 0 {
				of, _ := guestFields(t, w.source, id)
				lines = append([]string{lines[0] + " {"}, comment(ordered(guest.Inside, "", of), "\t", "", of)...)
				lines = append(lines, "}")
			}
			info, err := caddy.GetModule(id)
			if err != nil {
				t.Fatal(err)
			}
			compareComment(t, reflect.TypeOf(info.New()).Elem().Name()+".UnmarshalCaddyfile", lines)
		}
	}
}

// compareComment looks at the indented lines of a function's comment, and with
// -update writes them.
func compareComment(t *testing.T, function string, want []string) {
	t.Helper()
	name, doc, files := functionComment(t, function)
	var got []string
	from, to := -1, -1
	for _, line := range doc.List {
		text, indented := strings.CutPrefix(line.Text, "//\t")
		if !indented {
			continue
		}
		if from < 0 {
			from = files.Position(line.Pos()).Line
		}
		to = files.Position(line.Pos()).Line
		got = append(got, text)
	}
	if *update && from > 0 && !slices.Equal(got, want) {
		writeComment(t, name, from, to, want)
		return
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("comment of %s; write it by 'go test ./caddymodule -run Reference -update' (-grammar +comment):\n%s", function, diff)
	}
}

// functionComment finds a function of this package by its name, or a method by
// Type.Method.
func functionComment(t *testing.T, function string) (name string, doc *ast.CommentGroup, files *token.FileSet) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = token.NewFileSet()
	for _, name := range names {
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && calledAs(f) == function {
				return name, f.Doc, files
			}
		}
	}
	t.Fatalf("there is no function %s", function)
	return "", nil, nil
}

func calledAs(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if ident, ok := receiver.(*ast.Ident); ok {
		return ident.Name + "." + f.Name.Name
	}
	return ""
}

func writeComment(t *testing.T, name string, from, to int, lines []string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(string(content), "\n")
	var written []string
	for _, line := range lines {
		written = append(written, "//\t"+line)
	}
	all = slices.Replace(all, from-1, to, written...)
	if err := os.WriteFile(name, []byte(strings.Join(all, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
