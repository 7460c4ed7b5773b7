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
)

// ErrRefused is what every answer comes to that is not right, whatever is wrong with it.
// What is wrong is wrapped, for operators' eyes.
var ErrRefused = errors.New("passkey answer was refused")

// What the library is told by arguments that do not say what they mean.
const (
	noAppID  = ""    // keys of U2F, which came before passkeys, are none
	inFrames = false // no page in a frame of another site may ask
	verified = true  // the owner was asked for a finger, a face or a PIN
	present  = true  // and was there
)

var none []string // neither opaque origins nor those of other top pages

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
	err := a.parsed.Verify(a.asked, a.rp.ID, noAppID, a.rp.Origins, none, none, protocol.TopOriginExplicitVerificationMode, inFrames, verified, present,
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
	case len(challenge) < minChallenge:
		return refused("the challenge is too short")
	case len(response) > maxResponse:
		return refused("it is longer than %d bytes", maxResponse)
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
	return plain(c.Verify(encode(challenge), of, p.Origins, none, none, protocol.TopOriginExplicitVerificationMode, inFrames))
}

// checkAuthenticator checks that the passkey is of this site, and that its owner was
// there and was verified.
func (p RP) checkAuthenticator(d *protocol.AuthenticatorData) error {
	hash := sha256.Sum256([]byte(p.ID))
	if d.Flags.HasBackupState() && !d.Flags.HasBackupEligible() { // section 7.2, step 18
		return errors.New("it says that it was copied and that it cannot be")
	}
	return plain(d.Verify(hash[:], []byte(noAppID), verified, present))
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
