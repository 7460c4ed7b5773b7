// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

// model splits Cookie lines in the slow and obvious way: ours by value, the others
// trimmed.
func model(lines []string, name string) (ours, others []string) {
	for _, line := range lines {
		for _, pair := range strings.Split(line, ";") {
			pair = strings.Trim(pair, " \t")
			key, value, found := strings.Cut(pair, "=")
			switch {
			case found && strings.TrimRight(key, " \t") == name:
				ours = append(ours, strings.TrimLeft(value, " \t"))
			case pair != "":
				others = append(others, pair)
			}
		}
	}
	return ours, others
}

func unique(values []string) (distinct []string) {
	for _, v := range values {
		if !slices.Contains(distinct, v) {
			distinct = append(distinct, v)
		}
	}
	return distinct
}

// FuzzJar compares reading and removing with the model. An untouched line must stay
// byte for byte.
func FuzzJar(f *testing.F) {
	for _, seed := range [][2]string{
		{"a=1; own=x; b=2", "own=y"},
		{"own=1;own=2; own=3;own=4;own=5", ""},
		{"own = x;;=; own", "\town=\"a;b\""},
		{"$Version=1; own=x; $Path=/", "a=own=x"},
		{";;;", "own==;"},
		{"a=1 ; ;own=x; ;b=2; own=y;", "own=1;own=2;own=3;own=4;own=5;own=6;own=7;own=8;own=9;c;own=10"},
		{" ", "own=x ; y"},
	} {
		f.Add(seed[0], seed[1])
	}
	jar := upstream.NewJar("own", "other")
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		ours, others := model(lines, "own")
		theirs, _ := model(lines, "other")
		others = slices.DeleteFunc(others, func(pair string) bool {
			values, _ := model([]string{pair}, "other")
			return len(values) > 0
		})
		h := http.Header{"Cookie": slices.Clone(lines)}
		found := jar.Read(h)
		for i, values := range [][]string{unique(ours), unique(theirs)} {
			if len(values) > upstream.MaxValues {
				values = nil
			}
			if got := found.Values(i); !slices.Equal(got, values) {
				t.Fatalf("%q: cookie %d has %q, want %q", lines, i, got, values)
			}
		}
		checkRemoveFound(t, jar, first)
		if jar.Remove(h); len(ours)+len(theirs) == 0 {
			if !slices.Equal(h["Cookie"], lines) {
				t.Fatalf("%q became %q without a cookie of ours", lines, h["Cookie"])
			}
			return
		}
		left, rest := model(h["Cookie"], "own")
		if len(left) > 0 || !slices.Equal(rest, others) {
			t.Fatalf("%q became %q: ours %q, others %q, want %q", lines, h["Cookie"], left, rest, others)
		}
	})
}

// checkRemoveFound compares removing what was found with removing what is there.
func checkRemoveFound(t *testing.T, jar *upstream.Jar, line string) {
	t.Helper()
	quick, slow := http.Header{"Cookie": {line}}, http.Header{"Cookie": {line}}
	found := jar.Read(quick)
	jar.RemoveFound(quick, &found)
	jar.Remove(slow)
	if !slices.Equal(quick["Cookie"], slow["Cookie"]) {
		t.Fatalf("%q became %q by what was found, and %q by what is there", line, quick["Cookie"], slow["Cookie"])
	}
}

// FuzzFieldNames compares the recognition of names with folding them in full. A
// name that is not recognised must stay.
func FuzzFieldNames(f *testing.F) {
	for _, seed := range []string{
		"Remote-User", "remote_user", "REMOTE.USER ", "Remote-Users", "Doorcode", "Doorcode-", "doorcode_x", "X!Original!URL", "\x00", "", "-", "Remote-User\u00a0",
	} {
		f.Add(seed)
	}
	for _, name := range upstream.Gateways {
		f.Add(strings.ReplaceAll(name, "-", "_"))
	}
	fold := func(name string) string {
		name = strings.TrimFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f })
		folded := ""
		for _, c := range []byte(name) {
			switch r := rune(c); {
			case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
				folded += string(unicode.ToLower(r))
			default:
				folded += "-"
			}
		}
		return folded
	}
	exact := []string{
		"remote-user", "x-original-url", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override", "proxy-connection", "http2-settings",
	}
	ofGateway := func(name string) bool {
		return slices.ContainsFunc(upstream.Gateways, func(own string) bool {
			text, prefix := strings.CutSuffix(own, "*")
			text = fold(text)
			return name == text || prefix && strings.HasPrefix(name, text)
		})
	}
	f.Fuzz(func(t *testing.T, name string) {
		if slices.Contains([]string{"Connection", "Upgrade", "Cookie", "Trailer"}, name) {
			return
		}
		for _, gateways := range []bool{false, true} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header = http.Header{name: {"x"}}
			upstream.NewCleaner(upstream.CleanerOptions{Names: []string{"Remote-User"}, StripGateways: gateways}).Clean(r, new(upstream.Met))
			want := slices.Contains(exact, fold(name)) || strings.HasPrefix(fold(name), "doorcode-") || gateways && ofGateway(fold(name))
			if removed := len(r.Header) == 0; removed != want {
				t.Fatalf("%q is removed: %v, want %v (gateways too: %v)", name, removed, want, gateways)
			}
		}
	})
}

