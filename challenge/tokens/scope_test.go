// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

const host = "app.example.com"

func TestRuling44AScopeHoldsHoweverAnAppReadsThePath(t *testing.T) {
	for _, tt := range []struct {
		name, prefix, path string
		want               bool
	}{
		{"everything", "/", "/admin//..;/x", true},
		{"the path itself", "/repo", "/repo", true},
		{"what is below", "/repo", "/repo/a/b.git/info/refs", true},
		{"a folder", "/repo", "/repo/", true},
		{"a longer name", "/repo", "/repository", false},
		{"a neighbour", "/repo", "/admin", false},
		{"what is above", "/repo", "/", false},
		{"no path at all", "/repo", "", false},
		{"steps up", "/repo", "/repo/../admin", false},
		{"escaped steps up", "/repo", "/repo/..%2fadmin", false},
		{"twice escaped steps up", "/repo", "/repo/%252e%252e/admin", false},
		{"a backslash", "/repo", "/repo/..%5cadmin", false},
		{"a parameter in a step", "/repo", "/repo/..;v=1/admin", false},
		{"a zero byte behind it", "/repo", "/repo%00/admin", false},
		{"a zero byte that ends the prefix early", "/repo", "/rep%00o/admin", false},
		{"an empty segment in front", "/repo", "//repo/x", false},
		{"an empty segment behind", "/repo", "/repo//x", false},
		{"the prefix further down", "/repo", "/x/repo/a", false},
		{"an escaped prefix", "/repo", "/%72epo/a", false},
		{"capitals of a path in small letters", "/repo", "/REPO/a", false},
		{"small letters of a path in capitals", "/Team", "/team/a", false},
		{"a path in capitals", "/Team", "/Team/A.txt", true},
		{"an address as programs write it", "/ana@example.com", "/ana%40example.com/cal/1.ics", true},
		{"an address as it is", "/ana@example.com", "/ana@example.com/", true},
		{"full width letters", "/repo", "/%ef%bd%92epo/a", false},
		{"a path that is too long to judge", "/repo", "/repo/" + strings.Repeat("%41", 4000), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scope := tokens.Scope{Host: host, Path: tt.prefix}
			if got := scope.Covers(tokens.Request{Host: host, Path: tt.path, Method: "GET"}); got != tt.want {
				t.Errorf("%s covers %s: %t, want %t", tt.prefix, tt.path, got, tt.want)
			}
		})
	}
}

func TestRuling44AReadOnlyTokenChangesNothing(t *testing.T) {
	pack := "application/x-git-upload-pack-request"
	for _, tt := range []struct {
		name string
		ask  tokens.Request
		want bool
	}{
		{"GET", tokens.Request{Method: "GET"}, true},
		{"HEAD", tokens.Request{Method: "HEAD"}, true},
		{"OPTIONS", tokens.Request{Method: "OPTIONS"}, true},
		{"PROPFIND", tokens.Request{Method: "PROPFIND"}, true},
		{"REPORT", tokens.Request{Method: "REPORT"}, true},
		{"git fetches", tokens.Request{Method: "POST", Path: "/a.git/git-upload-pack", Media: pack}, true},
		{"git pushes", tokens.Request{Method: "POST", Path: "/a.git/git-receive-pack", Media: "application/x-git-receive-pack-request"}, false},
		{"POST", tokens.Request{Method: "POST"}, false},
		{"a form under the name of git's", tokens.Request{Method: "POST", Path: "/a.git/git-upload-pack", Media: "application/x-www-form-urlencoded"}, false},
		{"git's type elsewhere", tokens.Request{Method: "POST", Path: "/a", Media: pack}, false},
		{"git's type with steps", tokens.Request{Method: "POST", Path: "/a/..%2fx/git-upload-pack", Media: pack}, false},
		{"git's name in a query", tokens.Request{Method: "POST", Path: "/a", Query: "/git-upload-pack", Media: pack}, false},
		{"git, asked to be another method", tokens.Request{Method: "POST", Path: "/a/git-upload-pack", Query: "_method=DELETE", Media: pack}, false},
		{"PUT", tokens.Request{Method: "PUT"}, false},
		{"DELETE", tokens.Request{Method: "DELETE"}, false},
		{"MKCALENDAR", tokens.Request{Method: "MKCALENDAR"}, false},
		{"MOVE", tokens.Request{Method: "MOVE"}, false},
		{"LOCK", tokens.Request{Method: "LOCK"}, false},
		{"a method in small letters", tokens.Request{Method: "get"}, false},
		{"a link that asks for another method", tokens.Request{Method: "GET", Query: "_method=delete"}, false},
		{"a link that asks for another that reads", tokens.Request{Method: "GET", Query: "_method=head"}, true},
		{"a connection that carries anything", tokens.Request{Method: "GET", Upgrade: true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.ask.Host = host
			if tt.ask.Path == "" {
				tt.ask.Path = "/x"
			}
			scope := tokens.Scope{Host: host, Path: "/", ReadOnly: true}
			if got := scope.Covers(tt.ask); got != tt.want {
				t.Errorf("covers = %t, want %t", got, tt.want)
			}
			scope.ReadOnly = false
			if !scope.Covers(tt.ask) {
				t.Error("a token that may do all is refused")
			}
		})
	}
}

func TestAScopeIsOfOneHost(t *testing.T) {
	scope := tokens.Scope{Host: host, Path: "/"}
	for _, other := range []string{"", "example.com", "other.example.com", host + ":8443", strings.ToUpper(host)} {
		if scope.Covers(tokens.Request{Host: other, Path: "/", Method: "GET"}) {
			t.Errorf("a token for %s opens %q", host, other)
		}
	}
}

func TestPathsOfScopesAreCleaned(t *testing.T) {
	for _, tt := range []struct {
		typed, want string
		ok          bool
	}{
		{"", "/", true},
		{"/", "/", true},
		{"repo", "/repo", true},
		{" /repo/ ", "/repo", true},
		{"/Team/x.git", "/Team/x.git", true},
		{"/ana%40example.com", "/ana@example.com", true},
		{"/b%C3%BCcher", "/bücher", true},
		{"/a b", "/a b", true},
		{"/a?b", "", false},
		{"/a#b", "", false},
		{"/a/../b", "", false},
		{"/a//b", "", false},
		{"/a;b", "", false},
		{"/a\\b", "", false},
		{"/a%00b", "", false},
		{"/50%", "", false},
		{"/\xff", "", false},
		{"/" + strings.Repeat("a", tokens.MaxPath-1), "/" + strings.Repeat("a", tokens.MaxPath-1), true},
		{"/" + strings.Repeat("a", tokens.MaxPath), "", false},
	} {
		path, ok := tokens.CleanPath(tt.typed)
		if ok != tt.ok || ok && path != tt.want {
			t.Errorf("CleanPath(%q) = %q, %t, want %q, %t", tt.typed, path, ok, tt.want, tt.ok)
		}
	}
}
