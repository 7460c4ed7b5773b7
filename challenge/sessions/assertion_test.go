// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// readByApp is an app behind the gate: it knows the published keys and where
// the gate is, and compares what the documentation tells it to.
func readByApp(jwks []byte, token string, a sessions.Assertion, now time.Time) (jwt.MapClaims, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if t.Header["typ"] != "doorcode-assertion+jwt" {
			return nil, fmt.Errorf("typ is %v", t.Header["typ"])
		}
		kid, _ := t.Header["kid"].(string)
		if keys := set.Key(kid); len(keys) == 1 {
			return keys[0].Key, nil
		}
		return nil, errors.New("no such key")
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(a.Issuer), jwt.WithAudience(a.Audience),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
	return claims, err
}

func TestAnAppReadsTheAssertionWithPublishedKeys(t *testing.T) {
	h := newHouse(t)
	s := h.session()
	full := h.assertion(s)
	full.Class = "urn:doorcode:acr:code"
	bare := full
	bare.Name, bare.Groups, bare.Class = "", nil, ""
	for _, algorithm := range algorithms {
		i := h.issuer(algorithm)
		for want, a := range map[string]sessions.Assertion{
			`{"acr":"urn:doorcode:acr:code","amr":["otp"],"aud":"https://app.example.com","auth_time":1795606140,"email":"alice@example.com","exp":1795608060,"groups":["staff"],` +
				`"iat":1795608000,"iss":"https://gate.example.com","name":"Alice","sid":"` + s.ID.Public() + `","sub":"u1s9q0x7k2"}`: full,
			`{"amr":["otp"],"aud":"https://app.example.com","auth_time":1795606140,"email":"alice@example.com","exp":1795608060,"groups":[],` +
				`"iat":1795608000,"iss":"https://gate.example.com","sid":"` + s.ID.Public() + `","sub":"u1s9q0x7k2"}`: bare,
		} {
			token, err := i.SignAssertion(a, noon)
			if err != nil {
				t.Fatalf("SignAssertion: %v", err)
			}
			if _, err := readByApp(i.JWKS(noon), token, a, noon.Add(59*time.Second)); err != nil {
				t.Errorf("the app refuses the assertion: %v", err)
			}
			if _, err := readByApp(i.JWKS(noon), token, a, noon.Add(60*time.Second)); !errors.Is(err, jwt.ErrTokenExpired) {
				t.Errorf("after a minute the app says %v, want expired", err)
			}
			got, err := json.Marshal(decodeSegment(t, strings.Split(token, ".")[1]))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		}
	}
}

// An app must not learn what it would need to be taken for the browser.
func TestAnAssertionCarriesNoSessionID(t *testing.T) {
	h := newHouse(t)
	s := h.session()
	token, err := h.issuer("").SignAssertion(h.assertion(s), noon)
	if err != nil {
		t.Fatal(err)
	}
	sid, _ := decodeSegment(t, strings.Split(token, ".")[1])["sid"].(string)
	if sid != s.ID.Public() || len(sid) != 16 {
		t.Errorf("sid = %q, want the public form", sid)
	}
	if id := s.ID.String(); strings.Contains(id, sid) || strings.Contains(sid, id[:8]) {
		t.Errorf("sid %q shows part of the id", sid)
	}
	if err := new(sessions.ID).UnmarshalText([]byte(sid)); err == nil {
		t.Error("the public form parses as an id")
	}
}

func TestJWT04SessionsAndAssertionsCannotStandInForOneAnother(t *testing.T) {
	h := newHouse(t)
	for _, algorithm := range algorithms {
		i, s := h.issuer(algorithm), h.session()
		a := h.assertion(s)
		assertion, err := i.SignAssertion(a, noon)
		if err != nil {
			t.Fatal(err)
		}
		tokens := map[string]string{"session": h.sign(i, s), "assertion": assertion}
		for token, text := range tokens {
			_, err := i.Check(text, app, noon)
			if (err == nil) != (token == "session") {
				t.Errorf("%s: the gate takes a %s for a session: %v", algorithm, token, err)
			}
			_, err = readByApp(i.JWKS(noon), text, a, noon)
			if (err == nil) != (token == "assertion") {
				t.Errorf("%s: an app takes a %s for an assertion: %v", algorithm, token, err)
			}
		}
	}
}

