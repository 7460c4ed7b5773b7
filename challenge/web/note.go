// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// What the last action of a flow came to, as kept in its cookie. The limits of
// an address and of tries are noted by their own names.
const (
	noteWrong     = "wrong"
	noteOld       = "old"
	noteLabel     = "label"
	noteLength    = "length"
	noteAlphabet  = "alphabet"
	noteNoCode    = "no_code"
	noteExpired   = "expired"
	noteCancelled = "cancelled"
	noteLost      = "lost"
	noteAgain     = "again"
	noteNew       = "new"
	noteRecent    = "recent"
	noteEarly     = "early"
	noteUsedUp    = "used_up"
	noteMail      = "mail"
	noteWay       = "way"  // another way was chosen
	noteWays      = "ways" // the list of them is wanted

	// noteBeside begins those of a check beside a change: they are no news to the change.
	noteBeside = "beside_"

	// These show the address form, even where a code is under way.
	noteOfEmail      = "email_"
	noteChange       = noteOfEmail + "change"
	noteNoEmail      = noteOfEmail + "missing"
	noteBadEmail     = noteOfEmail + "malformed"
	noteSuggest      = noteOfEmail + "suggest"
	noteNotListed    = noteOfEmail + "not_listed"
	noteNetworkMails = noteOfEmail + string(challenge.LimitSendIP)
	noteAllMails     = noteOfEmail + string(challenge.LimitSendTotal)
)

// noteOf says what an error of the gate means to the person. Errors of the
// machine mean nothing to them and are answered elsewhere.
func noteOf(err error) *challenge.FlowNote {
	var (
		limit     *challenge.LimitError
		try       *challenge.TryError
		malformed *challenge.MalformedError
	)
	switch {
	case errors.As(err, &limit):
		kind := string(limit.Limit)
		if limit.Limit == challenge.LimitResend {
			kind = noteEarly
		}
		return &challenge.FlowNote{Kind: kind, Until: limit.Until.Unix()}
	case errors.Is(err, challenge.ErrUsedUp):
		return &challenge.FlowNote{Kind: noteUsedUp}
	case errors.Is(err, challenge.ErrQueueFull):
		return &challenge.FlowNote{Kind: noteMail}
	case errors.Is(err, challenge.ErrNotListed):
		return &challenge.FlowNote{Kind: noteNotListed}
	case errors.As(err, &malformed) && malformed.Letters:
		return &challenge.FlowNote{Kind: noteAlphabet}
	case errors.As(err, &malformed):
		return &challenge.FlowNote{Kind: noteLength, Entered: malformed.Got}
	case errors.As(err, &try):
		return &challenge.FlowNote{Kind: kindOfTry(try)}
	default:
		return nil
	}
}

func kindOfTry(err error) string {
	switch {
	case errors.Is(err, challenge.ErrPasskeyRefused):
		return notePasskey
	case errors.Is(err, challenge.ErrOldCode):
		return noteOld
	case errors.Is(err, challenge.ErrLabel):
		return noteLabel
	case errors.Is(err, challenge.ErrCodeExpired):
		return noteExpired
	case errors.Is(err, challenge.ErrCodeLost):
		return noteLost
	case errors.Is(err, challenge.ErrCodeCancelled):
		return noteCancelled
	default:
		return noteWrong
	}
}

// ofEmail reports a note that the address form shows.
func ofEmail(n *challenge.FlowNote) bool {
	return n != nil && strings.HasPrefix(n.Kind, noteOfEmail)
}

// ofLimit reports a note of a limit that a code page shows.
func ofLimit(n *challenge.FlowNote) bool {
	if n == nil {
		return false
	}
	_, limit := limitTroubles[n.Kind]
	return limit
}

// mailsNothing reports a note of an action that asked for a mail which does not go out.
func mailsNothing(n *challenge.FlowNote) bool {
	return ofLimit(n) || n != nil && n.Kind == noteMail
}

// limitBeside is the limit that a change's cookie tells of for a check beside it; nil where
// there is none that holds still.
func limitBeside(change *challenge.FlowNote, now time.Time) *challenge.FlowNote {
	if change == nil || !time.Unix(change.Until, 0).After(now) {
		return nil
	}
	kind, beside := strings.CutPrefix(change.Kind, noteBeside)
	if !beside {
		return nil
	}
	n := *change
	n.Kind = kind
	return &n
}

// inPlace reports whether the page that is open can show a note by one sentence
// of its script. Otherwise it has to be loaded again.
func inPlace(n *challenge.FlowNote) bool {
	return n.Kind == noteEarly || fieldTroubles[n.Kind] != 0 || emailTroubles[n.Kind] != 0 && n.Kind != noteSuggest
}

var limitTroubles = map[string]pages.Trouble{
	string(challenge.LimitTryAddress):  pages.AddressLocked,
	string(challenge.LimitTryIP):       pages.NetworkLocked,
	string(challenge.LimitTryApp):      pages.AppLocked,
	string(challenge.LimitSendAddress): pages.AddressMails,
	string(challenge.LimitStarts):      pages.AddressMails,
	string(challenge.LimitSendIP):      pages.NetworkMails,
	string(challenge.LimitSendTotal):   pages.AllMails,
}

var fieldTroubles = map[string]pages.Trouble{
	noteWrong: pages.WrongCode, noteOld: pages.EarlierCode, noteLabel: pages.LabelTyped, noteLength: pages.WrongLength,
	noteAlphabet: pages.WrongAlphabet, noteNoCode: pages.CodeMissing,
}

var sendNotices = map[string]pages.Notice{
	noteAgain: pages.SentAgain, noteNew: pages.SentNew, noteRecent: pages.JustSent, noteEarly: pages.TooEarly,
}

var emailTroubles = map[string]pages.EmailTrouble{
	noteNoEmail: pages.EmailMissing, noteBadEmail: pages.EmailMalformed, noteSuggest: pages.EmailSuggestion,
	noteNotListed: pages.EmailNotOnList, noteNetworkMails: pages.EmailNetworkMails, noteAllMails: pages.EmailNetworkMails,
	noteOfEmail + notePasskey: pages.EmailPasskey, noteOfEmail + notePasskeyOften: pages.EmailPasskeyOften,
}

// applyNote puts what the last action came to onto the code page. The store's
// own word, such as a code that has expired since, goes before it.
func applyNote(page *pages.Code, n *challenge.FlowNote, p challenge.Progress) {
	if n == nil {
		return
	}
	if trouble, ok := limitTroubles[n.Kind]; ok {
		if trouble == pages.AddressLocked {
			return // the lock itself is looked up, and an operator may have lifted it
		}
		if until := time.Unix(n.Until, 0); until.After(page.Now) {
			page.Trouble, page.RetryAt = trouble, until
		}
		return
	}
	if p.Phase != challenge.Waiting {
		return
	}
	if trouble, ok := fieldTroubles[n.Kind]; ok {
		page.Trouble, page.Entered, page.Typed = trouble, n.Entered, n.Typed
	}
	switch n.Kind {
	case noteMail:
		page.Trouble = pages.MailDown
	case noteUsedUp:
		page.MailsUsedUp = true
	}
	page.Notice = sendNotices[n.Kind]
	if n.Kind == noteEarly && page.ResendIn == 0 {
		page.Notice = pages.NoNotice
	}
}
