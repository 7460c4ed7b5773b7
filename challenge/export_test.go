// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

type Tally = tally

var TallyRoom, TallyAdd = tally.room, (*tally).add

func DrawCode(ring *keyring.Ring, f Form) Code {
	return deriveCode(ring, seed{ID: newID(), Seed: newID(), Shape: f}, binding{})
}

func CodeIn(ring *keyring.Ring, raw string, to Email, gate string) (string, error) {
	var d door
	err := decode([]byte(raw), &d)
	return deriveCode(ring, d.Pending[0].seed, binding{string(to), purposeSignIn, gate}).Reveal(), err
}

// Runs are those of the store that the house has seen.
func (h *House) Runs() string {
	if runs := h.runs.Load(); runs != nil {
		return *runs
	}
	return ""
}

// AccessOf is who may pass a gate.
func AccessOf(g *Gate) *Access { return g.access.Load() }

// BackupHash is what the store holds of a backup code.
func BackupHash(ring *keyring.Ring, who Email, code string) string {
	return (&House{ring: ring}).backupHash(who, code).String()
}

// OneLine keeps text to one line of so many characters.
func OneLine(text string, most int) string { return oneLine(text, most) }

// ReadTry reads what was typed where somebody signs in.
func ReadTry(typed string, form Form) (code, spoken string, err error) {
	return readTry(typed, form, &Flow{})
}

// EndChecks tells of the codes that have ended by now.
func EndChecks(ctx context.Context, h *House) { h.endChecks(ctx) }

// Following is how many codes the house follows to their end.
func Following(h *House) int {
	h.checks.mu.Lock()
	defer h.checks.mu.Unlock()
	return len(h.checks.list)
}

// MaxChecks is how many it follows at most, and MaxSpool how many mails may wait.
const (
	MaxChecks = maxChecks
	MaxSpool  = maxSpool
)

// OpenSpooled reads what a spool has stored under a key.
func OpenSpooled(s *Spool, key, raw string) (Spooled, bool) {
	var r spooled
	if decode([]byte(raw), &r) != nil {
		return Spooled{}, false
	}
	return s.open(key, &r)
}
