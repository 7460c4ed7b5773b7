// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// Every token in this file has a genuine signature: only the claims are wrong.
func TestJWT03EveryClaimIsThereAndOfItsType(t *testing.T) {
	h := newHouse(t)
	payload := h.payload(h.session())
	numbers := []string{"auth_time", "iat", "act", "exp"}
	texts := []string{"iss", "sub", "aud", "sid", "enc"}
	for claim := range payload {
		h.refuses(t, "without "+claim, with(payload, claim, nil))
		for _, wrong := range []string{`null`, `true`, `{}`, `{"a":1}`, `[[]]`, `[null]`, `""`, `1e400`, `-1e400`, `[]`} {
			h.refuses(t, claim+" "+wrong, raw(t, payload, claim, wrong))
		}
	}
	for _, claim := range numbers {
		good := payload[claim].(json.Number).String()
		for _, wrong := range []string{
			`"` + good + `"`, good + ".5", good + "e0", "[" + good + "]", "0", "-" + good, "-0", "9223372036854775807", "9223372036854775808",
			"-9223372036854775808", "253402300800", "1e999999999", "18446744073709551617",
		} {
			h.refuses(t, claim+" "+wrong, raw(t, payload, claim, wrong))
		}
	}
	for _, claim := range texts {
		good := payload[claim].(string)
		for _, wrong := range []string{`["` + good + `"]`, `1`, `"` + good + ` "`, `"` + good + `\u0000"`, `["` + good + `","x"]`} {
			if claim == "sub" && wrong[0] == '"' {
				continue // any text is a subject
			}
			h.refuses(t, claim+" "+wrong, raw(t, payload, claim, wrong))
		}
	}
}

// refuses fails unless the gate refuses a payload signed with any of its keys.
func (h *house) refuses(t *testing.T, name string, payload any) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		for _, algorithm := range algorithms {
			refused(t, h.issuer(""), h.forge(algorithm, h.header(algorithm), payload))
		}
	})
}

func TestJWT03EveryClaimIsTrue(t *testing.T) {
	h := newHouse(t)
	payload := h.payload(h.session())
	for name, p := range map[string]any{
		"iat two minutes ahead":             with(payload, "iat", noon.Add(2*time.Minute).Unix()),
		"auth_time two minutes ahead":       with(payload, "auth_time", noon.Add(2*time.Minute).Unix()),
		"act two minutes ahead":             with(payload, "act", noon.Add(2*time.Minute).Unix()),
		"nbf two minutes ahead":             with(payload, "nbf", noon.Add(2*time.Minute).Unix()),
		"nbf as text":                       with(payload, "nbf", "1"),
		"nbf below zero":                    with(payload, "nbf", -1),
		"nbf 1e400":                         raw(t, payload, "nbf", "1e400"),
		"exp before iat":                    with(with(payload, "iat", noon.Unix()), "exp", noon.Unix()-1),
		"the issuer of assertions":          with(payload, "iss", app),
		"iss in capitals":                   with(payload, "iss", "DOORCODE"),
		"another audience":                  with(payload, "aud", "https://other.example.com"),
		"our audience among several":        with(payload, "aud", []string{app, "https://other.example.com"}),
		"the id of another session":         with(payload, "sid", sessions.NewID(h.mac).String()),
		"an id with another MAC":            with(payload, "sid", sessions.ID{1, 2, 3}.String()),
		"an id with a line break":           with(payload, "sid", payload["sid"].(string)[:31]+"\n"),
		"the sealed part of another":        with(payload, "enc", h.payload(h.session())["enc"]),
		"a sealed part without an address":  sealedAs(h, payload, `{"u":"alice"}`),
		"a sealed part with a wrong type":   sealedAs(h, payload, `{"e":["alice@example.com"]}`),
		"a sealed part that is no JSON":     sealedAs(h, payload, `alice@example.com`),
		"methods that are numbers":          with(payload, "amr", []int{1}),
		"an empty method":                   with(payload, "amr", []string{"otp", ""}),
		"a method as text":                  with(payload, "amr", "otp"),
		"a second id behind the first":      strings.TrimSuffix(encodeJSON(t, payload), "}") + `,"sid":"` + sessions.NewID(h.mac).String() + `"}`,
		"white space before the id":         " " + encodeJSON(t, payload),
		"an id that is not first":           `{"a":1,` + encodeJSON(t, payload)[1:],
		"a list":                            []any{payload},
		"null":                              `null`,
		"a number":                          `1`,
		"nothing":                           ``,
		"half an object":                    `{"iss":"doorcode",`,
		"two objects":                       `{}{}`,
		"objects inside objects":            strings.Repeat(`{"a":`, 150) + "1" + strings.Repeat("}", 150),
		"broken UTF-8":                      "{\"iss\":\"\xff\"}",
		"a token inside the token":          `"` + h.forge(sessions.HS256, h.header(sessions.HS256), `{}`) + `"`,
		"an object after a byte order mark": "\ufeff{}",
	} {
		h.refuses(t, name, p)
	}
}

