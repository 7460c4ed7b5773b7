// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

// A Post is a mailbox that knows how far mails came.
type Post struct {
	*Mailbox
	came map[string]challenge.Delivery
}

func (p *Post) Delivery(id string) challenge.Delivery { return p.came[id] }

// posted is a world whose mail queue tells how far mails came.
func posted(t testing.TB) (*world, *Post) {
	t.Helper()
	c := newClock()
	w := newWorldOn(t, c, memstore.New(memstore.Options{Now: c.now}))
	post := &Post{w.mailbox, map[string]challenge.Delivery{}}
	h, err := challenge.OpenHouse(context.Background(), challenge.HouseOptions{Store: w.store, Ring: w.ring, Sender: post, Now: c.now, Gather: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	w.house = h
	return w, post
}

// last is what was mailed last.
func (m *Mailbox) last() challenge.Notice {
	all := m.all()
	return all[len(all)-1]
}

func TestEachMailOfACheckHasANameAndANumber(t *testing.T) {
	w := newWorld(t)
	b := w.linked(w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}}))
	names := map[string]bool{}
	for _, want := range []int{1, 2} {
		if want == 1 {
			b.mailed(ana)
		} else if _, err := b.resend(); err != nil {
			t.Fatal(err)
		}
		n := w.mailbox.last()
		if n.ID == "" || n.Mail != want || n.ID != b.flow.Mail {
			t.Errorf("mail %d is called %q and is number %d; its flow calls it %q", want, n.ID, n.Mail, b.flow.Mail)
		}
		names[n.ID] = true
		w.clock.advance(time.Minute)
		b.gate = w.gateOf(w.machine(), challenge.GateOptions{Policy: b.gate.Policy()}) // any machine
	}
	w.clock.advance(4 * time.Minute)
	if _, err := b.resend(); err != nil {
		t.Fatal(err)
	}
	if n := w.mailbox.last(); n.Mail != 1 || names[n.ID] || len(names) != 2 {
		t.Errorf("the mail of the next code is number %d, called %q; before: %v", n.Mail, n.ID, names)
	}
	w.linked(b.gate).mailed(nobody)
	if n := w.mailbox.last(); !n.Decoy || n.Mail != 1 || len(n.ID) != len(b.flow.Mail) {
		t.Errorf("a decoy is number %d, called %q", n.Mail, n.ID)
	}
	for key, value := range dump(t, w) {
		if strings.Contains(key+value, b.flow.Mail) {
			t.Errorf("%s holds the name of a mail", key)
		}
	}
}

func TestRuling16DeliveryIsToldWhereAnEarlierStepHasNamedSomebody(t *testing.T) {
	w, post := posted(t)
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: roomy}})
	want := challenge.Delivery{Stage: challenge.DeliveryAccepted, At: w.clock.now()}
	named := w.linked(g)
	named.earlier = basic("ana", ana)
	named.mailed(ana)
	if got := g.Delivery(named.flow); got != (challenge.Delivery{}) {
		t.Errorf("before anything is known: %+v", got)
	}
	post.came[post.last().ID] = want
	if diff := cmp.Diff(want, g.Delivery(named.flow)); diff != "" {
		t.Errorf("named by an earlier step, -want +got:\n%s", diff)
	}
	cookie, err := g.OpenFlow(g.SealFlow(named.flow), named.visit())
	if err != nil || g.Delivery(cookie) != want {
		t.Errorf("from the cookie: %+v, %v", g.Delivery(cookie), err)
	}
	typed := w.linked(g)
	typed.mailed(ana)
	post.came[post.last().ID] = want
	if got := g.Delivery(typed.flow); got != (challenge.Delivery{}) {
		t.Errorf("an address that was typed: %+v", got)
	}
	second := w.linked(g)
	second.earlier = basic("ana", ana)
	second.mailed(ana)
	post.came[post.last().ID] = want
	sent, err := g.SendSecond(t.Context(), second.visit(), second.flow)
	if err != nil {
		t.Fatal(err)
	}
	post.came[post.last().ID] = want
	back, err := g.ChooseWay(sent.Flow, challenge.ByMail)
	if err != nil {
		t.Fatal(err)
	}
	post.came[""] = want
	fresh := named.gate.NewFlow(named.visit())
	proving := w.provesSecond(g, post, want)
	for when, f := range map[string]*challenge.Flow{"at the second address": sent.Flow, "back from it": back, "without a mail": fresh, "where a second address is proved": proving} {
		if got := g.Delivery(f); got != (challenge.Delivery{}) {
			t.Errorf("%s: %+v", when, got)
		}
	}
	if got := w.gateOf(w.machine(), challenge.GateOptions{}).Delivery(named.flow); got != (challenge.Delivery{}) {
		t.Errorf("on a machine that has sent nothing: %+v", got)
	}
}

