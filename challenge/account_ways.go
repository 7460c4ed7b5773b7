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

const labelOffer keyring.Label = "offer of an app"

// MakeBackupCodes makes new backup codes in place of all older ones. They are
// returned this once. due is when they begin to work, zero when they do already;
// until then the old ones do. Its errors are ErrNoPermit, ErrNotOffered, ErrTooMany,
// ErrSuspended and ErrUnavailable.
func (g *Gate) MakeBackupCodes(ctx context.Context, v *Visit, a *Admission, f *Flow) (codes []Code, due time.Time, err error) {
	if !g.Offers().BackupCodes {
		return nil, time.Time{}, ErrNotOffered
	}
	set := backupSet{Of: g.policy.Ways.BackupCodes}
	for range set.Of {
		code := ways.NewBackupCode()
		codes = append(codes, NewCode(ways.ShowBackupCode(code)))
		set.Hashes = append(set.Hashes, g.house.backupHash(a.Identity.Email, code))
	}
	made, err := g.makeChange(ctx, v, a, f, proposal{kind: MakeBackupCodes, fill: func(_ *belongings, c *changed, now time.Time) error {
		fresh := set
		fresh.Made = max(c.Due, now.Unix())
		c.Backup = &fresh
		return nil
	}})
	if err != nil {
		return nil, time.Time{}, err
	}
	return codes, made.due(), nil
}

// testsAnHour bounds how often a person can ask whether a backup code is unused.
var testsAnHour = []Rate{{5, time.Hour}}

// LimitTestBackup is no setting: see testsAnHour.
const LimitTestBackup Limit = "test_backup_code"

// TestBackupCode says whether what was typed is an unused backup code of the person,
// and spends nothing. The permit goes on, so that a sheet can be gone through. Its
// errors are ErrNoPermit, *LimitError (5 an hour), ErrSuspended and ErrUnavailable.
func (g *Gate) TestBackupCode(ctx context.Context, v *Visit, a *Admission, f *Flow, typed string) (unused bool, err error) {
	if !g.Permitted(v, a, f, TestBackupCode) {
		return false, ErrNoPermit
	}
	if err := g.MayChange(ctx, v, a); err != nil {
		return false, err
	}
	who := a.Identity.Email
	code, _ := ways.ReadBackupCode(typed)
	hash := g.house.backupHash(who, code)
	var full error
	err = change(ctx, g.house.store, g.house.belongingsKey(who), func(b *belongings, now time.Time) error {
		b.tidy(now)
		unused, full = false, nil
		if free, ok := b.Tests.room(testsAnHour, now); !ok {
			full = &LimitError{Limit: LimitTestBackup, Until: free}
			return nil
		}
		b.Tests.add(now)
		unused = b.Backup != nil && !b.Backup.Suspended && slices.Contains(b.Backup.Hashes, hash)
		return nil
	})
	if err != nil {
		return false, unavailable(err)
	}
	return unused, full
}

// An AppOffer is a new secret for an authenticator app, to be shown to its person.
type AppOffer struct {
	Sealed string // for the form that finishes; says nothing to whoever reads it
	Key    Code   // base32, in groups of four
	QR     []byte // PNG
}

// OfferApp makes a secret for an authenticator app. It keeps nothing. Its error is
// [ways.ErrLongNames], where the names of site and person fit into no QR code.
func (g *Gate) OfferApp(v *Visit, a *Admission) (AppOffer, error) {
	return g.offerApp(v, a, ways.NewSeed())
}

// ReofferApp shows a secret that OfferApp made once more, after a wrong answer. A value
// that it did not make, for this session, is ErrNoPermit. Its other error is that of
// OfferApp.
func (g *Gate) ReofferApp(v *Visit, a *Admission, sealed string) (AppOffer, error) {
	seed, err := g.openOffer(a, sealed)
	if err != nil {
		return AppOffer{}, ErrNoPermit
	}
	return g.offerApp(v, a, seed)
}

func (g *Gate) offerApp(v *Visit, a *Admission, seed ways.Seed) (AppOffer, error) {
	issuer := v.App
	if issuer == "" {
		issuer = v.Host
	}
	picture, err := seed.QR(issuer, string(a.Identity.Email))
	if err != nil {
		return AppOffer{}, err
	}
	sealed := g.house.ring.SealString(labelOffer, seed.Bytes(), []byte(a.Live.key))
	return AppOffer{Sealed: sealed, Key: NewCode(seed.Key()), QR: picture}, nil
}

