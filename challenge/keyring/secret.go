// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// minDistinct is how many different bytes a secret must have. 32 random bytes
// have more than 20 but for once in millions; "changeme" over and over has 7.
const minDistinct = 8

// NewSecret returns a fresh root secret of 32 random bytes as one word of 43
// characters (base64url), which [ParseSecret] takes. The error is that of the
// system's random source.
func NewSecret() (string, error) {
	var root [rootSize]byte
	if _, err := rand.Read(root[:]); err != nil {
		return "", fmt.Errorf("drawing a secret: %w", err)
	}
	return strict.EncodeToString(root[:]), nil
}

// ParseSecret returns the root secret that text stands for: the bytes encoded
// by a word as [NewSecret] prints it, or else the bytes of text themselves.
// White space around it does not count, so that a file with a final newline
// gives every machine the same secret. It returns [ErrShort] for fewer than 32
// bytes and [ErrWeak] for fewer than 8 different ones; neither quotes text.
func ParseSecret(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if len(text) < rootSize {
		return nil, ErrShort
	}
	root := []byte(text)
	if raw, err := strict.DecodeString(text); err == nil && len(raw) == rootSize {
		root = raw
	}
	if distinct(root) < minDistinct {
		return nil, ErrWeak
	}
	return root, nil
}

// distinct returns how many different bytes b has.
func distinct(b []byte) (n int) {
	var seen [256]bool
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

const placeholder = "[secret]"

// redacted keeps what embeds it out of logs, errors and dumps.
type redacted struct{}

// String returns a placeholder.
func (redacted) String() string { return placeholder }

// GoString returns a placeholder.
func (redacted) GoString() string { return placeholder }

// Format writes a placeholder for every verb.
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, placeholder) }

// LogValue returns a placeholder.
func (redacted) LogValue() slog.Value { return slog.StringValue(placeholder) }

// MarshalJSON writes a placeholder.
func (redacted) MarshalJSON() ([]byte, error) { return json.Marshal(placeholder) }
