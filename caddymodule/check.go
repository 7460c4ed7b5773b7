// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// A checker refuses values that no gate may have. What is not set passes, so
// that a block can be checked line by line while it is read, and an error
// names the line that caused it.
type checker interface{ check() error }

// A completer refuses what only the whole block shows.
type completer interface{ complete() error }

// check refuses settings that are out of bounds or contradict each other.
func (s *Settings) check() error {
	parts := []checker{
		&s.Access, &s.Countries, s.Identity, &s.Checks, &s.Session, &s.Remember, &s.Code, &s.Limits,
		&s.Ways, &s.Handover, &s.Pages, &s.Reach, &s.GeoIP, &s.Location, s.Secret, &s.Cookie, &s.Keys, &s.Audit,
	}
	for _, part := range parts {
		if err := part.check(); err != nil {
			return err
		}
	}
	if err := optional("preflight", s.Preflight, "deny", "pass"); err != nil {
		return err
	}
	if err := optional("on_store_failure", s.OnStoreFailure, "deny", "allow_known_browsers"); err != nil {
		return err
	}
	return s.Identity.complete()
}

func (k *Keys) check() error {
	if k.Rotate != nil && *k.Rotate != 0 && (*k.Rotate < hours(24) || *k.Rotate > hours(365*24)) {
		return tooFar("rotate", "1d to 365d, or off", *k.Rotate)
	}
	return optional("algorithm", k.Algorithm, "ES256", "EdDSA", "HS256")
}

func (s *Session) check() error {
	if s.Idle != nil && *s.Idle != 0 {
		if err := between("idle", *s.Idle, time.Minute, 90*day); err != nil {
			return err
		}
	}
	return errors.Join(
		between("session", s.Lifetime, time.Minute, 90*day),
		within("max", s.Max, 1, 100),
		within("cache", s.Cache, leastCache, mostCache),
		optional("bind", s.Bind, "none", "network", "place"),
		optional("device_bound", s.DeviceBound, "auto", "off", "required"),
	)
}

func (r *Remember) check() error {
	if r.Idle != 0 && r.Most != 0 && r.Idle > r.Most {
		return fmt.Errorf("'remember' lasts %s after the last use, but at most %s after the last code: the second must not be shorter",
			brief(time.Duration(r.Idle)), brief(time.Duration(r.Most)))
	}
	return errors.Join(
		between("remember", r.Idle, time.Hour, 400*day),
		between("remember", r.Most, time.Hour, 400*day),
		optional("choice", r.Choice, "ask", "always", "never"),
		within("max", r.Max, 1, 20),
	)
}

func (c *Code) check() error {
	if c.Length != 0 && (c.Length < 6 || c.Length > 10) {
		return fmt.Errorf("'length' must be 6 to 10%s", c.odds())
	}
	return errors.Join(
		optional("alphabet", c.Alphabet, "digits", "letters"),
		between("ttl", c.TTL, time.Minute, 15*time.Minute),
		within("attempts", c.Attempts, 3, 10),
		between("resend", c.Resend.Wait, 10*time.Second, 10*time.Minute),
		within("resend", c.Resend.Max, 1, 10),
		optional("send", c.Send, "auto", "button"),
	)
}

// odds says what a short code is worth, so that the bound explains itself.
func (c *Code) odds() string {
	if c.Length < 1 || c.Length > 5 || c.Alphabet == "letters" {
		return fmt.Sprintf(", got %d", c.Length)
	}
	attempts := c.Attempts
	if attempts == 0 {
		attempts = defaultAttempts
	}
	codes := int(math.Pow10(c.Length))
	return fmt.Sprintf(" (%d digits can be guessed in 1 of %d with %d tries)", c.Length, max(1, codes/attempts), attempts)
}

func (l *Limits) check() error {
	return errors.Join(
		checkRates("send_address", l.SendAddress, maxKeyRate),
		checkRates("send_ip", l.SendIP, maxKeyRate),
		checkRates("send_total", l.SendTotal, maxTotalRate),
		checkRates("try_address", l.TryAddress, maxKeyRate),
		checkRates("try_ip", l.TryIP, maxKeyRate),
		between("lockout", l.Lockout, time.Minute, day),
	)
}

// Each event of an address or network is kept until its window ends, so their
// rates are bounded; mails in all are only counted.
const (
	maxKeyRate   = 1000
	maxTotalRate = 1_000_000
	maxWindows   = 4
)

func checkRates(word string, rates []Rate, most int) error {
	if len(rates) > maxWindows {
		return fmt.Errorf("'%s' takes at most %d rates, got %d", word, maxWindows, len(rates))
	}
	for _, r := range rates {
		n, per, err := r.split()
		if err != nil {
			return needsRate(word, string(r))
		}
		if n < 1 || n > most || per < time.Minute || per > 30*day {
			return fmt.Errorf("'%s' must be 1 to %d in 1m to 30d, got '%s'", word, most, string(r))
		}
	}
	return nil
}

func needsRate(word, text string) error {
	return fmt.Errorf("'%s' needs a rate such as 5/1h, got '%s'", word, text)
}

// between refuses a duration outside its bounds; zero is not set.
func between(word string, value caddy.Duration, least, most time.Duration) error {
	if d := time.Duration(value); d != 0 && (d < least || d > most) {
		return tooFar(word, brief(least)+" to "+brief(most), value)
	}
	return nil
}

// An outOfBounds is a duration that is too short or too long.
type outOfBounds struct {
	word, bounds string
	value        caddy.Duration
	written      string // as it stands in the Caddyfile; empty: nobody knows
}

func tooFar(word, bounds string, value caddy.Duration) error {
	return &outOfBounds{word: word, bounds: bounds, value: value}
}

// Error tells the bounds.
func (o *outOfBounds) Error() string {
	return fmt.Sprintf("'%s' must be %s, got %s", o.word, o.bounds, orElse(o.written, brief(time.Duration(o.value))))
}

// asWritten makes an error about a line show what the line says: whoever wrote
// 48h looks for that, and not for 2d.
func asWritten(err error, args []string) error {
	fault, ok := errors.AsType[*outOfBounds](err)
	if !ok {
		return err
	}
	for _, text := range args {
		if d, err := caddy.ParseDuration(text); err == nil && caddy.Duration(d) == fault.value {
			fault.written = text
		}
	}
	return err
}

// leastCache and mostCache bound how many sessions are kept in memory.
const leastCache, mostCache = 100, 10_000_000

// within refuses a number outside its bounds; zero is not set.
func within(word string, n, least, most int) error {
	if n != 0 && (n < least || n > most) {
		return fmt.Errorf("'%s' must be %d to %d, got %d", word, least, most, n)
	}
	return nil
}

// optional refuses a value that is set and not among the choices.
func optional(word, value string, choices ...string) error {
	if value == "" {
		return nil
	}
	return oneOf(word, value, choices)
}
