// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

func TestSeedsDifferAndAreKeptAsBytes(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		seed := ways.NewSeed()
		if kept := seed.Bytes(); len(kept) != ways.SeedSize || seen[string(kept)] {
			t.Fatalf("NewSeed = %x", kept)
		}
		seen[string(seed.Bytes())] = true
		if again := ways.SeedOf(seed.Bytes()); again.Key() != seed.Key() || again.Code(1) != seed.Code(1) {
			t.Fatalf("SeedOf(%x) differs", seed.Bytes())
		}
	}
}

func TestASeedSharesItsBytesWithNobody(t *testing.T) {
	kept := []byte("12345678901234567890")
	seed := ways.SeedOf(kept)
	kept[0], seed.Bytes()[1] = 'x', 'x'
	if got := string(seed.Bytes()); got != "12345678901234567890" {
		t.Errorf("the seed became %q", got)
	}
}

func TestBytesThatAreNoSeedMakeTheZeroOne(t *testing.T) {
	for _, kept := range [][]byte{nil, {}, make([]byte, ways.SeedSize-1), make([]byte, ways.SeedSize+1)} {
		seed := ways.SeedOf(kept)
		if !seed.IsZero() || seed.Bytes() != nil || seed.Code(1) != "" || seed.Key() != "" {
			t.Errorf("SeedOf(%d bytes) is a seed", len(kept))
		}
	}
}

func TestAKeyIsTypedInGroupsOfFour(t *testing.T) {
	if got, want := ways.SeedOf([]byte("12345678901234567890")).Key(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"; got != want {
		t.Errorf("Key = %q, want %q", got, want)
	}
}

func TestTheURLIsWrittenAsAppsReadIt(t *testing.T) {
	const secret, rest = "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "&algorithm=SHA1&digits=6&period=30"
	seed := ways.SeedOf([]byte("12345678901234567890"))
	for _, tt := range []struct{ name, issuer, account, want string }{
		{"plain names", "Wiki", "ana@example.com", "Wiki:ana%40example.com?" + secret + "&issuer=Wiki" + rest},
		{"a space", "Our wiki", "ana@example.com", "Our%20wiki:ana%40example.com?" + secret + "&issuer=Our%20wiki" + rest},
		{"a plus sign", "Wiki", "ana+x@example.com", "Wiki:ana%2Bx%40example.com?" + secret + "&issuer=Wiki" + rest},
		{"a colon, which parts the two", "app.example.com:8443", "ana", "app.example.com%208443:ana?" + secret + "&issuer=app.example.com%208443" + rest},
		{"parameters of its own", "A&secret=AAAA", "b?secret=AAAA#c/d", "A%26secret%3DAAAA:b%3Fsecret%3DAAAA%23c%2Fd?" + secret + "&issuer=A%26secret%3DAAAA" + rest},
		{"letters outside of ASCII", "Büro", "ana", "B%C3%BCro:ana?" + secret + "&issuer=B%C3%BCro" + rest},
		{"a line end", "A\r\nB", "ana", "A%20B:ana?" + secret + "&issuer=A%20B" + rest},
		{"no issuer", "", "ana", "ana?" + secret + rest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := seed.URL(tt.issuer, tt.account), "otpauth://totp/"+tt.want; got != want {
				t.Errorf("URL = %s\nwant  %s", got, want)
			}
		})
	}
}

// The library reads the URL as an app would, and shows the same codes.
func TestEveryNameLeavesTheSecretAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, now := ways.NewSeed(), at(t)
		issuer, account := rapid.String().Draw(t, "issuer"), rapid.String().Draw(t, "account")
		written := seed.URL(issuer, account)
		parsed, err := url.Parse(written)
		if err != nil {
			t.Fatalf("URL(%q, %q) = %s: %v", issuer, account, written, err)
		}
		if query := parsed.Query(); len(query["secret"]) != 1 || len(query["digits"]) != 1 || len(query["period"]) != 1 {
			t.Fatalf("URL(%q, %q) = %s repeats a value", issuer, account, written)
		}
		key, err := otp.NewKeyFromURL(written)
		if err != nil {
			t.Fatal(err)
		}
		if key.Type() != "totp" || key.Digits() != otp.DigitsSix || key.Period() != 30 || key.Algorithm() != otp.AlgorithmSHA1 {
			t.Fatalf("URL(%q, %q) = %s", issuer, account, written)
		}
		if code, err := totp.GenerateCode(key.Secret(), now); err != nil || code != seed.Code(ways.Step(now)) {
			t.Fatalf("an app shows %q, %v, want %q", code, err, seed.Code(ways.Step(now)))
		}
	})
}

func TestSeedsCannotBePrinted(t *testing.T) {
	seed := ways.SeedOf([]byte("12345678901234567890"))
	secrets := []string{
		"12345678901234567890", fmt.Sprintf("%x", "12345678901234567890"), fmt.Sprint([]byte("12345678901234567890")),
		"GEZDGNBV", "GEZD GNBV", "0x31, 0x32",
	}
	hidden := struct{ inner struct{ seed ways.Seed } }{}
	hidden.inner.seed = seed
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	for name, value := range map[string]any{
		"a seed": seed, "a pointer": &seed, "a list": []ways.Seed{seed}, "an unexported field": hidden,
		"a map": map[string]ways.Seed{"a": seed}, "an error": fmt.Errorf("matching %v", seed),
	} {
		var shown strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U"} {
			fmt.Fprintf(&shown, verb, value)
		}
		log.Reset()
		logger.Info("x", "value", value)
		inJSON, _ := json.Marshal(value)
		inXML, _ := xml.Marshal(value)
		all := shown.String() + log.String() + string(inJSON) + string(inXML)
		for _, secret := range secrets {
			if strings.Contains(all, secret) {
				t.Errorf("%s shows %s: %s", name, secret, all)
			}
		}
	}
}
