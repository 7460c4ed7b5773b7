// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule/replay"
	"github.com/doorcode/caddy-doorcode/challenge"
)

// requiring has a gate want keys of browsers, passkeys of people, or both.
func requiring(bound challenge.DeviceBound, accept challenge.Accept) func(*replay.Gate) {
	return func(g *replay.Gate) { g.Policy.Session.DeviceBound, g.Policy.Accept = bound, accept }
}

func TestWhatWantsAKeyIsJudgedByIt(t *testing.T) {
	keyless := decided(`"decision":"deny","reason":"keyless","factor":"session","session":"s1",` + home)
	unproved := decided(`"decision":"pass","factor":"code","session":"s1","held":["new_browser","always"],"since_s":60,` + home)
	inSession := decided(`"decision":"check","reason":"travel","factor":"session","session":"s1","held":["travel"],"since_s":60,` + home)
	browser := decided(`"decision":"pass","factor":"browser","session":"s1","device":"d1","held":["always"],"since_s":60,` + home)
	over := decided(`"decision":"pass","factor":"code","session":"s1","device":"d1","held":["always"],"since_s":60,` + home)
	for _, tt := range []struct {
		name, want string
		change     func(*replay.Gate)
		lines      []string
	}{
		{"a browser without a key is refused where one is required", "refused keyless -> refused keyless", requiring(challenge.BoundRequired, ""), []string{keyless}},
		{"where it is not, nobody can tell", "refused keyless -> ? the browser had no key, and what else it was is not in the log", requiring(challenge.BoundAuto, ""), []string{keyless}},
		{"without the secret, the same lists let it in as before", "refused keyless -> refused keyless", unsure, []string{loaded, keyless}},
		{"where all is only observed it passes", "refused keyless -> passed", func(g *replay.Gate) { g.Policy.Risk.ObserveAll = true }, []string{keyless}},
		{"what was only observed is refused for the key", "passed -> refused keyless", requiring(challenge.BoundRequired, ""), []string{strings.Replace(keyless, `"deny"`, `"pass"`, 1)}},
		{"a key that was not proved asks", "asked unproved -> asked unproved", nil, []string{verified("unproved"), unproved}},
		{"where keys do not count, nobody can tell", "asked unproved -> ? the browser did not prove its key, and what else it was is not in the log", requiring(challenge.BoundOff, ""), []string{verified("unproved"), unproved}},
		{"whether a session has a key that is required now, nobody can tell", "asked travel -> ? " + noKeyTold, requiring(challenge.BoundRequired, ""), []string{inSession}},
		{"nor whether a remembered browser has", "passed -> ? " + noKeyTold, requiring(challenge.BoundRequired, ""), []string{browser}},
		{"nor whether a session began by a passkey", "asked travel -> ? " + noProofTold, requiring("", challenge.AcceptPasskey), []string{inSession}},
		{"nor whether a remembered browser did", "passed -> ? " + noProofTold, requiring("", challenge.AcceptPasskey), []string{browser}},
		{"who is not known is asked in any case", "asked new_browser -> asked new_browser", requiring(challenge.BoundRequired, challenge.AcceptPasskey), []string{verified("new_browser"), stranger}},
		{"a session that is over says nothing of its browser", "asked expired -> passed", nil, []string{verified("expired"), over}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, _ := run(t, gate(tt.change), tt.lines...)
			if got := outcome(all[len(all)-1]); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

// Why nobody can tell.
const (
	noKeyTold   = "a key of the browser's machine is required now, and the log does not say whether there was one"
	noProofTold = "only a passkey opens the gate now, and the log does not say what was shown last"
)

// unsure is a gate that wants keys, whose lists cannot say whether Ana may pass.
func unsure(g *replay.Gate) {
	requiring(challenge.BoundRequired, "")(g)
	g.Account = nil
	allow(g, "alan@example.com")
}

// verified says why Ana entered a code, or showed a passkey.
func verified(reason string) string {
	return `{"ts":1795676419.4,"event":"verified","session":"s1","reason":"` + reason + `"}`
}

// loaded says that the policy of the log is the one of the gate.
var loaded = fmt.Sprintf(`{"ts":1795676400,"event":"loaded","gate":%q,"policy":"new"}`, gateID)

// A session is made by a code, and a passkey is shown in it: what is told of the second
// is no reason of the first, however late the two are judged.
func TestTheSameConfigurationChangesNothingForPasskeysAndKeys(t *testing.T) {
	by := func(factor string) string { return strings.Replace(stranger, `"code"`, `"`+factor+`"`, 1) }
	in := func(factor string) string {
		return decided(`"decision":"pass","factor":"` + factor + `","session":"s1","held":["new_network"],"since_s":60,` + home)
	}
	asked := decided(`"decision":"check","reason":"passkey","factor":"session","session":"s1",` + home)
	keyless := decided(`"decision":"deny","reason":"keyless","factor":"session","session":"s1",` + home)
	lines := []string{
		loaded, verified("new_browser"), by("code"), asked, verified("passkey"), in("passkey"), keyless,
		verified("new_browser"), by("passkey"), verified("unproved"), by("code"), asked, verified("passkey"), in("passkey"),
	}
	_, report := run(t, gate(requiring(challenge.BoundRequired, challenge.AcceptPasskey)), lines...)
	if report.Before != report.Now || report.Decisions != 6 || report.Covered != 2 || len(report.NotJudged) != 0 || len(report.Faults) != 0 {
		t.Errorf("%+v", report)
	}
	for _, c := range report.Reasons {
		if c.Before != c.Now {
			t.Errorf("asked by %s %d times before and %d now", c.Reason, c.Before, c.Now)
		}
	}
	var out strings.Builder
	if err := report.Text(&out); err != nil || !strings.Contains(out.String(), "Nothing changes for anybody") {
		t.Errorf("%v, %s", err, out.String())
	}
}

// Who is refused by more than the lists is told by what.
func TestWhoIsNewlyRefusedForAKeyIsToldSo(t *testing.T) {
	observed := decided(`"decision":"pass","reason":"keyless","factor":"session","session":"s1",` + home)
	_, report := run(t, gate(requiring(challenge.BoundRequired, "")), observed)
	if n := report.NewlyRefused; len(n) != 1 || n[0].Reason != challenge.Keyless {
		t.Errorf("newly refused %+v, want one by keyless", n)
	}
}
