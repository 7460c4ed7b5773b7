// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/doorcode/caddy-doorcode"

// layers is the direction of imports: a package may import packages of the
// layers above its own line, never one of its own line or below.
var layers = [][]string{
	{"geo", "challenge/keyring", "challenge/sessions", "challenge/devices", "challenge/words", "challenge/upstream", "challenge/spelling", "challenge/ways", "challenge/activity", "challenge/bound", "challenge/bound/boundtest", "challenge/passkeys/passkeystest", "challenge/stencil"},
	{"geo/geotest", "challenge/risk", "challenge/tokens", "challenge/passkeys", "challenge/store/redisstore/redistest"},
	{"challenge", "challenge/pages"},
	{"challenge/web", "challenge/mailer", "challenge/store/boltstore", "challenge/store/redisstore", "challenge/store/memstore", "challenge/store/storetest"},
	{"caddymodule/terminal"},
	{"caddymodule/telemetry", "caddymodule/doctor", "caddymodule/gallery", "caddymodule/received", "caddymodule/replay", "caddymodule/policytest"},
	{"caddymodule"},
	{"."},
	{"cmd/caddy"},
}

// ours narrows the layers: what a package may import of ours, where that is
// less than everything above it.
var ours = map[string][]string{
	"geo/geotest":                {"geo"},
	"challenge/risk":             {"geo"},
	"challenge/tokens":           {"challenge/spelling"},
	"challenge":                  {"geo", "challenge/risk", "challenge/keyring", "challenge/sessions", "challenge/devices", "challenge/ways", "challenge/tokens", "challenge/activity", "challenge/bound", "challenge/passkeys"},
	"challenge/pages":            {"challenge/devices", "challenge/words", "challenge/stencil"},
	"challenge/web":              {"geo", "challenge", "challenge/devices", "challenge/pages", "challenge/words", "challenge/upstream", "challenge/tokens", "challenge/bound"},
	"challenge/mailer":           {"challenge", "challenge/devices", "challenge/words", "challenge/stencil"},
	"challenge/store/boltstore":  {"challenge"},
	"challenge/store/redisstore": {"challenge"},
	"challenge/store/memstore":   {"challenge"},
	"challenge/store/storetest":  {"challenge"},
	"caddymodule/terminal":       {},
	"caddymodule/telemetry":      {"geo", "challenge", "challenge/risk", "challenge/sessions", "challenge/mailer", "challenge/upstream", "challenge/web"},
	"caddymodule/doctor":         {"geo", "challenge/mailer", "challenge/pages", "challenge/words"},
	"caddymodule/gallery":        {"challenge/mailer", "challenge/pages", "challenge/words"},
	"caddymodule/received":       {},
	"caddymodule/replay":         {"geo", "challenge", "challenge/risk", "caddymodule/terminal"},
	"caddymodule/policytest":     {"geo", "challenge", "caddymodule/terminal"},
	".":                          {"caddymodule"},
	"cmd/caddy":                  {"."},
}

// thirdParty is what else a package may import, as path prefixes. A package
// without an entry gets along with the standard library.
var thirdParty = map[string][]string{
	"geo":                                  {"github.com/oschwald/maxminddb-golang/v2", "github.com/oschwald/geoip2-golang/v2"},
	"geo/geotest":                          {"github.com/maxmind/mmdbwriter"},
	"challenge/sessions":                   {"github.com/golang-jwt/jwt/v5", "github.com/go-jose/go-jose/v4"},
	"challenge/bound":                      {"github.com/go-jose/go-jose/v4"},
	"challenge/passkeys":                   {"github.com/go-webauthn/webauthn/protocol"},
	"challenge/devices":                    {"github.com/mileusna/useragent"},
	"challenge/words":                      {"golang.org/x/text"},
	"challenge/spelling":                   {"golang.org/x/text"},
	"challenge/ways":                       {"github.com/pquerna/otp", "github.com/boombuler/barcode", "golang.org/x/text"},
	"challenge":                            {"golang.org/x/text", "golang.org/x/net/idna", "github.com/maypok86/otter/v2"},
	"challenge/pages":                      {"golang.org/x/net/html"},
	"challenge/mailer":                     {"github.com/wneessen/go-mail", "github.com/emersion/go-msgauth/dkim", "golang.org/x/net/http/httpguts"},
	"challenge/store/boltstore":            {"go.etcd.io/bbolt"},
	"challenge/store/redisstore":           {"github.com/redis/go-redis/v9"},
	"challenge/store/redisstore/redistest": {"github.com/redis/go-redis/v9"},
	"challenge/store/storetest":            {"pgregory.net/rapid"},
	"caddymodule":                          {"github.com/caddyserver/", "go.uber.org/zap", "github.com/spf13/cobra", "golang.org/x/net/publicsuffix", "golang.org/x/net/http/httpguts"},
	"caddymodule/doctor":                   {"golang.org/x/net/publicsuffix"},
	"caddymodule/received":                 {"golang.org/x/net/publicsuffix"},
	"caddymodule/policytest":               {"github.com/caddyserver/caddy/v2", "github.com/oschwald/maxminddb-golang/v2", "go.yaml.in/yaml/v3", "golang.org/x/net/http/httpguts"},
	"caddymodule/telemetry":                {"github.com/caddyserver/caddy/v2", "go.uber.org/zap", "github.com/prometheus/client_golang/prometheus"},
	"cmd/caddy":                            {"github.com/caddyserver/caddy/v2"},
}

