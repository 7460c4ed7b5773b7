// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package bound_test

import (
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/bound"
	"github.com/doorcode/caddy-doorcode/challenge/bound/boundtest"
)

var (
	laptop = boundtest.NewKey()
	chip   = boundtest.NewRSA(2048)
)

// registered reads a registration, as its receiver does.
func registered(token string) (bound.Key, error) {
	p, err := bound.ReadProof(token)
	if err != nil {
		return bound.Key{}, err
	}
	return p.Registered()
}

// proves reports whether a token proves a key.
func proves(token string, k bound.Key) error {
	p, err := bound.ReadProof(token)
	if err != nil {
		return err
	}
	return p.By(k)
}

func keyOf(t testing.TB, k *boundtest.Key) bound.Key {
	t.Helper()
	key, err := registered(k.Register("challenge", "authorization"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestABrowserRegistersAKeyAndProvesIt(t *testing.T) {
	for name, k := range map[string]*boundtest.Key{"ES256": laptop, "RS256": chip} {
		t.Run(name, func(t *testing.T) {
			p, err := bound.ReadProof(k.Register("asked", "allowed"))
			if err != nil {
				t.Fatal(err)
			}
			if p.Challenge != "asked" || p.Authorization != "allowed" {
				t.Errorf("read %q and %q", p.Challenge, p.Authorization)
			}
			key, err := p.Registered()
			if err != nil {
				t.Fatal(err)
			}
			stored, err := bound.ParseKey(key.String())
			if err != nil || stored.Thumbprint() != key.Thumbprint() || bound.ThumbprintOf(key.String()) != key.Thumbprint() {
				t.Fatalf("the stored key is another one: %v", err)
			}
			if err := proves(k.Prove("again"), stored); err != nil {
				t.Errorf("it does not prove its own key: %v", err)
			}
		})
	}
}

// A thief has everything but the key.
func TestBND03AForgedRegistrationIsNone(t *testing.T) {
	thief := boundtest.NewKey()
	head := func(change map[string]any) map[string]any {
		h := map[string]any{"alg": "ES256", "typ": "dbsc+jwt", "jwk": thief.JWK()}
		maps.Copy(h, change)
		return h
	}
	jwk := func(change map[string]any) map[string]any {
		k := thief.JWK()
		maps.Copy(k, change)
		return head(map[string]any{"jwk": k})
	}
	says := map[string]any{"jti": "asked", "authorization": "allowed"}
	good := thief.Sign(head(nil), says)
	if _, err := registered(good); err != nil {
		t.Fatalf("what the others are made of is refused: %v", err)
	}
	first, rest, _ := strings.Cut(good, ".")
	body, sig, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"dbsc+jwt"}`))
	for name, token := range map[string]string{
		"of nothing":                         "",
		"of dots":                            strings.Repeat(".", 1<<20),
		"of one part":                        first,
		"without a signature":                first + "." + body + ".",
		"with algorithm none":                none + "." + body + ".",
		"with algorithm none and a sig":      none + "." + body + "." + sig,
		"with a signature of another":        first + "." + body + "." + strings.Split(laptop.Sign(head(nil), says), ".")[2],
		"with another's key":                 thief.Sign(head(map[string]any{"jwk": laptop.JWK()}), says),
		"signed over something else":         first + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"jti":"other"}`)) + "." + sig,
		"of no type":                         thief.Sign(map[string]any{"alg": "ES256", "jwk": thief.JWK()}, says),
		"of a session's type":                thief.Sign(head(map[string]any{"typ": "doorcode-session+jwt"}), says),
		"of a type in capitals":              thief.Sign(head(map[string]any{"typ": "DBSC+JWT"}), says),
		"with a type that is no text":        thief.Sign(head(map[string]any{"typ": 1}), says),
		"in another algorithm":               thief.Sign(head(map[string]any{"alg": "ES384"}), says),
		"in an algorithm in lower case":      thief.Sign(head(map[string]any{"alg": "es256"}), says),
		"in the algorithm of another key":    thief.Sign(head(map[string]any{"alg": "RS256"}), says),
		"without a key":                      thief.Sign(map[string]any{"alg": "ES256", "typ": "dbsc+jwt"}, says),
		"with a private key":                 thief.Sign(jwk(map[string]any{"d": thief.JWK()["x"]}), says),
		"with a secret for a key":            thief.Sign(head(map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AAAA"}}), says),
		"with a point off the curve":         thief.Sign(jwk(map[string]any{"x": thief.JWK()["y"]}), says),
		"with a key's address in its place":  thief.Sign(map[string]any{"alg": "ES256", "typ": "dbsc+jwt", "jku": "https://evil.example/jwks"}, says),
		"with a certificate beside its key":  thief.Sign(jwk(map[string]any{"x5u": "https://evil.example/x5u"}), says),
		"with critical extensions":           thief.Sign(head(map[string]any{"crit": []string{"exp"}, "exp": 1}), says),
		"with a header twice":                thief.Sign(`{"alg":"ES256","alg":"RS256","typ":"dbsc+jwt"}`, says),
		"with a claim twice":                 thief.Sign(head(nil), `{"jti":"asked","jti":"other"}`),
		"without a challenge":                thief.Sign(head(nil), map[string]any{"authorization": "allowed"}),
		"with an empty challenge":            thief.Sign(head(nil), map[string]any{"jti": ""}),
		"with a number for a challenge":      thief.Sign(head(nil), map[string]any{"jti": 1}),
		"with a list for an authorization":   thief.Sign(head(nil), map[string]any{"jti": "asked", "authorization": []string{"a"}}),
		"with a challenge in capitals":       thief.Sign(head(nil), map[string]any{"JTI": "asked"}),
		"of a list":                          thief.Sign(head(nil), `["asked"]`),
		"of more than one value":             thief.Sign(head(nil), `{"jti":"asked"}{}`),
		"with padding":                       first + "=." + body + "." + sig,
		"with a line break":                  first + ".\n" + body + "." + sig,
		"in the alphabet of standard base64": first + "." + body + "." + strings.NewReplacer("-", "+", "_", "/").Replace(sig) + "+",
		"of four parts":                      good + "." + sig,
		"of JSON":                            `{"payload":"` + body + `","protected":"` + first + `","signature":"` + sig + `"}`,
		"too long":                           thief.Sign(head(nil), map[string]any{"jti": strings.Repeat("a", 6<<10)}),
		"with a small RSA key":               boundtest.NewRSA(1024).Register("asked", "allowed"),
		"with a key on another curve":        boundtest.NewOn(elliptic.P384()).Register("asked", "allowed"),
	} {
		t.Run(name, func(t *testing.T) {
			if k, err := registered(token); !errors.Is(err, bound.ErrProof) && !errors.Is(err, bound.ErrKey) || k != (bound.Key{}) {
				t.Errorf("key %q, error %v", k, err)
			}
		})
	}
}

func TestBND03AProofIsByTheKeyThatIsKnown(t *testing.T) {
	mine, thief := keyOf(t, laptop), boundtest.NewKey()
	secret := hmac.New(sha256.New, []byte(mine.String()))
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"dbsc+jwt"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"jti":"asked"}`))
	secret.Write([]byte(signed))
	for name, token := range map[string]string{
		"another key":                     thief.Prove("asked"),
		"a key of the other kind":         chip.Prove("asked"),
		"another key, which it brings":    thief.Register("asked", ""),
		"the right key, which it brings":  laptop.Register("asked", ""),
		"the public key as a secret":      signed + "." + base64.RawURLEncoding.EncodeToString(secret.Sum(nil)),
		"the right key, under RSA's name": laptop.Sign(map[string]any{"alg": "RS256", "typ": "dbsc+jwt"}, map[string]any{"jti": "asked"}),
	} {
		t.Run(name, func(t *testing.T) {
			if err := proves(token, mine); !errors.Is(err, bound.ErrProof) {
				t.Errorf("By = %v, want ErrProof", err)
			}
		})
	}
	if err := proves(laptop.Prove("asked"), bound.Key{}); !errors.Is(err, bound.ErrProof) {
		t.Errorf("no key at all was proved: %v", err)
	}
}

func TestAStoredKeyHasOneSpelling(t *testing.T) {
	good := keyOf(t, laptop).String()
	for name, text := range map[string]string{
		"empty": "", "padded": good + "=", "broken into lines": good[:10] + "\n" + good[10:], "cut": good[:20],
		"with something behind": good + "AAAA", "too long": strings.Repeat("A", 2<<10), "of text": "a key",
	} {
		if k, err := bound.ParseKey(text); !errors.Is(err, bound.ErrKey) || k != (bound.Key{}) {
			t.Errorf("%s: ParseKey = %v, %v", name, k, err)
		}
	}
}
