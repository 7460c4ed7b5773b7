// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// Faults of what a Signer is made of.
var (
	// ErrDKIMKey means a file without a private key that DKIM can use.
	ErrDKIMKey = errors.New("not a private key for DKIM: it takes RSA of 1024 to 4096 bits (2048 is usual) or Ed25519, as PEM")
	// ErrDKIMName means a domain or selector that is no DNS name.
	ErrDKIMName = errors.New("not a DNS name")
	// ErrDKIMDomain means a domain that says nothing about the sender.
	ErrDKIMDomain = errors.New("the domain must be that of the sender, or the parent of it")
)

// RFC 8301 section 3.2: verifiers take 1024 to 4096 bits, and signers should use 2048.
const (
	weakestRSA   = 1024
	usualRSA     = 2048
	strongestRSA = 4096
)

// A Signer signs mails with a domain's key (RFC 6376). It prints as its domain.
type Signer struct {
	domain, selector string
	key              crypto.Signer
}

var dnsName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// NewSigner reads a private key from PEM: PKCS #8, or PKCS #1 for RSA. The public key
// belongs into the TXT record <selector>._domainkey.<domain>, see Record. Its errors
// are ErrDKIMKey and ErrDKIMName.
func NewSigner(domain, selector string, key []byte) (*Signer, error) {
	domain, selector = strings.ToLower(domain), strings.ToLower(selector)
	for _, name := range []string{domain, selector} {
		if len(name) > 253 || !dnsName.MatchString(name) {
			return nil, fmt.Errorf("%q: %w", name, ErrDKIMName)
		}
	}
	private, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	return &Signer{domain: domain, selector: selector, key: private}, nil
}

// parseKey takes the first private key of a file. What is wrong with it is never
// quoted: it would be a part of the key.
func parseKey(file []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		var key any
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		}
		if err != nil {
			return nil, ErrDKIMKey
		}
		switch k := key.(type) {
		case ed25519.PrivateKey:
			return k, nil
		case *rsa.PrivateKey:
			if bits := k.N.BitLen(); bits >= weakestRSA && bits <= strongestRSA {
				return k, nil
			}
		}
		return nil, ErrDKIMKey
	}
	return nil, ErrDKIMKey
}

// Weak says whether the key is shorter than is usual today.
func (s *Signer) Weak() bool {
	k, isRSA := s.key.(*rsa.PrivateKey)
	return isRSA && k.N.BitLen() < usualRSA
}

// Covers says whether a signature speaks for the domain of a sender (DMARC's relaxed
// alignment, RFC 7489 section 3.1.1, as far as it can be told without DNS).
func (s *Signer) Covers(sender string) bool {
	domain := strings.ToLower(domainOf(sender))
	return domain == s.domain || strings.HasSuffix(domain, "."+s.domain)
}

// Record is the name of the TXT record that verifiers read and what it has to say.
func (s *Signer) Record() (name, text string) {
	var kind string
	var public []byte
	switch k := s.key.Public().(type) {
	case ed25519.PublicKey:
		kind, public = "ed25519", k // RFC 8463 section 3
	default:
		kind = "rsa"
		public, _ = x509.MarshalPKIXPublicKey(k) // a key that was parsed can be written
	}
	return s.selector + "._domainkey." + s.domain, "v=DKIM1; k=" + kind + "; p=" + base64Text(public)
}

// String hides the key.
func (s *Signer) String() string { return "[DKIM " + s.selector + "._domainkey." + s.domain + "]" }

// Format hides the key from every verb of fmt.
func (s *Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the key from structured logs.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// signed are the fields that a signature is about (RFC 6376 section 5.4.1). Those that
// may stand in a mail once are named twice, so that nobody can add another one.
var signed = []string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Date", "Message-ID", "Message-ID", "Reply-To", "Reply-To",
	"MIME-Version", "Content-Type", "Content-Type", "Content-Language", "Auto-Submitted",
}

// sign puts a signature in front of a mail. It says when it was made, so a mail that
// is tried again differs in it.
func (s *Signer) sign(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	err := dkim.Sign(&out, bytes.NewReader(raw), &dkim.SignOptions{
		Domain: s.domain, Selector: s.selector, Signer: s.key, HeaderKeys: signed,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		return nil, fmt.Errorf("signing mail: %w", err)
	}
	return out.Bytes(), nil
}