// forTests may be imported by every test.
var forTests = []string{"github.com/google/go-cmp", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/emersion/go-smtp", "github.com/emersion/go-sasl", "github.com/anishathalye/porcupine", "github.com/Shopify/toxiproxy/v2", "github.com/rs/zerolog", "github.com/redis/go-redis/v9", "github.com/quic-go/quic-go", "github.com/quic-go/qpack"}

// webless packages decide without knowing what carries the question.
var webless = []string{"challenge", "challenge/keyring", "challenge/sessions", "challenge/devices", "challenge/words", "challenge/risk", "challenge/ways", "challenge/activity", "challenge/bound", "challenge/passkeys", "geo", "geo/geotest"}

func TestImportsPointOneWay(t *testing.T) {
	for _, fault := range importFaults(t, os.DirFS("..")) {
		t.Error(fault)
	}
}

func TestEachImportRuleCanFail(t *testing.T) {
	tests := map[string]struct{ file, imports, want string }{
		"a package imports one of its own layer": {"challenge/web/a.go", module + "/challenge/mailer", "challenge/web may not import challenge/mailer"},
		"a package imports one below":            {"challenge/a.go", module + "/challenge/web", "challenge may not import challenge/web"},
		"a package imports more than it needs":   {"challenge/mailer/a.go", module + "/challenge/keyring", "challenge/mailer may not import challenge/keyring"},
		"a package is in no layer":               {"challenge/luck/a.go", "", "challenge/luck is in no layer"},
		"Caddy comes into the domain":            {"challenge/web/a.go", "github.com/caddyserver/caddy/v2", "challenge/web may not import github.com/caddyserver/caddy/v2"},
		"Caddy comes into a test of the domain":  {"challenge/web/a_test.go", "github.com/caddyserver/caddy/v2", "challenge/web may not import github.com/caddyserver/caddy/v2"},
		"a library is not on the list":           {"challenge/keyring/a.go", "golang.org/x/crypto/hkdf", "challenge/keyring may not import golang.org/x/crypto/hkdf"},
		"a library only begins like one on it":   {"challenge/words/a.go", "golang.org/x/textual", "challenge/words may not import golang.org/x/textual"},
		"the domain learns of the web":           {"challenge/a.go", "net/http", "challenge may not import net/http"},
		"the module's tests leave the direction": {"challenge/a_test.go", module + "/caddymodule", "challenge may not import caddymodule"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			source := "package a\n"
			if test.imports != "" {
				source += "import _ " + strconv.Quote(test.imports) + "\n"
			}
			got := importFaults(t, fstest.MapFS{test.file: {Data: []byte(source)}})
			if len(got) != 1 || !strings.Contains(got[0], test.want) {
				t.Errorf("faults = %q, want one with %q", got, test.want)
			}
		})
	}
}

// An allowance that nothing uses would let a dependency in without a word.
func TestEveryImportAllowanceIsUsed(t *testing.T) {
	for _, fault := range idleAllowances(t, os.DirFS("..")) {
		t.Error(fault)
	}
	idle := fstest.MapFS{"challenge/words/a.go": {Data: []byte("package a\nimport _ \"golang.org/x/text/language\"\n")}}
	got := idleAllowances(t, idle)
	for want, idles := range map[string]bool{
		"challenge/words never imports golang.org/x/text":                false,
		"challenge/pages never imports challenge/words":                  true,
		"challenge/sessions never imports github.com/go-jose/go-jose/v4": true,
		"no test imports pgregory.net/rapid":                             true,
	} {
		if slices.Contains(got, want) != idles {
			t.Errorf("%q among the faults: %v, want %v", want, !idles, idles)
		}
	}
}

