// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// A rule about methods used to judge the method as it was sent and "_method" in
// the query, spelled just so. Frameworks that take a request for another one read
// more than that: the method without regard to case, the name as PHP folds it, and
// the body of a form. A stranger's DELETE got past as any of these. Now whatever
// such an app may take for a guarded method is guarded.
func TestPTH06ARuleAboutMethodsJudgesWhatAnAppMayTakeARequestFor(t *testing.T) {
	const encoded = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, method, target string
		media                []string // of a body
		want                 bool
	}{
		{name: "as the rule says", method: "DELETE", target: "/x", want: true},
		{name: "lower case", method: "delete", target: "/x", want: true},
		{name: "mixed case", method: "Delete", target: "/x", want: true},
		{name: "query", method: "POST", target: "/x?_method=DELETE", want: true},
		{name: "query in lower case", method: "POST", target: "/x?_method=delete", want: true},
		{name: "query by a link", method: "GET", target: "/x?_method=delete", want: true},
		{name: "a dot that PHP folds", method: "POST", target: "/x?.method=DELETE", want: true},
		{name: "a space that PHP drops", method: "POST", target: "/x?%20_method=DELETE", want: true},
		{name: "a plus that PHP drops", method: "POST", target: "/x?+_method=DELETE", want: true},
		{name: "an end that PHP sees", method: "POST", target: "/x?_method%00x=DELETE", want: true},
		{name: "an encoded name", method: "POST", target: "/x?%5fm%65thod=DELETE", want: true},
		{name: "an upper case name", method: "POST", target: "/x?_METHOD=DELETE", want: true},
		{name: "parted by a semicolon", method: "POST", target: "/x?a=b;_method=DELETE", want: true},
		{name: "the second of two", method: "POST", target: "/x?_method=GET&_method=DELETE", want: true},
		{name: "among more than Go reads", method: "POST", target: "/x?_method=DELETE" + strings.Repeat("&a", 11_000), want: true},
		{name: "a form", method: "POST", target: "/x", media: []string{encoded}, want: true},
		{name: "a form by a method in lower case", method: "post", target: "/x", media: []string{encoded}, want: true},
		{name: "a form in capitals", method: "POST", target: "/x", media: []string{strings.ToUpper(encoded)}, want: true},
		{name: "a form with a parameter", method: "POST", target: "/x", media: []string{encoded + " ; charset=utf-8"}, want: true},
		{name: "a form with a comma, which Rack and PHP end at", method: "POST", target: "/x", media: []string{encoded + ", text/plain"}, want: true},
		{name: "a form with a space, which PHP ends at", method: "POST", target: "/x", media: []string{encoded + " x"}, want: true},
		{name: "a form in parts", method: "POST", target: "/x", media: []string{"multipart/form-data; boundary=x"}, want: true},
		{name: "other parts, which Rack reads", method: "POST", target: "/x", media: []string{"multipart/mixed; boundary=x"}, want: true},
		{name: "a body of no type, which Rack takes for a form", method: "POST", target: "/x", media: []string{}, want: true},
		{name: "JSON, which Laravel reads as a form", method: "POST", target: "/x", media: []string{"application/vnd.api+json"}, want: true},
		{name: "a zero byte and a broken escape", method: "POST", target: "/x?_method%00%zz=DELETE", want: true},
		{name: "two types, of which an app may take either", method: "POST", target: "/x", media: []string{"application/json", encoded}, want: true},

		{name: "a link", method: "GET", target: "/x"},
		{name: "a link that speaks of methods", method: "GET", target: "/x?method=DELETE&my_method=DELETE&_methods=DELETE"},
		{name: "another method asked for", method: "POST", target: "/x?_method=PUT"},
		{name: "a script's request", method: "POST", target: "/x", media: []string{"text/plain"}},
		{name: "a POST without a body", method: "POST", target: "/x"},
		{name: "a form that is no POST", method: "PUT", target: "/x", media: []string{encoded}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, tt.target, nil)
			if tt.media != nil {
				r = httptest.NewRequest(http.MethodPost, tt.target, strings.NewReader("a=b"))
				r.Header["Content-Type"] = tt.media
			}
			r.Method = tt.method
			if got := caddymodule.Guards(caddyhttp.MatcherSet{caddyhttp.MatchMethod{http.MethodDelete}}, r); got != tt.want {
				t.Errorf("guarded = %v, want %v", got, tt.want)
			}
		})
	}
}
