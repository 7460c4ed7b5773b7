// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package terminal_test

import (
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule/terminal"
)

func TestStillLeavesNothingThatMovesATerminal(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"words of any script":             {"Ana Müller, 東京 🙂", "Ana Müller, 東京 🙂"},
		"an escape sequence":              {"a\x1b[2Jb", "a\uFFFD[2Jb"},
		"an escape of one byte":           {"a\u009b2Jb", "a\uFFFD2Jb"},
		"another line":                    {"a\r\nb\u2028c\u2029d", "a\uFFFD\uFFFDb\uFFFDc\uFFFDd"},
		"another column":                  {"a\tb", "a\uFFFDb"},
		"a text that runs backwards":      {"a\u202egnp.exe\u2066b\u200f", "a\uFFFDgnp.exe\uFFFDb\uFFFD"},
		"bytes that are no characters":    {"a\x9bb", "a\uFFFDb"},
		"a character that was rubbed out": {"a\x7f\bb", "a\uFFFD\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := terminal.Still(tt.text); got != tt.want {
				t.Errorf("Still(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}
