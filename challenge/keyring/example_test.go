// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"fmt"
	"io"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

func Example() {
	secret, err := keyring.NewSecret() // what the operator keeps
	if err != nil {
		panic(err)
	}
	root, err := keyring.ParseSecret(secret)
	if err != nil {
		panic(err)
	}
	ring, err := keyring.New(root)
	if err != nil {
		panic(err)
	}

	const flow keyring.Label = "cookie/flow"
	value := ring.SealString(flow, []byte("alice@example.com"), []byte("app.example.com"))

	plain, err := ring.OpenString(flow, value, []byte("app.example.com"))
	fmt.Printf("%s %v\n", plain, err)
	_, err = ring.OpenString(flow, value, []byte("other.example.com"))
	fmt.Println(err)
	fmt.Println(ring)
	// Output:
	// alice@example.com <nil>
	// the sealed value does not open
	// [secret]
}

// Six digits, all equally likely: a byte above 249 would favour the low
// digits, so it is thrown away.
func ExampleRing_Stream() {
	ring, err := keyring.New([]byte("an example of a root secret, 32+"))
	if err != nil {
		panic(err)
	}
	draw := func(challenge string) string {
		in := ring.Stream("code", []byte(challenge), []byte("alice@example.com"))
		code, b := "", make([]byte, 1)
		for len(code) < 6 {
			if _, err := io.ReadFull(in, b); err != nil {
				panic(err)
			}
			if b[0] < 250 {
				code += string('0' + b[0]%10)
			}
		}
		return code
	}
	first, again := draw("one challenge"), draw("one challenge")
	fmt.Println(again == first)
	fmt.Println(draw("another") == first)
	// Output:
	// true
	// false
}
