// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"container/list"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const (
	// deliveryLimit and deliveryLife are how many deliveries are known, and how long
	// after their mails were taken.
	deliveryLimit = 10_000
	deliveryLife  = 15 * time.Minute
	// mailboxLimit is how many mailboxes have a history, and as many more to which
	// nothing was sent: strangers, who may write down any address, must not push out
	// those of people.
	mailboxLimit = 2000
	// historyLimit is how many mails a history has.
	historyLimit = 5
)

// A book tells how far mails came, for a while. The zero value is ready.
type book struct {
	mu         sync.Mutex // guards below
	deliveries map[string]delivery
	taken      []taking // the oldest first
	mails      shelf
	decoys     shelf
}

// A delivery is how far the latest mail of an ID came.
type delivery struct {
	mail  string // of the job
	stage challenge.Delivery
}

// A taking is when a mail was taken of which somebody may ask.
type taking struct {
	id, mail string
	at       time.Time
}

// open begins the delivery of a mail of which somebody may ask.
func (b *book) open(id, mail string, now time.Time) {
	if id == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tidy(now, deliveryLimit-1)
	if b.deliveries == nil {
		b.deliveries = map[string]delivery{}
	}
	b.deliveries[id] = delivery{mail, challenge.Delivery{Stage: challenge.DeliveryQueued, At: now}}
	b.taken = append(b.taken, taking{id, mail, now})
}

// tidy forgets what is too old, and the oldest above a limit. The caller holds mu.
func (b *book) tidy(now time.Time, limit int) {
	n := 0
	for n < len(b.taken) && (len(b.taken)-n > limit || now.Sub(b.taken[n].at) >= deliveryLife) {
		if t := b.taken[n]; b.deliveries[t.id].mail == t.mail {
			delete(b.deliveries, t.id)
		}
		n++
	}
	b.taken = b.taken[n:]
}

// stages are how far a mail came by what became of it. A decoy has come as far as the
// mail that it stands for.
var stages = map[Outcome]challenge.DeliveryStage{
	Sent: challenge.DeliveryAccepted, Withheld: challenge.DeliveryAccepted,
	Deferred: challenge.DeliveryTrouble, Kept: challenge.DeliveryTrouble,
	Bounced: challenge.DeliveryRefused, Failed: challenge.DeliveryGivenUp, Lost: challenge.DeliveryGivenUp,
}

// enter writes down what became of a job. That a mailbox put it off is no trouble of
// a transport.
func (b *book) enter(j *job, r Report, mailbox bool) {
	stage := stages[r.Outcome]
	if r.Outcome == Deferred && mailbox {
		stage = challenge.DeliveryDelayed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if d, known := b.deliveries[j.notice.ID]; known && d.mail == j.id && d.stage.Stage != stage {
		b.deliveries[j.notice.ID] = delivery{j.id, challenge.Delivery{Stage: stage, At: r.Time}}
	}
	if j.notice.Decoy {
		b.decoys.enter(j.id, r)
	} else {
		b.mails.enter(j.id, r)
	}
}

// Delivery says how far a mail came, by Notice.ID: of the last 10,000 mails, for 15
// minutes. It says of an address that gets no mails what it says of others.
func (o *Outbox) Delivery(id string) challenge.Delivery {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	o.book.tidy(time.Now(), deliveryLimit)
	return o.book.deliveries[id].stage
}

// History tells an operator what became of the last five mails to a mailbox, the
// newest first, and of those that were withheld from it. It knows of 2,000 mailboxes,
// and forgets with the process.
func (o *Outbox) History(mailbox string) []Report {
	o.book.mu.Lock()
	defer o.book.mu.Unlock()
	all := slices.Concat(o.book.mails.of(mailbox), o.book.decoys.of(mailbox))
	slices.SortStableFunc(all, func(a, b Report) int { return b.Time.Compare(a.Time) })
	return all[:min(len(all), historyLimit)]
}

// A shelf holds the histories of the mailboxes that were last written to. The zero
// value is ready.
type shelf struct {
	by    map[string]*list.Element // of *history
	order list.List                // the latest first
}

// A history is what became of the last mails to one mailbox, the oldest first.
type history struct {
	mailbox string
	mails   []string // of the jobs
	reports []Report // the latest of each
}

func (s *shelf) enter(mail string, r Report) {
	h := s.reach(strings.ToLower(r.Mailbox))
	if i := slices.Index(h.mails, mail); i >= 0 {
		h.mails, h.reports = slices.Delete(h.mails, i, i+1), slices.Delete(h.reports, i, i+1)
	}
	if len(h.mails) == historyLimit {
		h.mails, h.reports = slices.Delete(h.mails, 0, 1), slices.Delete(h.reports, 0, 1)
	}
	h.mails, h.reports = append(h.mails, mail), append(h.reports, r)
}

// reach puts the history of a mailbox first, which may push out the last.
func (s *shelf) reach(mailbox string) *history {
	if e := s.by[mailbox]; e != nil {
		s.order.MoveToFront(e)
		return e.Value.(*history)
	}
	if s.by == nil {
		s.by = map[string]*list.Element{}
	}
	if s.order.Len() >= mailboxLimit {
		last := s.order.Back()
		delete(s.by, last.Value.(*history).mailbox)
		s.order.Remove(last)
	}
	h := &history{mailbox: mailbox}
	s.by[mailbox] = s.order.PushFront(h)
	return h
}

func (s *shelf) of(mailbox string) []Report {
	if e := s.by[strings.ToLower(mailbox)]; e != nil {
		return e.Value.(*history).reports
	}
	return nil
}
