// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// fewCodes is from how many backup codes on a person is told that they run out.
const fewCodes = 3

// AccountCodes is the account page of backup codes. Its forms post action=start and
// change, which is backup_codes or test_backup_code.
type AccountCodes struct {
	Frame AccountFrame
	// Count is how many codes are made at once.
	Count int
	// Made is when the person's codes were made; zero: there are none.
	Made     time.Time
	Left, Of int
	// Suspended: they do not work, since they are newer than what was reported.
	Suspended bool
	// May: this browser may change something.
	May bool
	// Waiting is from when on new ones will work; zero: none wait.
	Waiting time.Time
	// WaitingID names the change that waits.
	WaitingID string
}

type codesView struct {
	Text       []template.HTML
	Waiting    template.HTML
	Cancel     actView
	Make       actView
	TryHeading string
	TryAbout   template.HTML
	Try        *actView // nil: there is nothing to test
}

func (AccountCodes) kind() kind { return account }

func (p AccountCodes) content(s scribe) content {
	start := func(change, label string) actView {
		return actView{URL: p.Frame.own(), Label: label, Form: p.Frame.form("start", Field{"change", change})}
	}
	v := codesView{Text: p.state(s)}
	if !p.Waiting.IsZero() {
		key := "account_codes.waiting"
		if p.Made.IsZero() {
			key = "account_codes.waiting_first"
		}
		v.Waiting = s.both(key, words.Args{"date": p.Frame.exact(s, p.Waiting)}).html
		v.Cancel = p.Frame.cancels(p.WaitingID, s.text("account_ways.waiting_link", nil)).plain()
	}
	if p.Made.IsZero() {
		v.Make = start("backup_codes", s.text("account_codes.create", words.Args{"count": p.Count}))
	} else {
		v.Make = start("backup_codes", s.text("account_codes.renew", nil))
	}
	if !p.Made.IsZero() && !p.Suspended {
		v.TryHeading, v.TryAbout = s.text("account_codes.try_heading", nil), s.html("account_codes.try_about", nil)
		try := start("test_backup_code", s.text("account_codes.try", nil))
		try.Second, v.Try = true, &try
	}
	return p.Frame.page(s, "account_codes.html", s.both("account_codes.heading", nil), v)
}

// state says what the codes are for, how many there are, and whether they work.
func (p AccountCodes) state(s scribe) []template.HTML {
	about := s.html("account_codes.about", nil)
	if p.Made.IsZero() {
		return []template.HTML{about, s.html("account_codes.none", nil)}
	}
	if p.Suspended {
		return []template.HTML{about, s.onHold("account_codes.suspended", "account_codes.suspended_new", p.May)}
	}
	key := "account_codes.left"
	if p.Left == 0 {
		key = "account_codes.used_up"
	}
	said := []template.HTML{about, s.both(key, words.Args{"left": p.Left, "of": p.Of, "date": p.Frame.exact(s, p.Made)}).html}
	if p.Left <= fewCodes && p.Waiting.IsZero() {
		said = append(said, s.html("account_codes.low", nil))
	}
	return said
}

// onHold says that something does not work, and what to do about it where this browser
// may.
func (s scribe) onHold(key, instead string, may bool) template.HTML {
	said := s.html(key, nil)
	if may {
		said += " " + s.html(instead, nil)
	}
	return said
}

// AccountCodesMade shows backup codes, the only time that they can be seen.
// Printing it shows none. Its form posts action=download and codes.
type AccountCodesMade struct {
	Frame AccountFrame
	// Codes are as people are to see them.
	Codes []string
	// Sealed is the same codes for the form.
	Sealed string
	// Host is the site's.
	Host string
	Made time.Time
	// Due is from when on they work; zero: they do.
	Due time.Time
}

type madeView struct {
	Text                []template.HTML
	Title               string
	Rows                []detail
	Codes               []string
	Download            actView
	Print, Copy, Copied string
	Saved               link
}

func (AccountCodesMade) kind() kind { return account }

// Format hides the codes from every verb.
func (AccountCodesMade) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[backup codes]") }

