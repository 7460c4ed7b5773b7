// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tokens_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// keyed is a MAC under a key.
func keyed(key string) tokens.MACFunc {
	return func(parts ...[]byte) (sum [32]byte) {
		h := hmac.New(sha256.New, []byte(key))
		for _, part := range parts {
			fmt.Fprintf(h, "%d:%s", len(part), part)
		}
		h.Sum(sum[:0])
		return sum
	}
}

var (
	check  = keyed("check")
	person = [16]byte{1, 2, 3}
)

func TestATokenSaysWhoseItIsAndIsNeverTheSame(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		made := tokens.New(person, check)
		text := made.Reveal()
		if seen[text] || len(text) != tokens.Length || !strings.HasPrefix(text, tokens.Prefix) {
			t.Fatalf("a token of %d characters, seen before: %t", len(text), seen[text])
		}
		seen[text] = true
		read, err := tokens.Parse(text, check)
		if err != nil || read.Person() != person || read.Hash(keyed("hash")) != made.Hash(keyed("hash")) || read.Reveal() != text {
			t.Fatalf("Parse = %x, %v", read.Person(), err)
		}
	}
}

func TestRuling44AnInventedTokenIsNone(t *testing.T) {
	text := tokens.New(person, check).Reveal()
	other := tokens.New([16]byte{9}, check).Reveal()
	for name, invented := range map[string]string{
		"nothing":                       "",
		"the prefix":                    tokens.Prefix,
		"another prefix":                "dcx_" + text[4:],
		"a prefix in capitals":          "DCT_" + text[4:],
		"capitals":                      strings.ToUpper(text),
		"a space in front":              " " + text,
		"a line break inside":           text[:20] + "\n" + text[20:],
		"a line break for a letter":     text[:20] + "\n" + text[21:],
		"a character less":              text[:len(text)-1],
		"a character more":              text + "a",
		"the person of another":         other[:30] + text[30:],
		"the check of another":          text[:60] + other[60:],
		"a digit that is not one of it": text[:20] + "1" + text[21:],
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tokens.Parse(invented, check); !errors.Is(err, tokens.ErrInvalid) {
				t.Errorf("Parse = %v, want ErrInvalid", err)
			}
		})
	}
	if _, err := tokens.Parse(text, keyed("another secret")); !errors.Is(err, tokens.ErrInvalid) {
		t.Errorf("a token of another secret: %v, want ErrInvalid", err)
	}
	for i := len(tokens.Prefix); i < len(text); i++ {
		changed := []byte(text)
		if changed[i]++; changed[i] == 'z'+1 {
			changed[i] = '2'
		}
		if _, err := tokens.Parse(string(changed), check); err == nil {
			t.Errorf("a token is good with another character %d", i)
		}
	}
}

func TestATokenCannotBePrinted(t *testing.T) {
	made := tokens.New(person, check)
	holder := struct{ token tokens.Token }{made}
	var said bytes.Buffer
	fmt.Fprintf(&said, "%v %+v %#v %s %x %d %v %+v", made, made, made, made, made, made, holder, &holder)
	slog.New(slog.NewJSONHandler(&said, nil)).Info("made", "token", made)
	if err := json.NewEncoder(&said).Encode(made); err != nil {
		t.Fatal(err)
	}
	secret := made.Reveal()[4:40]
	if strings.Contains(said.String(), secret) || strings.Contains(said.String(), fmt.Sprintf("%x", person[:3])) {
		t.Errorf("a token was printed: %s", said.String())
	}
}
