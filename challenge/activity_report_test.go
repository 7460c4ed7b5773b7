// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// strange are the rows that can be reported.
func strange(rows []challenge.ActivityRow) (all []challenge.ActivityRow) {
	for _, r := range rows {
		if r.Reportable {
			all = append(all, r)
		}
	}
	return all
}

func (b *browser) reportRow(id string) (challenge.Report, error) {
	b.w.t.Helper()
	return b.gate.ReportRow(context.Background(), b.visit(), b.wantPass("reporting").Admission, id)
}

// A household is a gate with an owner, whose browser is remembered, and a thief.
type household struct {
	*world
	g            *challenge.Gate
	owner, thief *browser
}

func newHousehold(t *testing.T) household {
	w := newWorld(t)
	h := household{world: w, g: w.gate(challenge.GateOptions{Locator: world1, Policy: challenge.Policy{Limits: roomy}})}
	h.owner = w.linked(h.g)
	h.owner.ip = lisbon
	h.owner.signIn(ana, true)
	w.clock.advance(time.Hour)
	h.thief = w.linked(h.g)
	h.thief.agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	h.thief.signIn(ana, true)
	w.clock.advance(time.Hour)
	return h
}

func TestItem90ThisWasntMeEndsTheOtherBrowser(t *testing.T) {
	h := newHousehold(t)
	rows := strange(h.owner.activity(challenge.ActivityQuery{}).Rows)
	if len(rows) != 1 || rows[0].Kind != challenge.ActivityEntered || rows[0].Browser != "Chrome on Linux" {
		t.Fatalf("%d rows can be reported: %+v", len(rows), rows)
	}
	about, err := h.g.ReportableRow(t.Context(), h.owner.visit(), h.owner.wantPass("asking").Admission, rows[0].ID)
	if err != nil || about.Browser != "Chrome on Linux" || about.Kind != challenge.ReportEntry {
		t.Errorf("ReportableRow = %+v, %v", about, err)
	}
	h.thief.wantPass("before the report")
	r, err := h.owner.reportRow(rows[0].ID)
	if err != nil || !r.Blocked || !r.Trusted || r.Browser != "Chrome on Linux" {
		t.Fatalf("ReportRow = %+v, %v", r, err)
	}
	h.owner.wantPass("after the report")
	if v := h.thief.open(); v.Decision == challenge.Pass {
		t.Error("who was reported is let in")
	}
	if _, err := h.owner.reportRow(rows[0].ID); !errors.Is(err, challenge.ErrNoSuch) {
		t.Errorf("the second report of a row = %v, want ErrNoSuch", err)
	}
	got := h.owner.activity(challenge.ActivityQuery{Problems: true}).Rows
	if len(got) == 0 || len(strange(got)) != 0 {
		t.Errorf("afterwards %+v can be reported", strange(got))
	}
	if err := h.g.Unreport(t.Context(), h.owner.visit(), r.Link); err != nil {
		t.Errorf("Unreport = %v", err)
	}
}

// The mail about the same entry then has nothing to end any more.
func TestARowAndTheLinkOfItsMailAreTheSameReport(t *testing.T) {
	h := newHousehold(t)
	id := h.mailbox.link(t, challenge.NewSignIn)
	row := strange(h.owner.activity(challenge.ActivityQuery{}).Rows)[0].ID
	if _, err := h.owner.reportRow(row); err != nil {
		t.Fatal(err)
	}
	h.owner.wantNoReport("after the row was reported", id)
}

func TestWhatIsOnesOwnCannotBeReported(t *testing.T) {
	h := newHousehold(t)
	h.owner.flow = nil
	h.owner.signIn(ana, true) // the browser has another name from now on
	h.clock.advance(time.Minute)
	rows := h.owner.activity(challenge.ActivityQuery{}).Rows
	own := map[string]bool{}
	for _, r := range rows {
		if r.Browser == "Firefox on Windows" {
			own[r.ID] = true
		}
	}
	for _, r := range strange(rows) {
		if own[r.ID] {
			t.Errorf("a row of the own browser can be reported: %+v", r)
		}
	}
	for id := range own {
		if _, err := h.owner.reportRow(id); !errors.Is(err, challenge.ErrNoSuch) {
			t.Errorf("ReportRow of one's own = %v, want ErrNoSuch", err)
		}
	}
	// A session in a browser that is not remembered may report others, the first too.
	guest := h.linked(h.g)
	guest.signIn(ana, false)
	if got := strange(guest.activity(challenge.ActivityQuery{}).Rows); len(got) != 2 {
		t.Errorf("a new browser may report %d entries, want those of the owner's first and the thief's", len(got))
	}
}

// The entry of the person who reports may have been told of together with the other:
// same kind of browser, same place, same day.
func TestWhoReportsStaysIn(t *testing.T) {
	w := newWorld(t)
	g := w.gate(challenge.GateOptions{Locator: world1, Policy: challenge.Policy{Limits: roomy}})
	first := w.linked(g)
	first.ip = lisbon
	first.signIn(ana, false)
	w.clock.advance(48 * time.Hour)
	thief, owner := w.linked(g), w.linked(g)
	thief.ip, owner.ip = lisbon, lisbon
	thief.signIn(ana, false)
	w.clock.advance(time.Minute)
	owner.signIn(ana, true)
	rows := strange(owner.activity(challenge.ActivityQuery{}).Rows)
	if len(rows) != 2 {
		t.Fatalf("%d rows can be reported, want 2", len(rows))
	}
	if _, err := owner.reportRow(rows[0].ID); err != nil {
		t.Fatal(err)
	}
	owner.wantPass("who reported")
	if v := thief.open(); v.Decision == challenge.Pass {
		t.Error("who was reported is let in")
	}
}

func TestAnEntryCanBeReportedForAWeek(t *testing.T) {
	h := newHousehold(t)
	row := strange(h.owner.activity(challenge.ActivityQuery{}).Rows)[0].ID
	h.clock.advance(7 * day)
	if got := strange(h.owner.activity(challenge.ActivityQuery{}).Rows); len(got) != 0 {
		t.Errorf("after a week %d rows can be reported", len(got))
	}
	if _, err := h.owner.reportRow(row); !errors.Is(err, challenge.ErrNoSuch) {
		t.Errorf("ReportRow = %v, want ErrNoSuch", err)
	}
}

// Rows of reports: by a row, by a link of an entry, by that of a code, and what
// lifts the block.
func TestReportsLeaveARowBeforeTheyAreAnswered(t *testing.T) {
	h := newHousehold(t)
	h.thief.flow = nil
	h.thief.mailed(ana)
	h.owner.mustReport(h.mailbox.link(t, challenge.SignInCode))
	h.owner.mustReport(h.mailbox.link(t, challenge.NewSignIn))
	if err := h.g.Unreport(t.Context(), h.owner.visit(), h.mailbox.link(t, challenge.SignInCode)); err != nil {
		t.Fatal(err)
	}
	rows, err := challenge.AllActivity(t.Context(), h.machine(), ana) // of another machine
	if err != nil {
		t.Fatal(err)
	}
	got := told(rows)
	if len(got) < 2 || got[0] != "unstopped" || got[1] != "stopped x2" {
		t.Errorf("another machine reads %q", got)
	}
}
