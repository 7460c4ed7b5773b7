// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"fmt"
	"net/http"
	"slices"
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
		if diff := cmp.Diff(left, met, cmpopts.EquateEmpty()); diff != "" {
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
