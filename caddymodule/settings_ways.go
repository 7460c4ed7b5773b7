// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
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

// daysAllowed is what someDays lets pass.
const daysAllowed = "1d to 400d"

func (w *Ways) check() error {
	if n := w.BackupCodes; n != nil && *n != 0 && (*n < fewestBackupCodes || *n > mostBackupCodes) {
		return fmt.Errorf("'backup_codes' must be %d to %d, or off, got %d", fewestBackupCodes, mostBackupCodes, *n)
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
		ProveMailbox: time.Duration(w.ProveMailbox),
	}
	if p.BackupCodes == 0 {
		p.BackupCodes = -1 // zero would be the default
	}
	return p
}

// judgedWays are the ways in of a gate as explain tells them.
type judgedWays struct {
	BackupCodes   int    `json:"backup_codes"` // 0: there are none
	Authenticator bool   `json:"authenticator"`
	SecondAddress string `json:"second_address"`
	Tokens        bool   `json:"tokens"`
	ProveMailbox  string `json:"prove_mailbox"`
}

// judged needs settings with defaults.
func (w Ways) judged() judgedWays {
	return judgedWays{*w.BackupCodes, *w.Authenticator, w.SecondAddress, *w.Tokens, brief(time.Duration(w.ProveMailbox))}
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
	text := strings.Join(ways, ", ")
	if len(ways) > 1 {
		text += " for " + w.ProveMailbox + " after a mailed code"
	}
	if w.Tokens {
		text += "; access tokens"
	}
	return text
}

func (a Audit) policy() challenge.AuditPolicy {
	return challenge.AuditPolicy{Keep: time.Duration(a.Keep), IP: challenge.AuditIP(a.IP)}
}
