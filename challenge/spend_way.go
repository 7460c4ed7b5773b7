// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/ways"
)

const labelBackup keyring.Label = "backup code"

// LimitTryApp is no setting: unknown browsers try five codes of an authenticator app
// a day, since such a code has 20 bits and does not end with a mail.
const LimitTryApp Limit = "try_app"

var appTries = []Rate{{5, day}}

// spendWay counts a try, and then lets a backup code or an app's code in. Both are of
// the person's belongings, so that the count, which is of the address, comes first
// by itself: nothing is compared that was not counted.
func (g *Gate) spendWay(ctx context.Context, v *Visit, f *Flow, typed string, of crowd, allowed bool) (did spending, err error) {
	given, err := readWay(f.Way, typed)
	if err != nil {
		return spending{}, &TryError{Kind: err, Left: -1}
	}
	locks, err := g.countWay(ctx, f, of)
	if err != nil {
		return spending{}, err
	}
	did, right, err := g.useWay(ctx, v, f, given, allowed)
	switch {
	case err != nil:
		if right && f.Way == ByBackup { // it may be used up, and has let nobody in
			g.tellOfBackup(ctx, v, f, did.left, id{})
		}
		return spending{}, err
	case right:
		did.mark = g.pardon(ctx, f, of)
		return did, nil
	case locks != nil:
		return spending{warn: g.mayWarn(ctx, f, locks)}, locks
	}
	return spending{}, &TryError{Kind: ErrWrongCode, Left: -1}
}

// readWay reads what was typed, as its way wants it. Its errors are *MalformedError
// and cost no try.
func readWay(w Way, typed string) (given string, err error) {
	want, ok := Form{Length: 6, Alphabet: Digits}, false
	if w == ByBackup {
		want = Form{Length: ways.BackupCodeLength, Alphabet: backupAlphabet}
		given, ok = ways.ReadBackupCode(typed)
	} else {
		given, ok = ways.ReadAppCode(typed)
	}
	if ok {
		return given, nil
	}
	if _, err := Normalize(typed, want); err != nil {
		return "", err
	}
	return "", &MalformedError{Want: want, Got: want.Length}
}

// backupAlphabet is that of backup codes.
const backupAlphabet Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// countWay counts a try against the address, with those of mailed codes (one limit
// for all ways: else each would give as many guesses again), and against the
// challenge that the flow may have. locks is the limit that the try has reached.
func (g *Gate) countWay(ctx context.Context, f *Flow, of crowd) (locks *LimitError, err error) {
	var refused error
	err = change(ctx, g.house.store, g.house.doorKey(f.Address), func(d *door, now time.Time) error {
		locks, refused = nil, nil
		d.tidy(now)
		b := d.bucket(of)
		if until, locked := b.locked(g.policy.Limits.TryAddress, now); locked {
			refused = &LimitError{Limit: LimitTryAddress, Until: until}
			return nil
		}
		if f.Way == ByApp && of != owners {
			if free, ok := d.Apps.room(appTries, now); !ok {
				refused = &LimitError{Limit: LimitTryApp, Until: free}
				return nil
			}
			d.Apps.add(now)
		}
		b.count(g.policy.Limits, now)
		d.need(now.Add(horizon))
		c := d.of(g.house.flowHash(f.ID))
		if c != nil {
			c.Tries++
		}
		if until, locked := b.locked(g.policy.Limits.TryAddress, now); locked {
			locks = &LimitError{Limit: LimitTryAddress, Until: until}
			if c != nil {
				c.Tries = max(c.Tries, g.policy.Code.Attempts) // as in attempt
			}
		}
		return nil
	})
	if err != nil {
		return nil, unavailable(err)
	}
	return locks, refused
}

// pardon forgets the tries of a bucket after a right code, and ends the challenge that
// its flow may have: the link in the mail of that leads to what the code came to. Where
// the store fails the tries stay counted, which errs on the safe side.
func (g *Gate) pardon(ctx context.Context, f *Flow, of crowd) (mark id) {
	_ = change(ctx, g.house.store, g.house.doorKey(f.Address), func(d *door, now time.Time) error {
		mark = id{}
		d.tidy(now)
		b := d.bucket(of)
		b.Tries, b.Locks, b.Until = nil, 0, 0
		if f.Way == ByApp && of != owners {
			d.Apps.takeBack()
		}
		if c := d.of(g.house.flowHash(f.ID)); c != nil {
			mark = g.house.spends(d, c, g.house.personID(f.owner()), now)
			d.allowedChange(*c)
			d.remove(c.Flow)
		}
		return nil
	})
	return mark
}

