// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// What why tells of the next visit is what the gate then does.
func TestWhyTellsWhatTheGateWouldDo(t *testing.T) {
	_, port := administered(t, strings.Join([]string{
		"https://keys.localhost:" + harness.FreePort(t) + " {\n\ttls internal\n" + gate("*@example.com", "session {\ndevice_bound required\n}") + "\n}",
		"http://watched.localhost:PORT {\n" + gate("*@example.com", "deny eve@example.com", "observe all") + "\n}",
		"http://shut.localhost:" + harness.FreePort(t) + " {\n" + gate("*@example.com", "deny eve@example.com") + "\n}\n",
	}, "\n"))
	for _, tt := range []struct{ name, address, site, want, wantNot string }{
		{"a key that is required decides of a remembered browser", ana, "keys.localhost", "A remembered browser is asked for none, if it has a key of its machine; without one it is asked (expired).", ""},
		{"where all is observed, who is denied reaches the app", "eve@example.com", "watched.localhost", "They reach the app ('observe all'); the log says that the lists would have refused them (denied).", "asks for a code"},
		{"elsewhere who is denied does not", "eve@example.com", "shut.localhost", "The page is the same as for everybody, and asks for a code", "They reach the app"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var answer struct{ Sites []struct{ Next []string } }
			order(t, port, "/doorcode/why", `{"address":"`+tt.address+`","site":"`+tt.site+`"}`).into(t, &answer)
			if len(answer.Sites) != 1 {
				t.Fatalf("sites %+v, want one", answer.Sites)
			}
			next := strings.Join(answer.Sites[0].Next, "\n")
			if !strings.Contains(next, tt.want) || tt.wantNot != "" && strings.Contains(next, tt.wantNot) {
				t.Errorf("next %s\nwant %s, and not %s", next, tt.want, tt.wantNot)
			}
		})
	}
}
