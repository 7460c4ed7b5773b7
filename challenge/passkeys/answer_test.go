// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys/passkeystest"
)

const origin = "https://app.example.com"

var (
	now       = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	challenge = bytes.Repeat([]byte{7}, 32)
	ana       = passkeys.User{Handle: []byte("sixteen bytes!!!"), Name: "ana@example.com"}
)

func site(t testing.TB) passkeys.RP {
	t.Helper()
	rp, err := passkeys.At(origin, "")
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

// enrolled is a passkey that was made as it should be.
func enrolled(t testing.TB, rp passkeys.RP) (*passkeystest.Authenticator, passkeys.Credential) {
	t.Helper()
	a := passkeystest.New(origin)
	c, err := rp.Enrol(challenge, must(t)(a.Create(rp.CreationOptions(challenge, ana, nil))), now)
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func must(t testing.TB) func(b []byte, err error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func TestAPasskeyIsMadeAndLetsIn(t *testing.T) {
	rp := site(t)
	a, c := enrolled(t, rp)
	if !bytes.Equal(c.ID, a.ID) || c.RPID != "app.example.com" || c.Created != now.Unix() || c.BackupEligible {
		t.Errorf("enrolled %+v", c)
	}
	said, err := rp.Read(challenge, must(t)(a.Get(rp.RequestOptions(challenge))))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(said.Handle, ana.Handle) || !bytes.Equal(said.ID, c.ID) {
		t.Errorf("it names %q of %q", said.ID, said.Handle)
	}
	use, err := said.Verify(&c)
	if err != nil || use.SignCount != 1 {
		t.Errorf("used %+v, %v", use, err)
	}
}

func TestEachAlgorithmThatIsAskedForWorks(t *testing.T) {
	rp := site(t)
	for name, algorithm := range map[string]int{"ES256": passkeystest.ES256, "EdDSA": passkeystest.EdDSA, "RS256": passkeystest.RS256} {
		t.Run(name, func(t *testing.T) {
			a := passkeystest.New(origin)
			a.Algorithm = algorithm
			c, err := rp.Enrol(challenge, must(t)(a.Create(rp.CreationOptions(challenge, ana, nil))), now)
			if err != nil {
				t.Fatal(err)
			}
			response := must(t)(a.Get(rp.RequestOptions(challenge)))
			said, err := rp.Read(challenge, response)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := said.Verify(&c); err != nil {
				t.Error(err)
			}
			c.PublicKey[len(c.PublicKey)-1] ^= 1
			if _, err := said.Verify(&c); !errors.Is(err, passkeys.ErrRefused) {
				t.Errorf("by another key: %v", err)
			}
		})
	}
}

func TestWAU02AShortKeyIsNotEnrolled(t *testing.T) {
	rp := site(t)
	a := passkeystest.New(origin)
	a.Algorithm, a.Bits = passkeystest.RS256, 1024
	if _, err := rp.Enrol(challenge, must(t)(a.Create(rp.CreationOptions(challenge, ana, nil))), now); !errors.Is(err, passkeys.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

// An alteration is what an attacker changes of a right answer.
type alteration struct {
	name  string
	alter func(a *passkeystest.Authenticator)
}

func client(key string, value any) func(a *passkeystest.Authenticator) {
	return func(a *passkeystest.Authenticator) {
		a.Client = func(said map[string]any) { said[key] = value }
	}
}

func sent(part, key string, value any) func(a *passkeystest.Authenticator) {
	return func(a *passkeystest.Authenticator) {
		a.Answer = func(sent map[string]any) {
			if part != "" {
				sent, _ = sent[part].(map[string]any)
			}
			sent[key] = value
		}
	}
}

func flags(f byte) func(a *passkeystest.Authenticator) {
	return func(a *passkeystest.Authenticator) { a.Flags = f }
}

func data(alter func(d []byte) []byte) func(a *passkeystest.Authenticator) {
	return func(a *passkeystest.Authenticator) { a.Data = alter }
}

var other = base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{8}, 32))

// alterations are refused in both kinds of answers.
var alterations = []alteration{
	{"the page is of another site", client("origin", "https://evil.example")},
	{"the page is of a host below", client("origin", "https://x.app.example.com")},
	{"the page is of a host that begins alike", client("origin", "https://app.example.com.evil.example")},
	{"the page is of another scheme", client("origin", "http://app.example.com")},
	{"the page is of another port", client("origin", "https://app.example.com:8443")},
	{"the origin is written otherwise", client("origin", "https://APP.example.com")},
	{"the origin names its port", client("origin", "https://app.example.com:443")},
	{"the origin has a path", client("origin", "https://app.example.com/")},
	{"the origin is empty", client("origin", "")},
	{"the challenge is another one", client("challenge", other)},
	{"the challenge is empty", client("challenge", "")},
	{"the challenge is cut", client("challenge", base64.RawURLEncoding.EncodeToString(challenge[:31]))},
	{"the page is in a frame of another site", client("crossOrigin", true)},
	{"the page names a site around it", client("topOrigin", "https://evil.example")},
	{"it is of another kind", client("type", "payment.get")},
	{"nobody was there", flags(passkeystest.Verified)},
	{"nobody was verified", flags(passkeystest.Present)},
	{"it was copied and cannot be", flags(passkeystest.Present | passkeystest.Verified | passkeystest.BackedUp)},
	{"it is for another site", data(func(d []byte) []byte { d[0] ^= 1; return d })},
	{"it is cut", data(func(d []byte) []byte { return d[:36] })},
	{"something follows it", data(func(d []byte) []byte { return append(d, 0) })},
	{"its id is another one", sent("", "id", other)},
	{"its raw id is another one", sent("", "rawId", other)},
	{"it is no public key", sent("", "type", "password")},
	{"it has no id", sent("", "id", "")},
	{"what the browser said is no JSON", sent("response", "clientDataJSON", "AAAA")},
	{"it is too long", sent("", "padding", strings.Repeat("x", 8<<10))},
}

func TestWAU02NoAlteredPasskeyIsEnrolled(t *testing.T) {
	rp := site(t)
	more := []alteration{
		{"it was signed for a sign-in", client("type", "webauthn.get")},
		{"it has another algorithm", data(func(d []byte) []byte {
			return bytes.Replace(d, []byte{0xa5, 0x01, 0x02, 0x03, 0x26}, []byte{0xa5, 0x01, 0x02, 0x03, 0x38}, 1)
		})},
		{"its key is no point of the curve", data(func(d []byte) []byte { d[len(d)-1] ^= 1; return d })},
		{"it has no key", data(func(d []byte) []byte { d[32] &^= 1 << 6; return d[:37] })},
		{"its statement is no CBOR", sent("response", "attestationObject", "AAAA")},
	}
	for _, of := range append(more, alterations...) {
		t.Run(of.name, func(t *testing.T) {
			a := passkeystest.New(origin)
			of.alter(a)
			c, err := rp.Enrol(challenge, must(t)(a.Create(rp.CreationOptions(challenge, ana, nil))), now)
			if !errors.Is(err, passkeys.ErrRefused) || c.ID != nil {
				t.Errorf("got %v, %v", c, err)
			}
		})
	}
}

func TestWAU02NoAlteredAnswerLetsIn(t *testing.T) {
	rp := site(t)
	more := []alteration{
		{"it was signed for a new passkey", client("type", "webauthn.create")},
		{"it does not say whose it is", sent("response", "userHandle", nil)},
		{"its signature is another one", sent("response", "signature", other)},
		{"it has no signature", sent("response", "signature", "")},
		{"its count was changed after it was signed", func(a *passkeystest.Authenticator) {
			a.Answer = func(sent map[string]any) {
				response, _ := sent["response"].(map[string]any)
				text, _ := response["authenticatorData"].(string)
				response["authenticatorData"] = text[:len(text)-1] + "_"
			}
		}},
		{"it can be copied, and could not", flags(passkeystest.Present | passkeystest.Verified | passkeystest.Eligible)},
	}
	for _, of := range append(more, alterations...) {
		t.Run(of.name, func(t *testing.T) {
			a, c := enrolled(t, rp)
			of.alter(a)
			said, err := rp.Read(challenge, must(t)(a.Get(rp.RequestOptions(challenge))))
			if err == nil {
				_, err = said.Verify(&c)
			}
			if !errors.Is(err, passkeys.ErrRefused) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWAU02AnAnswerIsOfItsOwnCredentialAlone(t *testing.T) {
	rp := site(t)
	a, _ := enrolled(t, rp)
	_, others := enrolled(t, rp)
	said, err := rp.Read(challenge, must(t)(a.Get(rp.RequestOptions(challenge))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := said.Verify(&others); !errors.Is(err, passkeys.ErrRefused) {
		t.Errorf("another credential: %v", err)
	}
	others.ID = a.ID
	if _, err := said.Verify(&others); !errors.Is(err, passkeys.ErrRefused) {
		t.Errorf("another key under its id: %v", err)
	}
}

func TestWAU02AnAnswerForOneSiteIsNoneForAnother(t *testing.T) {
	rp := site(t)
	a, c := enrolled(t, rp)
	c.RPID = "example.com"
	said, err := rp.Read(challenge, must(t)(a.Get(rp.RequestOptions(challenge))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := said.Verify(&c); !errors.Is(err, passkeys.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestTheLengthOfAChallengeIsChecked(t *testing.T) {
	rp, short := site(t), make([]byte, 15)
	a, _ := enrolled(t, rp)
	if _, err := rp.Read(short, must(t)(a.Get(rp.RequestOptions(short)))); !errors.Is(err, passkeys.ErrRefused) {
		t.Errorf("reading: %v", err)
	}
	if _, err := rp.Enrol(short, must(t)(a.Create(rp.CreationOptions(short, ana, nil))), now); !errors.Is(err, passkeys.ErrRefused) {
		t.Errorf("enrolling: %v", err)
	}
}

func TestACountHasToRise(t *testing.T) {
	for _, c := range []struct {
		last, next uint32
		rises      bool
	}{{0, 0, true}, {0, 1, true}, {1, 2, true}, {1, 1, false}, {2, 1, false}, {1, 0, false}} {
		if got := passkeys.Rises(c.last, c.next); got != c.rises {
			t.Errorf("from %d to %d: %v", c.last, c.next, got)
		}
	}
}

func TestNoErrorHoldsAChallenge(t *testing.T) {
	rp := site(t)
	a, _ := enrolled(t, rp)
	a.Client = func(said map[string]any) { said["challenge"] = other }
	_, err := rp.Read(challenge, must(t)(a.Get(rp.RequestOptions(challenge))))
	if text := err.Error(); strings.Contains(text, base64.RawURLEncoding.EncodeToString(challenge)) || strings.Contains(text, other) {
		t.Errorf("it is told: %s", text)
	}
}

func TestOptionsAreTheSameForEverybody(t *testing.T) {
	want := map[string]any{
		"challenge": base64.RawURLEncoding.EncodeToString(challenge), "timeout": 300000.0, "rpId": "app.example.com",
		"allowCredentials": []any{}, "userVerification": "required",
	}
	var got map[string]any
	if err := json.Unmarshal(site(t).RequestOptions(challenge), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreationOptionsAskForWhatIsNeeded(t *testing.T) {
	rp := site(t)
	_, had := enrolled(t, rp)
	want := map[string]any{
		"rp":        map[string]any{"id": "app.example.com", "name": "Photos"},
		"user":      map[string]any{"id": base64.RawURLEncoding.EncodeToString(ana.Handle), "name": ana.Name, "displayName": ana.Name},
		"challenge": base64.RawURLEncoding.EncodeToString(challenge),
		"pubKeyCredParams": []any{
			map[string]any{"type": "public-key", "alg": -7.0}, map[string]any{"type": "public-key", "alg": -8.0}, map[string]any{"type": "public-key", "alg": -257.0},
		},
		"timeout": 300000.0,
		"excludeCredentials": []any{map[string]any{
			"type": "public-key", "id": base64.RawURLEncoding.EncodeToString(had.ID), "transports": []any{"internal"},
		}},
		"authenticatorSelection": map[string]any{"residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
		"attestation":            "none",
	}
	rp.Name = "Photos"
	var got map[string]any
	if err := json.Unmarshal(rp.CreationOptions(challenge, ana, []passkeys.Credential{had}), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
