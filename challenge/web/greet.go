// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// known shows the code page to somebody who need not say who they are.
func (c *check) known() (screen, error) {
	if c.flow != nil {
		shown, err := c.code()
		if err != nil || shown.page != nil {
			return shown, err
		}
	}
	if c.change != nil {
		if limit := limitBeside(c.change.Note, c.in.Now); limit != nil {
			return c.limited(limit)
		}
	}
	// A mail that nobody asked for does not help where a code leads nowhere, and would cost
	// a change in another tab its cookie.
	if c.door.options.SendButton || c.door.onlyPasskeys(c.in) || c.change != nil {
		return c.button(), nil
	}
	if c.r.Method == http.MethodHead { // tells what a GET would get, and starts nothing
		c.flow = c.door.gate.NewFlow(&c.in.visit)
		return c.codeScreen(challenge.Progress{Phase: challenge.Waiting}, nil), nil
	}
	if live := c.in.visit.Confirm; c.in.demanded && live != nil && !live.Demand(c.in.Now) {
		return c.button(), nil
	}
	return c.greet()
}

func (c *check) greet() (screen, error) {
	c.in.visit.Language = c.door.languageOf(c.r, c.in)
	sent, err := c.door.gate.Greet(c.r.Context(), &c.in.visit, c.flow)
	if errors.Is(err, challenge.ErrUnavailable) {
		return screen{}, err
	}
	if sent.Recently && sent.Progress.Phase == challenge.NoChallenge { // that was a code which this page does not take
		shown := c.button()
		if c.in.visit.Confirm != nil {
			shown.flow = nil // the code may be that of another gate of the host, which has the cookie; the form is tied to the session
		}
		return shown, nil
	}
	note := noteOf(err)
	if sent.Recently {
		note = &challenge.FlowNote{Kind: noteRecent}
	}
	c.flow = sent.Flow
	if c.flow == nil { // another tab's cookie must stay: it is the way in
		c.flow = c.door.gate.NewFlow(&c.in.visit)
	}
	if note != nil {
		note.Remember = c.door.gate.Recognises(&c.in.visit, c.flow.Address)
	}
	c.flow.Note = note
	return c.codeScreen(sent.Progress, sent.Flow), nil
}

// beside is a flow whose cookie is to be set, or the change of the same session that has
// the cookie: it is worth nothing without.
func (c *check) beside(fresh *challenge.Flow) *challenge.Flow {
	if c.change == nil {
		return fresh
	}
	if n := c.change.Note; n != nil && passkeyTroubles[n.Kind] != pages.NoPasskeyTrouble {
		c.flow.Note = n
	}
	if c.acted {
		return c.change
	}
	return nil
}

// limited says why the button of a check beside a change mails nothing for now. What its
// page would offer besides takes the cookie, which is the change's, and is left out.
func (c *check) limited(why *challenge.FlowNote) (screen, error) {
	c.begun()
	c.flow.Note = why
	shown, err := c.code()
	if err == nil && shown.retry.IsZero() { // an operator has lifted it
		return c.button(), nil
	}
	shown.flow = c.beside(nil)
	return shown, err
}

// button shows the page that waits for a press before any mail is sent.
func (c *check) button() screen {
	fresh := c.beside(c.begun())
	page := pages.Send{
		Confirm: c.in.visit.Confirm != nil, Endpoints: c.endpoints(), Flow: c.hidden(), Held: c.kept(), Address: string(c.flow.Address),
		Passkeys: c.usesPasskeys(), OnlyPasskeys: c.door.onlyPasskeys(c.in), Now: c.in.Now,
	}
	page.Trouble, page.RetryAt = c.passkeyTrouble()
	return screen{page: page, status: http.StatusUnauthorized, flow: fresh}
}
