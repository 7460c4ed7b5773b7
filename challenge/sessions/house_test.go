// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

const app = "https://app.example.com"

var (
	b64        = base64.RawURLEncoding.Strict()
	algorithms = []sessions.Algorithm{sessions.ES256, sessions.EdDSA, sessions.HS256}
	noon       = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
)

// A house is an installation: a key set with a session key of every algorithm,
// the functions that the root secret would give, and what a thief of it all
// would know.
type house struct {
	tb     testing.TB
	stored []byte
	mac    sessions.MACFunc
	aead   cipher.AEAD
}

func newHouse(tb testing.TB) *house {
	tb.Helper()
	h := &house{tb: tb}
	for n, algorithm := range algorithms {
		out, changed, err := sessions.Ensure(h.stored, algorithm, noon.Add(time.Duration(n)*time.Hour))
		if err != nil || !changed {
			tb.Fatalf("Ensure = changed: %t, %v", changed, err)
		}
		h.stored = out
	}
	h.mac = func(parts ...[]byte) (sum [32]byte) {
		m := hmac.New(sha256.New, []byte("the key of session ids"))
		for _, part := range parts {
			m.Write(part)
		}
		m.Sum(sum[:0])
		return sum
	}
	block, err := aes.NewCipher([]byte("the key of seals, of 32 bytes ok"))
	if err != nil {
		tb.Fatal(err)
	}
	if h.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		tb.Fatal(err)
	}
	return h
}

func (h *house) seal(plain, bound []byte) []byte { return h.aead.Seal(nil, nil, plain, bound) }

func (h *house) open(sealed, bound []byte) ([]byte, error) {
	return h.aead.Open(nil, nil, sealed, bound)
}

func (h *house) options(algorithm sessions.Algorithm) sessions.IssuerOptions {
	h.tb.Helper()
	keys, err := sessions.ParseKeys(h.stored)
	if err != nil {
		h.tb.Fatalf("ParseKeys: %v", err)
	}
	return sessions.IssuerOptions{Keys: keys, Algorithm: algorithm, MAC: h.mac, Seal: h.seal, Open: h.open}
}

func (h *house) issuer(algorithm sessions.Algorithm) *sessions.Issuer {
	h.tb.Helper()
	i, err := sessions.NewIssuer(h.options(algorithm))
	if err != nil {
		h.tb.Fatalf("NewIssuer: %v", err)
	}
	return i
}

// session is one that began before noon and was used since.
func (h *house) session() sessions.Session {
	return sessions.Session{
		ID:       sessions.NewID(h.mac),
		Subject:  "u1s9q0x7k2",
		Audience: app,
		Email:    "alice@example.com",
		User:     "alice-of-the-first-step",
		Source:   "basic_auth",
		Browser:  "browser-of-alice",
		Methods:  []string{"otp"},
		AuthTime: noon.Add(-31 * time.Minute),
		Issued:   noon.Add(-30 * time.Minute),
		Active:   noon.Add(-10 * time.Minute),
		Expires:  noon.Add(24 * time.Hour),
	}
}

func (h *house) assertion(s sessions.Session) sessions.Assertion {
	return sessions.Assertion{
		Issuer: "https://gate.example.com", Audience: s.Audience, Subject: s.Subject, Email: s.Email,
		Name: "Alice", Groups: []string{"staff"}, Methods: s.Methods, AuthTime: s.AuthTime, Session: s.ID,
	}
}

func (h *house) sign(i *sessions.Issuer, s sessions.Session) string {
	h.tb.Helper()
	token, err := i.Sign(s)
	if err != nil {
		h.tb.Fatalf("Sign: %v", err)
	}
	return token
}

// key returns the id and the private part of a stored key.
func (h *house) key(use string, algorithm sessions.Algorithm) (id string, private []byte) {
	h.tb.Helper()
	var set struct {
		Keys []struct{ Kid, Use, Alg, Private string }
	}
	if err := json.Unmarshal(h.stored, &set); err != nil {
		h.tb.Fatal(err)
	}
	for _, k := range set.Keys {
		if k.Use == use && k.Alg == string(algorithm) {
			private, err := b64.DecodeString(k.Private)
			if err != nil {
				h.tb.Fatal(err)
			}
			return k.Kid, private
		}
	}
	h.tb.Fatalf("no %s key for %s", algorithm, use)
	return "", nil
}

// header is the genuine header of session tokens of algorithm.
func (h *house) header(algorithm sessions.Algorithm) map[string]any {
	id, _ := h.key("session", algorithm)
	return map[string]any{"alg": string(algorithm), "kid": id, "typ": "doorcode-session+jwt"}
}

// payload is a genuine payload, decoded.
func (h *house) payload(s sessions.Session) map[string]any {
	h.tb.Helper()
	return decodeSegment(h.tb, strings.Split(h.sign(h.issuer(sessions.HS256), s), ".")[1])
}

// forge signs any header and payload with the private session key of
// algorithm.
func (h *house) forge(algorithm sessions.Algorithm, header, payload any) string {
	h.tb.Helper()
	_, private := h.key("session", algorithm)
	text := encodeSegment(h.tb, header) + "." + encodeSegment(h.tb, payload)
	method, key := jwt.SigningMethod(jwt.SigningMethodHS256), any(private)
	switch algorithm {
	case sessions.ES256:
		method, key = jwt.SigningMethodES256, ecdsaKey(h.tb, private)
	case sessions.EdDSA:
		method, key = jwt.SigningMethodEdDSA, ed25519.NewKeyFromSeed(private)
	}
	return signWith(h.tb, method, key, text)
}

func ecdsaKey(tb testing.TB, private []byte) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func signWith(tb testing.TB, method jwt.SigningMethod, key any, text string) string {
	tb.Helper()
	sig, err := method.Sign(text, key)
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + b64.EncodeToString(sig)
}

// encodeSegment encodes a value as JSON, sid first, or a string as it is.
func encodeSegment(tb testing.TB, v any) string {
	tb.Helper()
	if raw, ok := v.(string); ok {
		return b64.EncodeToString([]byte(raw))
	}
	return b64.EncodeToString([]byte(encodeJSON(tb, v)))
}

// encodeJSON encodes a value, with a member sid before all others.
func encodeJSON(tb testing.TB, v any) string {
	tb.Helper()
	first := ""
	if object, ok := v.(map[string]any); ok && object["sid"] != nil {
		first = `{"sid":` + encodeJSON(tb, object["sid"]) + ","
		v = with(object, "sid", nil)
	}
	out, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	if first != "" {
		out = out[1:]
	}
	return first + string(out)
}

func decodeSegment(tb testing.TB, segment string) map[string]any {
	tb.Helper()
	raw, err := b64.DecodeString(segment)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]any{}
	in := json.NewDecoder(strings.NewReader(string(raw)))
	in.UseNumber()
	if err := in.Decode(&out); err != nil {
		tb.Fatal(err)
	}
	return out
}

// with returns a copy of m in which name is v, or is gone if v is nil.
func with(m map[string]any, name string, v any) map[string]any {
	m = maps.Clone(m)
	if m[name] = v; v == nil {
		delete(m, name)
	}
	return m
}

// refused fails unless Check refuses token as invalid and says nothing of it.
func refused(t *testing.T, i *sessions.Issuer, token string) {
	t.Helper()
	s, err := i.Check(token, app, noon)
	if !errors.Is(err, sessions.ErrInvalid) || s.ID != (sessions.ID{}) || s.Email != "" || s.Subject != "" {
		t.Errorf("Check(%.300q) = %+v, %v, want ErrInvalid and no session", token, s, err)
	}
}
