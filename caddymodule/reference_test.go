// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// words are all settings of the grammar: those of a block as "block word".
func words() []string {
	var all []string
	for _, word := range caddymodule.SiteWords() {
		all = append(all, word)
		for _, inner := range caddymodule.InsideWords(word) {
			all = append(all, word+" "+inner)
		}
	}
	slices.Sort(all)
	return all
}

// TestTheSyntaxStandsInTheComment of the function that reads it, where Caddy's
// users look for it.
func TestTheSyntaxStandsInTheComment(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "caddyfile.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var comment string
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == "parseDirective" {
			comment = f.Doc.Text()
		}
		return true
	})
	found := map[string]bool{}
	var block string
	for line := range strings.Lines(comment) {
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "}" {
			continue
		}
		switch depth {
		case 2:
			block = fields[0]
			found[block] = true
		case 3:
			found[block+" "+fields[0]] = true
		}
	}
	if diff := cmp.Diff(words(), slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("comment of parseDirective (-table +comment):\n%s", diff)
	}
}

// A documented setting is a line of the reference.
type documented struct{ word, standard, key string }

var (
	heading  = regexp.MustCompile("^### `([a-z_]+)`$")
	standard = regexp.MustCompile("^Default: (.+) · JSON: `([a-z_.]+)`$")
	row      = regexp.MustCompile("^\\| `([a-z_]+)` \\| ([^|]+) \\| [^|]+ \\| `([a-z_.]+)` \\|$")
)

func reference(t *testing.T) []documented {
	t.Helper()
	page, err := os.ReadFile("../docs/caddyfile.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []documented
	var section string
	for line := range strings.Lines(string(page)) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
			all = append(all, documented{word: section})
		}
		if m := standard.FindStringSubmatch(line); m != nil {
			all = append(all, documented{section, m[1], m[2]})
		}
		if m := row.FindStringSubmatch(line); m != nil {
			all = append(all, documented{section + " " + m[1], m[2], m[3]})
		}
	}
	return all
}

func TestEverySettingIsDocumented(t *testing.T) {
	found := map[string]bool{}
	for _, d := range reference(t) {
		found[d.word] = true
	}
	if diff := cmp.Diff(words(), slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("docs/caddyfile.md (-table +docs):\n%s", diff)
	}
}

// TestDocumentedDefaultsAreTheRealOnes compares each default of the reference
// with the settings of a gate that sets nothing, and finds keys without a line.
func TestDocumentedDefaultsAreTheRealOnes(t *testing.T) {
	real := map[string]string{}
	leaves(reflect.ValueOf(caddymodule.WithDefaults(caddymodule.Settings{})), "", real)
	for _, d := range reference(t) {
		word, _, _ := strings.Cut(d.word, " ")
		if d.key == "" || slices.Contains([]string{"public", "answer", "sensitive", "page_status"}, word) || d.word != word && (word == "mail" || word == "storage") {
			continue // not settings of both, or of a module
		}
		want, known := real[d.key]
		if !known {
			t.Errorf("%s has the key %s, which does not exist", d.word, d.key)
			continue
		}
		delete(real, d.key)
		if got := strings.Trim(d.standard, "`"); want == "" && strings.Contains(d.standard, "`") || want != "" && got != want {
			t.Errorf("default of %s is documented as %s, want %q", d.key, d.standard, want)
		}
	}
	for key := range real {
		t.Errorf("the key %s is not documented", key)
	}
}