// FuzzConnection: nothing but known options gets through, and no upgrade but to
// websocket, whatever a client writes.
func FuzzConnection(f *testing.F) {
	for _, seed := range [][2]string{{"close", ""}, {"Upgrade, x", "websocket"}, {"upgrade", "h2c"}, {",;,Keep-Alive \t,", "websocket, h2c"}} {
		f.Add(seed[0], seed[1])
	}
	cleaner := upstream.NewCleaner(upstream.CleanerOptions{})
	f.Fuzz(func(t *testing.T, connection, protocol string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{"Connection": {connection, connection}, "Upgrade": {protocol}}
		cleaner.Clean(r, new(upstream.Met))
		upgrades := false
		for _, line := range r.Header["Connection"] {
			for _, option := range strings.Split(line, ",") {
				option = strings.ToLower(strings.TrimSpace(option))
				if !slices.Contains([]string{"close", "keep-alive", "upgrade", "te"}, option) {
					t.Fatalf("%q passes as %q", connection, r.Header["Connection"])
				}
				upgrades = upgrades || option == "upgrade"
			}
		}
		kept := r.Header["Upgrade"]
		if upgrades != (len(kept) == 1) || upgrades && strings.ToLower(strings.TrimSpace(kept[0])) != "websocket" {
			t.Fatalf("%q, %q pass as %v", connection, protocol, r.Header)
		}
	})
}

// FuzzBuildHeaders: no value ends its line or exceeds the limit, and each can be
// told from all others, since it decodes to what went in.
func FuzzBuildHeaders(f *testing.F) {
	for _, seed := range []string{"alice", " alice ", "Jürgen", "UTF-8''x", "a\r\nb", "a\u2028b", "a\xffb", "%41", "\u202eecila"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		headers, err := upstream.BuildHeaders([]upstream.Field{{Name: "Remote-Name", Value: value}})
		h := http.Header{}
		headers.Set(h, nil)
		if err != nil || value == "" {
			if len(h) != 0 {
				t.Fatalf("%q: error %v, yet set %q", value, err, h)
			}
			return
		}
		got := h["Remote-Name"][0]
		if len(got) > upstream.MaxFieldValue || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			t.Fatalf("%q became %q", value, got)
		}
		if encoded, found := strings.CutPrefix(got, "UTF-8''"); found {
			if got, err = url.PathUnescape(encoded); err != nil {
				t.Fatalf("%q became %q: %v", value, encoded, err)
			}
		}
		if got != value {
			t.Fatalf("%q is read as %q", value, got)
		}
	})
}

// FuzzSetCookie: whatever a browser that trims and compares as RFC 6265 section 5.6
// says would store under our name is dropped.
func FuzzSetCookie(f *testing.F) {
	for _, seed := range []string{"own=x", " own =x; Path=/", "=own=x", "own", "OWN=x", "a=own", "own\t=x", "=;own=x", "x=1;own=2"} {
		f.Add(seed)
	}
	answers := upstream.NewAnswers(upstream.AnswersOptions{Cookies: []string{"own"}})
	f.Fuzz(func(t *testing.T, line string) {
		w := httptest.NewRecorder()
		w.Header()["Set-Cookie"] = []string{line}
		answers.Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), false).Done()
		pair, _, _ := strings.Cut(line, ";")
		name, value, found := strings.Cut(pair, "=")
		name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
		sent := name + "=" + value
		if !found || name == "" {
			sent = value // the cookie comes back without a name
			if !found {
				sent = name
			}
		}
		ours, _ := model([]string{sent}, "own")
		if stays := len(w.Header()["Set-Cookie"]) == 1; stays && len(ours) > 0 {
			t.Fatalf("%q stays, and comes back as %q", line, sent)
		}
	})
}

// FuzzDemand: whatever a line says, what it demands is within the limits and takes
// the words for it; a demand stays one among other challenges, and is none within
// their quotes.
func FuzzDemand(f *testing.F) {
	for _, seed := range []string{
		`Bearer error="insufficient_user_authentication", max_age="300"`, `Negotiate a==,, bearer MAX_AGE = 5 , error=insufficient_user_authentication`,
		`Bearer realm="a\"b, c", error="insufficient\_user_authentication",`, `max_age=300`, `Bearer , =x"`, "\x00\"\xff\\",
	} {
		f.Add(seed)
	}
	challenge := func(lines ...string) time.Duration {
		return demanded(http.StatusUnauthorized, http.Header{"Www-Authenticate": lines})
	}
	f.Fuzz(func(t *testing.T, line string) {
		ours := demanded(http.StatusOK, http.Header{"Doorcode-Require": {line}})
		age := challenge(line)
		for _, d := range []time.Duration{ours, age} {
			if d != 0 && (d < time.Minute || d > 10*365*24*time.Hour || d%time.Second != 0) {
				t.Fatalf("%q demands %v", line, d)
			}
		}
		if lower := strings.ToLower(line); ours != 0 && !strings.Contains(lower, "max_age") || age != 0 && !strings.Contains(lower, "bearer") {
			t.Fatalf("%q demands %v and %v", line, ours, age)
		}
		if age != 0 {
			for _, among := range []string{"Negotiate a==, " + line, `Basic realm="x, y" , ` + line, line + ", Digest nonce=x", ", " + line + ","} {
				if got := challenge(among); got != age {
					t.Fatalf("%q demands %v, but %q %v", line, age, among, got)
				}
			}
		}
		if got := challenge("Bearer "+line, "Bearer error=insufficient_user_authentication, max_age=60"); got != time.Minute {
			t.Fatalf("beside %q a demand for a minute becomes %v", line, got)
		}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line)
		if got := challenge(`Bearer realm="` + quoted + `"`); got != 0 {
			t.Fatalf("%q in quotes demands %v", line, got)
		}
	})
}