// mayWarn is when the lock ends of which the person is to be told; zero when they
// were told lately.
func (g *Gate) mayWarn(ctx context.Context, f *Flow, locks *LimitError) (until time.Time) {
	_ = change(ctx, g.house.store, g.house.doorKey(f.Address), func(d *door, now time.Time) error {
		until = d.warning(locks, now)
		return nil
	})
	return until
}

// spendSecond is spend for a code that was mailed to the second address. It is right
// only while that address is the person's, and counts for them: a report in between
// suspends it, and a removal ends it. The records are read for every address, known or
// not, so that the work tells nothing.
func (g *Gate) spendSecond(ctx context.Context, v *Visit, f *Flow, typed string, of crowd, allowed bool) (spending, error) {
	who := f.owner()
	p, err := read[person](ctx, g.house.store, g.house.personKey(who))
	if err != nil {
		return spending{}, unavailable(err)
	}
	b, err := g.house.belongings(ctx, who, v.Now)
	if err != nil {
		return spending{}, err
	}
	at := *f
	at.second = g.secondOf(who, &b, &p, v.Now)
	did, err := g.spend(ctx, v, &at, typed, of, allowed && at.second != "")
	did.older = at.second != "" && v.Now.Sub(time.Unix(b.Second.Made, 0)) >= youngFor
	return did, err
}

// useWay compares and spends in one update of the person's belongings. Whoever has no
// such way, or none that counts at the moment, is answered as if the code were wrong,
// for the same work.
func (g *Gate) useWay(ctx context.Context, v *Visit, f *Flow, given string, allowed bool) (did spending, right bool, err error) {
	h, who := g.house, f.owner()
	p, err := read[person](ctx, h.store, h.personKey(who))
	if err != nil {
		return spending{}, false, unavailable(err)
	}
	counts := allowed && g.mailboxProved(&p, v.Now)
	hash := h.backupHash(who, given)
	err = h.store.confirmed(ctx, h.belongingsKey(who), func(b *belongings, now time.Time) error {
		did, right = spending{way: f.Way}, false
		b.tidy(now)
		var made int64
		switch f.Way {
		case ByBackup:
			made, did.left, right = b.spendBackup(hash, counts)
		case ByApp:
			made, right = h.spendApp(who, b, given, counts, now)
		}
		if !right {
			return errUnchanged
		}
		did.older, did.since = now.Sub(time.Unix(made, 0)) >= youngFor, made
		return nil
	})
	if err = kept(err); err != nil {
		return did, right, unavailable(err)
	}
	return did, right, nil
}

// mailboxProved reports whether a person has shown lately enough that they still read
// the mail of their address: a mailbox that was closed must close the other ways too.
func (g *Gate) mailboxProved(p *person, now time.Time) bool {
	at := p.Mailed
	if at == 0 {
		at = p.Last // a version before knew no other way
	}
	return at != 0 && at >= g.house.store.epoch.Load() && now.Sub(time.Unix(at, 0)) < g.policy.Ways.ProveMailbox
}

// backupHash is what the store knows of a backup code.
func (h *House) backupHash(who Email, code string) id {
	person := h.personID(who)
	return cut(h.ring.MAC(labelBackup, person[:], []byte(code)))
}

func (b *belongings) spendBackup(hash id, counts bool) (made int64, left int, ok bool) {
	if b.Backup == nil || b.Backup.Suspended || !counts {
		return 0, 0, false
	}
	i := slices.Index(b.Backup.Hashes, hash)
	if i < 0 {
		return 0, 0, false
	}
	b.Backup.Hashes = slices.Delete(b.Backup.Hashes, i, i+1)
	return b.Backup.Made, len(b.Backup.Hashes), true
}

func (h *House) spendApp(who Email, b *belongings, code string, counts bool, now time.Time) (made int64, ok bool) {
	if b.App == nil || b.App.Suspended || !counts {
		return 0, false
	}
	seed, err := h.openApp(who, b.App.Sealed)
	if err != nil {
		return 0, false
	}
	step, ok := seed.Match(code, now, b.App.Step)
	if !ok {
		return 0, false
	}
	b.App.Step, b.App.Used = step, now.Unix()
	return b.App.Made, true
}
