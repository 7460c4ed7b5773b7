// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

import "time"

// sensitive speaks for a page that wants a fresher code than the session has.
func sensitive(f *Facts, now time.Time) finding {
	switch {
	case f.Page.MaxAge <= 0:
		return finding{cause: causeNoPage}
	case f.Coded.IsZero():
		return finding{says: true, cause: causeNoCode}
	case f.Renewed:
		return finding{says: true, cause: causeRenewed}
	case f.Recovered:
		return finding{says: true, cause: causeRecovered}
	}
	return finding{says: !Fresh(f, now), cause: causeCoded, gap: now.Sub(f.Coded)}
}
