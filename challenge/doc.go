// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package challenge asks visitors of a site for a code that was mailed to them,
// and lets in those who have it and may pass. It knows nothing of HTTP: package
// web speaks that for it, and package mailer delivers what it wants to be mailed.
//
// # From a visit to a session
//
// A [Visit] is what one request brings: cookies, a network, and perhaps whom an
// earlier step has named. [Gate.Admit] answers it with a [Verdict]: the visitor
// passes, may not pass, or needs a code.
//
// Who needs a code gives an address. [Gate.Begin] starts a challenge of it and
// hands the code to a [Sender]; the work and the answer are the same whether or
// not the address may pass. The browser keeps a [Flow], without which the code is
// worth nothing. [Gate.Verify] counts the try, compares it, spends the code, and
// makes a session. A browser that is remembered skips all this: Admit makes its
// next session by itself, and replaces its secret.
//
// # What there is
//
//   - [House] is what all gates share and what outlives a change of
//     configuration: store, keys, mail queue, the sessions seen on this machine.
//   - [Gate] decides at one place in front of an app, by its own [Policy].
//   - [Access] says who may pass. It never changes; a gate is given another one.
//   - [Flow] is one browser's way through a check, sealed in its cookie.
//   - [Live] is a session that this machine has verified, and [Admission] what one
//     gate makes of it.
//
// # Who owns which record
//
// All records are small and in one [Store]. They change by atomic updates alone,
// and name addresses by keyed hashes only.
//
//   - door: all that is tried at an address, by anybody, whether or not it may
//     pass: its counters and its pending challenges. Begin and Verify write it.
//   - person: what is kept of somebody who has proved an address: the sessions
//     that live, which is the list that decides, and the browsers that are
//     remembered. Only a proof makes one.
//   - net: what one network mailed and tried.
//   - budget: all mail together. Each machine adds to it twice a second.
//   - ended: the last sessions that ended before their time, which every machine
//     reads twice a second.
//   - keys: the keys that sign sessions, sealed.
//
// # Who may see what
//
// Strangers learn nothing of an address: not whether it may pass, not whether it
// was ever here. Their wrong tries and mails count apart from those of people
// whom the gate knows, so that they can keep nobody out. Only an [Event], which
// is for the operator, says why somebody was refused. A [Code] is shown to nobody
// but the mail: it is derived from the root secret whenever it is needed, stored
// nowhere, and prints as nothing. Whoever reads the store finds no address and no
// code in it, and whoever writes to it can end sessions and codes but not make
// one. When the store does not answer, nobody new gets in, and live sessions go on
// for a grace.
package challenge