// raw returns payload with a claim of any spelling.
func raw(t *testing.T, payload map[string]any, claim, value string) string {
	t.Helper()
	const mark = "the value goes here"
	return strings.Replace(encodeJSON(t, with(payload, claim, mark)), `"`+mark+`"`, value, 1)
}

func sealedAs(h *house, payload map[string]any, plain string) map[string]any {
	var id sessions.ID
	if err := id.UnmarshalText([]byte(payload["sid"].(string))); err != nil {
		h.tb.Fatal(err)
	}
	return with(payload, "enc", b64.EncodeToString(h.seal([]byte(plain), id[:])))
}

func TestJWT03ClocksMayDifferByAMinute(t *testing.T) {
	h := newHouse(t)
	i, payload := h.issuer(""), h.payload(h.session())
	for _, claim := range []string{"iat", "nbf", "auth_time", "act"} {
		for ahead, want := range map[time.Duration]error{
			60 * time.Second: nil,
			61 * time.Second: sessions.ErrInvalid,
		} {
			token := h.forge(sessions.ES256, h.header(sessions.ES256), with(payload, claim, noon.Add(ahead).Unix()))
			if _, err := i.Check(token, app, noon); !errors.Is(err, want) {
				t.Errorf("%s %v ahead: Check = %v, want %v", claim, ahead, err, want)
			}
		}
	}
}

// What is checked before the signature must be what the session says after it.
func TestTheIDThatWasCheckedIsTheSessions(t *testing.T) {
	h := newHouse(t)
	o := h.options("")
	o.Seal = func(plain, _ []byte) []byte { return h.seal(plain, nil) }
	o.Open = func(sealed, _ []byte) ([]byte, error) { return h.open(sealed, nil) }
	i, err := sessions.NewIssuer(o)
	if err != nil {
		t.Fatal(err)
	}
	payload := decodeSegment(t, strings.Split(h.sign(i, h.session()), ".")[1])
	twice := strings.TrimSuffix(encodeJSON(t, payload), "}") + `,"sid":"` + sessions.NewID(h.mac).String() + `"}`
	refused(t, i, h.forge(sessions.ES256, h.header(sessions.ES256), twice))
}

func TestJWT05NoAudienceIsNoAudience(t *testing.T) {
	h := newHouse(t)
	token := h.forge(sessions.ES256, h.header(sessions.ES256), with(h.payload(h.session()), "aud", ""))
	if s, err := h.issuer("").Check(token, "", noon); !errors.Is(err, sessions.ErrInvalid) || s.Email != "" {
		t.Errorf("Check = %+v, %v, want ErrInvalid", s, err)
	}
}

// A later version may say more than this one knows.
func TestClaimsThatNobodyKnowsAreIgnored(t *testing.T) {
	h := newHouse(t)
	p := with(h.payload(h.session()), "later", map[string]any{"a": 1})
	if _, err := h.issuer("").Check(h.forge(sessions.EdDSA, h.header(sessions.EdDSA), p), app, noon); err != nil {
		t.Errorf("Check = %v", err)
	}
}
