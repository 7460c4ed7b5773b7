// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

// What was met while a header was cleaned is what stands in it afterwards: nothing of a
// field that was taken out, and nothing of one that only looks like another.
func TestWhatWasMetIsWhatIsLeft(t *testing.T) {
	names := rapid.SampledFrom([]string{
		"Cookie", "cookie", "Cookies", "Accept", "Accept-Encoding", "User-Agent", "User_Agent", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-User",
		"Early-Data", "Early_Data", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Accept-Language", "Upgrade", "Connection", "Trailer", "Referer", "Remote-User", "Doorcode-Assertion",
	})
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", "1", "websocket", "Upgrade", "document"}), 0, 2)
	rapid.Check(t, func(t *rapid.T) {
		cleaner := upstream.NewCleaner(upstream.CleanerOptions{Names: identity, StripGateways: rapid.Bool().Draw(t, "gateways")})
		r := &http.Request{Method: http.MethodGet, Header: rapid.MapOf(names, lines).Draw(t, "header")}
		var met, left upstream.Met
		cleaner.Clean(r, &met)
		left.Meet(r.Header)
		if diff := cmp.Diff(left, met, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(upstream.Met{})); diff != "" {
			t.Fatalf("-left +met:\n%s", diff)
		}
		for name, said := range map[string]string{"User-Agent": met.Agent, "Sec-Fetch-Dest": met.Dest} {
			if lines := r.Header[name]; len(lines) > 0 && said != lines[0] || len(lines) == 0 && said != "" {
				t.Fatalf("of %v it met %q as %s", r.Header, said, name)
			}
		}
		if !slices.Equal(met.Accepts, r.Header["Accept"]) {
			t.Fatalf("of %v it met %q as what is accepted", r.Header, met.Accepts)
		}
		forwards := len(r.Header["X-Forwarded-For"])+len(r.Header["X-Forwarded-Proto"]) > 0
		if met.Forwards != forwards || !slices.Equal(met.Cookies, r.Header["Cookie"]) || met.Early != (len(r.Header["Early-Data"]) > 0) || met.Upgrades != (len(r.Header["Upgrade"]) > 0) {
			t.Fatalf("of %v it met %d cookies, early %v, upgrades %v", r.Header, len(met.Cookies), met.Early, met.Upgrades)
		}
	})
}

func TestWhatWasMetIsNotPrinted(t *testing.T) {
	var met upstream.Met
	met.Meet(http.Header{"Cookie": {"doorcode=secret"}})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if said := fmt.Sprintf(verb, met); said != "[fields]" {
			t.Errorf("%s prints %s", verb, said)
		}
	}
}

// namesIn are the texts that a declaration of met.go holds.
func namesIn(t *testing.T, declared string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "met.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	collect := func(n ast.Node) bool {
		if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
			name, _ := strconv.Unquote(text.Value)
			names = append(names, name)
		}
		return true
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == declared {
				ast.Inspect(n, collect)
			}
			return false
		case *ast.ValueSpec:
			if n.Names[0].Name == declared {
				ast.Inspect(n, collect)
			}
			return false
		}
		return true
	})
	slices.Sort(names)
	return names
}

// Whoever claims a usual name gets it: a name that is passed over as usual and is not on the
// list of usual names would let a visitor say who they are.
func TestAUsualNameThatIsClaimedIsRemoved(t *testing.T) {
	passed := namesIn(t, "note")
	if diff := cmp.Diff(namesIn(t, "usualNames"), passed); diff != "" {
		t.Errorf("-on the list +passed over:\n%s", diff)
	}
	for _, name := range passed {
		for _, claimed := range []string{name, name[:2] + "*"} {
			r := &http.Request{Method: http.MethodGet, Header: http.Header{name: {"ana"}, "Cookie": {"a=b"}}}
			var met upstream.Met
			upstream.NewCleaner(upstream.CleanerOptions{Names: []string{claimed}}).Clean(r, &met)
			if lines, left := r.Header[name]; left {
				t.Errorf("%s is claimed by %s and still says %q", name, claimed, lines)
			}
			if name != "Cookie" && claimed == name && len(met.Cookies) != 1 {
				t.Errorf("cookies were not met where %s is claimed", name)
			}
		}
	}
}
