// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// Ways say how people get in without the mailed code.
type Ways struct {
	// How many backup codes somebody is given at once, 5 to 20; 0: nobody has any.
	// Default: 10.
	BackupCodes *int `json:"backup_codes,omitempty"`

	// Whether people may set up an authenticator app. Default: true.
	Authenticator *bool `json:"authenticator,omitempty"`

	// Which second addresses people may have: `allowed` (those that may pass
	// themselves), `any` or `off`. Default: allowed.
	SecondAddress string `json:"second_address,omitempty"`

	// Whether people may make access tokens, for programs that are no browsers.
	// Default: false.
	Tokens *bool `json:"tokens,omitempty"`

	// Whether people may make passkeys: keys in a phone, a computer or a stick, which ask
	// their owner and sign for this site alone. Browsers have them over https, or at
	// localhost, for host names. Default: false.
	Passkeys *bool `json:"passkeys,omitempty"`

	// Which ways satisfy a check: `code` (a mailed code, or what stands for it) and
	// `passkey`. With `passkey` alone a code leads to no further than the account pages,
	// where people make one; access tokens do not pass. Default: all that are enabled.
	Accept []string `json:"accept,omitempty"`

	// How long after the last mailed code the other ways work, 1d to 400d.
	// Default: 60d.
	ProveMailbox caddy.Duration `json:"prove_mailbox,omitempty"`
}

// Audit says what is kept of what happens to people's accounts.
type Audit struct {
	// How long it is kept, 1d to 400d. Default: 90d.
	Keep caddy.Duration `json:"keep,omitempty"`

	// What is kept of network addresses: `full`, `prefix` (the network, /24 or
	// /48) or `hash` (what tells networks apart and no more). Default: prefix.
	IP string `json:"ip,omitempty"`
}

// How many backup codes there are unless the operator says so, and bounds: fewer run
// out before somebody makes new ones, and more fit on no page that is printed.
const (
	usualBackupCodes  = 10
	fewestBackupCodes = 5
	mostBackupCodes   = 20
)

// secondAddresses are the words for which second addresses people may have.
var secondAddresses = []string{"allowed", "any", "off"}

// acceptable are the words for which ways satisfy a check.
var acceptable = []string{"code", "passkey"}

// daysAllowed is what someDays lets pass.
const daysAllowed = "1d to 400d"

func (w *Ways) check() error {
	if n := w.BackupCodes; n != nil && *n != 0 && (*n < fewestBackupCodes || *n > mostBackupCodes) {
		return fmt.Errorf("'backup_codes' must be %d to %d, or off, got %d", fewestBackupCodes, mostBackupCodes, *n)
	}
	for i, way := range w.Accept {
		if err := oneOf("accept", way, acceptable); err != nil {
			return err
		}
		if slices.Contains(w.Accept[:i], way) {
			return fmt.Errorf("'accept' names %s twice", way)
		}
	}
	return errors.Join(
		optional("second_address", w.SecondAddress, secondAddresses...),
		someDays("prove_mailbox", w.ProveMailbox),
	)
}

func (a *Audit) check() error {
	return errors.Join(
		someDays("keep", a.Keep),
		optional("ip", a.IP, "full", "prefix", "hash"),
	)
}

// someDays refuses less than a day and more than remembered browsers have; zero is
// not set.
func someDays(word string, value caddy.Duration) error {
	if value != 0 && (value < hours(24) || value > hours(400*24)) {
		return tooFar(word, daysAllowed, value)
	}
	return nil
}

func (w Ways) over(global Ways) Ways {
	return Ways{
		BackupCodes:   own(w.BackupCodes, global.BackupCodes),
		Authenticator: own(w.Authenticator, global.Authenticator),
		SecondAddress: own(w.SecondAddress, global.SecondAddress),
		Tokens:        own(w.Tokens, global.Tokens),
		Passkeys:      own(w.Passkeys, global.Passkeys),
		Accept:        ownList(w.Accept, global.Accept),
		ProveMailbox:  own(w.ProveMailbox, global.ProveMailbox),
	}
}

func (a Audit) over(global Audit) Audit {
	return Audit{Keep: own(a.Keep, global.Keep), IP: own(a.IP, global.IP)}
}

// policy needs settings with defaults.
func (w Ways) policy() challenge.WaysPolicy {
	p := challenge.WaysPolicy{
		BackupCodes: *w.BackupCodes, NoApp: !*w.Authenticator, Second: challenge.SecondPolicy(w.SecondAddress), Tokens: *w.Tokens,
		Passkeys: *w.Passkeys, ProveMailbox: time.Duration(w.ProveMailbox),
	}
	if p.BackupCodes == 0 {
		p.BackupCodes = -1 // zero would be the default
	}
	return p
}

// accepts is which ways satisfy a check.
func (w Ways) accepts() challenge.Accept {
	if len(w.Accept) != 1 {
		return challenge.AcceptAny
	}
	return challenge.Accept(w.Accept[0])
}

// judgedWays are the ways in of a gate as explain tells them.
type judgedWays struct {
	BackupCodes   int    `json:"backup_codes"` // 0: there are none
	Authenticator bool   `json:"authenticator"`
	SecondAddress string `json:"second_address"`
	Passkeys      bool   `json:"passkeys"`
	Accept        string `json:"accept,omitempty"` // the only ones; empty: all
	Tokens        bool   `json:"tokens"`
	ProveMailbox  string `json:"prove_mailbox"`
}

// judged needs settings with defaults.
func (w Ways) judged() judgedWays {
	return judgedWays{
		BackupCodes: *w.BackupCodes, Authenticator: *w.Authenticator, SecondAddress: w.SecondAddress, Passkeys: *w.Passkeys && w.accepts() != challenge.AcceptCode,
		Accept: string(w.accepts()), Tokens: *w.Tokens, ProveMailbox: brief(time.Duration(w.ProveMailbox)),
	}
}

func (w judgedWays) text() string {
	ways := []string{"mailed code"}
	if w.BackupCodes > 0 {
		ways = append(ways, "backup codes")
	}
	if w.Authenticator {
		ways = append(ways, "authenticator")
	}
	if w.SecondAddress != string(challenge.SecondOff) {
		ways = append(ways, "second address ("+w.SecondAddress+")")
	}
	if w.Passkeys {
		ways = append(ways, "passkeys")
	}
	text := strings.Join(ways, ", ")
	if len(ways) > 1 {
		text += " for " + w.ProveMailbox + " after a mailed code"
	}
	if w.Tokens {
		text += "; access tokens"
	}
	if w.Accept == string(challenge.AcceptPasskey) {
		text += "; only a passkey opens the app"
	}
	return text
}

// fresh is what a page wants that wants one again.
func (w judgedWays) fresh() string {
	switch {
	case w.Accept == string(challenge.AcceptPasskey):
		return "a passkey"
	case w.Passkeys:
		return "a code or passkey"
	}
	return "a code"
}

func (a Audit) policy() challenge.AuditPolicy {
	return challenge.AuditPolicy{Keep: time.Duration(a.Keep), IP: challenge.AuditIP(a.IP)}
}