func idleAllowances(t *testing.T, tree fs.FS) (idle []string) {
	imports, inTests := map[string][]string{}, []string(nil)
	for _, file := range goFiles(t, tree) {
		for _, spec := range parse(t, tree, file, parser.ImportsOnly).Imports {
			imports[path.Dir(file)] = append(imports[path.Dir(file)], importPath(spec))
			if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "tests/") {
				inTests = append(inTests, importPath(spec))
			}
		}
	}
	used := func(imported []string, prefix string) bool {
		return slices.ContainsFunc(imported, func(i string) bool { return isUnder(i, []string{prefix}) })
	}
	for dir, prefixes := range thirdParty {
		for _, prefix := range prefixes {
			if !used(imports[dir], prefix) {
				idle = append(idle, dir+" never imports "+prefix)
			}
		}
	}
	for dir, others := range ours {
		for _, other := range others {
			if !slices.Contains(imports[dir], path.Join(module, other)) {
				idle = append(idle, dir+" never imports "+other)
			}
		}
	}
	for _, prefix := range forTests {
		if !used(inTests, prefix) {
			idle = append(idle, "no test imports "+prefix)
		}
	}
	return idle
}

// importFaults reads the sources itself. A test that asked the go command would
// go on passing from the test cache, which does not see what another process reads.
func importFaults(t *testing.T, tree fs.FS) (faults []string) {
	for _, file := range goFiles(t, tree) {
		dir := path.Dir(file)
		if dir == "tests" || strings.HasPrefix(dir, "tests/") {
			continue
		}
		if !slices.ContainsFunc(layers, func(layer []string) bool { return slices.Contains(layer, dir) }) {
			faults = append(faults, fmt.Sprintf("%s: %s is in no layer", file, dir))
			continue
		}
		for _, spec := range parse(t, tree, file, parser.ImportsOnly).Imports {
			imported := importPath(spec)
			if !mayImport(dir, imported, strings.HasSuffix(file, "_test.go")) {
				faults = append(faults, fmt.Sprintf("%s: %s may not import %s", file, dir, strings.TrimPrefix(imported, module+"/")))
			}
		}
	}
	return faults
}

func mayImport(dir, imported string, inTest bool) bool {
	if imported == module || strings.HasPrefix(imported, module+"/") {
		return mayImportOurs(dir, cleanDir(imported), inTest)
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		carriesWeb := imported == "net/http" || strings.HasPrefix(imported, "net/http/")
		return !carriesWeb || inTest || !slices.Contains(webless, dir)
	}
	return isUnder(imported, thirdParty[dir]) || inTest && isUnder(imported, forTests)
}

func mayImportOurs(dir, imported string, inTest bool) bool {
	if inTest {
		// A test may use an adapter, such as a store in memory, but not the Caddy part.
		return dir == imported || layerOf(imported) < layerOf("caddymodule/telemetry") || layerOf(imported) < layerOf(dir)
	}
	if allowed, narrowed := ours[dir]; narrowed {
		return slices.Contains(allowed, imported)
	}
	return layerOf(imported) < layerOf(dir)
}

func cleanDir(imported string) string {
	if imported == module {
		return "."
	}
	return strings.TrimPrefix(imported, module+"/")
}

// layerOf returns a package's line in layers; what is in none comes after all.
func layerOf(dir string) int {
	at := slices.IndexFunc(layers, func(layer []string) bool { return slices.Contains(layer, dir) })
	if at < 0 {
		return len(layers)
	}
	return at
}

func isUnder(imported string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		whole := strings.TrimSuffix(prefix, "/")
		return imported == whole || strings.HasPrefix(imported, whole+"/")
	})
}

func importPath(spec *ast.ImportSpec) string {
	imported, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return imported
}

// goFiles lists every Go file of the tree, without what is not ours.
func goFiles(t *testing.T, tree fs.FS) (files []string) {
	t.Helper()
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		hidden := file != "." && strings.HasPrefix(name, ".")
		if entry.IsDir() && (hidden || name == "node_modules" || name == "testdata") {
			return fs.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(name, ".go") {
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parse(t *testing.T, tree fs.FS, file string, mode parser.Mode) *ast.File {
	t.Helper()
	source, err := fs.ReadFile(tree, file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, mode)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
