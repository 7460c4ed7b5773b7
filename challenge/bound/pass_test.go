// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package bound_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/bound"
)

const site = "https://app.example.com"

func mac(parts ...[]byte) (sum [32]byte) {
	h := hmac.New(sha256.New, []byte("a secret of this test"))
	for _, p := range parts {
		h.Write([]byte{byte(len(p))})
		h.Write(p)
	}
	copy(sum[:], h.Sum(nil))
	return sum
}

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func aPass() bound.Pass {
	return bound.Pass{Browser: "AAECAwQFBgcICQoLDA0ODw", Key: bound.ThumbprintOf("a key"), Until: noon.Add(bound.PassLife)}
}

func TestAPassSaysWhatItWasMadeFor(t *testing.T) {
	read, err := bound.ReadPass(aPass().Sign(site, mac), site, mac)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(aPass(), read); diff != "" {
		t.Error(diff)
	}
	for when, counts := range map[time.Duration]bool{
		0: true, bound.PassLife: true, bound.PassLife + bound.Slack - 1: true, bound.PassLife + bound.Slack: false, 24 * time.Hour: false,
	} {
		if read.Counts(noon.Add(when)) != counts {
			t.Errorf("after %s it counts: %v", when, !counts)
		}
	}
}

func TestCK02APassIsShort(t *testing.T) {
	p := aPass()
	p.Browser = strings.Repeat("b", 64)
	if value := p.Sign(site, mac); len(value) > 160 {
		t.Errorf("a pass has %d characters", len(value))
	}
}

func TestBND03AForgedPassIsNone(t *testing.T) {
	good := aPass().Sign(site, mac)
	for name, value := range map[string]string{
		"empty": "", "cut": good[:len(good)-4], "padded": good + "=", "with something behind": good + "AAAA", "in two lines": good[:8] + "\r\n" + good[8:],
		"of zeros": strings.Repeat("A", len(good)), "too long": strings.Repeat("A", 1<<20),
		"of another secret": aPass().Sign(site, func(...[]byte) [32]byte { return [32]byte{} }), "of another site": aPass().Sign("https://evil.example", mac),
	} {
		if p, err := bound.ReadPass(value, site, mac); !errors.Is(err, bound.ErrPass) {
			t.Errorf("%s: ReadPass = %v, %v", name, p, err)
		}
	}
	for i := range len(good) {
		other := "A"
		if good[i] == 'A' {
			other = "B"
		}
		if _, err := bound.ReadPass(good[:i]+other+good[i+1:], site, mac); err == nil {
			t.Errorf("with another character at %d it is a pass still", i)
		}
	}
}

func TestWhatABrowserIsTold(t *testing.T) {
	if got, want := bound.Offer("/.doorcode/bound", "c", "a"), `(ES256 RS256);path="/.doorcode/bound";challenge="c";authorization="a"`; got != want {
		t.Errorf("Offer = %s, want %s", got, want)
	}
	if got, want := bound.Ask("c", "s"), `"c";id="s"`; got != want {
		t.Errorf("Ask = %s, want %s", got, want)
	}
	var terms map[string]any
	err := json.Unmarshal(bound.Terms{Session: "s", Origin: site, Refresh: "/r", Except: "/b", Cookie: "c", CookieAs: "Path=/"}.JSON(), &terms)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"session_identifier": "s", "refresh_url": "/r",
		"scope": map[string]any{
			"origin": site, "include_site": false,
			"scope_specification": []any{map[string]any{"type": "exclude", "domain": "*", "path": "/b"}},
		},
		"credentials":                []any{map[string]any{"type": "cookie", "name": "c", "attributes": "Path=/"}},
		"allowed_refresh_initiators": []any{"*"},
	}
	if diff := cmp.Diff(want, terms); diff != "" {
		t.Error(diff)
	}
}

func TestFieldsComeWithAndWithoutQuotes(t *testing.T) {
	for value, want := range map[string]string{"a": "a", `"a"`: "a", ` "a" `: "a", `"`: `"`, `""`: "", "": "", `a"`: `a"`} {
		if got := bound.Unquoted(value); got != want {
			t.Errorf("Unquoted(%s) = %s, want %s", value, got, want)
		}
	}
	for value, want := range map[string]string{
		"unreachable": "unreachable", `server_error;session_identifier="s"`: "server_error", `"quota_exceeded"`: "quota_exceeded",
		"": "other", "\x1b[31m": "other", strings.Repeat("x", 1<<20): "other",
	} {
		if got := bound.Skipped(value); got != want {
			t.Errorf("Skipped(%.20q) = %q, want %q", value, got, want)
		}
	}
}
