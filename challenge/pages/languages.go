// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// Languages is the page on which a visitor chooses the language. It posts flow and
// language, a tag or nothing, to Action.
type Languages struct {
	Action, Flow string
	// Offered are the tags of the languages that there are; Chosen is one of them, or
	// empty: that of the browser.
	Offered []string
	Chosen  string
	// Back is the URL of the link that changes nothing.
	Back string
}

type languagesView struct {
	Lead         template.HTML
	Action, Flow string
	Choices      []languageChoice
	Button       string
	Back         link
}

// A languageChoice is called as in the language itself, which may be written from
// the other side.
type languageChoice struct {
	Tag, Name, Dir string
	Chosen         bool
}

func (Languages) kind() kind { return still }

func (p Languages) content(s scribe) content {
	v := languagesView{
		Lead: s.html("language.lead", nil), Action: p.Action, Flow: p.Flow, Button: s.text("language.button", nil),
		Choices: []languageChoice{{Name: s.text("language.browser", nil), Chosen: p.Chosen == ""}},
		Back:    link{URL: p.Back, Label: s.text("language.back", nil)},
	}
	for _, tag := range p.Offered {
		v.Choices = append(v.Choices, languageChoice{Tag: tag, Name: words.OwnName(tag), Dir: words.Dir(tag), Chosen: tag == p.Chosen})
	}
	return content{template: "languages.html", heading: s.both("language.heading", nil), data: v}
}
