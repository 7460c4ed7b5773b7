// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways

import (
	"crypto/subtle"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"
)

// What every authenticator app can do: RFC 6238 with HMAC-SHA-1. Some apps take
// no notice of other values in the URL and then show codes that never match.
// SHA-1 is as good as any here: what is known against it finds collisions, which
// are of no use against an HMAC.
const (
	appDigits = 6
	appPeriod = 30 // seconds

	// appDrift is how many steps the clock of a phone may be off, and a person be
	// slow (RFC 6238 section 5.2).
	appDrift = 1
)

// Step returns the time step of a moment: how many times 30 s have passed since
// 1970 (RFC 6238 section 4.2).
func Step(now time.Time) int64 { return now.Unix() / appPeriod }

// Code returns the 6 digits that an app shows in a time step; nothing of the zero
// Seed, or before 1970.
func (s Seed) Code(step int64) string {
	if s.IsZero() || step < 0 {
		return ""
	}
	code, err := hotp.GenerateCode(s.base32(), uint64(step))
	if err != nil {
		return "" // matches nothing
	}
	return code
}

// ReadAppCode reads an app's code that a person typed or pasted: 6 digits of any
// script, with white space or dashes between them. ok is false for everything
// else.
func ReadAppCode(typed string) (code string, ok bool) {
	code = plain(typed)
	if len(code) != appDigits || strings.Trim(code, "0123456789") != "" {
		return "", false
	}
	return code, true
}

// Match reports in which time step an app shows a code, of the present one and
// those just before and after it. Steps up to last, the one that matched the last
// time, or 0, do not count: whoever saw a code being typed cannot use it again
// (RFC 6238 section 5.2). Where a code is that of several steps, the newest is
// returned, so that keeping it as the next last spends all of them.
func (s Seed) Match(code string, now time.Time, last int64) (step int64, ok bool) {
	if len(code) != appDigits {
		return 0, false
	}
	present := Step(now)
	for at := present - appDrift; at <= present+appDrift; at++ {
		right := subtle.ConstantTimeCompare([]byte(s.Code(at)), []byte(code)) == 1
		if right && at > last {
			step, ok = at, true
		}
	}
	return step, ok
}
