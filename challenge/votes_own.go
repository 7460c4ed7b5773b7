// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "github.com/doorcode/caddy-doorcode/challenge/risk"

// A vantage is what a visit is judged by: the facts, and the session, which is nil where
// there is none.
type vantage struct {
	facts    risk.Facts
	live     *Live
	unproved bool // the browser has a key that it did not prove
}

// ownVotes are those of the rules that package risk knows nothing of, where the gate has
// them.
func (g *Gate) ownVotes(v *Visit, at *vantage) (votes []risk.Vote) {
	in := at.live != nil && at.live.kept()
	add := func(r Reason, says bool, effect risk.Effect, why string) {
		if g.policy.Risk.ObserveAll {
			effect = risk.Observed
		}
		votes = append(votes, risk.Vote{Reason: r, Says: says, Effect: effect, Why: why})
	}
	if at.unproved {
		add(Unproved, true, risk.Asks, "The browser has a key of its machine, and did not prove it.")
	}
	if g.policy.Session.DeviceBound == BoundRequired {
		switch says := in && g.wantsKey(v, at.live); {
		case says:
			add(Keyless, true, risk.Refuses, "The browser made no key within a minute.")
		case !in:
			add(Keyless, false, risk.Refuses, "There is no session.")
		case at.live.held.Load() != nil:
			add(Keyless, false, risk.Refuses, "The browser has a key of its machine.")
		default:
			add(Keyless, false, risk.Refuses, "The session is younger than a minute.")
		}
	}
	if g.policy.Accept == AcceptPasskey {
		switch {
		case !in:
			add(NeedsPasskey, false, risk.Asks, "There is no session.")
		case at.live.byPasskey:
			add(NeedsPasskey, false, risk.Asks, "The last proof was a passkey.")
		default:
			add(NeedsPasskey, g.wantsPasskey(v, at.live), risk.Asks, "The last proof was a code.")
		}
	}
	return votes
}
