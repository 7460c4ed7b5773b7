// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// verify checks a mail as a receiver who finds that record does.
func verify(t *testing.T, raw []byte, name, text string) error {
	t.Helper()
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(domain string) ([]string, error) {
		if domain != name {
			return nil, fmt.Errorf("no record %s", domain)
		}
		return []string{text}, nil
	}})
	if err != nil || len(found) != 1 {
		t.Fatalf("verifying: %v, %d signatures", err, len(found))
	}
	return found[0].Err
}

func TestMailsAreSigned(t *testing.T) {
	rsaPKCS1 := rsaKey(t, 2048)
	for name, key := range map[string][]byte{
		"RSA":     pkcs8(t, rsaKey(t, 2048)),
		"PKCS #1": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaPKCS1)}),
		"Ed25519": pkcs8(t, edKey(t)),
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := mailer.NewSigner("Example.com", "s1", key)
			if err != nil {
				t.Fatalf("NewSigner: %v", err)
			}
			record, text := signer.Record()
			if record != "s1._domainkey.example.com" || signer.Weak() {
				t.Errorf("record %s, weak %v", record, signer.Weak())
			}
			l := located(challenge.SignInCode)
			l.Style.DKIM = signer
			raw := render(t, l).Raw
			if err := verify(t, raw, record, text); err != nil {
				t.Errorf("signature: %v\n%s", err, raw)
			}
			for what, broken := range map[string][]byte{
				"another code":     bytes.Replace(raw, []byte(secret), []byte("111111"), -1),
				"another receiver": bytes.Replace(raw, []byte("To: <ana@"), []byte("To: <eve@"), 1),
				"another sender":   append([]byte("From: <eve@example.net>\r\n"), raw...),
				"another subject":  append([]byte("Subject: Hello\r\n"), raw...),
			} {
				if bytes.Equal(broken, raw) {
					t.Fatalf("%s changed nothing", what)
				}
				if verify(t, broken, record, text) == nil {
					t.Errorf("the signature holds with %s", what)
				}
			}
			if p := parse(t, raw); p.header.Get("Subject") == "" {
				t.Error("the signed mail cannot be read")
			}
		})
	}
}

func TestAKeyThatCannotSignIsRefused(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := pkcs8(t, edKey(t))
	for name, tt := range map[string]struct {
		domain, selector string
		key              []byte
		want             error
	}{
		"nothing":              {"example.com", "s1", nil, mailer.ErrDKIMKey},
		"no PEM":               {"example.com", "s1", []byte("c2VjcmV0"), mailer.ErrDKIMKey},
		"a certificate":        {"example.com", "s1", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"}), mailer.ErrDKIMKey},
		"a broken key":         {"example.com", "s1", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("c2VjcmV0")}), mailer.ErrDKIMKey},
		"a curve of others":    {"example.com", "s1", pkcs8(t, curve), mailer.ErrDKIMKey},
		"a domain with spaces": {"example.com; p=", "s1", good, mailer.ErrDKIMName},
		"a selector of signs":  {"example.com", "s1;", good, mailer.ErrDKIMName},
		"no selector":          {"example.com", "", good, mailer.ErrDKIMName},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := mailer.NewSigner(tt.domain, tt.selector, tt.key)
			if !errors.Is(err, tt.want) || signer != nil || strings.Contains(err.Error(), "c2VjcmV0") {
				t.Errorf("NewSigner = %v, %v", signer, err)
			}
		})
	}
}

func TestASignatureCoversADomainAndWhatIsBelowIt(t *testing.T) {
	signer, err := mailer.NewSigner("example.com", "s1", pkcs8(t, edKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"a@example.com": true, "a@mail.EXAMPLE.com": true, "a@evilexample.com": false, "a@com": false, "a@example.org": false,
	} {
		if got := signer.Covers(address); got != want {
			t.Errorf("Covers(%s) = %v", address, got)
		}
	}
	if said := fmt.Sprintf("%v %+v %#v %s", signer, signer, signer, signer); strings.Contains(said, "{") || !strings.Contains(said, "s1._domainkey.example.com") {
		t.Errorf("it prints as %s", said)
	}
}

func FuzzKeyOfDKIM(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if signer, err := mailer.NewSigner("example.com", "s1", file); err == nil {
			signer.Record()
		}
	})
}