// The keys are apart too, so that a fault in one check of the type is not
// enough.
func TestJWT04EachKeySignsOneKindOfToken(t *testing.T) {
	h := newHouse(t)
	i, s := h.issuer(""), h.session()
	assertionKey, private := h.key("assertion", sessions.ES256)
	payload := encodeSegment(t, h.payload(s))
	for _, header := range []map[string]any{h.header(sessions.ES256), with(h.header(sessions.ES256), "kid", assertionKey)} {
		refused(t, i, signWith(t, jwt.SigningMethodES256, ecdsaKey(t, private), encodeSegment(t, header)+"."+payload))
	}
	for _, algorithm := range algorithms {
		if id, other := h.key("session", algorithm); id == assertionKey || string(other) == string(private) {
			t.Errorf("the assertion key also signs %s sessions", algorithm)
		}
	}
}

func TestSignAssertionRefusesWhatItCannotVouchFor(t *testing.T) {
	h := newHouse(t)
	i := h.issuer("")
	for name, spoil := range map[string]func(*sessions.Assertion){
		"no issuer":                  func(a *sessions.Assertion) { a.Issuer = "" },
		"no audience":                func(a *sessions.Assertion) { a.Audience = "" },
		"no subject":                 func(a *sessions.Assertion) { a.Subject = "" },
		"no address":                 func(a *sessions.Assertion) { a.Email = "" },
		"no method":                  func(a *sessions.Assertion) { a.Methods = nil },
		"an empty group":             func(a *sessions.Assertion) { a.Groups = []string{""} },
		"no time of authentication":  func(a *sessions.Assertion) { a.AuthTime = time.Time{} },
		"no session":                 func(a *sessions.Assertion) { a.Session = sessions.ID{} },
		"a name in broken UTF-8":     func(a *sessions.Assertion) { a.Name = "\xff" },
		"an address in broken UTF-8": func(a *sessions.Assertion) { a.Email = "a\xff@example.com" },
	} {
		a := h.assertion(h.session())
		spoil(&a)
		if token, err := i.SignAssertion(a, noon); !errors.Is(err, sessions.ErrUnsignable) || token != "" {
			t.Errorf("%s: SignAssertion = %q, %v, want ErrUnsignable", name, token, err)
		}
	}
}

func TestJWKSPublishesPublicKeysOnly(t *testing.T) {
	h := newHouse(t)
	i := h.issuer(sessions.HS256)
	jwks := i.JWKS(noon)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatalf("%v in %s", err, jwks)
	}
	got := map[string]string{}
	for _, k := range set.Keys {
		got[k["kid"]] = k["kty"] + " " + k["crv"] + " " + k["alg"] + " " + k["use"]
		for _, member := range []string{"d", "k", "p", "q", "dp", "dq", "qi", "oth"} {
			if _, ok := k[member]; ok {
				t.Errorf("key %s has the private member %q", k["kid"], member)
			}
		}
	}
	es256, _ := h.key("session", sessions.ES256)
	eddsa, _ := h.key("session", sessions.EdDSA)
	assertion, _ := h.key("assertion", sessions.ES256)
	want := map[string]string{es256: "EC P-256 ES256 sig", eddsa: "OKP Ed25519 EdDSA sig", assertion: "EC P-256 ES256 sig"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("published keys (-want +got):\n%s", diff)
	}
	for _, algorithm := range algorithms {
		if _, private := h.key("session", algorithm); strings.Contains(string(jwks), b64.EncodeToString(private)) {
			t.Errorf("the private part of the %s key is published", algorithm)
		}
	}
	jwks[0] = 'x'
	if i.JWKS(noon)[0] != '{' {
		t.Error("a caller can change what is published")
	}
}

// An operator's other software may verify the cookie itself.
func TestSessionTokensVerifyWithPublishedKeys(t *testing.T) {
	h := newHouse(t)
	for _, algorithm := range []sessions.Algorithm{sessions.ES256, sessions.EdDSA} {
		i := h.issuer(algorithm)
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(i.JWKS(noon), &set); err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseSignedCompact(h.sign(i, h.session()), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
		if err != nil {
			t.Fatal(err)
		}
		keys := set.Key(parsed.Signatures[0].Header.KeyID)
		if len(keys) != 1 {
			t.Fatalf("%d keys with the token's kid, want 1", len(keys))
		}
		if _, err := parsed.Verify(keys[0]); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}
