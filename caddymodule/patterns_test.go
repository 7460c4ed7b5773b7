// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// PTH-03, PTH-04: a rule is skipped only where its path matcher, asked with the path
// as it stands and without a slash at its end, would not have matched.
func TestPTH03ARuleIsSkippedOnlyWhereItsPathsDoNotMatch(t *testing.T) {
	segment := rapid.SampledFrom([]string{"admin", "a", "api.v1", "x_y", "Admin", "%41", ".git", "pay.php", "..", "", "{x}", "a*b", "*", "[a]", "a b", "ä"})
	path := rapid.Map(rapid.SliceOfN(segment, 0, 4), func(parts []string) string { return "/" + strings.Join(parts, "/") })
	pattern := rapid.Custom(func(t *rapid.T) string {
		text := path.Draw(t, "path")
		if rapid.Bool().Draw(t, "front") {
			text = "*" + strings.TrimPrefix(text, "/")
		}
		if rapid.Bool().Draw(t, "back") {
			text += "*"
		}
		return text
	})
	rapid.Check(t, func(t *rapid.T) {
		match := caddyhttp.MatchPath(rapid.SliceOfN(pattern, 1, 3).Draw(t, "patterns"))
		if err := match.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path.Draw(t, "requested")
		r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
		skipped := caddymodule.Skips(caddyhttp.MatcherSet{&match}, r)
		for _, as := range []string{r.URL.Path, strings.TrimSuffix(r.URL.Path, "/")} {
			r.URL.Path = as
			if hit, err := match.MatchWithError(r); skipped && (hit || err != nil) {
				t.Fatalf("%q is skipped for %q, which matches it", match, as)
			}
		}
	})
}

func TestRulesForOtherPathsAreSkipped(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		patterns   caddyhttp.MatchPath
		want       bool
	}{
		{"another folder", "/x", caddyhttp.MatchPath{"/admin/*", "/pay"}, true},
		{"another file", "/x.js", caddyhttp.MatchPath{"*.css"}, true},
		{"nothing of the kind", "/x", caddyhttp.MatchPath{"*secret*"}, true},
		{"the folder", "/admin/x", caddyhttp.MatchPath{"/pay", "/admin/*"}, false},
		{"the page as a folder", "/pay/", caddyhttp.MatchPath{"/pay"}, false},
		{"a path that some read otherwise", "/x;/y", caddyhttp.MatchPath{"/admin/*"}, false},
		{"a path in capitals", "/X", caddyhttp.MatchPath{"/admin/*"}, false},
		{"a pattern that takes more than a look", "/x", caddyhttp.MatchPath{"/a*/b"}, false},
		{"a pattern for everything", "/x", caddyhttp.MatchPath{"*"}, false},
		{"a pattern with a placeholder", "/x", caddyhttp.MatchPath{"/{env.X}"}, false},
		{"no pattern", "/x", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := caddyhttp.MatcherSet{&tt.patterns, caddyhttp.MatchMethod{"GET"}}
			if got := caddymodule.Skips(set, httptest.NewRequest("GET", tt.path, nil)); got != tt.want {
				t.Errorf("skipped: %v, want %v", got, tt.want)
			}
		})
	}
}
