// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"time"
)

// An Account is what a person sees of themselves. It is read for the person of a
// session alone.
type Account struct {
	Address  Email
	Browsers []Browser // this one first, then by last use
	Backup   BackupState
	App      AppState
	Second   SecondState
	Passkeys []PasskeyState  // the newest first
	Waiting  []WaitingChange // changes that take effect later, the next first
	Tokens   []TokenState    // the newest first
	Settings PersonSettings
	// Guarded is until when only what is older than a reported entry counts; zero
	// when it is not.
	Guarded time.Time
	// Offers are the ways in and the other things that the gate has.
	Offers Offers
	// Urge: the person should make backup codes, as mail may fail one day: none is left
	// that works, and there is neither an app nor a passkey.
	// MailboxHere: the mail's domain is that of a site behind a gate like this one,
	// so that the mailbox itself may be behind a check.
	Urge, MailboxHere bool
}

// Offers say which ways in and which other things a gate has, for every address
// alike.
type Offers struct {
	BackupCodes, App, Second, Tokens, Passkeys bool
}

// Any reports whether there is a way in beside the mailed code.
func (o Offers) Any() bool { return o.BackupCodes || o.App || o.Second || o.Passkeys }

// A Browser is one that is signed in, or remembered, or both.
type Browser struct {
	ID   string // names it in forms; of use in the same person's account only
	Name string // given by the person; empty: none
	Kind string // from a fixed vocabulary, such as "Firefox on Windows"
	This bool   // it asks
	// Remembered: it need not enter a code. SignedIn: it has a session that lives.
	Remembered, SignedIn bool
	First, Last          time.Time // seen; Last is that of the last entry
	// Where it was used last, as far as is known.
	City, Country string
	Radius        int
	Private       bool
	Credit        string // what the licence of the places asks to be printed
	Network       string // IPv4 /24 or IPv6 /48; empty when unknown
	// Suspended: it is newer than a reported entry, see Account.Guarded.
	Suspended bool
	// Bound: it has a key that it has to prove, so that a copy of its cookies is worth
	// little.
	Bound bool
}

// BackupState tells of backup codes.
type BackupState struct {
	Made      time.Time // zero: there are none
	Left, Of  int
	Suspended bool
}

// AppState tells of an authenticator app.
type AppState struct {
	Made      time.Time // zero: there is none
	Used      time.Time // zero: never
	Suspended bool
}

// SecondState tells of a second address.
type SecondState struct {
	Address   Email     // empty: there is none
	Made      time.Time // when it was proved
	Suspended bool
}

// PersonSettings are what a person chose for themselves.
type PersonSettings struct {
	Language string `json:"lang,omitempty"`   // BCP 47; empty: that of the browser
	Zone     string `json:"zone,omitempty"`   // IANA name such as Europe/Lisbon; empty: UTC
	Quiet    bool   `json:"quiet,omitempty"`  // no mail when a new browser signs in
	Always   bool   `json:"always,omitempty"` // a code at every sign-in, although the browser is remembered
}

// A ChangeKind is what a person wants to change of their ways in, or to do that
// needs a code of its own.
type ChangeKind string

// The changes.
const (
	ChangeNone      ChangeKind = ""
	MakeBackupCodes ChangeKind = "backup_codes"     // ten new ones; old ones end
	TestBackupCode  ChangeKind = "test_backup_code" // without spending it
	AddApp          ChangeKind = "add_app"          // an authenticator app, in place of an older one
	RemoveApp       ChangeKind = "remove_app"       //
	SetSecond       ChangeKind = "set_second"       // Detail is the address; the code goes to the first one
	ProveSecond     ChangeKind = "prove_second"     // Detail is the address; the code goes there
	RemoveSecond    ChangeKind = "remove_second"    //
	AddPasskey      ChangeKind = "add_passkey"      //
	RemovePasskey   ChangeKind = "remove_passkey"   // Detail is its PasskeyState.ID
	RenamePasskey   ChangeKind = "rename_passkey"   // never needs a code
	StopPasskey     ChangeKind = "stop_passkey"     // a copy of it was used; named in mail and activity
	AddToken        ChangeKind = "add_token"        // an access token
	ExportData      ChangeKind = "export"           //
	EraseData       ChangeKind = "erase"            // takes effect after a day, always
	ChangeSettings  ChangeKind = "settings"         // never needs a code; named in mails and activity
	RemoveToken     ChangeKind = "remove_token"     // never needs a code
	LiftGuard       ChangeKind = "lift_guard"       // never needs a code of its own; see Guard
	StartGuard      ChangeKind = "start_guard"      // by a report from the account page; named in its mail
	LetInByOperator ChangeKind = "let_in"           // by an operator; named in activity
)

// A Change is what a code is to allow. It is bound to the code, and named in its
// mail by its kind.
type Change struct {
	Kind   ChangeKind `json:"k"`
	Detail string     `json:"d,omitempty"` // bound to the code too
}

// A WaitingChange takes effect later, unless it is cancelled.
type WaitingChange struct {
	ID   string // names it in forms
	Kind ChangeKind
	Made time.Time
	Due  time.Time
	// Called is the name of the passkey that it is about; empty otherwise. Passkey is the
	// ID of one that is to be removed.
	Called, Passkey string
}

// Errors of the account, beside ErrUnavailable.
var (
	// ErrNoPermit: no code was entered for this change in this session, or that was
	// too long ago, or it has been used.
	ErrNoPermit = errors.New("no code was entered for this change")
	// ErrNoSuch: the person has nothing under this name.
	ErrNoSuch = errors.New("the person has no such thing")
	// ErrNotOffered: the gate does not have this.
	ErrNotOffered = errors.New("the gate does not offer this")
	// ErrTooMany: there is room for no more.
	ErrTooMany = errors.New("there are as many as there may be")
	// ErrWrongAnswer: what was typed to finish a change is not right.
	ErrWrongAnswer = errors.New("that is not right")
	// ErrSuspended: the browser is newer than a reported entry, and may change
	// nothing before that is over, or an operator let it in.
	ErrSuspended = errors.New("the browser may change nothing at the moment")
)

// logDone logs what a person has done, or makes an error of the store one that is told.
func (g *Gate) logDone(ctx context.Context, v *Visit, a *Admission, err error, e Event) error {
	if errors.Is(err, ErrNoSuch) || errors.Is(err, ErrSuspended) {
		return err
	}
	e.Address, e.Source, e.User = a.Identity.Email, a.Live.Source, a.Live.User
	if err != nil {
		g.log(ctx, v, Event{Name: StoreFailed, Address: a.Identity.Email, Err: err})
		return unavailable(err)
	}
	if e.Session == "" {
		e.Session = a.Live.ID.Public()
	}
	g.log(ctx, v, e)
	return nil
}
