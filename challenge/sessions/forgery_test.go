// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

func TestJWT01NoAlgorithmButTheKeysOwn(t *testing.T) {
	h := newHouse(t)
	i, payload := h.issuer(""), h.payload(h.session())
	for _, signedWith := range algorithms {
		genuine := h.header(signedWith)
		if _, err := i.Check(h.forge(signedWith, genuine, payload), app, noon); err != nil {
			t.Fatalf("the genuine %s token is refused: %v", signedWith, err)
		}
		for _, alg := range []any{
			nil, "", "none", "None", "NONE", "nOnE", " none", "es256", "ES256 ", "ES384", "ES512", "RS256", "PS256", "HS384", "HS512",
			"hs256", "eddsa", "Ed25519", 0, true, json.RawMessage("null"),
			[]string{string(signedWith)},
			map[string]any{"alg": signedWith},
			"ES256", "EdDSA", "HS256",
		} {
			if alg == string(signedWith) {
				continue
			}
			token := h.forge(signedWith, with(genuine, "alg", alg), payload)
			refused(t, i, token)
			refused(t, i, token[:strings.LastIndexByte(token, '.')+1])
		}
	}
}

// The public key is published. A verifier that let the token choose HS256 would
// take it for the secret.
func TestJWT01APublicKeyIsNoSecret(t *testing.T) {
	h := newHouse(t)
	i, payload := h.issuer(""), h.payload(h.session())
	for algorithm, secrets := range map[sessions.Algorithm][][]byte{
		sessions.ES256: publicForms(t, h, sessions.ES256),
		sessions.EdDSA: publicForms(t, h, sessions.EdDSA),
	} {
		for _, secret := range secrets {
			for _, header := range []map[string]any{
				h.header(algorithm), with(h.header(algorithm), "alg", "HS256"), with(h.header(sessions.HS256), "kid", h.header(algorithm)["kid"]),
				h.header(sessions.HS256),
			} {
				text := encodeSegment(t, header) + "." + encodeSegment(t, payload)
				refused(t, i, signWith(t, jwt.SigningMethodHS256, secret, text))
			}
		}
	}
}

// publicForms are the spellings of a public key that an attacker has.
func publicForms(t *testing.T, h *house, algorithm sessions.Algorithm) [][]byte {
	_, private := h.key("session", algorithm)
	public := any(ed25519.NewKeyFromSeed(private).Public())
	raw := []byte(ed25519.NewKeyFromSeed(private).Public().(ed25519.PublicKey))
	if algorithm == sessions.ES256 {
		k := ecdsaKey(t, private)
		point, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		public, raw = &k.PublicKey, point
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{
		raw, der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), []byte(b64.EncodeToString(raw)),
		h.issuer("").JWKS(noon),
		{},
	}
}

func TestJWT02OnlyOurOwnHeaderIsTaken(t *testing.T) {
	h := newHouse(t)
	i, s := h.issuer(""), h.session()
	genuine, payload := h.header(sessions.ES256), h.payload(s)
	thief, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := map[string]any{"kty": "EC", "crv": "P-256", "x": b64.EncodeToString(thief.X.Bytes()), "y": b64.EncodeToString(thief.Y.Bytes())}
	kid := genuine["kid"].(string)
	assertionKey, _ := h.key("assertion", sessions.ES256)
	for name, header := range map[string]any{
		"a key of its own":                 with(genuine, "jwk", jwk),
		"a key of its own, without kid":    with(with(genuine, "jwk", jwk), "kid", nil),
		"a place to fetch keys":            with(genuine, "jku", "https://evil.example/jwks.json"),
		"a local place to fetch keys":      with(genuine, "jku", "http://127.0.0.1/"),
		"a place to fetch certificates":    with(genuine, "x5u", "https://evil.example/cert"),
		"a certificate of its own":         with(genuine, "x5c", []string{"MIIB"}),
		"a certificate's thumbprint":       with(genuine, "x5t#S256", "AAAA"),
		"a critical extension":             with(with(genuine, "crit", []string{"exp"}), "exp", 1),
		"a critical extension not there":   with(genuine, "crit", []string{"b64"}),
		"an unencoded payload":             with(with(genuine, "crit", []string{"b64"}), "b64", false),
		"an empty list of extensions":      with(genuine, "crit", []string{}),
		"compression":                      with(genuine, "zip", "DEF"),
		"a content type":                   with(genuine, "cty", "JWT"),
		"no kid":                           with(genuine, "kid", nil),
		"an empty kid":                     with(genuine, "kid", ""),
		"a kid that is a path":             with(genuine, "kid", "../../etc/passwd"),
		"a kid that is SQL":                with(genuine, "kid", "' OR 1=1 --"),
		"a kid that is a number":           with(genuine, "kid", 1),
		"a kid that is a list":             with(genuine, "kid", []string{kid}),
		"a kid with a NUL":                 with(genuine, "kid", kid+"\x00"),
		"a kid in other case":              with(genuine, "kid", swapCase(kid)),
		"the kid of the assertion key":     with(genuine, "kid", assertionKey),
		"a kid of a megabyte":              with(genuine, "kid", strings.Repeat("k", 1<<20)),
		"no typ":                           with(genuine, "typ", nil),
		"the common typ":                   with(genuine, "typ", "JWT"),
		"the typ in capitals":              with(genuine, "typ", "DOORCODE-SESSION+JWT"),
		"the typ with its long name":       with(genuine, "typ", "application/doorcode-session+jwt"),
		"the typ of assertions":            with(genuine, "typ", "doorcode-assertion+jwt"),
		"a member twice":                   `{"alg":"ES256","alg":"ES256","kid":"` + kid + `","typ":"doorcode-session+jwt"}`,
		"its members in another order":     `{"typ":"doorcode-session+jwt","alg":"ES256","kid":"` + kid + `"}`,
		"white space":                      `{"alg":"ES256","kid":"` + kid + `","typ":"doorcode-session+jwt"} `,
		"no object":                        `[]`,
		"null":                             `null`,
		"nothing":                          ``,
		"no JSON":                          `{"alg"`,
		"objects in objects in objects":    strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
		"a thousand megabytes, so it says": with(genuine, "len", 1e9),
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, i, h.forge(sessions.ES256, header, payload))
			text := encodeSegment(t, header) + "." + encodeSegment(t, payload)
			refused(t, i, signWith(t, jwt.SigningMethodES256, thief, text))
		})
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 32
		}
		if 'A' <= r && r <= 'Z' {
			return r + 32
		}
		return r
	}, s)
}

