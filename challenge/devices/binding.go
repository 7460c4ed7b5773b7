// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package devices

import "time"

// A Binding is what the store keeps of the key of a browser, which its machine never
// gives away. Times are Unix seconds, but for Proved.
type Binding struct {
	Key    string `json:"k,omitempty"` // public; empty: the browser has none
	Proved int64  `json:"p,omitempty"` // when what it signed last was made, in Unix milliseconds: nothing older counts
	Held   int64  `json:"h,omitempty"` // since when it has to prove the key; 0: it has not shown yet that it was answered
	Warned int64  `json:"w,omitempty"` // when its person was told last that it did not
}

// answered is how long a browser is waited for that was told that its key was taken.
const answered = time.Minute

// Take takes a key for a browser, with when the challenge that proves it was made. It
// reports false where the browser has one that it showed: whoever has a copy of its
// cookies must not put another in its place. One that it has not shown, since the answer
// was lost, is replaced; ten tabs that make one each at once make one in all.
func (b *Binding) Take(key string, made time.Time) bool {
	if b.Held != 0 || b.Key != "" && made.Sub(time.UnixMilli(b.Proved)) < answered {
		return false
	}
	b.Key, b.Proved = key, made.UnixMilli()
	return true
}

// Prove notes that the key was proved, by a challenge that was made at a time. Each
// challenge, and all that are older, serve once.
func (b *Binding) Prove(made, now time.Time) bool {
	if b.Key == "" || made.UnixMilli() <= b.Proved {
		return false
	}
	b.Proved = made.UnixMilli()
	b.Hold(now)
	return true
}

// Hold has the browser prove its key from a time on. It reports false where it had to
// already.
func (b *Binding) Hold(now time.Time) bool {
	if b.Key == "" || b.Held != 0 {
		return false
	}
	b.Held = now.Unix()
	return true
}

// Warn notes that the person is told that the key was not proved, and reports false
// where they were within a time.
func (b *Binding) Warn(every time.Duration, now time.Time) bool {
	if now.Sub(time.Unix(b.Warned, 0)) < every {
		return false
	}
	b.Warned = now.Unix()
	return true
}

// Join is the binding of one browser of which two records are kept: what it has to
// prove, it has to prove still.
func (b Binding) Join(o Binding) Binding {
	if b.Key == "" || b.Held == 0 && o.Held != 0 {
		b, o = o, b
	}
	if o.Key == b.Key {
		b.Proved = max(b.Proved, o.Proved)
	}
	b.Warned = max(b.Warned, o.Warned)
	return b
}
