// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package passkeystest has an authenticator in software, and the browser around it, for
// tests. What it answers can be altered in every part, as an attacker would.
package passkeystest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// The flags of authenticator data (WebAuthn Level 3, section 6.1).
const (
	Present  byte = 1 << 0
	Verified byte = 1 << 2
	Eligible byte = 1 << 3
	BackedUp byte = 1 << 4
	attested byte = 1 << 6
)

// The algorithms that it has, by their numbers in COSE (RFC 9053 and RFC 8812).
const (
	ES256 = -7
	EdDSA = -8
	RS256 = -257
)

// An Authenticator holds one passkey.
type Authenticator struct {
	Algorithm int    // default: ES256
	Bits      int    // of a key of RS256; default: 2048
	Origin    string // of the page that asks
	Flags     byte
	// Count is that of the last signature; the next has Step more.
	Count, Step uint32
	ID, Handle  []byte // of the passkey

	// What alters an answer before it is signed, where it is not nil: what the browser
	// says, and what the authenticator does. Answer alters what is sent in the end.
	Client func(said map[string]any)
	Data   func(data []byte) []byte
	Answer func(sent map[string]any)

	key crypto.Signer
}

// New makes an authenticator without a passkey, in the browser of a page.
func New(origin string) *Authenticator {
	return &Authenticator{Origin: origin, Flags: Present | Verified, Step: 1}
}

// Options are what both kinds of options have that matters to an authenticator.
type Options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"user"`
	Exclude []struct {
		ID string `json:"id"`
	} `json:"excludeCredentials"`
	Allow []any `json:"allowCredentials"`
}

// Read reads options of either kind.
func Read(options []byte) (o Options, err error) {
	err = json.Unmarshal(options, &o)
	return o, err
}

// Create makes a passkey as options ask, and returns the JSON of the browser's answer.
func (a *Authenticator) Create(options []byte) ([]byte, error) {
	o, err := Read(options)
	if err != nil {
		return nil, fmt.Errorf("reading options: %w", err)
	}
	if err := a.generate(); err != nil {
		return nil, err
	}
	a.ID = make([]byte, 32)
	_, _ = rand.Read(a.ID)
	if a.Handle, err = base64.RawURLEncoding.DecodeString(o.User.ID); err != nil {
		return nil, fmt.Errorf("reading handle: %w", err)
	}
	key, err := a.coseKey()
	if err != nil {
		return nil, err
	}
	data := a.data(o.RP.ID, attested)
	data = append(data, make([]byte, 16)...) // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID)))
	data = append(append(data, a.ID...), key...)
	if a.Data != nil {
		data = a.Data(data)
	}
	object := []byte{0xa3} // a map of three
	object = append(append(object, text("fmt")...), text("none")...)
	object = append(append(object, text("attStmt")...), 0xa0)
	object = append(append(object, text("authData")...), bytes(data)...)
	return a.answer(map[string]any{
		"clientDataJSON": encode(a.client("webauthn.create", o.Challenge)), "attestationObject": encode(object), "transports": []string{"internal"},
	})
}

// Get signs a challenge as options ask, and returns the JSON of the browser's answer.
func (a *Authenticator) Get(options []byte) ([]byte, error) {
	o, err := Read(options)
	if err != nil {
		return nil, fmt.Errorf("reading options: %w", err)
	}
	a.Count += a.Step
	data := a.data(o.RPID, 0)
	if a.Data != nil {
		data = a.Data(data)
	}
	client := a.client("webauthn.get", o.Challenge)
	hash := sha256.Sum256(client)
	signature, err := a.sign(append(append([]byte{}, data...), hash[:]...))
	if err != nil {
		return nil, err
	}
	return a.answer(map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(a.Handle),
	})
}

// Copy is a copy of the authenticator, with its key and its count.
func (a *Authenticator) Copy() *Authenticator {
	other := *a
	return &other
}

func (a *Authenticator) answer(response map[string]any) ([]byte, error) {
	sent := map[string]any{
		"id": encode(a.ID), "rawId": encode(a.ID), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	}
	if a.Answer != nil {
		a.Answer(sent)
	}
	return json.Marshal(sent)
}

func (a *Authenticator) client(kind, challenge string) []byte {
	said := map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false}
	if a.Client != nil {
		a.Client(said)
	}
	text, err := json.Marshal(said)
	if err != nil {
		panic("passkeystest: encoding client data: " + err.Error())
	}
	return text
}

// data is authenticator data without what only a new passkey has.
func (a *Authenticator) data(rp string, more byte) []byte {
	hash := sha256.Sum256([]byte(rp))
	return binary.BigEndian.AppendUint32(append(hash[:], a.Flags|more), a.Count)
}

// text and bytes are strings in CBOR (RFC 8949, section 3.1), of up to 65,535 bytes.
func text(s string) []byte  { return append(head(0x60, len(s)), s...) }
func bytes(b []byte) []byte { return append(head(0x40, len(b)), b...) }

func head(major byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n < 256:
		return []byte{major | 24, byte(n)}
	default:
		return binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
	}
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