// leaves writes every setting by its key as the reference does.
func leaves(v reflect.Value, key string, into map[string]string) {
	switch value := v.Interface().(type) {
	case json.RawMessage:
		var module struct{ Backend string }
		_ = json.Unmarshal(value, &module)
		into[key] = module.Backend
		return
	case caddy.Duration:
		into[key] = ""
		if value != 0 {
			into[key] = caddymodule.Brief(time.Duration(value))
		}
		return
	case *caddy.Duration:
		into[key] = map[bool]string{true: "off", false: caddymodule.Brief(time.Duration(*value))}[*value == 0]
		return
	case *bool:
		into[key] = map[bool]string{true: "on", false: "off"}[*value]
		return
	case map[string]string:
		into[key] = ""
		if key == "copy_headers" {
			into[key] = "Remote-User Remote-Email Remote-Name Remote-Groups"
			for field, header := range value {
				if field != header || !strings.Contains(into[key], field) || len(value) != 4 {
					into[key] = fmt.Sprint(value)
				}
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		leaves(v.Elem(), key, into)
	case reflect.Struct:
		for f, value := range v.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			leaves(value, strings.Trim(key+"."+name, "."), into)
		}
	case reflect.Slice, reflect.Map:
		into[key] = strings.Trim(fmt.Sprint(v.Interface()), "[]")
		if v.Len() == 0 {
			into[key] = ""
		}
	case reflect.Int:
		unit := map[string]string{"location.distance": "km", "location.speed": "kmh"}[key]
		into[key] = fmt.Sprint(v.Int()) + unit
		if v.Int() == 0 {
			into[key] = ""
		}
	default:
		into[key] = v.String()
	}
}

// strange are directives of Caddy's that this package does not link.
var strange = regexp.MustCompile(`(?m)^\t(forward_auth|basic_auth)(.|\n)*?^\t}$|^\trespond .*$`)

// commentedOut are settings in the example that need something of the
// operator's: "#" and a word, without a space.
var commentedOut = regexp.MustCompile(`(?m)^(\t*)#(\S|\t)`)

// otherStorage is what the commented storage stands for.
var otherStorage = regexp.MustCompile(`(?m)^\t\tstorage embedded \{(.|\n)*?^\t\t\}$`)

// TestTheExampleHasEverySetting once, also when everything is switched on.
func TestTheExampleHasEverySetting(t *testing.T) {
	content, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	full := commentedOut.ReplaceAllString(string(content), "$1$2")
	full = strange.ReplaceAllString(full, "")
	full = otherStorage.ReplaceAllString(full, "")
	for _, word := range words() {
		name := word[strings.LastIndexByte(word, ' ')+1:]
		if !regexp.MustCompile(`(?m)^\t+` + name + `\b`).MatchString(full) {
			t.Errorf("%q is not in the example", word)
		}
	}
	if _, err := adapt(full); err != nil {
		t.Errorf("adapting with everything switched on: %v", err)
	}
	if strings.Count(full, "\n\tdoorcode") != 4 {
		t.Error("the example is not the global option and three sites")
	}
}

// fenced are the Caddyfiles of a page.
var fenced = regexp.MustCompile("(?ms)^```caddyfile\n(.*?)^```$")

// TestTheCaddyfilesOfTheReferenceAdapt: whoever copies one gets no error, and none
// that caddy fmt would change. Some are lines of a directive's block.
func TestTheCaddyfilesOfTheReferenceAdapt(t *testing.T) {
	page, err := os.ReadFile("../docs/caddyfile.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := fenced.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 6 {
		t.Errorf("found %d Caddyfiles", len(blocks))
	}
	for _, block := range blocks {
		text := block[1]
		if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
			t.Errorf("caddy fmt would change\n%s", cmp.Diff(text, formatted))
		}
		switch {
		case !strings.Contains(text, "doorcode"):
			text = withHooks(site(strings.ReplaceAll(text, "@billing", "@hooks")))
		case strings.HasPrefix(text, "{\n"):
			text += site("reveal")
		}
		text = strange.ReplaceAllString(regexp.MustCompile(`(?m)^\t+(reverse_proxy|respond) .*$|^\thandle (.|\n)*?^\t\}$`).ReplaceAllString(text, ""), "")
		if _, err := adapt(text); err != nil {
			t.Errorf("adapting\n%s= %v", block[1], err)
		}
	}
}
