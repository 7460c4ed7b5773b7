// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

func TestHDR06ValuesAreOneLineOfASCII(t *testing.T) {
	for _, tt := range []struct {
		name, value, want string
		err               error
	}{
		{"an address is sent as it is", "alice+x@example.com", "alice+x@example.com", nil},
		{"a list is sent as it is", "staff,web admins", "staff,web admins", nil},
		{"a percent sign is sent as it is", "100%", "100%", nil},
		{"a name with an umlaut is encoded", "Jürgen Groß", "UTF-8''J%C3%BCrgen%20Gro%C3%9F", nil},
		{"what looks encoded is encoded", "utf-8''x", "UTF-8''utf-8%27%27x", nil},
		{"blanks at the ends are kept by encoding", " alice", "UTF-8''%20alice", nil},
		{"a line break is refused", "alice\r\nRemote-Groups: admins", "", upstream.ErrFieldText},
		{"a bare line feed is refused", "alice\nx", "", upstream.ErrFieldText},
		{"NUL is refused", "alice\x00", "", upstream.ErrFieldText},
		{"DEL is refused", "alice\x7f", "", upstream.ErrFieldText},
		{"a C1 control is refused", "alice\u0085x", "", upstream.ErrFieldText},
		{"a line separator is refused", "alice\u2028x", "", upstream.ErrFieldText},
		{"broken UTF-8 is refused", "alice\xff", "", upstream.ErrFieldText},
		{"the longest value passes", strings.Repeat("a", upstream.MaxFieldValue), strings.Repeat("a", upstream.MaxFieldValue), nil},
		{"one byte more is refused, not cut", strings.Repeat("a", upstream.MaxFieldValue+1), "", upstream.ErrFieldTooLong},
		{"the limit counts what is sent", strings.Repeat("ü", upstream.MaxFieldValue/2), "", upstream.ErrFieldTooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers, err := upstream.BuildHeaders([]upstream.Field{{Name: "remote-name", Value: tt.value}, {Name: "Remote-User", Value: "u"}})
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			want := http.Header{"Remote-User": {"u"}}
			if tt.want != "" {
				want["Remote-Name"] = []string{tt.want}
			}
			got := http.Header{}
			headers.Set(got, nil)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFieldsWithoutAValueAreAbsent(t *testing.T) {
	headers, err := upstream.BuildHeaders([]upstream.Field{{Name: "Remote-Groups", Value: ""}})
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	headers.Set(h, nil)
	(*upstream.Headers)(nil).Set(h, nil)
	new(upstream.Headers).Set(h, nil)
	if len(h) != 0 {
		t.Errorf("set %v", h)
	}
}

// TestEditingAValueReachesNoOtherRequest: Caddy's request_header directive replaces
// text in place and appends to what is there. With values shared between requests,
// one would have changed the identity that the next one carries.
func TestEditingAValueReachesNoOtherRequest(t *testing.T) {
	headers, cells := alice(t), upstream.Cells{}
	first, second := http.Header{}, http.Header{}
	headers.Set(first, &cells)
	headers.Set(second, &cells)
	for name := range first {
		first[name][0] = "edited"
		first.Add(name, "added")
	}
	third := http.Header{}
	headers.Set(third, &cells)
	for _, h := range []http.Header{second, third} {
		want := http.Header{
			"Remote-User": {"alice"}, "Remote-Email": {"alice@example.com"}, "Remote-Name": {"Alice"}, "Doorcode-Assertion": {"signed"},
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
