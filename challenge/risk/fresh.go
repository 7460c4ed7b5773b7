// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "time"

// skew is how far the clocks of two machines may differ. A code from later than
// that was never entered.
const skew = time.Minute

// Fresh reports whether the session's code is as fresh as the page wants it. A
// session that a remembered browser made since is never fresh.
func Fresh(f *Facts, now time.Time) bool {
	age, used := now.Sub(f.Coded), now.Sub(f.Confirmed)
	switch {
	case f.Page.MaxAge <= 0:
		return true
	case f.Renewed || f.Recovered || f.Coded.IsZero() || age < -skew:
		return false
	case age < f.Page.MaxAge:
		return true
	default:
		return f.Page.Extends && -skew <= used && used < f.Page.MaxAge && age < Longest
	}
}
