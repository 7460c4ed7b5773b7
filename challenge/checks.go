// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Checks are the challenges that began on this machine and have not ended, and those of
// others whose page it has shown. Operators are told of them: how many were opened, and
// what became of those in which nobody came in.
type checks struct {
	mu   sync.Mutex        // guards below
	list []*check          // oldest first
	by   map[string]*check // by checkTag
}

// A check is one of them.
type check struct {
	tag             string
	about           Event // what every event of it says
	door            id    // zero: it began elsewhere
	flow, challenge id
	attempts        int
	ends            time.Time
	decoy           bool // nothing was mailed, of which the operator knows
	opened          bool
}

const (
	// maxChecks bounds how many are kept; the oldest go, and nothing is told of them.
	maxChecks = 4096
	// checksEvery is how often it is looked for those that have ended.
	checksEvery = 5 * time.Second
	// checkSlack is how long after its end a challenge is looked at, so that whoever
	// entered its code in the last moment has come in.
	checkSlack = 5 * time.Second
)

// add keeps a challenge that was mailed. One that was mailed before is followed by the
// machine where it began.
func (k *checks) add(c *check, first bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := k.by[c.tag]
	switch {
	case known == nil && first:
		k.put(c)
	case known != nil && first:
		c.opened = known.opened
		*known = *c
	case known != nil:
		known.decoy = known.decoy && c.decoy
	}
}

func (k *checks) put(c *check) {
	if k.by == nil {
		k.by = make(map[string]*check)
	}
	if len(k.list) >= maxChecks {
		delete(k.by, k.list[0].tag)
		k.list = slices.Delete(k.list, 0, 1)
	}
	k.list, k.by[c.tag] = append(k.list, c), c
}

// open notes that the page of a challenge was shown, and reports whether that is to be
// told. elsewhere is what to keep of one that did not begin here.
func (k *checks) open(tag string, elsewhere check) (about Event, tell bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.by[tag]
	if c == nil {
		c = &elsewhere
		k.put(c)
	}
	tell = !c.opened && !c.decoy
	c.opened = true
	return c.about, tell
}

// forget drops a challenge whose code was right.
func (k *checks) forget(tag string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.by[tag]; c != nil {
		k.drop(func(o *check) bool { return o == c })
	}
}

func (k *checks) drop(which func(*check) bool) (dropped []*check) {
	k.list = slices.DeleteFunc(k.list, func(c *check) bool {
		if which(c) {
			delete(k.by, c.tag)
			dropped = append(dropped, c)
			return true
		}
		return false
	})
	return dropped
}

// due takes the challenges that have ended.
func (k *checks) due(now time.Time) []*check {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.drop(func(c *check) bool { return !now.Before(c.ends.Add(checkSlack)) })
}

// giveBack keeps challenges that could not be looked at.
func (k *checks) giveBack(list []*check) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range list {
		if k.by[c.tag] == nil && len(k.list) < maxChecks {
			k.put(c)
		}
	}
}

// followCheck keeps a challenge of which the queue took a mail. An address that may not
// pass is followed like any other.
func (g *Gate) followCheck(f *Flow, c *pending, about Event, decoy bool) {
	g.house.checks.add(&check{
		tag: checkTag(f.Mail), about: about, door: g.house.doorID(f.Address), flow: c.Flow, challenge: c.ID,
		attempts: g.policy.Code.Attempts, ends: time.Unix(c.Ends, 0), decoy: decoy,
	}, c.Mails == 1)
}

// Opened notes that the page which asks for a flow's code was shown. The operator is told
// of it once for each challenge, by each machine that shows it, and not of an address
// that may not pass.
func (g *Gate) Opened(f *Flow) {
	if f == nil || f.Mail == "" {
		return
	}
	now := g.house.now()
	about, tell := g.house.checks.open(checkTag(f.Mail), check{
		tag: checkTag(f.Mail), about: g.aboutCheck(f), ends: now.Add(g.policy.Code.TTL), decoy: !g.mayPass(f, now),
	})
	if tell {
		about.Name = CheckOpened
		g.log(context.Background(), &Visit{Now: now}, about)
	}
}

// aboutCheck is what every event of a check says.
func (g *Gate) aboutCheck(f *Flow) Event {
	return Event{Gate: g.id, Address: f.owner(), Source: f.Source, User: f.User, Reason: f.Reason, Way: f.Way, Change: f.changes()}
}

// followChecks tells operators of challenges that have ended, until the house closes.
func (h *House) followChecks(ctx context.Context) {
	tick := time.NewTicker(max(checksEvery, h.journal.gather))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.endChecks(ctx)
		}
	}
}

// endChecks looks at the challenges that have ended, one after another: nobody waits for
// it. While the store does not answer they are kept, as long as their records are.
func (h *House) endChecks(ctx context.Context) {
	list := h.checks.due(h.now())
	for i, c := range list {
		if c.door == (id{}) {
			continue
		}
		look, cancel := context.WithTimeout(ctx, lookTime)
		d, err := read[door](look, h.store, keyDoor+c.door.String())
		cancel()
		if err != nil {
			left := slices.DeleteFunc(list[i:], func(c *check) bool { return h.now().Unix() >= c.ends.Unix()+shownFor })
			h.checks.giveBack(left)
			return
		}
		if result := c.result(h, &d); result != "" && !c.decoy {
			e := c.about
			e.Name, e.Result = CheckEnded, result
			h.tell(ctx, e)
		}
	}
}

// result is how a challenge ended; empty where its code was right, or nothing is known of
// it any more.
func (c *check) result(h *House, d *door) CheckResult {
	mark := h.stopMark(stopCode, c.challenge)
	if d.Version == 0 || slices.ContainsFunc(d.Spent, func(s spent) bool { return s.Mark == mark }) {
		return ""
	}
	p := d.of(c.flow)
	switch {
	case p == nil || p.ID != c.challenge: // a newer one took its place
		return CheckCancelled
	case p.Void:
		return CheckStopped
	case p.Tries >= c.attempts:
		return CheckCancelled
	case p.Tries+p.Given > 0:
		return CheckExpired
	default:
		return CheckAbandoned
	}
}
