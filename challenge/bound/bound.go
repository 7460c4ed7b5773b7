// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package bound speaks the protocol of device bound session credentials (W3C
// draft, 2026): a browser makes a key that never leaves its machine, and proves
// every few minutes that it has it still.
//
// A [Proof] is what the browser signs, a [Key] what it signs with, and a [Pass] the
// short cookie that it is given for it. The package knows neither requests nor
// records: whether a challenge is good, and whose key it is, its caller says.
package bound

import (
	"errors"
	"time"
)

const (
	// PassLife is how long a browser keeps a pass. A copy of all its cookies is
	// worth no longer than that.
	PassLife = 10 * time.Minute
	// Slack is how much longer a pass counts, for requests that were on their way
	// when it ran out, and clocks that differ.
	Slack = time.Minute
	// ChallengeLife is how long a challenge can be answered.
	ChallengeLife = 5 * time.Minute
)

// The header fields of the protocol.
const (
	HeaderRegistration = "Secure-Session-Registration"
	HeaderChallenge    = "Secure-Session-Challenge"
	HeaderResponse     = "Secure-Session-Response"
	HeaderSkipped      = "Secure-Session-Skipped"
	HeaderID           = "Sec-Secure-Session-Id"
)

// What is wrong with what a browser sends.
var (
	ErrProof = errors.New("not a proof of a bound key")
	ErrKey   = errors.New("not a key that a browser binds")
	ErrPass  = errors.New("not a pass of a bound browser")
)