// provesSecond is the flow of somebody whom an earlier step has named, and who was mailed
// a code at another address, that they want to add. That mail came, too.
func (w *world) provesSecond(g *challenge.Gate, post *Post, came challenge.Delivery) *challenge.Flow {
	w.t.Helper()
	b := w.linked(g)
	b.earlier = basic("ana", ana)
	b.signIn(ana, true)
	w.clock.advance(time.Hour)
	a, permitted := b.permit(challenge.Change{Kind: challenge.SetSecond, Detail: string(bob)})
	sent, err := g.BeginSecond(w.t.Context(), b.visit(), a, permitted)
	if err != nil {
		w.t.Fatal(err)
	}
	post.came[post.last().ID] = came
	return sent.Flow
}

func TestHowLongSomebodyTook(t *testing.T) {
	took := func(w *world) time.Duration {
		t.Helper()
		list := w.diary.of(challenge.Verified)
		return list[len(list)-1].Waited
	}
	w, post := posted(t)
	g := w.waysGate()
	b := w.linked(g)
	code := b.mailed(ana)
	w.clock.advance(10 * time.Second)
	post.came[post.last().ID] = challenge.Delivery{Stage: challenge.DeliveryAccepted, At: w.clock.now()}
	w.clock.advance(20 * time.Second)
	if err := b.enter(code, true); err != nil || took(w) != 20*time.Second {
		t.Errorf("since the mail was handed over: %v, %v, want 20s", took(w), err)
	}
	b.flow = nil
	code = b.mailed(ana)
	w.clock.advance(20 * time.Second)
	post.came[post.last().ID] = challenge.Delivery{Stage: challenge.DeliveryDelayed, At: w.clock.now()}
	w.clock.advance(40 * time.Second)
	if err := b.enter(code, true); err != nil || took(w) != time.Minute {
		t.Errorf("since it was asked for: %v, %v, want 1m", took(w), err)
	}
	b.flow = nil
	code = b.mailed(ana)
	if err := b.enter(code, true); err != nil || took(w) <= 0 {
		t.Errorf("at once: %v, %v, want more than nothing", took(w), err)
	}
	backup := b.codes()[0]
	if err := b.enterBy(challenge.ByBackup, backup, true); err != nil || took(w) != 0 {
		t.Errorf("a code that was not mailed: %v, %v, want nothing", took(w), err)
	}
	spoken, _ := w.letIn(g, 0)
	other := w.linked(g)
	other.mailed(ana)
	if err := other.enter(spoken, false); err != nil || took(w) != 0 {
		t.Errorf("a code that was read out: %v, %v, want nothing", took(w), err)
	}
}

func TestWhichBrowsersAreFresh(t *testing.T) {
	w := newWorld(t)
	g := w.waysGate()
	fresh := func() bool {
		list := w.diary.of(challenge.Verified)
		return list[len(list)-1].Fresh
	}
	b := w.linked(g).signIn(ana, true)
	if !fresh() {
		t.Error("the first browser is not")
	}
	b.flow = nil
	b.signIn(ana, true)
	if fresh() {
		t.Error("a remembered browser is")
	}
	b.permit(challenge.Change{Kind: challenge.AddToken})
	if fresh() {
		t.Error("the browser of a session is")
	}
	w.linked(g).signIn(ana, false)
	if !fresh() {
		t.Error("another browser is not")
	}
}
