// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	doStart    = "start"
	doDownload = "download"

	fieldChange = "change" // which change is begun or confirmed
	fieldCodes  = "codes"  // the backup codes that the page shows, sealed

	// purposeCodes is that of codes that a page carries to be downloaded.
	purposeCodes = "backup codes"
	// codesLife is how long a page can be used to download the codes that it shows.
	codesLife = 30 * time.Minute
)

// A madeCodes is what a page of new backup codes carries, so that they can be
// downloaded: nothing else has them any more.
type madeCodes struct {
	Session string   `json:"s"`
	Codes   []string `json:"c"`
	Made    int64    `json:"m"` // Unix seconds
	Due     int64    `json:"d,omitempty"`
}

// codes is the page of backup codes.
func (k *desk) codes() {
	if !k.door.gate.Offers().BackupCodes {
		k.failed(challenge.ErrNotOffered)
		return
	}
	a, ok := k.account()
	if !ok || k.asksForCode(challenge.MakeBackupCodes, challenge.TestBackupCode) {
		return
	}
	if _, ok := k.permitted(challenge.MakeBackupCodes); ok {
		k.show(http.StatusOK, k.confirmCodes(a))
		return
	}
	if _, ok := k.permitted(challenge.TestBackupCode); ok {
		k.show(http.StatusOK, pages.AccountCodeTest{Frame: k.pressing(doConfirm, string(challenge.TestBackupCode))})
		return
	}
	page := pages.AccountCodes{
		Frame: k.frame(), Count: k.door.gate.Policy().Ways.BackupCodes,
		Made: a.Backup.Made, Left: a.Backup.Left, Of: a.Backup.Of, Suspended: a.Backup.Suspended, May: k.mayChange(),
	}
	page.Waiting, page.WaitingID = waiting(a, challenge.MakeBackupCodes)
	k.show(http.StatusOK, page)
}

func (k *desk) confirmCodes(a challenge.Account) pages.AccountConfirm {
	page := pages.AccountConfirm{
		Question: "account_codes.first", Count: k.door.gate.Policy().Ways.BackupCodes, Action: doConfirm, Coded: true,
	}
	if !a.Backup.Made.IsZero() {
		page.Question = "account_codes.renew"
	}
	return k.confirms(page, string(challenge.MakeBackupCodes))
}

// waiting is when a change of a kind takes effect, and its name; zero where none
// waits.
func waiting(a challenge.Account, kind challenge.ChangeKind) (due time.Time, id string) {
	for _, w := range a.Waiting {
		if w.Kind == kind {
			return w.Due, w.ID
		}
	}
	return time.Time{}, ""
}

func (k *desk) postCodes() {
	if !k.door.gate.Offers().BackupCodes {
		k.failed(challenge.ErrNotOffered)
		return
	}
	kind := challenge.ChangeKind(k.r.PostForm.Get(fieldChange))
	own := kind == challenge.MakeBackupCodes || kind == challenge.TestBackupCode
	switch action := k.action(); {
	case action == doStart && own:
		k.startChange(challenge.Change{Kind: kind})
	case action == doConfirm && kind == challenge.MakeBackupCodes:
		k.makeCodes()
	case action == doConfirm && kind == challenge.TestBackupCode:
		k.testCode()
	case action == doDownload:
		k.downloadCodes()
	default:
		k.gone()
	}
}

// makeCodes answers with new codes, the only time that anybody sees them.
func (k *desk) makeCodes() {
	f, ok := k.needs(challenge.MakeBackupCodes)
	if !ok {
		return
	}
	if _, ok := k.account(); !ok { // for the page, which must not fail once there are codes
		return
	}
	codes, due, err := k.door.gate.MakeBackupCodes(k.r.Context(), k.visit(), k.admission, f)
	if err != nil {
		k.failed(err)
		return
	}
	made := madeCodes{Session: k.admission.Live.Key(), Made: k.in.Now.Unix()}
	for _, code := range codes {
		made.Codes = append(made.Codes, code.Reveal())
	}
	if !due.IsZero() {
		made.Due = due.Unix()
	}
	k.finish()
	k.show(http.StatusOK, k.madePage(made))
}

func (k *desk) madePage(made madeCodes) pages.AccountCodesMade {
	page := pages.AccountCodesMade{
		Frame: k.pressing(doDownload, ""), Codes: made.Codes, Sealed: k.door.sealFor(k.in, purposeCodes, made),
		Host: k.in.site.host, Made: time.Unix(made.Made, 0),
	}
	if made.Due != 0 {
		page.Due = time.Unix(made.Due, 0)
	}
	return page
}

// downloadCodes answers with the codes of the page that the form is on, as a file.
// It works without a script, and asks the store for nothing.
func (k *desk) downloadCodes() {
	if _, ok := k.account(); !ok {
		return
	}
	var made madeCodes
	err := k.door.openFor(k.in, purposeCodes, k.r.PostForm.Get(fieldCodes), &made)
	age := k.in.Now.Sub(time.Unix(made.Made, 0))
	if err != nil || made.Session != k.admission.Live.Key() || age > codesLife || age < -time.Minute {
		k.show(http.StatusGone, pages.AccountCodesLost{Frame: k.frame()})
		return
	}
	file := k.in.site.pages.CodesFile(k.door.words(k.r, k.in), k.madePage(made))
	k.download("doorcode-"+hostname(k.in.site.host)+"-backup-codes.txt", "text/plain; charset=utf-8", file)
}

// testCode says whether a code is unused. What was typed is never shown again: it may
// be one.
func (k *desk) testCode() {
	f, ok := k.needs(challenge.TestBackupCode)
	if !ok {
		return
	}
	if _, ok := k.account(); !ok {
		return
	}
	page := pages.AccountCodeTest{Frame: k.pressing(doConfirm, string(challenge.TestBackupCode)), Result: pages.CodeMissingInTest}
	typed := strings.TrimSpace(k.r.PostForm.Get(fieldCode))
	if typed == "" {
		k.show(http.StatusUnprocessableEntity, page)
		return
	}
	unused, err := k.door.gate.TestBackupCode(k.r.Context(), k.visit(), k.admission, f, typed)
	if limit := (*challenge.LimitError)(nil); errors.As(err, &limit) {
		page.Result, page.RetryAt = pages.CodeTestedOften, limit.Until
		k.showLimit(limit, page)
		return
	}
	if err != nil {
		k.failed(err)
		return
	}
	page.Result = pages.CodeNotUnused
	if unused {
		page.Result = pages.CodeUnused
	}
	k.show(http.StatusOK, page)
}

// showLimit shows a page that says until when something cannot be done.
func (k *desk) showLimit(limit *challenge.LimitError, page pages.Page) {
	k.head().Set("Retry-After", seconds(limit.Until.Sub(k.in.Now)))
	k.show(http.StatusTooManyRequests, page)
}
