// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// ErrRefused is what every answer comes to that is not right, whatever is wrong with it.
// What is wrong is wrapped, for operators' eyes.
var ErrRefused = errors.New("passkey answer was refused")

// maxKey bounds a public key, in bytes: one of RSA with 4096 bits has about 530.
const maxKey = 1 << 10

// minModulus is how long that of an RSA key is at least, in bytes.
const minModulus = 2048 / 8

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// Enrol reads the passkey that a browser has made for a challenge. response is the JSON
// of its PublicKeyCredential. The checks are those of section 7.1, but for attestation,
// which is not looked at, and for whether somebody has the credential already, which is
// for the caller to know. Its errors are ErrRefused.
func (p RP) Enrol(challenge, response []byte, now time.Time) (Credential, error) {
	if err := fit(challenge, response); err != nil {
		return Credential{}, err
	}
	made, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Credential{}, refused("reading it: %w", err)
	}
	data := &made.Response.AttestationObject.AuthData
	err = errors.Join(
		p.checkClient(&made.Response.CollectedClientData, challenge, protocol.CreateCeremony),
		p.checkAuthenticator(data),
		checkKey(data.AttData.CredentialPublicKey),
	)
	switch {
	case err != nil:
		return Credential{}, refused("checking it: %w", err)
	case !slices.Equal(made.RawID, data.AttData.CredentialID):
		return Credential{}, refused("the credential is another one than the browser says")
	}
	c := Credential{
		ID: data.AttData.CredentialID, PublicKey: data.AttData.CredentialPublicKey, SignCount: data.Counter,
		BackupEligible: data.Flags.HasBackupEligible(), BackedUp: data.Flags.HasBackupState(),
		Transports: transportsOf(made.Response.Transports), Created: now.Unix(), RPID: p.ID,
	}
	copy(c.AAGUID[:], data.AttData.AAGUID)
	return c, nil
}

// checkKey wants a key of an algorithm that was asked for.
func checkKey(key []byte) error {
	var kind webauthncose.PublicKeyData
	if len(key) > maxKey {
		return errors.New("public key is too long")
	}
	if err := webauthncbor.Unmarshal(key, &kind); err != nil {
		return fmt.Errorf("reading public key: %w", err)
	}
	if !slices.Contains(algorithms, webauthncose.COSEAlgorithmIdentifier(kind.Algorithm)) {
		return fmt.Errorf("algorithm %d was not asked for", kind.Algorithm)
	}
	parsed, err := webauthncose.ParsePublicKey(key)
	if err != nil {
		return fmt.Errorf("reading public key: %w", err)
	}
	if r, ok := parsed.(webauthncose.RSAPublicKeyData); ok && len(r.Modulus) < minModulus {
		return errors.New("RSA key is too short")
	}
	return nil
}

// An Assertion is a browser's answer to RequestOptions in which everything is right but
// for its signature, which only the credential's key can tell.
type Assertion struct {
	// ID names the credential, and Handle whose it is. Both are the browser's word
	// until Verify.
	ID, Handle []byte

	rp     RP
	asked  string // challenge, as browsers write it
	parsed *protocol.ParsedCredentialAssertionData
}

// Read reads the answer to a challenge. response is the JSON of a PublicKeyCredential.
// The checks are those of section 7.2 that need no key. Its errors are ErrRefused.
func (p RP) Read(challenge, response []byte) (*Assertion, error) {
	if err := fit(challenge, response); err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, refused("reading it: %w", err)
	}
	err = errors.Join(
		p.checkClient(&parsed.Response.CollectedClientData, challenge, protocol.AssertCeremony),
		p.checkAuthenticator(&parsed.Response.AuthenticatorData),
	)
	switch {
	case err != nil:
		return nil, refused("checking it: %w", err)
	case len(parsed.Response.UserHandle) == 0: // who typed no address has to be named by it
		return nil, refused("it does not say whose passkey it is")
	}
	return &Assertion{ID: parsed.RawID, Handle: parsed.Response.UserHandle, rp: p, asked: encode(challenge), parsed: parsed}, nil
}

// A Use is what an assertion says of the passkey that made it.
type Use struct {
	SignCount uint32
	BackedUp  bool
}

// Verify checks the signature with the key of a credential, which has to be the one that
// the assertion names, of the same relying party. Whether the count has risen is for the
// caller to ask, see [Rises]. Its errors are ErrRefused.
func (a *Assertion) Verify(c *Credential) (Use, error) {
	data := &a.parsed.Response.AuthenticatorData
	switch {
	case !slices.Equal(a.ID, c.ID), a.rp.ID != c.RPID:
		return Use{}, refused("it is of another credential")
	case data.Flags.HasBackupEligible() != c.BackupEligible: // section 7.2, step 19
		return Use{}, refused("whether it can be copied has changed")
	}
	err := a.parsed.Verify(a.asked, a.rp.ID, "", a.rp.Origins, nil, nil, protocol.TopOriginExplicitVerificationMode, false, true, true,
		c.PublicKey, protocol.SignaturePolicy{})
	if err != nil {
		return Use{}, refused("checking its signature: %w", err)
	}
	return Use{SignCount: data.Counter, BackedUp: data.Flags.HasBackupState()}, nil
}

// Rises reports whether a signature counter is as that of one authenticator must be:
// above the last, or never counting (section 7.2, step 22). One that does not rise is of
// a copy, or the one before was.
func Rises(last, next uint32) bool { return next > last || last == 0 && next == 0 }

func fit(challenge, response []byte) error {
	switch {
	case len(challenge) < MinChallenge:
		return refused("the challenge is too short")
	case len(response) > MaxResponse:
		return refused("it is longer than %d bytes", MaxResponse)
	}
	return nil
}

// checkClient checks what the browser says of where it was asked, and for what. Origins
// are compared letter by letter, and a page in a frame of another site is refused: what
// stands around it could have led the person.
func (p RP) checkClient(c *protocol.CollectedClientData, challenge []byte, of protocol.CeremonyType) error {
	switch {
	case !slices.Contains(p.Origins, c.Origin):
		return errors.New("it is from another origin")
	case c.CrossOrigin || c.TopOrigin != "":
		return errors.New("it is from a frame of another site")
	}
	return plain(c.Verify(encode(challenge), of, p.Origins, nil, nil, protocol.TopOriginExplicitVerificationMode, false))
}

// checkAuthenticator checks that the passkey is of this site, and that its owner was
// there and was verified.
func (p RP) checkAuthenticator(d *protocol.AuthenticatorData) error {
	hash := sha256.Sum256([]byte(p.ID))
	if d.Flags.HasBackupState() && !d.Flags.HasBackupEligible() { // section 7.2, step 18
		return errors.New("it says that it was copied and that it cannot be")
	}
	return plain(d.Verify(hash[:], nil, true, true))
}

// plain is an error of the library without the values that it has compared: challenges
// are in them.
func plain(err error) error {
	var said *protocol.Error
	if errors.As(err, &said) {
		return errors.New(said.Details)
	}
	return err
}
