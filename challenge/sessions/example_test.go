// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

func exampleMAC(parts ...[]byte) (sum [32]byte) {
	m := hmac.New(sha256.New, []byte("a key for ids"))
	for _, part := range parts {
		m.Write(part)
	}
	m.Sum(sum[:0])
	return sum
}

// A gate makes the key set once, and keeps it encrypted. Its secret gives the
// functions for ids and seals.
func Example() {
	stored, _, err := sessions.Ensure(nil, sessions.ES256, time.Now())
	if err != nil {
		panic(err)
	}
	keys, err := sessions.ParseKeys(stored)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher([]byte("a key for seals, of 32 bytes, ok"))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	issuer, err := sessions.NewIssuer(sessions.IssuerOptions{
		Keys: keys,
		MAC:  exampleMAC,
		Seal: func(plain, bound []byte) []byte { return aead.Seal(nil, nil, plain, bound) },
		Open: func(sealed, bound []byte) ([]byte, error) { return aead.Open(nil, nil, sealed, bound) },
	})
	if err != nil {
		panic(err)
	}

	now := time.Now()
	token, err := issuer.Sign(sessions.Session{
		ID:       sessions.NewID(exampleMAC),
		Subject:  "an opaque name",
		Audience: "https://app.example.com",
		Email:    "alice@example.com",
		Methods:  []string{"otp"},
		AuthTime: now,
		Issued:   now,
		Active:   now,
		Expires:  now.Add(time.Hour),
	})
	if err != nil {
		panic(err)
	}

	s, err := issuer.Check(token, "https://app.example.com", now.Add(time.Minute))
	fmt.Println(s.Email, err)
	s, err = issuer.Check(token, "https://app.example.com", now.Add(2*time.Hour))
	fmt.Println(s.Email, err)
	s, err = issuer.Check(token, "https://other.example.com", now)
	fmt.Printf("%q %v\n", s.Email, err)
	// Output:
	// alice@example.com <nil>
	// alice@example.com the session has expired
	// "" the session token is not valid
}