func TestJWT08HostileShapesCostNothing(t *testing.T) {
	h := newHouse(t)
	i := h.issuer("")
	genuine := h.sign(i, h.session())
	for name, token := range map[string]string{
		"a megabyte of dots":          strings.Repeat(".", 1<<20),
		"a megabyte of letters":       strings.Repeat("a", 1<<20),
		"two kilobytes of dots":       strings.Repeat(".", 2<<10),
		"two dots":                    "..",
		"one dot":                     ".",
		"nothing":                     "",
		"our header before dots":      genuine[:strings.IndexByte(genuine, '.')] + strings.Repeat(".", 1500),
		"a fourth segment":            genuine + ".",
		"a fourth segment first":      "." + genuine,
		"a megabyte after the token":  genuine + strings.Repeat("A", 1<<20),
		"a megabyte before the token": strings.Repeat("A", 1<<20) + genuine,
		"a quoted token":              `"` + genuine + `"`,
		"a token and a line break":    genuine + "\n",
		"a line break in the header":  "\r\n" + genuine,
		"a line break in the middle":  genuine[:len(genuine)-4] + "\n" + genuine[len(genuine)-4:],
		"padding":                     genuine + "=",
		"a bearer scheme":             "Bearer " + genuine,
		"other letters":               strings.Replace(genuine, "e", "е", 1),
	} {
		refused(t, i, token)
		if n := testing.AllocsPerRun(20, func() { _, _ = i.Check(token, app, noon) }); n != 0 {
			t.Errorf("%s: refusing takes %.0f allocations, want 0", name, n)
		}
	}
}

// Without this, one session has several tokens, and a copy with other unused
// bits looks like a second one.
func TestATokenHasOneSpelling(t *testing.T) {
	h := newHouse(t)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, algorithm := range algorithms {
		i := h.issuer(algorithm)
		token := h.sign(i, h.session())
		for n := range token {
			for _, flip := range []int{1, 32} {
				at := strings.IndexByte(alphabet, token[n])
				if at < 0 {
					continue
				}
				refused(t, i, token[:n]+string(alphabet[at^flip])+token[n+1:])
			}
			refused(t, i, token[:n]+token[n+1:])
		}
	}
}

// A stranger who invents session ids must not buy a signature check, or only
// the decoding of a token, with each.
func TestJWT08AnInventedIDIsRefusedByOneMAC(t *testing.T) {
	h := newHouse(t)
	macs := 0
	o := h.options("")
	o.MAC = func(...[]byte) [32]byte { macs++; return [32]byte{} }
	i, err := sessions.NewIssuer(o)
	if err != nil {
		t.Fatal(err)
	}
	token := h.sign(h.issuer(""), h.session())
	refused(t, i, token)
	if macs != 1 {
		t.Errorf("%d MACs computed, want 1", macs)
	}
	// The id and the list of parts, for the call of the MAC.
	if n := testing.AllocsPerRun(100, func() { _, _ = i.Check(token, app, noon) }); n > 2 {
		t.Errorf("refusing takes %.0f allocations, want 2 at most", n)
	}
	macs = 0
	refused(t, i, "A"+token)
	if macs != 0 {
		t.Errorf("a foreign header led to %d MACs, want none", macs)
	}
}

func TestTokensOfAnotherInstallationAreRefused(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	for _, algorithm := range algorithms {
		s := h.session()
		refused(t, h.issuer(""), other.sign(other.issuer(algorithm), s))
		// Even if it names our key.
		refused(t, h.issuer(""), other.forge(algorithm, h.header(algorithm), other.payload(s)))
	}
}
