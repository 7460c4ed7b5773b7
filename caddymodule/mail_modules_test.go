// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// provisioner is a mail module as Caddy loads it.
type provisioner interface {
	caddy.Provisioner
	caddymodule.Mail
}

// dkimKey writes a private key, and returns its path.
func dkimKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return keyFile(t, key)
}

func keyFile(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMailThatCouldNotBeSentIsRefused(t *testing.T) {
	t.Setenv("DOORCODE_TEST_TOKEN", "tok-5f0c2d9e41")
	key := dkimKey(t)
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	const smtp, body = `"from":"login@example.com","address":"mx.example.com:587"`, `"body":"to={to}&text={text}"`
	for name, tt := range map[string]struct {
		into       provisioner
		json, want string
	}{
		"no token":               {&caddymodule.PostmarkMail{}, `{"from":"login@example.com"}`, "mail postmark: no token: write 'token {env.MAIL_TOKEN}'"},
		"no sender":              {&caddymodule.ResendMail{}, `{"token":"{env.DOORCODE_TEST_TOKEN}"}`, "mail resend: no sender"},
		"an unset token":         {&caddymodule.SendGridMail{}, `{"from":"login@example.com","token":"{env.DOORCODE_TEST_UNSET}"}`, "mail sendgrid: {env.DOORCODE_TEST_UNSET} is not set"},
		"clear text":             {&caddymodule.SendGridMail{}, `{"from":"login@example.com","token":"{env.DOORCODE_TEST_TOKEN}","url":"http://api.example.com/"}`, "would get codes in clear text"},
		"a signature of ours":    {&caddymodule.ResendMail{}, `{"from":"login@example.com","token":"x","dkim":{"domain":"example.com","selector":"s","key":"/x"}}`, "the service writes the mail, and signs it"},
		"no URL":                 {&caddymodule.HTTPMail{}, `{"from":"login@example.com"}`, "mail http: no URL: write 'mail http https://api.example.com/send'"},
		"no body":                {&caddymodule.HTTPMail{}, `{"from":"login@example.com","url":"https://example.com/"}`, "mail http: no body: write 'body"},
		"a body that says less":  {&caddymodule.HTTPMail{}, `{"from":"login@example.com","url":"https://example.com/","body":"to={to}"}`, "the body has no {text}"},
		"an unset value":         {&caddymodule.HTTPMail{}, `{"from":"login@example.com","url":"https://example.com/","body":"to={to}&text={text}&k={env.DOORCODE_TEST_UNSET}"}`, "{env.DOORCODE_TEST_UNSET} is not set"},
		"a field of the mail":    {&caddymodule.HTTPMail{}, `{"from":"login@example.com","url":"https://example.com/",` + body + `,"header":{"X-A":"b"}}`, "fields of the mail belong into the body"},
		"a key that is missing":  {&caddymodule.SMTPMail{}, `{` + smtp + `,"dkim":{"domain":"example.com","selector":"s1","key":"/nowhere/dkim.pem"}}`, "mail smtp: dkim: open /nowhere/dkim.pem"},
		"a key that is none":     {&caddymodule.SMTPMail{}, `{` + smtp + `,"dkim":{"domain":"example.com","selector":"s1","key":"` + broken + `"}}`, "not a private key for DKIM"},
		"half of a signature":    {&caddymodule.SMTPMail{}, `{` + smtp + `,"dkim":{"domain":"example.com"}}`, "'dkim' needs a domain, a selector and a key file"},
		"a domain of others":     {&caddymodule.SMTPMail{}, `{` + smtp + `,"dkim":{"domain":"example.net","selector":"s1","key":"` + key + `"}}`, "'example.net' signs nothing of login@example.com"},
		"a folder that is none":  {&caddymodule.SMTPMail{}, `{` + smtp + `,"templates":"/nowhere"}`, "mail smtp: templates: open /nowhere"},
		"a status that is wrong": {&caddymodule.HTTPMail{}, `{"from":"login@example.com","url":"https://example.com/",` + body + `,"ok":[99]}`, "99 is no status"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := strictly([]byte(tt.json), tt.into); err != nil {
				t.Fatalf("reading: %v", err)
			}
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			if err := tt.into.Provision(ctx); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Provision = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMailThatCanBeSentSaysWhere(t *testing.T) {
	t.Setenv("DOORCODE_TEST_TOKEN", "tok-5f0c2d9e41")
	const service = `{"from":"login@example.com","token":"{env.DOORCODE_TEST_TOKEN}"}`
	for want, tt := range map[string]struct {
		into provisioner
		json string
	}{
		"postmark":                {&caddymodule.PostmarkMail{}, service},
		"resend":                  {&caddymodule.ResendMail{}, service},
		"sendgrid":                {&caddymodule.SendGridMail{}, service},
		"http mail.example.net":   {&caddymodule.HTTPMail{}, `{"from":"login@example.com","url":"https://mail.example.net/?key={env.DOORCODE_TEST_TOKEN}","body":"to={to}&text={text}&k={env.DOORCODE_TEST_TOKEN}","request_header":{"X-Key":"k {env.DOORCODE_TEST_TOKEN}"}}`},
		"smtp mx.example.com:587": {&caddymodule.SMTPMail{}, `{"from":"login@mail.example.com","address":"mx.example.com:587","dkim":{"domain":"example.com","selector":"s1","key":"` + dkimKey(t) + `"}}`},
	} {
		t.Run(want, func(t *testing.T) {
			if err := strictly([]byte(tt.json), tt.into); err != nil {
				t.Fatalf("reading: %v", err)
			}
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			if err := tt.into.Provision(ctx); err != nil {
				t.Fatalf("Provision: %v", err)
			}
			transport, err := tt.into.OpenTransport()
			if err != nil || tt.into.Where() != want {
				t.Errorf("OpenTransport: %v; Where = %q", err, tt.into.Where())
			}
			said, err := json.Marshal(tt.into)
			if all := fmt.Sprintf("%s %+v %#v %v", said, tt.into, tt.into, transport); err != nil || strings.Contains(all, "tok-5f0c2d9e41") {
				t.Errorf("the token is in %s", all)
			}
		})
	}
}

func TestTheDoctorIsToldOfAKeyThatIsTooShort(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{keyFile(t, short): true, dkimKey(t): false} {
		m := &caddymodule.SMTPMail{Address: "mx.example.com:587", Letter: caddymodule.Letter{
			From: "login@example.com", DKIM: &caddymodule.DKIM{Domain: "example.com", Selector: "s1", Key: path},
		}}
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		defer cancel()
		if err := m.Provision(ctx); err != nil {
			t.Fatal(err)
		}
		if got := caddymodule.MailFacts(m).Signed; got.Weak != want || got.Name != "s1._domainkey.example.com" {
			t.Errorf("signed: %+v, want weak %v", got, want)
		}
	}
}
