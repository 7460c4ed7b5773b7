// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

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

// FollowingTags is by how many names it finds them.
func FollowingTags(h *House) int {
	h.checks.mu.Lock()
	defer h.checks.mu.Unlock()
	return len(h.checks.by)
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

// MaxLocks and MaxUsedUp bound what is kept of limits in memory.
const MaxLocks, MaxUsedUp = maxLocks, maxUsedUp

// FloodLimits notes so many locked addresses and full networks, and returns how many
// are kept.
func FloodLimits(h *House, n int, until time.Time) (locked, full int) {
	rates := []Rate{{N: 1, Per: time.Hour}}
	for i := range n {
		ip := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(i))))
		h.usedUp.note(eventsOf(netip.PrefixFrom(ip, 32), LimitSendIP, rates), &LimitError{Limit: LimitSendIP, Until: until}, h.now())
		h.locks.note(newID(), lockKey{}, &LimitError{Limit: LimitTryAddress, Until: until})
	}
	h.usedUp.cache.CleanUp()
	h.locks.doors.CleanUp()
	return h.locks.doors.EstimatedSize(), h.usedUp.cache.EstimatedSize()
}

// CachedSessions is how many cookies the house keeps.
func CachedSessions(h *House) int {
	h.tickets.CleanUp()
	return h.tickets.EstimatedSize()
}

// MostSessions is how many live sessions are kept in memory at most.
func MostSessions(h *House) int { return int(h.tickets.GetMaximum()) }

// NoteHolds has the house take note of so many browsers that show a key.
func NoteHolds(h *House, n int) {
	for range n {
		h.holds.note(newID().String(), &hold{}, end{Expires: h.now().Add(holdsKept).Unix()}, h.now())
	}
}

// KeepSessions has the machine know so many more live sessions, each of another person,
// and returns their cookies. They are in memory alone, and each cookie is as long as like.
func KeepSessions(g *Gate, v *Visit, like string, n int) []string {
	cookies := make([]string, n)
	for i := range cookies {
		s := g.session(v, Identity{Email: Email(fmt.Sprintf("p%d@example.org", i))}, "", v.Now, v.Now)
		cookies[i] = like[:len(like)-64] + fmt.Sprintf("%064d", i)
		g.house.keepTicket(newLive(s, g.house.flushes.Load()).opened(cookies[i], v.Now))
	}
	return cookies
}
