// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "slices"

// The values of acr by which apps are told what a session's last proof was, least
// first. They are our own: the levels of others, such as those of NIST SP 800-63B,
// would say more of a mailed code than is true. A step-up by a code never leads to
// ClassPasskey, and takes it from a session that had it (RFC 9470, section 5).
const (
	ClassRecovery = "urn:doorcode:acr:recovery" // what is for when the usual way fails
	ClassCode     = "urn:doorcode:acr:code"     // a mailed code, or that of an app
	ClassPasskey  = "urn:doorcode:acr:passkey"  // a key that asked its owner
)

// Class is what a session's last proof was worth, as its acr; empty where there was
// none: an access token, or an earlier step's word alone.
func (a *Admission) Class() string { return a.Live.class() }

func (l *Live) class() string {
	switch {
	case !l.kept() || l.token:
		return ""
	case l.recovered():
		return ClassRecovery
	case l.byPasskey:
		return ClassPasskey
	default:
		return ClassCode
	}
}

// The methods by which a session was proved: RFC 8176 knows the first four.
const (
	methodCode     = "otp"
	methodHardware = "hwk"      // a passkey that stays in its machine
	methodSoftware = "swk"      // a passkey that can be copied
	methodPresent  = "user"     // whose owner was there; it is said only where they were verified too
	methodRecovery = "recovery" // what is for when the usual way fails
	methodOperator = "operator" // with somebody's help
)

// methods are those of a session that a way led to.
func (w Way) methods() []string {
	switch {
	case w == byLetIn:
		return []string{methodCode, methodRecovery, methodOperator}
	case w.recovers():
		return []string{methodCode, methodRecovery}
	default:
		return []string{methodCode}
	}
}

// methods are those of a session that came of it.
func (s *spending) methods() []string {
	switch {
	case s.way != ByPasskey:
		return s.way.methods()
	case s.copied:
		return []string{methodSoftware, methodPresent}
	default:
		return []string{methodHardware, methodPresent}
	}
}

// methodLists are all that sessions come of.
var methodLists = [][]string{
	{methodCode}, {methodCode, methodRecovery}, {methodCode, methodRecovery, methodOperator}, {methodSoftware, methodPresent}, {methodHardware, methodPresent},
}

// shared is a list of methods as it is in memory once for all sessions, where it can be.
func shared(methods []string) []string {
	for _, list := range methodLists {
		if slices.Equal(list, methods) {
			return slices.Clip(list)
		}
	}
	return methods
}

// proof is what a remembered browser keeps of it: nothing, where a code was entered.
func (s *spending) proof() []string {
	if s.way == ByPasskey {
		return s.methods()
	}
	return nil
}

// permits is by which way it gives a permit for a flow's change.
func (s *spending) permits(f *Flow) Way {
	if s.way == ByPasskey {
		return ByPasskey
	}
	return f.Way
}

// recovered reports whether the session began by a way that is for when the usual one
// fails. It is then not fresh for any page, until a usual code confirms it.
func (l *Live) recovered() bool { return slices.Contains(l.Methods, methodRecovery) }

// letIn reports whether an operator's code began the session.
func (l *Live) letIn() bool { return slices.Contains(l.Methods, methodOperator) }
