// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	maxKept     = 254 // bytes of an address that a page fills into its field again
	maxKeptCode = 32  // and of a code
)

// An action is what a form of the check does. It gets the browser's flow and
// returns what is to be answered.
type action func(d *Door, ctx context.Context, r *http.Request, in *Arrival, f *challenge.Flow) result

// A result is what an action came to.
type result struct {
	flow    *challenge.Flow // as it is now; nil ends it
	note    *challenge.FlowNote
	cookies []string
	done    bool            // the person is in
	proved  bool            // they have shown who they are: other tabs can go on
	offered *passkeyOffered // what a passkey is to sign
	live    *challenge.Live // by this session
	err     error           // nothing could be decided
}

// came is a result that a note says all about.
func came(f *challenge.Flow, n challenge.FlowNote) result { return result{flow: f, note: &n} }

// postEmail takes an address and has a code sent to it, if it may pass. What
// follows is the same whether it may or not.
func (d *Door) postEmail(ctx context.Context, r *http.Request, in *Arrival, f *challenge.Flow) result {
	if in.Earlier != nil || f.Session != "" { // who it is, is known
		return result{flow: f, note: f.Note}
	}
	typed := strings.TrimSpace(r.PostForm.Get(fieldEmail))
	if typed == "" {
		return came(f, challenge.FlowNote{Kind: noteNoEmail})
	}
	address, err := challenge.ParseEmail(typed)
	if err != nil {
		return came(f, challenge.FlowNote{Kind: noteBadEmail, Typed: cut(typed)})
	}
	insists := r.PostForm.Get(fieldKeep) != "" || f.Note != nil && f.Note.Kind == noteSuggest && f.Note.Typed == string(address)
	if better, ok := pages.Suggest(string(address)); ok && !insists {
		return came(f, challenge.FlowNote{Kind: noteSuggest, Typed: string(address), Better: better})
	}
	before := *f
	if ofEmail(f.Note) && f.Address == address {
		before.Address = "" // a new code was asked for, not the same again
	}
	in.visit.Language = d.languageOf(r, in)
	sent, err := d.gate.Begin(ctx, &in.visit, &before, address)
	res := result{flow: f, note: noteOf(err), err: broken(err)}
	if sent.Flow != nil && !errors.Is(err, challenge.ErrNotListed) {
		res.flow = sent.Flow
	}
	if res.note == nil {
		return res
	}
	res.note.Remember = d.gate.Recognises(&in.visit, address)
	if f.Address == address && (res.note.Kind == noteEarly || res.note.Kind == noteUsedUp) {
		return came(f, challenge.FlowNote{Kind: noteRecent, Remember: res.note.Remember}) // another tab asked: its code is on the way
	}
	res.note.Typed = string(address)
	switch challenge.Limit(res.note.Kind) {
	case challenge.LimitSendIP, challenge.LimitSendTotal:
		res.note.Kind = noteOfEmail + res.note.Kind
	case challenge.LimitTryAddress, challenge.LimitSendAddress, challenge.LimitStarts:
		res.flow.Address = address // its page says until when
	}
	return res
}

// postCode tries a code.
func (d *Door) postCode(ctx context.Context, r *http.Request, in *Arrival, f *challenge.Flow) result {
	if f.Address == "" || !f.Proves() {
		return result{flow: f, note: f.Note}
	}
	typed := strings.TrimSpace(r.PostForm.Get(fieldCode))
	remember := r.PostForm.Get(fieldTrust) != ""
	if typed == "" {
		return came(f, challenge.FlowNote{Kind: noteNoCode, Remember: remember})
	}
	in.visit.Language = d.languageOf(r, in)
	entry, err := d.gate.Verify(ctx, &in.visit, f, challenge.Try{Typed: typed, Remember: remember})
	if err != nil {
		note := noteOf(err)
		if note != nil {
			note.Remember = remember
			if fieldTroubles[note.Kind] != 0 && len(typed) <= maxKeptCode {
				note.Typed = typed
			}
		}
		return result{flow: f, note: note, err: broken(err)}
	}
	return d.entered(in, entry)
}

// entered is what showing who one is came to.
func (d *Door) entered(in *Arrival, entry challenge.Entry) result {
	if entry.Flow != nil {
		return result{flow: entry.Flow} // its page goes on with the change, and no other has to do with it
	}
	res := result{done: true, proved: true, live: entry.Admission.Live, cookies: []string{d.cookies.session(in, entry.SetSession)}}
	if entry.SetDevice != "" {
		res.cookies = append(res.cookies, d.cookies.device(in, entry.SetDevice, d.gate.Policy().Devices.Most))
	}
	return res
}

// postResend asks for another mail.
func (d *Door) postResend(ctx context.Context, r *http.Request, in *Arrival, f *challenge.Flow) result {
	if f.Address == "" || !f.Proves() {
		return result{flow: f, note: f.Note}
	}
	ticked := d.ticksOf(r, in, f) // the gate may begin another flow, without the note
	in.visit.Language = d.languageOf(r, in)
	sent, err := d.gate.Resend(ctx, &in.visit, f)
	return mailed(sent, err, f, ticked, noteNew)
}

// postChange goes back to the address, where it was typed. The challenge stays
// until another address is entered. From a code that is to allow a change it goes back
// to the page of that.
func (d *Door) postChange(_ context.Context, _ *http.Request, _ *Arrival, f *challenge.Flow) result {
	if f.Change != nil {
		return result{flow: d.gate.LeaveChange(f)}
	}
	if f.Session != "" {
		return result{flow: f, note: f.Note}
	}
	return came(f, challenge.FlowNote{Kind: noteChange, Typed: string(f.Address)})
}

// broken keeps the errors that mean the machine is in trouble. What has no
// sentence for a person is one of them: nothing else may look like success.
func broken(err error) error {
	if noteOf(err) != nil {
		return nil
	}
	return err
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxKept)], "") }
