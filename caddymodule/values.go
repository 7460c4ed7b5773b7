// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

const day = 24 * time.Hour

// A Rate is how many events a sliding window may hold, such as `5/1h`.
type Rate string

// split returns the number of events and the length of the window.
func (r Rate) split() (int, time.Duration, error) {
	count, window, found := strings.Cut(string(r), "/")
	if !found {
		return 0, 0, fmt.Errorf("'%s' is no rate", string(r))
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return 0, 0, fmt.Errorf("parsing count of rate: %w", err)
	}
	per, err := caddy.ParseDuration(window)
	if err != nil {
		return 0, 0, fmt.Errorf("parsing window of rate: %w", err)
	}
	return n, per, nil
}

// brief writes a duration as operators do: 30d, 12h, 1m30s.
func brief(d time.Duration) string {
	if d >= 2*day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// oneOf refuses a value that is not among the choices.
func oneOf(word, value string, choices []string) error {
	for _, choice := range choices {
		if value == choice {
			return nil
		}
	}
	return fmt.Errorf("'%s' takes %s, got '%s'", word, either(choices), value)
}

// either joins words for a sentence: a, b or c.
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
