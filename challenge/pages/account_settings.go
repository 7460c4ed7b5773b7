// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// AccountLanguage is a language that pages and mails can be in.
type AccountLanguage struct {
	Tag  string // BCP 47
	Name string // in the language itself
}

// AccountChoices are what a person chooses for themselves.
type AccountChoices struct {
	// Languages are those that there are. One alone is no choice.
	Languages []AccountLanguage
	Language  string // the tag of the chosen one; empty: that of the browser
	// News: a mail tells of each new browser. Always: each sign-in needs a code.
	News, Always bool
	// Zone is the name of the chosen time zone; empty: that of the browser.
	Zone string
}

// AccountSettings is the page that tells what a person chose. It posts action=ask and
// do=save, for the page on which to choose, or action=start and change=export or erase.
type AccountSettings struct {
	Frame   AccountFrame
	Choices AccountChoices
	// Saved: the settings have just been kept.
	Saved bool
	// Erasing is when everything is going to be erased, and the change's name; nil
	// where it is not.
	Erasing *AccountWaiting
}

type settingsView struct {
	Choices      []detail
	Change       actView
	Data         string
	ExportText   template.HTML
	Export       actView
	EraseHeading string
	EraseText    template.HTML
	EraseAct     actView
}

// AccountSettingsForm is the page on which a person chooses. It posts action=save with
// language, news, always and zone.
type AccountSettingsForm struct {
	Frame   AccountFrame
	Choices AccountChoices // what the fields hold
	BadZone bool           // that is no time zone
}

type settingsForm struct {
	Action       string
	Hidden       []Field
	Language     *languageView
	News, Always tickView
	Zone         zoneView
	Save         string
	Cancel       link
}

type languageView struct {
	Label, Browser string
	Options        []languageOption
}

type languageOption struct {
	Tag, Name string
	Chosen    bool
}

type tickView struct {
	Label, Hint string
	Ticked      bool
}

type zoneView struct {
	Label, Hint, Value string
	Error              string
	Zones              []string
}

func (AccountSettings) kind() kind { return account }

func (p AccountSettings) content(s scribe) content {
	start := func(change, label string) actView {
		return actView{URL: p.Frame.own(), Label: s.text(label, nil), Form: p.Frame.form("start", Field{"change", change}), Second: true}
	}
	v := settingsView{
		Choices: p.Choices.told(s), Change: p.Frame.asks("save", "", s.text("account.change_settings", nil)),
		Data: s.text("account.data", nil), ExportText: s.html("account.export_text", nil), Export: start("export", "account.export"),
		EraseHeading: s.text("account.erase", nil), EraseText: s.html("account.erase_text", nil), EraseAct: start("erase", "account.erase"),
	}
	v.Change.Second, v.EraseAct.Grave = false, true
	if w := p.Erasing; w != nil {
		v.EraseText = s.both("account.waits_erase", words.Args{"time": p.Frame.exact(s, w.Due)}).html
		v.EraseAct = p.Frame.cancels(w.ID, s.text("account.cancel_change", nil))
	}
	c := p.Frame.page(s, "account_settings.html", s.both("account.settings_heading", nil), v)
	if p.Saved {
		return c.notes(s.html("account.saved", nil))
	}
	return c
}

// told are the choices in words.
func (c AccountChoices) told(s scribe) []detail {
	said := func(label, value string) detail {
		return detail{s.text(label, nil), template.HTML(template.HTMLEscapeString(value))}
	}
	var all []detail
	if len(c.Languages) > 1 {
		language := said("account.language", s.text("account.language_browser", nil))
		for _, l := range c.Languages {
			if l.Tag == c.Language {
				language.Value = template.HTML(`<span lang="` + template.HTMLEscapeString(l.Tag) + `">` + template.HTMLEscapeString(l.Name) + `</span>`)
			}
		}
		all = append(all, language)
	}
	zone := c.Zone
	if zone == "" {
		zone = s.text("account.zone_browser", nil)
	}
	news, always := s.text("account.news_none", nil), s.text("account.always_not", nil)
	if c.News {
		news = s.text("account.news_each", nil)
	}
	if c.Always {
		always = s.text("account.always_each", nil)
	}
	return append(all, said("account.zone", zone), said("account.news_label", news), said("account.always_label", always))
}

func (AccountSettingsForm) kind() kind { return account }

func (p AccountSettingsForm) content(s scribe) content {
	chosen := p.Choices
	v := settingsForm{
		Action: p.Frame.own(), Hidden: p.Frame.form("save"),
		Language: chosen.language(s),
		News:     tickView{s.text("account.news", nil), s.text("account.news_hint", nil), chosen.News},
		Always:   tickView{s.text("account.always", nil), s.text("account.always_hint", nil), chosen.Always},
		Zone:     zoneView{Label: s.text("account.zone", nil), Hint: s.text("account.zone_hint", nil), Value: chosen.Zone, Zones: zones},
		Save:     s.text("account.save", nil), Cancel: link{URL: p.Frame.own(), Label: s.text("account.cancel", nil)},
	}
	if p.BadZone {
		v.Zone.Error = s.text("account.zone_bad", nil)
	}
	c := p.Frame.page(s, "account_choose.html", s.both("account.choose_heading", nil), v)
	c.failed = p.BadZone
	return c
}

func (c AccountChoices) language(s scribe) *languageView {
	if len(c.Languages) < 2 {
		return nil
	}
	v := &languageView{Label: s.text("account.language", nil), Browser: s.text("account.language_browser", nil)}
	for _, l := range c.Languages {
		v.Options = append(v.Options, languageOption{l.Tag, l.Name, l.Tag == c.Language})
	}
	return v
}

// AccountErasing says that everything is going to be erased, and until when that
// can be cancelled. Its person is signed out, so that it is no page of the frame.
type AccountErasing struct {
	Frame AccountFrame
	Due   time.Time
}

func (AccountErasing) kind() kind { return account }

func (p AccountErasing) content(s scribe) content {
	return plain(s.both("account.erasing", nil), plainView{
		Text: []template.HTML{
			s.html("account.erasing_out", nil),
			s.both("account.erasing_text", words.Args{"time": p.Frame.exact(s, p.Due)}).html,
		},
		Links: []link{{URL: p.Frame.Endpoints, Label: s.text("account.erasing_link", nil)}},
	})
}
