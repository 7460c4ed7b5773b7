// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
)

func TestPTH06MethodsAreAllThatAnAppMayTakeARequestFor(t *testing.T) {
	for _, tt := range []struct {
		name, method, query string
		want                []string
	}{
		{"a link is itself", "GET", "a=b", nil},
		{"a link may speak of methods", "GET", "method=DELETE&my_method=DELETE&_methods=DELETE", nil},
		{"small letters are capitals to some", "delete", "", []string{"DELETE"}},
		{"a query asks for another", "GET", "_method=delete", []string{"DELETE"}},
		{"a query asks in the ways of PHP", "POST", ".method=PUT&%20_method=PATCH&_method%00x=DELETE", []string{"PUT", "PATCH", "DELETE"}},
		{"a name may be encoded", "POST", "%5fm%65thod=DELETE", []string{"DELETE"}},
		{"other frameworks have other names", "POST", "X-HTTP-Method-Override=PUT;httpMethod=DELETE", []string{"PUT", "DELETE"}},
		{"the last of very many counts", "POST", strings.Repeat("a&", 11_000) + "_method=DELETE", []string{"DELETE"}},
		{"a value that cannot be read asks for nothing", "POST", "_method=%zz", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := spelling.Methods(tt.method, tt.query); !slices.Equal(got, tt.want) {
				t.Errorf("Methods = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzMethods(f *testing.F) {
	f.Add("GET", "_method=DELETE&a=b")
	f.Add("post", "%5fmethod=%44ELETE;.method%00=put")
	f.Fuzz(func(t *testing.T, method, query string) {
		for _, other := range spelling.Methods(method, query) {
			if other != strings.ToUpper(other) {
				t.Errorf("%s?%s may be %q, which is not in capitals", method, query, other)
			}
		}
	})
}
