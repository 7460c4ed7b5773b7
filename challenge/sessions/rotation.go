// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import "time"

// A Rotation says how signing keys follow one another. Times are rounded up to
// seconds; what is below zero counts as zero.
//
// A key verifies from the moment it is in the set until what it signed last has
// run out, so that nobody is signed out by a rotation. That holds if every
// machine reads the set again within Ahead, less a minute for its clock.
type Rotation struct {
	// Every is how long a key signs. Zero: until [Replace] gives it a successor.
	Every time.Duration
	// Ahead is how long a successor is in the set, and published, before it
	// signs. It should be longer than [JWKSMaxAge], or apps that keep the
	// published keys meet assertions that they cannot verify.
	Ahead time.Duration
	// Session is the longest life of a session: so long after it signed last, and
	// a minute, a session key still verifies. Zero: for good.
	Session time.Duration
}

// Rotate returns the key set plain with what the rotation wants at now: a
// successor for each key that is due, made Ahead before it takes over, and no
// key whose time is over. Once is as good as twice, on one machine or on two. If
// changed is true, out must be stored, encrypted; else out is plain.
//
// A set with too many keys that still verify gets no successors until some have
// run out: the keys that sign go on. It returns [ErrKeys], or [ErrFull] if a key
// of a later version has grown too large.
func Rotate(plain []byte, r Rotation, now time.Time) (out []byte, changed bool, err error) {
	return r.turn(plain, now, false)
}

// Replace is [Rotate] with every key due that signs now: its successor takes
// over after Ahead. One that is waiting already is brought forward to that
// moment, and no second one made, so that asking twice does no harm. It returns
// [ErrKeys], or [ErrFull] if there is no room for all successors.
func Replace(plain []byte, r Rotation, now time.Time) (out []byte, changed bool, err error) {
	return r.turn(plain, now, true)
}

func (r Rotation) turn(plain []byte, now time.Time, replace bool) (out []byte, changed bool, err error) {
	d, err := newDraft(plain)
	if err != nil {
		return nil, false, err
	}
	t := &turn{draft: d, Rotation: r, time: now, now: within(now.Unix()), ahead: roundUp(now.Add(max(r.Ahead, 0))), replace: replace}
	d.drop(t.now)
	for _, step := range [...]func(chain) error{t.correct, t.succeed, t.retire} {
		for _, k := range kinds {
			if err := step(chainOf(d.keys, k)); err != nil {
				return nil, false, err
			}
		}
	}
	if err := t.retireMerged(); err != nil {
		return nil, false, err
	}
	return d.finish()
}

// A turn is one run of a rotation. Its steps change times only in one direction
// each, so that machines which differ in clock or configuration come to rest.
type turn struct {
	*draft
	Rotation
	time    time.Time
	now     int64 // time in seconds
	ahead   int64 // when a key that is made now may sign
	replace bool
}

// correct dates back what signs although, by its dates, its turn is to come: the
// clock was wrong when it was made. No successor could follow it.
func (t *turn) correct(c chain) error {
	at := c.at(t.now)
	for n, k := range c {
		if (n == at || k.from == 0) && k.begins() > t.now+seconds(leeway) {
			if err := t.putTime(k, "from", within(t.now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// succeed sees to it that a key which is due has one successor.
func (t *turn) succeed(c chain) error {
	at := c.at(t.now)
	if at < 0 {
		return nil
	}
	signing := c[at]
	if at+1 < len(c) {
		return t.hasten(signing, c[at+1])
	}
	// A key with an end and no successor comes from a set that somebody mended.
	if !t.due(signing) && signing.until == 0 {
		return nil
	}
	// Room is left for what Ensure may have to add.
	if len(t.keys) >= maxKeys-len(kinds) {
		if t.replace {
			return ErrFull
		}
		return nil
	}
	return t.draw(signing.kind, t.time, t.takeOver(signing))
}

// due reports whether it is time to make a successor for k.
func (t *turn) due(k *key) bool {
	return t.replace || t.Every > 0 && k.begins()+seconds(t.Every) <= t.ahead
}

// takeOver is when the successor of k begins.
func (t *turn) takeOver(k *key) int64 {
	from := t.ahead
	if !t.replace {
		from = max(from, k.begins()+seconds(t.Every))
	}
	return within(max(from, k.begins()+1))
}

// hasten brings a successor forward that waits for longer than it need: it was
// made by a wrong clock, or is asked for now.
func (t *turn) hasten(signing, next *key) error {
	latest, slack := t.takeOver(signing), int64(0)
	if !t.replace {
		slack = seconds(leeway) // or two machines would chase each other
	}
	early := next.from - latest
	if early <= slack {
		return nil
	}
	if signing.until > 0 && t.life(signing.use) > 0 { // retire sees to it that it is not too early
		if err := t.putTime(signing, "until", within(signing.until-early)); err != nil {
			return err
		}
	}
	return t.putTime(next, "from", latest)
}

// retire sets when the keys that have a successor end, or puts it off where
// sessions live for longer than they did.
func (t *turn) retire(c chain) error {
	at := c.at(t.now)
	for n := range len(c) - 1 {
		k, after, ends := c[n], c[n+1].begins(), t.life(c[n].use)
		// Superseded, and nobody knows since when.
		if k.until == 0 && n < at {
			after = max(after, t.now)
		}
		if end := within(after + ends); ends > 0 && k.until < end {
			if err := t.putTime(k, "until", end); err != nil {
				return err
			}
		}
	}
	return nil
}

// retireMerged does the same for keys that signed in another store until now.
func (t *turn) retireMerged() error {
	for _, k := range t.keys {
		if ends := t.life(k.use); k.merged && k.until == 0 && ends > 0 {
			if err := t.putTime(k, "until", within(t.now+ends)); err != nil {
				return err
			}
		}
	}
	return nil
}

// life is how many seconds a key verifies after it signed last; zero: for good.
func (t *turn) life(u use) int64 {
	if u == useAssertion {
		return seconds(AssertionLifetime + JWKSMaxAge + leeway)
	}
	if t.Session <= 0 {
		return 0
	}
	return seconds(t.Session) + seconds(leeway)
}

// seconds returns d in seconds, rounded up.
func seconds(d time.Duration) int64 {
	s := int64(d / time.Second)
	if d%time.Second > 0 {
		s++
	}
	return s
}

// roundUp returns the first whole second that is not before t.
func roundUp(t time.Time) int64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}
