// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package bound

import (
	"crypto/subtle"
	"encoding/binary"
	"strings"
	"time"
)

// A MACFunc computes a MAC of parts, told apart from each other, under a key that
// serves only this. It must be safe for concurrent use.
type MACFunc func(parts ...[]byte) [32]byte

// A Pass says until when a browser has proved to hold a key.
type Pass struct {
	Browser string // its name
	Key     Thumbprint
	Until   time.Time // to the second; Slack not counted
}

// MaxPass bounds a pass, in characters.
const MaxPass = 160

const (
	passCheck  = 16 // bytes of a MAC
	maxBrowser = 64 // characters of a name
)

// Sign writes the pass for an audience, as the value of a cookie.
func (p Pass) Sign(audience string, mac MACFunc) string {
	raw := make([]byte, 0, len(Thumbprint{})+8+len(p.Browser)+passCheck)
	raw = append(raw, p.Key[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(p.Until.Unix()))
	raw = append(raw, p.Browser...)
	sum := mac(raw, []byte(audience))
	return strict.EncodeToString(append(raw, sum[:passCheck]...))
}

// ReadPass reads what [Pass.Sign] wrote for the same audience, whether or not its time
// is over. Its error is ErrPass.
func ReadPass(value, audience string, mac MACFunc) (Pass, error) {
	if len(value) > MaxPass || strings.ContainsAny(value, "\r\n") { // which the decoder skips
		return Pass{}, ErrPass
	}
	raw, err := strict.DecodeString(value)
	const fixed = len(Thumbprint{}) + 8
	if err != nil || len(raw) <= fixed+passCheck || len(raw) > fixed+passCheck+maxBrowser {
		return Pass{}, ErrPass
	}
	said, check := raw[:len(raw)-passCheck], raw[len(raw)-passCheck:]
	sum := mac(said, []byte(audience))
	if subtle.ConstantTimeCompare(sum[:passCheck], check) != 1 {
		return Pass{}, ErrPass
	}
	return Pass{
		Browser: string(said[fixed:]), Key: Thumbprint(said[:len(Thumbprint{})]),
		Until: time.Unix(int64(binary.BigEndian.Uint64(said[len(Thumbprint{}):])), 0),
	}, nil
}

// Counts reports whether the pass is good at a time.
func (p Pass) Counts(now time.Time) bool { return now.Before(p.Until.Add(Slack)) }
