// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	// purposeStart is that of forms which any answer may carry. A service worker of
	// the app can read what answers a GET, by navigation preload or by a route that
	// races it, and have the form sent in a window of its own: it must do nothing
	// but ask for the page that asks the person, or have a code mailed.
	purposeStart = "account start"
	// purposeAccount is that of forms which do something, and one thing each: a
	// worker sees them pass by when a person sends them.
	purposeAccount = "account"

	// pressLife is how long a form can be sent that does something.
	pressLife = 30 * time.Minute

	doOpen = "open" // to see the page, where a script stands between
	doAsk  = "ask"  // to see the page that asks before something is done
)

var errStale = errors.New("form is too old")

// A press is what a form of an account page is good for. One to start has neither
// page nor action.
type press struct {
	Session string `json:"s"`
	Made    int64  `json:"m"` // Unix seconds
	Page    string `json:"p,omitempty"`
	Action  string `json:"a,omitempty"`
	Object  string `json:"o,omitempty"` // what it is done to: an id, or the kind of a change
	// Back is where the person was going when they had to start this.
	Back string `json:"b,omitempty"`
}

// starting is the hidden value of forms that ask or start.
func (k *desk) starting() string {
	return k.door.sealFor(k.in, purposeStart, press{Session: k.admission.Live.Key(), Made: k.in.Now.Unix(), Back: k.goOn})
}

// pressing is frame for a page whose form does something. What answers a GET can
// only confirm the change that a code was entered for, and shows no secret.
func (k *desk) pressing(action, object string) pages.AccountFrame {
	f := k.frame()
	confirms := action == doConfirm && object != string(challenge.AddApp) && object != string(challenge.AddPasskey)
	if k.answersPost() || confirms {
		f.Flow = k.door.sealFor(k.in, purposeAccount, press{
			Session: k.admission.Live.Key(), Made: k.in.Now.Unix(), Page: k.name, Action: action, Object: object,
		})
	}
	return f
}

// confirms makes the page that asks before something is done to an object.
func (k *desk) confirms(p pages.AccountConfirm, object string) pages.AccountConfirm {
	p.Frame = k.pressing(p.Action, object)
	if object != "" {
		p.Hidden = []pages.Field{{Name: objectField(p.Action), Value: object}}
	}
	return p
}

// objectField is where a form says what it is done to.
func objectField(action string) string {
	if action == doConfirm {
		return fieldChange
	}
	return fieldID
}

// presses reports whether the form that was sent is one of this session, and good for
// what it says: nil, errStale or errBadForm.
func (k *desk) presses() error {
	action := k.action()
	purpose, want := purposeStart, press{Session: k.admission.Live.Key()}
	if action != doStart && action != doAsk {
		purpose = purposeAccount
		want.Page, want.Action, want.Object = k.name, action, k.r.PostForm.Get(objectField(action))
	}
	var got press
	if err := k.door.openFor(k.in, purpose, k.r.PostForm.Get(fieldForm), &got); err != nil {
		return err
	}
	want.Made, want.Back = got.Made, got.Back
	age := k.in.Now.Sub(time.Unix(got.Made, 0))
	switch {
	case got != want:
		return errBadForm
	case purpose == purposeAccount && action != doDownload && age > pressLife: // which has a time of its own
		return errStale
	default:
		k.goOn = got.Back
		return nil
	}
}
