// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"net/netip"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

// An Event is one thing that happened at a gate, for the operator's eyes: it
// may name what pages keep quiet, such as whether an address is on the list.
// It never holds a code, a cookie or a token.
type Event struct {
	Name    EventName
	Gate    string
	Address Email
	Source  string
	User    string
	IP      netip.Addr
	Rule    string    // the access rule that decided
	Ref     string    // letters of the challenge
	Session string    // shortened session id
	Limit   Limit     // which limit was reached
	Until   time.Time // and until when
	Tries   int       // tries left
	Again   bool      // the mail repeats a code that was mailed before
	Err     error

	// Of a decision.
	Decision Decision
	Reason   Reason   // why a code is asked for; of its mail and its entry as well
	Observed risk.Set // reasons that would have asked
	Barred   bool     // by the country
	Factor   Factor   // what the decision goes by
	Account  string   // keyed hash that stands for the address
	Device   string   // keyed hash that stands for the browser; empty when it is not remembered
	Place    *geo.Place
	Took     time.Duration

	// Of what concerns a person's account.
	Way    Way         // by which they came in
	Change ChangeKind  // what was changed, or is to be
	Due    time.Time   // when a change takes effect that waits
	Left   int         // backup codes
	Why    string      // what an operator wrote
	Entry  id          // of the person's record, which they can report
	Result CheckResult // of CheckEnded
	// Waited is how long after the mail was handed over, or asked for where that is not
	// known, a right code was entered; zero where nothing was mailed.
	Waited time.Duration
	// Fresh: the browser is another one than the person has entered with before.
	Fresh bool
	// Held are all reasons that hold for the visit, whatever the gate makes of them, and
	// Facts what they were judged by; of a decision, for replaying it.
	Held   risk.Set
	Facts  DecisionFacts
	Called string // what the person calls the browser or token that it is about
}

// A CheckResult is how a check ended in which no code was accepted.
type CheckResult string

// The results.
const (
	CheckExpired   CheckResult = "expired"   // codes were tried, none was right in time
	CheckCancelled CheckResult = "cancelled" // too many wrong codes, or a newer code took its place
	CheckAbandoned CheckResult = "abandoned" // nothing was entered
	CheckStopped   CheckResult = "stopped"   // somebody said that it was not them
)

// DecisionFacts are what a decision went by beside its place and its reasons: enough
// to judge it again under another policy, and no more.
type DecisionFacts struct {
	Domain   string        // of the address
	Distance int           // kilometres from where the last code was entered; 0: not known
	Since    time.Duration // since the last code; 0: none is known
	Speed    int           // kilometres an hour that travelling from there would have taken; 0: not known
}

// An EventName says what happened.
type EventName string

// The events.
const (
	CodeSent        EventName = "code_sent"        // a mail was queued
	CodeWithheld    EventName = "code_withheld"    // the address may not pass: nothing is mailed
	CodeFailed      EventName = "code_failed"      // the queue did not take the mail
	Verified        EventName = "verified"         // a right code made a session
	WrongCode       EventName = "wrong_code"       // a try was used
	OldCode         EventName = "old_code"         // the code of an earlier mail
	Limited         EventName = "limited"          // a limit was reached
	Locked          EventName = "locked"           // too many wrong codes
	Renewed         EventName = "renewed"          // a remembered browser made a session
	Stranded        EventName = "stranded"         // a remembered browser passes without one: the store is away; once
	DeviceReplayed  EventName = "device_replayed"  // a replaced device secret came back
	SignedOut       EventName = "signed_out"       // a person ended a session
	Denied          EventName = "denied"           // a known person who may not pass
	StoreFailed     EventName = "store_failed"     // the store did not answer
	StoreAway       EventName = "store_away"       // the store stopped answering, once
	StoreBack       EventName = "store_back"       // and answers again
	StoreRestarted  EventName = "store_restarted"  // a server of the store failed over or was started anew
	StoreRestored   EventName = "store_restored"   // the store was put back from a copy
	KeysRotated     EventName = "keys_rotated"     // successors of the signing keys were made, here or elsewhere
	UnlockedAddress EventName = "unlocked"         // an operator lifted the locks of an address
	KeysReplaced    EventName = "keys_replaced"    // the secret is another one: everybody signs in again
	Decided         EventName = "decided"          // see Event.Decision; once, not on each request
	NoticeFailed    EventName = "notice_failed"    // the queue did not take a mail that is no code
	Reported        EventName = "reported"         // a person said that it was not them
	Unreported      EventName = "unreported"       // and that this was a mistake
	TokenRefused    EventName = "token_refused"    // an access token that is real does not reach a request
	StreamCut       EventName = "stream_cut"       // a connection was cut with its session
	ChangeMade      EventName = "change_made"      // a person changed their ways in, tokens or settings
	ChangeWaits     EventName = "change_waits"     // such a change takes effect later
	ChangeCancelled EventName = "change_cancelled" // and was taken back before or after
	Guarded         EventName = "guarded"          // an entry was reported: what is newer is suspended
	Unguarded       EventName = "unguarded"        // the person has shown that it is they, or an operator that they know it
	LetInMade       EventName = "let_in"           // an operator made a code to read out
	BrowserEnded    EventName = "browser_ended"    // a person signed another browser out
	BrowserRenamed  EventName = "browser_renamed"  // a person gave a browser a name
	DataExported    EventName = "data_exported"    // what is kept of a person was handed out
	DataErased      EventName = "data_erased"      // what was kept of a person is gone
	Remembered      EventName = "remembered"       // a browser is remembered that was not before
	ActivityLost    EventName = "activity_lost"    // more happened at once than people could be told of
	RepeatedCode    EventName = "repeated_code"    // the same wrong code once more: no try was used
	ExpiredCode     EventName = "expired_code"     // a code was entered whose time is over
	MalformedCode   EventName = "malformed_code"   // what was entered cannot be a code: no try was used
	CheckOpened     EventName = "check_opened"     // the page that asks for a code was shown, once for each code
	CheckEnded      EventName = "check_ended"      // a code ended unused; Result says how
	Revoked         EventName = "revoked"          // an operator ended sessions or browsers
	PasskeyRefused  EventName = "passkey_refused"  // a passkey was shown that is not accepted
	PasskeyCloned   EventName = "passkey_cloned"   // a copy of a passkey was used: it works no more
	PasskeyTaken    EventName = "passkey_taken"    // an operator took a passkey of somebody away
	KeyBound        EventName = "key_bound"        // a browser made a key that never leaves its machine
	KeyUnproved     EventName = "unproved"         // and did not prove it: a copy of its cookies, or it could not reach us; once a day
	ProofSkipped    EventName = "proof_skipped"    // and says why; anybody can say so
	IdentityMissing EventName = "identity_missing" // an earlier step named nobody, or nobody with an address
)

// A Recorder takes events to where operators look: logs, metrics, audit. It is
// called on the request and must not block.
type Recorder interface {
	Record(ctx context.Context, e Event)
}

// A Selective is a Recorder that can say beforehand of which decisions it tells what they
// went by: to find that out takes longer than to refuse a stranger. Record is called in
// either case.
type Selective interface {
	// WantsGrounds is given the event without its Place, Held and Facts.
	WantsGrounds(e *Event) bool
}