func (p AccountCodesMade) content(s scribe) content {
	v := madeView{
		Text:  []template.HTML{s.html("account_codes.made_once", nil), s.html("account_codes.made_mailbox", nil)},
		Title: s.text("account_codes.file_title", nil), Codes: p.Codes,
		Download: actView{
			URL: p.Frame.own(), Form: p.Frame.form("download", Field{"codes", p.Sealed}),
			Label: s.text("account_codes.download", nil), Second: true,
		},
		Print: s.text("account_codes.print", nil), Copy: s.text("account_codes.copy", nil), Copied: s.text("account_codes.copied", nil),
		Saved: link{URL: p.Frame.own(), Label: s.text("account_codes.saved", nil)},
	}
	for _, row := range p.rows(s) {
		v.Rows = append(v.Rows, detail{row.label, row.value.html})
	}
	c := p.Frame.page(s, "account_made.html", s.both("account_codes.made_heading", nil), v)
	if !p.Due.IsZero() {
		return c.notes(s.both("account_codes.made_due", words.Args{"date": p.Frame.exact(s, p.Due)}).html)
	}
	return c
}

type codesRow struct {
	label string
	value message
}

// rows say what the codes are for.
func (p AccountCodesMade) rows(s scribe) []codesRow {
	rows := []codesRow{
		{s.text("account_codes.site", nil), isolated(p.Host)},
		{s.text("account_codes.address", nil), isolated(p.Frame.Address)},
		{s.text("account_codes.created", nil), p.Frame.exact(s, p.Made)},
	}
	if !p.Due.IsZero() {
		rows = append(rows, codesRow{s.text("account_codes.from", nil), p.Frame.exact(s, p.Due)})
	}
	return rows
}

// CodesFile is the text that AccountCodesMade lets people download.
func (r *Renderer) CodesFile(lex *words.Lexicon, p AccountCodesMade) []byte {
	s := r.scribe(lex)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", s.text("account_codes.file_title", nil))
	for _, row := range p.rows(s) {
		fmt.Fprintf(&b, "%s: %s\n", row.label, row.value.text)
	}
	b.WriteByte('\n')
	for i, code := range p.Codes {
		fmt.Fprintf(&b, "%2d. %s\n", i+1, code)
	}
	fmt.Fprintf(&b, "\n%s\n", s.text("account_codes.file_once", nil))
	return []byte(b.String())
}

// A CodeTest is what came of testing a backup code.
type CodeTest uint8

// The outcomes. The zero value says nothing.
const (
	CodeUntested CodeTest = iota
	CodeMissingInTest
	CodeUnused
	CodeNotUnused
	CodeTestedOften
)

// AccountCodeTest tests a backup code. It posts action=confirm,
// change=test_backup_code and code.
type AccountCodeTest struct {
	Frame  AccountFrame
	Result CodeTest
	// RetryAt belongs to CodeTestedOften.
	RetryAt time.Time
}

func (AccountCodeTest) kind() kind { return account }

func (p AccountCodeTest) content(s scribe) content {
	v := wayView{URL: p.Frame.own(), Cancel: link{URL: p.Frame.stays(), Label: s.text("account_codes.back", nil)}}
	if p.Result != CodeTestedOften {
		v.Form, v.Button = p.Frame.form("confirm", Field{"change", "test_backup_code"}), s.text("account_codes.test_button", nil)
		v.Field = &wayField{
			Label: s.text("account_codes.test_label", nil), Hint: s.text("account_codes.test_hint", nil), Name: "code", Capitals: true,
		}
		if p.Result == CodeMissingInTest {
			v.Field.Error = s.html("account_codes.test_missing", nil)
		}
	}
	c := p.Frame.page(s, "account_way.html", s.both("account_codes.test_heading", nil), v)
	c.failed = p.Result == CodeMissingInTest
	switch p.Result {
	case CodeUnused:
		c = c.notes(s.html("account_codes.test_unused", nil))
	case CodeNotUnused:
		c = c.notes(s.html("account_codes.test_other", nil))
	case CodeTestedOften:
		c = c.alerts(s.both("account_codes.test_limit", words.Args{"at": s.moment(at, p.Frame.Now, p.RetryAt)}).html)
	}
	return c
}

// AccountCodesLost answers a form that was to download codes after its time.
type AccountCodesLost struct{ Frame AccountFrame }

func (AccountCodesLost) kind() kind { return account }

func (p AccountCodesLost) content(s scribe) content {
	return p.Frame.page(s, "account_way.html", s.both("account_codes.lost_heading", nil), wayView{
		Text:   []template.HTML{s.html("account_codes.lost", nil)},
		Cancel: link{URL: p.Frame.own(), Label: s.text("account_codes.back", nil)},
	})
}
