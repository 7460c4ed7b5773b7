// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	_ "embed"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

//go:embed assets/account.js
var accountScriptSource string

var (
	accountScript        = tighten(strings.Join(squeeze(accountScriptSource), "\n"))
	accountScriptElement = template.HTML("<script>" + accountScript + "</script>")
)

// AccountFrame is what every account page is told.
type AccountFrame struct {
	// Endpoints is the relative URL below which the account pages are.
	Endpoints string
	// Current is the name of the page's endpoint; empty on the overview.
	Current string
	// Address is the person's own.
	Address string
	// Flow is the hidden value of the page's forms: what they are good for is sealed
	// in it.
	Flow string
	// Tabs are the pages that not every gate has.
	Tabs AccountTabs
	// Replaced: a code was entered for a change that another one has replaced.
	Replaced bool
	// Now is the time of the request.
	Now time.Time
	// Zone is the person's time zone. Nil: times are in UTC, and the script shows
	// those of the browser instead.
	Zone *time.Location
}

// AccountTabs say which pages there are that not every gate has.
type AccountTabs struct{ BackupCodes, Ways, Passkeys, Tokens bool }

// accountView is what account-top and account-bottom see. What the page is about
// is in the heading; Notice says what just happened, Alert what went wrong.
type accountView struct {
	Label, Skip   string
	Home          string // what leads to the app is called
	Tabs          []tab
	Notice, Alert template.HTML
}

// A tab is a link to an account page.
type tab struct {
	URL, Label string
	Here       bool
}

// page puts an account page into the frame. The template begins with account-top
// and ends with account-bottom.
func (f AccountFrame) page(s scribe, template string, heading message, data any) content {
	view := &accountView{Label: s.text("account.pages", nil), Skip: s.text("account.skip", nil), Home: s.text("account.home", nil)}
	if f.Replaced {
		view.Notice = s.html("account.replaced", nil)
	}
	for _, t := range []struct {
		name, label string
		there       bool
	}{
		{"", "account.overview", true},
		{"sessions", "account.browsers", true},
		{"backup-codes", "account.backup_codes", f.Tabs.BackupCodes},
		{"passkeys", "account.passkeys", f.Tabs.Passkeys},
		{"ways", "account.ways", f.Tabs.Ways},
		{"activity", "account.activity", true},
		{"tokens", "account.tokens", f.Tabs.Tokens},
		{"settings", "account.settings", true},
	} {
		if t.there {
			view.Tabs = append(view.Tabs, tab{URL: f.Endpoints + t.name, Label: s.text(t.label, nil), Here: t.name == f.Current})
		}
	}
	return content{template: template, heading: heading, data: data, account: view}
}

// notes says on top of the page what just happened; an empty sentence says nothing.
func (c content) notes(sentence template.HTML) content {
	c.account.Notice = sentence
	return c
}

// alerts says on top of the page what went wrong; an empty sentence says nothing.
func (c content) alerts(sentence template.HTML) content {
	c.account.Alert = sentence
	c.failed = c.failed || sentence != ""
	return c
}

// own is the URL of the page itself, where its forms go.
func (f AccountFrame) own() string { return f.Endpoints + f.Current }

// asks is a button that leads to the page that asks before an action is done. It is a
// form, since what answers a link can be read by a service worker of the app.
func (f AccountFrame) asks(action, id, label string) actView {
	more := []Field{{"do", action}}
	if id != "" {
		more = append(more, Field{"id", id})
	}
	return actView{URL: f.own(), Label: label, Form: f.form("ask", more...), Second: true}
}

// stays is the URL of the page itself, although the browser is on its way to a
// change.
func (f AccountFrame) stays() string { return f.own() + "?later" }

// form is a form of the page that does an action.
func (f AccountFrame) form(action string, more ...Field) []Field {
	return append([]Field{{"flow", f.Flow}, {"action", action}}, more...)
}

// zone is where the person's clock is.
func (f AccountFrame) zone() *time.Location {
	if f.Zone == nil {
		return time.UTC
	}
	return f.Zone
}

// exact is a point in time in the person's zone, with the zone's name. Both forms
// are empty where it is zero.
func (f AccountFrame) exact(s scribe, t time.Time) message {
	if t.IsZero() {
		return message{}
	}
	local := t.In(f.zone())
	name, _ := local.Zone()
	if name != "" && (name[0] == '+' || name[0] == '-') { // of zones without letters
		name = "UTC" + name
	}
	m := message{text: s.text("account.moment", words.Args{
		"day": local.Day(), "month": s.text("mail.month_"+strconv.Itoa(int(local.Month())), nil), "year": strconv.Itoa(local.Year()),
		"clock": local.Format("15:04"), "zone": name,
	})}
	attributes := ` datetime="` + t.UTC().Format(time.RFC3339) + `"`
	if f.Zone == nil {
		attributes += " data-local"
	}
	m.html = template.HTML("<time" + attributes + ">" + template.HTMLEscapeString(m.text) + "</time>")
	return m
}

// ago tells in words how long ago something was: exactly is for exact.
func (f AccountFrame) ago(s scribe, t time.Time) string {
	minutes := int(max(f.Now.Sub(t), 0) / time.Minute)
	switch {
	case t.IsZero():
		return ""
	case minutes < 1:
		return s.text("account.just_now", nil)
	case minutes < 60:
		return s.text("account.minutes_ago", words.Args{"count": minutes})
	case minutes < 48*60:
		return s.text("account.hours_ago", words.Args{"count": minutes / 60})
	default:
		return s.text("account.days_ago", words.Args{"count": minutes / (24 * 60)})
	}
}
