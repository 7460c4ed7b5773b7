// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

func TestAPackedSessionSaysTheSame(t *testing.T) {
	text := rapid.String()
	rapid.Check(t, func(t *rapid.T) {
		s := sessions.Session{
			Subject: text.Draw(t, "subject"), Audience: text.Draw(t, "audience"), Email: text.Draw(t, "email"), User: text.Draw(t, "user"),
			Source: text.Draw(t, "source"), Browser: text.Draw(t, "browser"), Place: text.Draw(t, "place"), Methods: []string{"otp"},
		}
		packed, one, other := s, text.Draw(t, "one"), text.Draw(t, "other")
		texts := [...]string{one, other}
		packed.Pack(&one, &other)
		if diff := cmp.Diff(s, packed) + cmp.Diff(texts, [...]string{one, other}); diff != "" {
			t.Fatalf("-was +is:\n%s", diff)
		}
	})
}
