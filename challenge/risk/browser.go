// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk

func operator(f *Facts) finding {
	return is(f.Browser == EndedByOperator, causeOperator, causeNotEnded)
}

func ended(f *Facts) finding {
	return is(f.Browser == SignedOut, causeSignedOut, causeNotEnded)
}

func expired(f *Facts) finding {
	if f.Browser == Lapsed && f.Keyless {
		return finding{says: true, cause: causeKeyless}
	}
	return is(f.Browser == Lapsed, causeLapsed, causeNotLapsed)
}

func newBrowser(f *Facts) finding {
	return is(f.Browser == Unknown, causeUnknownBrowser, causeKnownBrowser)
}

func always(f *Facts, p *Policy) finding {
	if f.Browser == InSession {
		return finding{cause: causeInSession}
	}
	return is(p.Ask.Has(Always), causeAlways, causeNotAlways)
}

func is(says bool, yes, no cause) finding {
	if says {
		return finding{says: true, cause: yes}
	}
	return finding{cause: no}
}

// trusted reports whether the browser itself has proved whose it is. What other
// browsers would be excused for is asked of a stranger's.
func (f *Facts) trusted() bool { return f.Browser == Remembered || f.Browser == InSession }
