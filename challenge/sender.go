// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/doorcode/caddy-doorcode/geo"
)

// A Sender takes notices for delivery. Send only queues: it returns at once.
// It is safe for concurrent use. An error means that the notice was not taken.
type Sender interface {
	Send(ctx context.Context, n Notice) error
}

// A HealthReporter is a Sender that knows whether the transport of a gate is
// failing at the moment. It speaks of the transport, never of an address, so
// that a page which shows it tells strangers nothing.
type HealthReporter interface {
	Down(gate string) bool
}

// A DeliveryReporter is a Sender that knows for a while how far the mails came that
// it took. It is asked by Notice.ID, and only of what one machine has sent.
type DeliveryReporter interface {
	Delivery(id string) Delivery
}

// A Delivery is how far a mail came.
type Delivery struct {
	Stage DeliveryStage
	At    time.Time // when it came there; zero for DeliveryUnknown
}

// A DeliveryStage is a part of the way of a mail.
type DeliveryStage uint8

// The stages.
const (
	DeliveryUnknown  DeliveryStage = iota // sent by another machine, too long ago, or never
	DeliveryQueued                        // no transport has said anything of it
	DeliveryAccepted                      // a transport took it over
	DeliveryDelayed                       // the mailbox's side asked to try again later, as greylisting does
	DeliveryTrouble                       // the transport is failing; it is tried again
	DeliveryRefused                       // the mailbox was refused for good
	DeliveryGivenUp                       // its time was over, or the transport refused it for good
)

// ErrQueueFull reports that the mail queue has no place for a notice.
var ErrQueueFull = errors.New("mail queue is full")

// A Subject is what a mail is about.
type Subject uint8

// The subjects.
const (
	SignInCode     Subject = iota // a code to sign in with
	ConfirmCode                   // a code that somebody who is signed in confirms it with
	NewSignIn                     // somebody came in by a code, in a browser that was not remembered or from an unusual place
	WrongCodes                    // too many wrong codes were tried
	ChangeCode                    // a code that allows the change in Notice.Change
	BackupCodeUsed                // a backup code was used; Notice.Count are left
	WaysChanged                   // Notice.Change was made, or takes effect at Notice.Due
	CodeReadOut                   // an operator made a code to read out; Notice.Why says what for
	CookiesCopied                 // a browser did not prove the key that it has
	TestMail                      // an operator tries whether mail arrives
)

// HasCode reports whether mails of a subject carry a code.
func (s Subject) HasCode() bool { return s == SignInCode || s == ConfirmCode || s == ChangeCode }

// A Notice is what is to be mailed, as data.
type Notice struct {
	// ID names the mail to whoever shows how far it came, see DeliveryReporter; empty:
	// nobody asks. Mail is which mail of its challenge it is, from 1: a later one goes
	// another way where there is one. 0: it has no challenge.
	ID   string
	Mail int

	Gate     string     // selects the route: transport, sender, brand
	Subject  Subject    // zero: a code to sign in with
	Mailbox  string     // where it goes: the operator's spelling or the parsed address, ASCII
	Decoy    bool       // an unknown address: takes a place and time in the queue, and is never sent
	Known    bool       // whether it may use the half of the queue that is kept for known people
	Code     Code       // what is mailed
	Ref      string     // the letters printed on page and mail, such as 7KQ
	Host     string     // the site's host from the configuration, never from the request
	App      string     // the site's name from the configuration
	Agent    string     // raw User-Agent of whoever asked; mails describe it from a fixed vocabulary
	IP       netip.Addr // address of whoever asked; zero when unknown
	Place    geo.Place  // where that address is used, as far as is known
	Reason   Reason     // why a code is needed, where that is more than that the browser is new
	Stop     string     // URL of the page that ends what the mail is about; empty: there is none
	Asked    time.Time
	Expires  time.Time // of a code; for WrongCodes until when no code is accepted
	Language string    // language of the page that asked
	Zone     string    // time zone that the person chose, such as Europe/Lisbon; empty: none
	Change   ChangeKind
	Count    int
	Due      time.Time // when a change takes effect; zero: it has
	Why      string    // what an operator wrote
	// Second: it goes to a second address. Account is then that whose it is.
	Second  bool
	Account string
	// Quietly: the code must not stand in the subject.
	Quietly bool
	// Urge: the person has no backup code left that works, and no app, and should make
	// codes for the day that no mail comes.
	Urge bool
}
