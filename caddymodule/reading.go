// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// A value reads one argument.
type value[T any] struct {
	set func(to T, word, text string) error
	// takes is how the reference writes it.
	takes string
	// hint says what to write instead when the number of arguments is wrong.
	hint func(args []string) string
}

// text is any single argument.
func text[T any, S ~string](field func(T) *S) value[T] {
	return value[T]{takes: "<text>", hint: quoteHint, set: func(to T, _, text string) error {
		*field(to) = S(text)
		return nil
	}}
}

// live is text in which placeholders are replaced when the configuration starts.
func live[T any, S ~string](field func(T) *S) value[T] {
	v := text(field)
	v.hint = liveHint
	return v
}

// choice is one of a few words.
func choice[T any](field func(T) *string, choices ...string) value[T] {
	return value[T]{takes: strings.Join(choices, "|"), set: func(to T, word, text string) error {
		*field(to) = text
		return oneOf(word, text, choices)
	}}
}

// flag is on or off; the bare word is on.
func flag[T any](field func(T) **bool) entry[T] {
	onOff := value[T]{takes: "on|off", set: func(to T, word, text string) error {
		*field(to) = new(text == "on")
		return oneOf(word, text, []string{"on", "off"})
	}}
	e := line(0, onOff)
	read := e.read
	e.read = func(d *caddyfile.Dispenser, to T) error {
		*field(to) = new(true)
		return read(d, to)
	}
	return e
}

// count is a whole number.
func count[T any](field func(T) *int) value[T] {
	return value[T]{takes: "<n>", set: func(to T, word, text string) error {
		n, err := strconv.Atoi(text)
		// Zero would pass every later check as "not set".
		if err != nil || n == 0 {
			return fmt.Errorf("'%s' needs a whole number above 0, got '%s'", word, text)
		}
		*field(to) = n
		return nil
	}}
}

// countWithin is a whole number of things, of which it says how many there can be.
func countWithin[T any](things string, least, most int, field func(T) *int) value[T] {
	return value[T]{takes: "<n>", set: func(to T, word, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return fmt.Errorf("'%s' needs a number of %s, %d to %d, got '%s'", word, things, least, most, text)
		}
		*field(to) = n
		return nil
	}}
}

// duration is a positive length of time.
func duration[T any](field func(T) *caddy.Duration) value[T] {
	return value[T]{takes: "<duration>", hint: unitHint, set: func(to T, word, text string) error {
		d, err := caddy.ParseDuration(text)
		if err != nil || d <= 0 {
			return needsDuration(word, text)
		}
		*field(to) = caddy.Duration(d)
		return nil
	}}
}

// durationOrOff is a length of time that may be nothing, written 0 or off.
func durationOrOff[T any](field func(T) **caddy.Duration) value[T] {
	return value[T]{takes: "<duration>|off", hint: unitHint, set: func(to T, word, text string) error {
		if text == "off" {
			text = "0"
		}
		d, err := caddy.ParseDuration(text)
		if err != nil || d < 0 {
			return needsDuration(word, text)
		}
		*field(to) = new(caddy.Duration(d))
		return nil
	}}
}

// measure is a whole number with its unit, such as 500km.
func measure[T any](unit, of, example string, field func(T) *int) value[T] {
	hint := func(args []string) string {
		if len(args) != 2 || args[1] != unit {
			return ""
		}
		return "; write " + args[0] + unit
	}
	return value[T]{takes: "<n>" + unit, hint: hint, set: func(to T, word, text string) error {
		digits, found := strings.CutSuffix(text, unit)
		n, err := strconv.Atoi(digits)
		// Zero would pass every later check as "not set".
		if !found || err != nil || n == 0 {
			return fmt.Errorf("'%s' needs %s such as %s, got '%s'", word, of, example, text)
		}
		*field(to) = n
		return nil
	}}
}

func needsDuration(word, text string) error {
	return fmt.Errorf("'%s' needs a duration such as 30s, 10m, 12h or 30d, got '%s'", word, text)
}

// rates is one window or more, on one line.
func rates[T any](field func(T) *[]Rate) entry[T] {
	e := list(func(to T, word, text string) error {
		*field(to) = append(*field(to), Rate(text))
		if _, _, err := Rate(text).split(); err != nil {
			return needsRate(word, text)
		}
		return nil
	})
	e.repeats = false
	return e.as("<rate...>")
}

// amount says how many arguments are right.
func amount(least, most int) string {
	switch {
	case most == 0:
		return "no arguments"
	case most == 1:
		return "1 argument"
	case least == most:
		return fmt.Sprintf("%d arguments", most)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

// unitHint joins "12 hours" to 12h.
func unitHint(args []string) string {
	if len(args) != 2 || args[1] == "" {
		return ""
	}
	unit := strings.ToLower(args[1][:1])
	if _, err := strconv.ParseFloat(args[0], 64); err != nil || !strings.Contains("smhd", unit) {
		return ""
	}
	return "; write " + args[0] + unit
}

// quoteHint helps with {$X}, which Caddy replaces before it splits a line: a
// value with spaces becomes several arguments. The message must not show them,
// because they may be a password.
func quoteHint(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return "; quote the value"
}

// liveHint says what quoteHint does, and the better way that there is for live.
func liveHint(args []string) string {
	hint := quoteHint(args)
	if hint == "" {
		return ""
	}
	return hint + fmt.Sprintf(", or write {env.%s} so that it is read at run time", variableOf(args))
}

// variableOf finds the environment variable from which the arguments came.
func variableOf(args []string) string {
	for _, pair := range slices.Sorted(slices.Values(os.Environ())) {
		if name, content, _ := strings.Cut(pair, "="); slices.Equal(strings.Fields(content), args) {
			return name
		}
	}
	return "NAME"
}
