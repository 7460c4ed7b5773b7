// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"errors"
	"fmt"
	"time"
)

// Outcomes of a check that a person meets. None of them means that the machine
// is in trouble.
var (
	// ErrWrongCode: the code is not right; a try was used.
	ErrWrongCode = errors.New("code is wrong")
	// ErrOldCode: the code is that of this browser's previous mail.
	ErrOldCode = errors.New("code is from an earlier mail")
	// ErrCodeExpired: the challenge is over, or there never was one.
	ErrCodeExpired = errors.New("code has expired")
	// ErrCodeCancelled: too many wrong tries ended the code.
	ErrCodeCancelled = errors.New("code was cancelled after too many wrong tries")
	// ErrCodeLost: what kept the challenge has since failed over, was started anew
	// or was put back from a copy, so that the code may have been used.
	ErrCodeLost = errors.New("code was lost with the state of the store")
	// ErrLabel: the letters beside the code were typed instead of the code.
	ErrLabel = errors.New("label typed instead of the code")
	// ErrNotListed: the address is not on the list; only said where the
	// operator set reveal.
	ErrNotListed = errors.New("address is not on the list")
	// ErrUsedUp: this challenge was mailed as often as it may be.
	ErrUsedUp = errors.New("mail was sent as often as allowed")
	// ErrNoFlow: there is no challenge that belongs to this browser.
	ErrNoFlow = errors.New("no check under way in this browser")
)

// A MalformedError reports text that cannot be the code. It costs no try.
type MalformedError struct {
	Want    Form
	Got     int  // how many characters of the alphabet were found
	Letters bool // letters stand where only digits can be
}

// Error says what was expected.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("code has %d characters, got %d", e.Want.Length, e.Got)
}

// A Limit names what was used up.
type Limit string

// The limits, by the words of the Caddyfile.
const (
	LimitSendAddress Limit = "send_address"
	// LimitStarts is no setting: one network begins three challenges of one
	// address an hour.
	LimitStarts     Limit = "starts_per_network"
	LimitSendIP     Limit = "send_ip"
	LimitSendTotal  Limit = "send_total"
	LimitTryAddress Limit = "try_address"
	LimitTryIP      Limit = "try_ip"
	LimitResend     Limit = "resend"
	// LimitReported is no setting: the person has said that it was not them.
	LimitReported Limit = "reported"
)

// A LimitError reports that something may be done again only later.
type LimitError struct {
	Limit Limit
	Until time.Time

	// known: this machine has told of it before. Strangers can run into one lock as
	// often as they like, and must not fill with that what operators read.
	known bool
}

// Error names the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("limit %s reached until %s", e.Limit, e.Until.UTC().Format(time.RFC3339))
}

// ErrUnavailable reports that nothing can be decided because the store does
// not answer. Whoever has no session is kept out.
var ErrUnavailable = errors.New("checks are unavailable")
