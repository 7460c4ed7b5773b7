// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"cmp"
	"slices"
	"time"
)

// Here two records of the same thing become one, as each of two machines kept one.
// Nothing says which of their events both know, so the same once more must change
// nothing: an event counts as often as the record that has it more often says.

// mostOf is each thing as often as in the list that has more of it, in order. Things
// that are alike have the same place in the order.
func mostOf[E any](ours, theirs []E, order func(a, b E) int) (all []E) {
	ours, theirs = slices.SortedFunc(slices.Values(ours), order), slices.SortedFunc(slices.Values(theirs), order)
	for len(ours) > 0 && len(theirs) > 0 {
		first := order(ours[0], theirs[0])
		if first <= 0 {
			all, ours = append(all, ours[0]), ours[1:]
		} else {
			all = append(all, theirs[0])
		}
		if first >= 0 {
			theirs = theirs[1:]
		}
	}
	return append(append(all, ours...), theirs...)
}

// joined is what either list has, each thing once, by its name. What both have is
// made one.
func joined[E any, N comparable](ours, theirs []E, name func(*E) N, one func(ours, theirs *E)) []E {
	all := slices.Clone(ours)
	at := make(map[N]int, len(all))
	for i := range all {
		at[name(&all[i])] = i
	}
	for i := range theirs {
		n := name(&theirs[i])
		if known, ok := at[n]; ok {
			one(&all[known], &theirs[i])
			continue
		}
		at[n], all = len(all), append(all, theirs[i])
	}
	return all
}

// newest are the last of a list that is in order.
func newest[E any](list []E, most int) []E { return list[max(0, len(list)-most):] }

func (t tally) join(o tally) tally { return newest(mostOf(t, o, cmp.Compare[int64]), maxRate) }

func (b *bucket) join(o *bucket) {
	b.Tries, b.Mails = b.Tries.join(o.Tries), b.Mails.join(o.Mails)
	b.Locks, b.Until = max(b.Locks, o.Locks), max(b.Until, o.Until)
}

// join takes in what another store has counted at the address. Open challenges end,
// on both sides: of one that either has, the other may know that it was spent.
func (d *door) join(o *door, now time.Time) {
	d.tidy(now)
	o.tidy(now)
	d.Pending, d.LetIn = nil, nil
	d.Apps, d.Changes = d.Apps.join(o.Apps), d.Changes.join(o.Changes)
	for _, of := range []crowd{strangers, office, owners} {
		d.bucket(of).join(o.bucket(of))
	}
	d.Starts = mostOf(d.Starts, o.Starts, startOrder)
	d.Blocks = joined(d.Blocks, o.Blocks, func(b *block) [2]id { return [2]id{b.Network, b.Mark} }, func(b, o *block) { b.At = max(b.At, o.At) })
	slices.SortStableFunc(d.Blocks, func(a, b block) int { return cmp.Compare(a.At, b.At) })
	d.Blocks = newest(d.Blocks, maxBlocks)
	d.Spent = joined(d.Spent, o.Spent, func(s *spent) id { return s.Mark }, func(s, o *spent) { s.At = max(s.At, o.At) })
	slices.SortStableFunc(d.Spent, func(a, b spent) int { return cmp.Compare(a.At, b.At) })
	d.Spent = newest(d.Spent, maxSpent)
	d.Warned, d.Keep = max(d.Warned, o.Warned), max(d.Keep, o.Keep)
}

// startOrder is oldest first.
func startOrder(a, b start) int {
	return cmp.Or(cmp.Compare(a.At, b.At), slices.Compare(a.Network[:], b.Network[:]), a.rank()-b.rank())
}

func (s start) rank() int {
	if s.Office {
		return 1
	}
	return 0
}

func (n *network) join(o *network, _ time.Time) {
	n.Mails, n.Tries = n.Mails.join(o.Mails), n.Tries.join(o.Tries)
	n.Keep = max(n.Keep, o.Keep)
}

// join takes in the mails that another store has counted. What is older is counted
// by the hour, so both have to be brought to the same form before.
func (m *minutes) join(o *minutes, now time.Time) {
	if *m == nil {
		*m = minutes{}
	}
	m.tidy(now)
	o.tidy(now)
	for minute, n := range *o {
		ours := (*m)[minute]
		(*m)[minute] = [2]int{max(ours[ownMail], n[ownMail]), max(ours[strangerMail], n[strangerMail])}
	}
}