func (g *Gate) openOffer(a *Admission, sealed string) (ways.Seed, error) {
	return seedOf(g.house.ring.OpenString(labelOffer, sealed, []byte(a.Live.key)))
}

// AddApp keeps the secret of an offer, once the app has shown a right code for it.
// due is as in MakeBackupCodes. Its errors are ErrNoPermit, ErrWrongAnswer (the
// permit goes on), ErrNotOffered, ErrTooMany, ErrSuspended and ErrUnavailable.
func (g *Gate) AddApp(ctx context.Context, v *Visit, a *Admission, f *Flow, sealed, typed string) (due time.Time, err error) {
	if !g.Offers().App {
		return time.Time{}, ErrNotOffered
	}
	seed, err := g.openOffer(a, sealed)
	if err != nil {
		return time.Time{}, ErrNoPermit
	}
	code, ok := ways.ReadAppCode(typed)
	made, err := g.makeChange(ctx, v, a, f, proposal{kind: AddApp, fill: func(_ *belongings, c *changed, now time.Time) error {
		step, right := seed.Match(code, now, 0)
		if !ok || !right {
			return ErrWrongAnswer
		}
		c.App = &appSecret{Sealed: g.house.sealApp(a.Identity.Email, seed), Made: max(c.Due, now.Unix()), Step: step}
		return nil
	}})
	return made.due(), err
}

// RemoveWay makes the change RemoveApp or RemoveSecond. Its errors are ErrNoPermit,
// ErrNoSuch, ErrTooMany, ErrSuspended and ErrUnavailable.
func (g *Gate) RemoveWay(ctx context.Context, v *Visit, a *Admission, f *Flow, kind ChangeKind) (due time.Time, err error) {
	made, err := g.makeChange(ctx, v, a, f, proposal{kind: kind, fill: func(b *belongings, _ *changed, _ time.Time) error {
		if kind == RemoveApp && b.App == nil || kind == RemoveSecond && b.Second == nil {
			return ErrNoSuch
		}
		return nil
	}})
	return made.due(), err
}

// BeginSecond has a code sent to the second address that the flow's permit for
// SetSecond names, and returns the flow of that code, whose change is ProveSecond.
// Its errors are those of Begin, ErrNoPermit, ErrNotOffered and ErrSuspended.
func (g *Gate) BeginSecond(ctx context.Context, v *Visit, a *Admission, f *Flow) (Sent, error) {
	if !g.Permitted(v, a, f, SetSecond) {
		return Sent{}, ErrNoPermit
	}
	if !g.Offers().Second {
		return Sent{}, ErrNotOffered
	}
	if err := g.MayChange(ctx, v, a); err != nil {
		return Sent{}, err
	}
	second, err := ParseEmail(f.Change.Detail)
	if err != nil {
		return Sent{}, ErrNoPermit
	}
	before := *f
	before.Change, before.Of, before.Permit = &Change{ProveSecond, string(second)}, a.Identity.Email, &permit{}
	*before.Permit = *f.Permit
	before.Permit.Half = true
	before.Address, before.Way, before.ID = second, ByMail, newID()
	to := *v
	to.Confirm, to.Change = a.Live, before.Change
	return g.begin(ctx, &to, &before, second, asking{})
}

// SetSecond keeps the address that the flow's permit for ProveSecond names. due is
// as in MakeBackupCodes. Its errors are ErrNoPermit, ErrNotOffered, ErrTooMany,
// ErrSuspended and ErrUnavailable.
func (g *Gate) SetSecond(ctx context.Context, v *Visit, a *Admission, f *Flow) (due time.Time, err error) {
	if !g.Offers().Second {
		return time.Time{}, ErrNotOffered
	}
	if !g.Permitted(v, a, f, ProveSecond) || f.Of != a.Identity.Email || string(f.Address) != f.Change.Detail {
		return time.Time{}, ErrNoPermit // the code may have gone to another mailbox
	}
	sealed := g.house.sealSecond(a.Identity.Email, Email(f.Change.Detail))
	made, err := g.makeChange(ctx, v, a, f, proposal{kind: SetSecond, permit: ProveSecond, told: f.Change.Detail, fill: func(_ *belongings, c *changed, now time.Time) error {
		c.Second = &secondAddress{Sealed: sealed, Made: max(c.Due, now.Unix())}
		return nil
	}})
	return made.due(), err
}
