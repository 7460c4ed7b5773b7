// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	fieldWay = "way"
	listWays = "other" // the value of the field that asks for the list
)

// namedWays are the ways as forms name them.
var namedWays = map[string]challenge.Way{
	"mail": challenge.ByMail, "backup": challenge.ByBackup, "app": challenge.ByApp, "second": challenge.BySecond,
}

var pageWays = map[challenge.Way]pages.Way{
	challenge.ByMail: pages.WayMail, challenge.ByBackup: pages.WayBackup, challenge.ByApp: pages.WayApp, challenge.BySecond: pages.WaySecond,
}

var purposes = map[challenge.ChangeKind]pages.Purpose{
	challenge.MakeBackupCodes: pages.PurposeBackupCodes, challenge.TestBackupCode: pages.PurposeTest,
	challenge.AddApp: pages.PurposeApp, challenge.RemoveApp: pages.PurposeNoApp,
	challenge.SetSecond: pages.PurposeSecond, challenge.ProveSecond: pages.PurposeProof, challenge.RemoveSecond: pages.PurposeNoSecond,
	challenge.AddPasskey: pages.PurposePasskey, challenge.RemovePasskey: pages.PurposeNoPasskey,
	challenge.AddToken: pages.PurposeToken, challenge.ExportData: pages.PurposeExport, challenge.EraseData: pages.PurposeErase,
}

// purposeOf is what a flow's code is to allow, for its page.
func purposeOf(f *challenge.Flow) pages.Purpose {
	if f.Change == nil {
		return pages.PurposeNone
	}
	if purpose, ok := purposes[f.Change.Kind]; ok {
		return purpose
	}
	return pages.PurposeSomethingNew
}

// typesWay reports a way by which nothing is mailed.
func typesWay(w challenge.Way) bool { return w == challenge.ByBackup || w == challenge.ByApp }

// listsWays reports a note that shows the list of ways.
func listsWays(n *challenge.FlowNote) bool { return n != nil && n.Kind == noteWays }

// offersAt are the ways that a flow's page lets its person choose. What they are
// depends on the gate alone: before proof no page may tell who has what (ruling 16).
func (d *Door) offersAt(f *challenge.Flow) pages.WayOffers {
	if f.Address == "" {
		return pages.WayOffers{}
	}
	o := d.gate.OffersAt(f)
	return pages.WayOffers{Backup: o.BackupCodes, App: o.App, Second: o.Second}
}

// offersWay reports whether a flow may be turned to a way.
func (d *Door) offersWay(f *challenge.Flow, w challenge.Way) bool {
	o := d.offersAt(f)
	switch w {
	case challenge.ByBackup:
		return o.Backup
	case challenge.ByApp:
		return o.App
	case challenge.BySecond:
		return o.Second
	default:
		return true
	}
}

// postWay turns the check to another way, or to the list of them.
func (d *Door) postWay(ctx context.Context, r *http.Request, in *Arrival, f *challenge.Flow) result {
	name := r.PostForm.Get(fieldWay)
	way, named := namedWays[name]
	ticked := d.ticksOf(r, in, f)
	switch {
	case f.Address == "" || !f.Proves():
	case name == listWays && d.offersAt(f) != pages.WayOffers{}:
		return came(f, challenge.FlowNote{Kind: noteWays, Remember: ticked})
	case named && typesWay(way) && d.offersWay(f, way):
		return d.turn(f, way, ticked)
	case named && !typesWay(way) && d.offersWay(f, way):
		return d.mailAt(ctx, r, in, f, way, ticked)
	}
	return result{flow: f, note: f.Note}
}

// turn turns a flow to a way for which nothing has to be done.
func (d *Door) turn(f *challenge.Flow, way challenge.Way, ticked bool) result {
	next, err := d.gate.ChooseWay(f, way)
	if err != nil {
		return result{flow: f, err: err}
	}
	return came(next, challenge.FlowNote{Kind: noteWay, Remember: ticked})
}

// mailAt turns a flow to one of the two mailboxes. A code is mailed only where none
// is under way there.
func (d *Door) mailAt(ctx context.Context, r *http.Request, in *Arrival, f *challenge.Flow, way challenge.Way, ticked bool) result {
	p, err := d.gate.Progress(ctx, &in.visit, f)
	if err != nil {
		return result{flow: f, note: f.Note, err: err}
	}
	under := challenge.ByMail
	if p.Second {
		under = challenge.BySecond
	}
	at := d.turn(f, under, ticked)
	if under == way || at.err != nil {
		return at
	}
	in.visit.Language = d.languageOf(r, in)
	if way == challenge.BySecond {
		sent, err := d.gate.SendSecond(ctx, &in.visit, at.flow)
		return mailed(sent, err, at.flow, ticked, noteWay) // that it was sent is more than anybody may know
	}
	next := d.turn(f, way, ticked)
	if next.err != nil {
		return next
	}
	sent, err := d.gate.Resend(ctx, &in.visit, next.flow)
	return mailed(sent, err, at.flow, ticked, noteNew)
}

// mailed is what asking for a mail came to. Where none was sent the flow stays as it
// is. news is the note of a new code.
func mailed(sent challenge.Sent, err error, f *challenge.Flow, ticked bool, news string) result {
	res := result{flow: f, note: noteOf(err), err: broken(err)}
	if sent.Flow != nil {
		res.flow = sent.Flow
	}
	if err == nil {
		res.note = &challenge.FlowNote{Kind: news}
		if sent.Again {
			res.note.Kind = noteAgain
		}
	}
	if res.note != nil {
		res.note.Remember = ticked
	}
	return res
}

// ticksOf reports whether the box for remembering is ticked in the form that was
// sent. A form without the field for a code has no box.
func (d *Door) ticksOf(r *http.Request, in *Arrival, f *challenge.Flow) bool {
	if r.PostForm.Has(fieldCode) {
		return r.PostForm.Get(fieldTrust) != ""
	}
	return d.ticks(in, f)
}

// turned is a flow at the way that a form asks for. Another tab may have chosen
// another one since, and what was typed is for that of its page.
func (d *Door) turned(f *challenge.Flow, way challenge.Way) *challenge.Flow {
	if f.Way == way || !typesWay(f.Way) && !typesWay(way) || !d.offersWay(f, way) {
		return f
	}
	next, err := d.gate.ChooseWay(f, way)
	if err != nil {
		return f
	}
	next.Note = f.Note
	return next
}

// needsNoMail reports whether the page of a flow is there although no code is under
// way: it is about another way, or about a change, for which nothing is mailed unless
// its person asks.
func (c *check) needsNoMail() bool {
	return typesWay(c.flow.Way) || listsWays(c.flow.Note) || c.flow.Change != nil
}

// wayPage fills in what is particular to a way for which nothing is mailed. What
// became of a mail does not concern it.
func (c *check) wayPage(page pages.Code, p challenge.Progress) pages.Code {
	page.Ref, page.ResendIn, page.TriesLeft = "", 0, 0
	n := c.flow.Note
	if p.Phase == challenge.LockedOut {
		page.Trouble = pages.AddressLocked
		return page
	}
	if n == nil || page.Way == pages.WayChoice {
		return page
	}
	switch trouble := limitTroubles[n.Kind]; {
	case trouble == pages.AppLocked && page.Way == pages.WayApp, trouble == pages.NetworkLocked:
		if until := time.Unix(n.Until, 0); until.After(page.Now) {
			page.Trouble, page.RetryAt = trouble, until
		}
	default:
		page.Trouble, page.Entered, page.Typed = fieldTroubles[n.Kind], n.Entered, n.Typed
	}
	return page
}
