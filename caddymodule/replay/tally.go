// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A Report is what came of a replay. It counts decisions, each about somebody.
type Report struct {
	From  *time.Time `json:"from,omitempty"` // of the first decision
	To    *time.Time `json:"to,omitempty"`   // of the last
	Lines int        `json:"lines"`
	// Other lines are of something else. Covered are those of a decision that counts with
	// another line, and codes for a change of an account. Nobody counts what was decided about
	// visitors whom nobody knows yet: they are asked under every policy.
	Other   int      `json:"other"`
	Covered int      `json:"covered"`
	Nobody  int      `json:"nobody"`
	Broken  int      `json:"broken"`
	Faults  []string `json:"faults"` // of broken lines, the first few

	Decisions int      `json:"decisions"`
	People    int      `json:"people"`
	Before    Outcomes `json:"before"` // of those that could be judged
	Now       Outcomes `json:"now"`
	Reasons   []Count  `json:"reasons"`

	NewlyAsked      []Change   `json:"newly_asked"`
	NoLongerAsked   []Change   `json:"no_longer_asked"`
	NewlyRefused    []Change   `json:"newly_refused"`
	NoLongerRefused []Change   `json:"no_longer_refused"`
	NotJudged       []Unjudged `json:"not_judged"`

	Notes []string `json:"notes"` // what makes it doubtful
}

// Outcomes count what became of decisions.
type Outcomes struct {
	Passed  int `json:"passed"`
	Asked   int `json:"asked"`
	Refused int `json:"refused"`
}

func (o *Outcomes) add(what Outcome) {
	switch what {
	case Passed:
		o.Passed++
	case Asked:
		o.Asked++
	case Refused:
		o.Refused++
	}
}

// A Count is how often a reason asked.
type Count struct {
	Reason risk.Reason `json:"reason"`
	Before int         `json:"before"`
	Now    int         `json:"now"`
}

// A Change is what another policy would mean to a person at a site.
type Change struct {
	Account string      `json:"account"`
	Address string      `json:"address,omitempty"` // masked
	Site    string      `json:"site"`
	Times   int         `json:"times"`
	Reason  risk.Reason `json:"reason,omitempty"` // the most frequent one; empty where they are refused
	Last    time.Time   `json:"last"`
}

// An Unjudged is how many decisions could not be judged, and why.
type Unjudged struct {
	Why   string `json:"why"`
	Times int    `json:"times"`
}

// mostFaults bounds how many broken lines are told one by one.
const mostFaults = 10

// A tally counts. It keeps an entry for each person, and one for each person and site
// to whom something changes.
type tally struct {
	report  Report
	people  map[string]struct{}
	reasons map[risk.Reason]*Count
	whys    map[string]int
	changes map[changeKey]*change
}

type kind uint8

const (
	newlyAsked kind = iota
	noLongerAsked
	newlyRefused
	noLongerRefused
)

type changeKey struct {
	kind          kind
	account, site string
}

type change struct {
	Change
	reasons map[risk.Reason]int
}

func newTally() *tally {
	return &tally{
		report: Report{Faults: []string{}}, people: map[string]struct{}{}, reasons: map[risk.Reason]*Count{},
		whys: map[string]int{}, changes: map[changeKey]*change{},
	}
}

// breaks notes a line that is wrong.
func (t *tally) breaks(name string, line int, err error) {
	if t.report.Broken++; t.report.Broken <= mostFaults {
		t.report.Faults = append(t.report.Faults, fault(name, line, err))
	}
}

// add counts a decision.
func (t *tally) add(d Decision) {
	t.report.Decisions++
	t.people[d.Account] = struct{}{}
	if t.report.From == nil || d.At.Before(*t.report.From) {
		t.report.From = &d.At
	}
	if t.report.To == nil || d.At.After(*t.report.To) {
		t.report.To = &d.At
	}
	if d.Now == "" {
		t.whys[d.Why]++
		return
	}
	t.report.Before.add(d.Before)
	t.report.Now.add(d.Now)
	if d.Before == Asked {
		t.count(d.Reason).Before++
	}
	if d.Now == Asked {
		t.count(d.NowReason).Now++
	}
	t.change(d)
}

func (t *tally) count(r risk.Reason) *Count {
	if t.reasons[r] == nil {
		t.reasons[r] = &Count{Reason: r}
	}
	return t.reasons[r]
}

// change notes what is another outcome than before.
func (t *tally) change(d Decision) {
	var of kind
	reason := d.NowReason
	switch {
	case d.Before == d.Now:
		return
	case d.Now == Refused:
		of = newlyRefused
	case d.Before == Refused:
		of = noLongerRefused
	case d.Now == Asked:
		of = newlyAsked
	default:
		of, reason = noLongerAsked, d.Reason
	}
	key := changeKey{of, d.Account, d.Site}
	c := t.changes[key]
	if c == nil {
		c = &change{Change{Account: d.Account, Site: d.Site}, map[risk.Reason]int{}}
		t.changes[key] = c
	}
	c.Times++
	c.reasons[reason]++
	if c.Address == "" {
		c.Address = d.Address
	}
	if d.At.After(c.Last) {
		c.Last = d.At
	}
}

// Report tells what came of everything that was read so far.
func (x *Replay) Report() *Report {
	t := x.tally
	report := t.report
	report.People = len(t.people)
	report.NewlyAsked, report.NoLongerAsked = t.changed(newlyAsked), t.changed(noLongerAsked)
	report.NewlyRefused, report.NoLongerRefused = t.changed(newlyRefused), t.changed(noLongerRefused)
	report.Notes = x.doubts()
	report.Reasons, report.NotJudged = []Count{}, []Unjudged{}
	for _, c := range t.reasons {
		report.Reasons = append(report.Reasons, *c)
	}
	slices.SortFunc(report.Reasons, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Before+b.Now, a.Before+a.Now), cmp.Compare(a.Reason, b.Reason))
	})
	for why, times := range t.whys {
		report.NotJudged = append(report.NotJudged, Unjudged{why, times})
	}
	slices.SortFunc(report.NotJudged, func(a, b Unjudged) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Why, b.Why))
	})
	return &report
}

// doubts are what makes the answer doubtful.
func (x *Replay) doubts() []string {
	for _, g := range x.options.Gates {
		if len(g.accounts) > 0 && !g.met {
			return []string{"Nobody in the log is one of the addresses that the lists name. If that cannot be, another secret was in force."}
		}
	}
	return []string{}
}

// changed are the changes of one kind, the most frequent first.
func (t *tally) changed(of kind) []Change {
	list := []Change{}
	for key, c := range t.changes {
		if key.kind != of {
			continue
		}
		one := c.Change
		one.Reason = slices.MaxFunc(slices.Sorted(maps.Keys(c.reasons)), func(a, b risk.Reason) int { return cmp.Compare(c.reasons[a], c.reasons[b]) })
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Site, b.Site))
	})
	return list
}
