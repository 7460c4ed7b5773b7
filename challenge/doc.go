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
// A session carries the place that it was verified from. While it stays where its
// person usually is, that costs nothing; anywhere unusual, and where a page wants
// a fresh code, Admit asks for one to confirm it. What is usual is learned from
// right codes alone; package risk judges it. A code that confirms a session does
// not sign in, and the session stays the same.
//
// # What ends
//
// A person who reads of a code or an entry that was not theirs can end it by the
// link in the mail: [Gate.Reportable] says what it would end and changes nothing,
// [Gate.Report] ends it and keeps its network from asking for an hour, which
// [Gate.Unreport] takes back from a remembered browser. What is open in a session,
// as [Gate.Stream] was told, is cut when the session ends, on every machine; that
// of a remembered browser goes on in its next session.
//
// # Ways in, and changes of them
//
// Where no mail comes, a [Flow] is turned to another [Way]: a backup code, an
// authenticator app, a second address, or a code that an operator read out. All count
// in the same buckets, and are offered to every address alike. What is for when the
// usual way fails makes a session that is fresh for no page.
//
// A person changes their ways in by codes that are good for one [Change] alone. Begin,
// for a visit with a Change, mails such a code; Verify then returns a flow that has a
// permit, and a method such as [Gate.MakeBackupCodes] uses that permit up. From a
// browser that is new to the person the change waits a day. Each is mailed, with a link
// that takes it back. When a person says of an entry or a change that it was not
// theirs, the account is guarded: what was added around that time counts for nothing,
// and only a browser from before ends that.
//
// # What operators do and see
//
// [House.People] lists who has entered: a record has the address sealed, and only there.
// [House.Evict] ends one session, one browser, all of one person or everybody's; the last
// by a number in one record, which each record of a person obeys when it is read next.
// [Gate.Standing] says what decides about an address and what became of it. A [Decided]
// event tells every reason that held, so that it can be judged again under another
// policy. Challenges that began on a machine are followed by it to their end, decoys like
// any other, so that operators learn of those in which nobody came in.
//
// # Words
//
// What the words of the domain mean, and the type that carries each. A type in brackets
// is exported; the others are of this package too, unless another one is named.
//
//   - access ([Access]): who may pass. It never changes; a gate is given another one.
//   - admission ([Admission]): a session as one gate judges it, by its access.
//   - admit ([Gate.Admit]): to say what becomes of a request.
//   - arrival (Arrival of challenge/web): a request as the server in front knows it, of
//     which a door makes a visit.
//   - baton (baton of caddymodule): what a gate tells those behind it in the same site.
//   - challenge (pending): what waits for a code, in the door of its address.
//   - change ([Change]): what a code is to allow, where it neither signs in nor confirms a
//     session.
//   - code ([Code]): what is mailed.
//   - crowd (crowd): whom a visit is counted with at an address: owners, an office, or
//     strangers.
//   - door (door): the record of all that is tried at an address.
//   - door (Door of challenge/web): what serves one gate over HTTP.
//   - doorway (doorway of caddymodule): an entrance that is open, with its gate and door.
//   - entrance (entrance of caddymodule): one handler at work: its settings made ready, and
//     its gate, which opens later.
//   - entry (entered): one time that a person showed who they are, as their record keeps
//     it, so that they can say that it was not them. [Entry] is what it gives the browser.
//   - flow ([Flow]): one browser's way through a check, sealed in its cookie.
//   - gate ([Gate]): what decides at one place in front of an app, by its own [Policy].
//   - grounds (grounds): what a decision went by, whatever the gate makes of it.
//   - house ([House]): what all gates share and what outlives a change of configuration:
//     store, keys, mail queue, the sessions seen on this machine.
//   - identity ([Identity]): whom a request speaks for.
//   - live session ([Live]): a session that this machine has verified. Where an earlier
//     step's word or an access token admits somebody, it stands for one.
//   - pass (Pass of challenge/bound): says until when a browser has proved to hold a key.
//     [Pass] is a decision.
//   - passage (passage of caddymodule): one request on its way through a gate.
//   - permit (permit): leave to make a change, which a right code gives for a few minutes,
//     once.
//   - person (person): the record of somebody who has proved an address.
//   - reason ([Reason]): why a check is needed.
//   - right ([Right]): what access says of one address.
//   - session (Session of challenge/sessions): the proof that a browser's user reads the
//     mail of an address.
//   - sighting (sighting): what a gate makes of a session at one network address.
//   - spot (spot): where a visit comes from.
//   - stranding (stranding): how a remembered browser was admitted while the store was away.
//   - ticket (ticket): one cookie of a session; signed again for a later idle limit, it is
//     another ticket of the same session.
//   - verdict ([Verdict]): the answer to a visit.
//   - visit ([Visit]): what one request tells the gate.
//   - way ([Way]): how a person shows at the door who they are: by a mailed code or else.
//
// # Who owns which record
//
// All records are small and in one [Store]. They change by atomic updates alone,
// and name addresses by keyed hashes only.
//
//   - door: all that is tried at an address, by anybody, whether or not it may
//     pass: its counters, its pending challenges, the networks that were reported,
//     and which codes were right lately. Begin, Verify and Report write it.
//   - person: what is kept of somebody who has proved an address: the address, sealed,
//     the sessions that live, which is the list that decides, the browsers that are remembered,
//     the places that are usual, and the entries that can be reported. Only a proof
//     makes one.
//   - belongings: what else they have: ways in, access tokens, and the changes of
//     those that were made lately or wait. What lets anybody in is hashed or sealed.
//   - activity: what happened to the person's account, in pages, sealed row by row. A
//     journal writes it a moment later, so that no request waits for it, but for what
//     somebody does who is signed in.
//   - erasures: who asked to be forgotten, and when that is due.
//   - net: what one network mailed and tried.
//   - budget: all mail together. Each machine adds to it twice a second.
//   - ended: the last sessions that ended before their time, which every machine
//     reads twice a second.
//   - keys: the keys that sign sessions, sealed.
//   - spool: mails that wait for another try, sealed, each held by one machine. None
//     has a code.
//
// # Who may see what
//
// Strangers learn nothing of an address: not whether it may pass, not whether it
// was ever here. Their wrong tries and mails count apart from those of people
// whom the gate knows, so that they can keep nobody out. Only an [Event], which
// is for the operator, says why somebody was refused. A [Code] is shown to nobody
// but the mail: it is derived from the root secret whenever it is needed, stored
// nowhere, and prints as nothing. Whoever reads the store finds no code in it, and
// no address of a person or a network; whoever writes to it can end sessions and
// codes but not make one. When the store does not answer, nobody new gets in, and
// live sessions go on for a grace; with [AllowKnownBrowsers], so do remembered
// browsers that this process has seen.
package challenge
