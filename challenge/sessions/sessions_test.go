// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

func TestASignedSessionComesBackAsItWas(t *testing.T) {
	h := newHouse(t)
	for _, algorithm := range append(algorithms, "") {
		t.Run("signed with "+string(algorithm), func(t *testing.T) {
			i := h.issuer(algorithm)
			full := h.session()
			bare := full
			bare.User, bare.Source, bare.Browser = "", "", ""
			bare.Methods = []string{"otp", "pwd"}
			bare.Active = bare.Issued
			for _, want := range []sessions.Session{full, bare} {
				got, err := i.Check(h.sign(i, want), app, noon)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("Check = %v, differences (-want +got):\n%s", err, diff)
				}
			}
		})
	}
}

func TestZeroAlgorithmIsES256(t *testing.T) {
	h := newHouse(t)
	header := decodeSegment(t, strings.Split(h.sign(h.issuer(""), h.session()), ".")[0])
	if diff := cmp.Diff(h.header(sessions.ES256), header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

// A change of algorithm in the config must not sign everybody out.
func TestSessionKeysOfOtherAlgorithmsGoOnVerifying(t *testing.T) {
	h := newHouse(t)
	for _, before := range algorithms {
		token := h.sign(h.issuer(before), h.session())
		for _, after := range algorithms {
			if _, err := h.issuer(after).Check(token, app, noon); err != nil {
				t.Errorf("signed with %s, checked under %s: %v", before, after, err)
			}
		}
	}
}

func TestTimesAreKeptToTheSecond(t *testing.T) {
	h := newHouse(t)
	i, s := h.issuer(""), h.session()
	s.Issued, s.Expires = noon.Add(900*time.Millisecond), noon.Add(time.Hour+900*time.Millisecond)
	got, err := i.Check(h.sign(i, s), app, noon)
	if err != nil || !got.Issued.Equal(noon) || !got.Expires.Equal(noon.Add(time.Hour)) {
		t.Errorf("Check = %v to %v, %v, want whole seconds", got.Issued, got.Expires, err)
	}
}

func TestJWT03ASessionEndsAtItsExpiryToTheNanosecond(t *testing.T) {
	h := newHouse(t)
	i, want := h.issuer(""), h.session()
	token := h.sign(i, want)
	for _, tt := range []struct {
		name string
		now  time.Time
		err  error
	}{
		{"it holds until just before", want.Expires.Add(-1), nil},
		{"it is over at the moment itself", want.Expires, sessions.ErrExpired},
		{"it is over after that, without a leeway", want.Expires.Add(time.Second), sessions.ErrExpired},
		{"it is over a century later", want.Expires.AddDate(100, 0, 0), sessions.ErrExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := i.Check(token, app, tt.now)
			if !errors.Is(err, tt.err) {
				t.Fatalf("Check = %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("session (-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever learns that a session "has expired" learns that it was genuine, so
// nothing else may be wrong with it.
func TestExpiredTokensWithAnotherFaultAreInvalid(t *testing.T) {
	h := newHouse(t)
	i, s := h.issuer(""), h.session()
	token, late := h.sign(i, s), s.Expires.Add(time.Hour)
	other := h.sign(i, h.session())
	cut := strings.LastIndexByte(token, '.')
	for name, check := range map[string]func() (sessions.Session, error){
		"another audience": func() (sessions.Session, error) { return i.Check(token, "https://other.example.com", late) },
		"the signature of another token": func() (sessions.Session, error) {
			return i.Check(token[:cut]+other[strings.LastIndexByte(other, '.'):], app, late)
		},
		"a seal of another session": func() (sessions.Session, error) {
			p := with(h.payload(s), "enc", h.payload(h.session())["enc"])
			return i.Check(h.forge(sessions.ES256, h.header(sessions.ES256), p), app, late)
		},
	} {
		if got, err := check(); !errors.Is(err, sessions.ErrInvalid) || got.Email != "" || got.ID != (sessions.ID{}) {
			t.Errorf("%s: Check = %+v, %v, want ErrInvalid and no session", name, got, err)
		}
	}
}

func TestJWT05ATokenIsForOneAudienceExactly(t *testing.T) {
	h := newHouse(t)
	i := h.issuer("")
	token := h.sign(i, h.session())
	for _, audience := range []string{
		"", "https://other.example.com", "https://app.example.com/", "https://APP.example.com", "http://app.example.com",
		"https://app.example.com:443", "app.example.com", "https://app.example.co", "https://app.example.com.evil.example",
	} {
		if s, err := i.Check(token, audience, noon); !errors.Is(err, sessions.ErrInvalid) || s.Email != "" {
			t.Errorf("Check for %q = %+v, %v, want ErrInvalid", audience, s, err)
		}
	}
}

func TestSignRefusesWhatItCannotVouchFor(t *testing.T) {
	h := newHouse(t)
	i := h.issuer("")
	for name, spoil := range map[string]func(*sessions.Session){
		"no id":                           func(s *sessions.Session) { s.ID = sessions.ID{} },
		"an id that was never drawn":      func(s *sessions.Session) { s.ID[3] ^= 1 },
		"no subject":                      func(s *sessions.Session) { s.Subject = "" },
		"no audience":                     func(s *sessions.Session) { s.Audience = "" },
		"no address":                      func(s *sessions.Session) { s.Email = "" },
		"no method":                       func(s *sessions.Session) { s.Methods = nil },
		"an empty method":                 func(s *sessions.Session) { s.Methods = []string{"otp", ""} },
		"no time of authentication":       func(s *sessions.Session) { s.AuthTime = time.Time{} },
		"no beginning":                    func(s *sessions.Session) { s.Issued = time.Time{} },
		"no last use":                     func(s *sessions.Session) { s.Active = time.Time{} },
		"no end":                          func(s *sessions.Session) { s.Expires = time.Time{} },
		"an end at the beginning":         func(s *sessions.Session) { s.Expires = s.Issued },
		"an end after the calendar's":     func(s *sessions.Session) { s.Expires = time.Unix(1<<40, 0) },
		"a user in broken UTF-8":          func(s *sessions.Session) { s.User = "alice\xff" },
		"a source in broken UTF-8":        func(s *sessions.Session) { s.Source = "\xc3\x28" },
		"a browser in broken UTF-8":       func(s *sessions.Session) { s.Browser = "\x80" },
		"an address in broken UTF-8":      func(s *sessions.Session) { s.Email = "a\xfe@example.com" },
		"a lone surrogate in the subject": func(s *sessions.Session) { s.Subject = "\xed\xa0\x80" },
	} {
		s := h.session()
		spoil(&s)
		if token, err := i.Sign(s); !errors.Is(err, sessions.ErrUnsignable) || token != "" {
			t.Errorf("%s: Sign = %q, %v, want ErrUnsignable", name, token, err)
		}
	}
}

func TestTheLongestSensibleSessionFits(t *testing.T) {
	h := newHouse(t)
	s := h.session()
	s.Email = strings.Repeat("a", 64) + "@" + strings.Repeat("b", 185) + ".com"
	s.User = strings.Repeat("u", 254)
	s.Source = strings.Repeat("s", 32)
	s.Browser = strings.Repeat("b", 32)
	s.Subject = strings.Repeat("s", 43)
	s.Audience = "https://" + strings.Repeat("h", 92)
	s.Methods = []string{"otp", "mfa", "pwd"}
	for _, algorithm := range algorithms {
		i := h.issuer(algorithm)
		if _, err := i.Check(h.sign(i, s), s.Audience, noon); err != nil {
			t.Errorf("%s: Check = %v", algorithm, err)
		}
	}
	s.User = strings.Repeat("u", 2000)
	if token, err := h.issuer("").Sign(s); !errors.Is(err, sessions.ErrTooLong) || token != "" {
		t.Errorf("with a user of 2000 characters: Sign = %d characters, %v, want ErrTooLong", len(token), err)
	}
}

func TestJWT09NoPersonalDataIsReadableInACookie(t *testing.T) {
	h := newHouse(t)
	for _, algorithm := range algorithms {
		s := h.session()
		token := h.sign(h.issuer(algorithm), s)
		layers := token + "\n"
		for _, segment := range strings.Split(token, ".") {
			raw, err := b64.DecodeString(segment)
			if err != nil {
				t.Fatal(err)
			}
			layers += string(raw) + "\n"
			for _, v := range decodedStrings(raw) {
				layers += v + "\n"
			}
		}
		layers = strings.ToLower(layers)
		for _, private := range []string{s.Email, "alice", "example.com\"", s.User, s.Source, s.Browser} {
			for _, form := range []string{
				private, base64.StdEncoding.EncodeToString([]byte(private)), fmt.Sprintf("%x", private),
			} {
				if strings.Contains(strings.ReplaceAll(layers, app, ""), strings.ToLower(form)) {
					t.Errorf("%s: the token shows %q as %q", algorithm, private, form)
				}
			}
		}
	}
}

// decodedStrings returns what the string values of a JSON object decode to.
func decodedStrings(raw []byte) (out []string) {
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	for _, v := range object {
		text, _ := v.(string)
		if inner, err := b64.DecodeString(text); err == nil {
			out = append(out, string(inner))
		}
	}
	return out
}

func TestNewIssuerRefusesWhatCannotWork(t *testing.T) {
	h := newHouse(t)
	only, _, err := sessions.Ensure(nil, sessions.ES256, noon)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sessions.ParseKeys(only)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		spoil func(*sessions.IssuerOptions)
		want  error
	}{
		"no keys":                      {func(o *sessions.IssuerOptions) { o.Keys = sessions.Keys{} }, sessions.ErrNoKey},
		"no key of the algorithm":      {func(o *sessions.IssuerOptions) { o.Keys, o.Algorithm = keys, sessions.EdDSA }, sessions.ErrNoKey},
		"an algorithm nobody knows":    {func(o *sessions.IssuerOptions) { o.Algorithm = "RS256" }, sessions.ErrNoKey},
		"no function for ids":          {func(o *sessions.IssuerOptions) { o.MAC = nil }, nil},
		"no function that seals":       {func(o *sessions.IssuerOptions) { o.Seal = nil }, nil},
		"no function that opens seals": {func(o *sessions.IssuerOptions) { o.Open = nil }, nil},
	} {
		o := h.options("")
		tt.spoil(&o)
		if i, err := sessions.NewIssuer(o); i != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: NewIssuer = %v, want %v", name, err, tt.want)
		}
	}
}

func TestPrivateKeysNeverAppearInPrint(t *testing.T) {
	h := newHouse(t)
	o, i := h.options(""), h.issuer("")
	holder := struct {
		keys   sessions.Keys
		issuer *sessions.Issuer
		Keys   sessions.Keys
		Issuer *sessions.Issuer
		o      sessions.IssuerOptions
	}{o.Keys, i, o.Keys, i, o}
	var out bytes.Buffer
	for _, v := range []any{o.Keys, &o.Keys, i, *i} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			if got := fmt.Sprintf(verb, v); got != "[secret]" {
				t.Errorf("%s of %T = %q", verb, v, got)
			}
		}
		if got, err := json.Marshal(v); string(got) != `"[secret]"` {
			t.Errorf("JSON of %T = %s, %v", v, got, err)
		}
	}
	for _, v := range []any{o.Keys, i, holder, &holder, []any{o.Keys, i}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		_ = json.NewEncoder(&out).Encode(v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("v", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("v", "v", v)
	}
	text := out.String()
	if !strings.Contains(text, "[secret]") {
		t.Error("nothing was printed at all")
	}
	for use, list := range map[string][]sessions.Algorithm{"session": algorithms, "assertion": {sessions.ES256}} {
		for _, algorithm := range list {
			_, private := h.key(use, algorithm)
			for _, form := range []string{
				b64.EncodeToString(private), base64.StdEncoding.EncodeToString(private), string(private[:8]),
				fmt.Sprintf("%x", private[:8]), fmt.Sprintf("%X", private[:8]),
				strings.Trim(fmt.Sprint(private[:8]), "[]"), strings.TrimSuffix(fmt.Sprintf("%#v", private[:8])[7:], "}"),
				ecdsaKeyNumber(t, algorithm, private),
			} {
				if strings.Contains(text, form) {
					t.Errorf("the %s key of %ss is printed as %q", algorithm, use, form)
				}
			}
		}
	}
}

// ecdsaKeyNumber is how a private P-256 key prints as a decimal number.
func ecdsaKeyNumber(t *testing.T, algorithm sessions.Algorithm, private []byte) string {
	if algorithm != sessions.ES256 {
		return "no such number"
	}
	return strings.Trim(fmt.Sprintf("%d", ecdsaKey(t, private).X), "+")
}
