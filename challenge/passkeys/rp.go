// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package passkeys

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

const (
	maxResponse  = 8 << 10 // bytes of an answer that is looked at
	minChallenge = 16      // bytes (section 13.4.3)
	// Patience is how long a browser is told to wait for its person.
	Patience = 5 * time.Minute
)

// ErrUnfitOrigin reports an origin at which browsers have no passkeys.
var ErrUnfitOrigin = errors.New("browsers have passkeys over https, or at localhost, and for names alone")

// An RP is a relying party: the site that passkeys are for.
type RP struct {
	// ID is the host name, or the domain above it, that a passkey is bound to.
	ID string
	// Name is what the site is called; empty: its ID. Browsers hardly show it.
	Name string
	// Origins are those that may ask for it, as browsers write them, such as
	// https://app.example.com.
	Origins []string
}

// At is the relying party of one origin. domain is that which several hosts share, of
// which the origin's is one; empty: the host has passkeys of its own. Its error is
// ErrUnfitOrigin.
func At(origin, domain string) (RP, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return RP{}, ErrUnfitOrigin
	}
	host := strings.ToLower(u.Hostname())
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if _, err := netip.ParseAddr(host); err == nil || u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return RP{}, ErrUnfitOrigin
	}
	rp := RP{ID: host, Origins: []string{u.Scheme + "://" + strings.ToLower(u.Host)}}
	if domain = strings.ToLower(domain); domain != "" {
		if host != domain && !strings.HasSuffix(host, "."+domain) {
			return RP{}, ErrUnfitOrigin // section 5.1.3, step 8: browsers would refuse
		}
		rp.ID = domain
	}
	return rp, nil
}

// A User is whom a passkey is made for.
type User struct {
	Handle []byte // 1 to 64 bytes that say nothing about the person (section 14.6.1)
	Name   string // as their authenticator shows it to them
}

// The algorithms, in the order in which they are asked for (RFC 9053 and RFC 8812).
var algorithms = []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgRS256}

const publicKey = "public-key"

type descriptor struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports,omitempty"`
}

type parameter struct {
	Type      string `json:"type"`
	Algorithm int    `json:"alg"`
}

type creation struct {
	RP struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"rp"`
	User struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DisplayName string `json:"displayName"`
	} `json:"user"`
	Challenge  string       `json:"challenge"`
	Parameters []parameter  `json:"pubKeyCredParams"`
	Timeout    int64        `json:"timeout"` // milliseconds
	Exclude    []descriptor `json:"excludeCredentials"`
	Selection  struct {
		ResidentKey      string `json:"residentKey"`
		Required         bool   `json:"requireResidentKey"` // for Level 1 browsers
		UserVerification string `json:"userVerification"`
	} `json:"authenticatorSelection"`
	Attestation string `json:"attestation"`
}

// CreationOptions asks a browser to make a passkey, which none of the authenticators
// does that hold one of exclude. It is a PublicKeyCredentialCreationOptionsJSON
// (section 5.1.8).
func (p RP) CreationOptions(challenge []byte, u User, exclude []Credential) []byte {
	var c creation
	c.RP.ID, c.RP.Name = p.ID, p.Name
	if p.Name == "" {
		c.RP.Name = p.ID
	}
	c.User.ID, c.User.Name, c.User.DisplayName = encode(u.Handle), u.Name, u.Name
	c.Challenge, c.Timeout, c.Attestation = encode(challenge), Patience.Milliseconds(), "none"
	for _, a := range algorithms {
		c.Parameters = append(c.Parameters, parameter{publicKey, int(a)})
	}
	c.Exclude = []descriptor{}
	for i := range exclude {
		c.Exclude = append(c.Exclude, descriptor{publicKey, encode(exclude[i].ID), exclude[i].Transports.names()})
	}
	c.Selection.ResidentKey, c.Selection.Required, c.Selection.UserVerification = "required", true, "required"
	return marshal(c)
}

type request struct {
	Challenge        string       `json:"challenge"`
	Timeout          int64        `json:"timeout"` // milliseconds
	RP               string       `json:"rpId"`
	Allow            []descriptor `json:"allowCredentials"`
	UserVerification string       `json:"userVerification"`
}

// RequestOptions asks a browser for any passkey of the site. It names no credential, and
// is the same for everybody but for its challenge: it tells nobody who has one. It is a
// PublicKeyCredentialRequestOptionsJSON (section 5.1.9).
func (p RP) RequestOptions(challenge []byte) []byte {
	return marshal(request{
		Challenge: encode(challenge), Timeout: Patience.Milliseconds(), RP: p.ID, Allow: []descriptor{}, UserVerification: "required",
	})
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("passkeys: encoding plain data: " + err.Error())
	}
	return text
}
