// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// Reason is why a code is needed, shown under "Why am I seeing this?".
type Reason uint8

// The reasons. With the zero value the question is left out.
const (
	ReasonNewBrowser Reason = iota + 1
	ReasonExpired
	ReasonEnded
	ReasonAlways
	ReasonNewPlace
	ReasonTravel
	ReasonNewNetwork
	ReasonSensitive
	ReasonOperator
	ReasonUnproved
	ReasonKeyless // where the visit comes from is not told: it is no matter of places
)

// whyView is the question and its answer.
type whyView struct {
	Question string
	Text     []template.HTML
	Credit   string
}

// why is nil where there is no reason to tell.
func (p Code) why(s scribe) *whyView {
	key := p.Reason.key()
	if key == "" {
		return nil
	}
	v := &whyView{Question: s.text("code.why", nil)}
	near := s.near(p.Near)
	switch {
	case near.text == "", p.Reason == ReasonKeyless:
		v.Text = []template.HTML{s.html(key, nil)}
		return v
	case p.Reason == ReasonNewPlace:
		v.Text = []template.HTML{s.both("reason.new_place_near", words.Args{"near": near}).html}
	default:
		v.Text = []template.HTML{s.html(key, nil), s.both("code.place", words.Args{"near": near}).html}
	}
	if !p.Near.Private { // which no database told
		v.Credit = p.Credit
	}
	return v
}

func (r Reason) key() string {
	switch r {
	case ReasonNewBrowser:
		return "reason.new_browser"
	case ReasonExpired:
		return "reason.expired"
	case ReasonEnded:
		return "reason.ended"
	case ReasonAlways:
		return "reason.always"
	case ReasonNewPlace:
		return "reason.new_place"
	case ReasonTravel:
		return "reason.travel"
	case ReasonNewNetwork:
		return "reason.new_network"
	case ReasonSensitive:
		return "reason.sensitive"
	case ReasonOperator:
		return "reason.operator"
	case ReasonUnproved:
		return "reason.unproved"
	case ReasonKeyless:
		return "reason.keyless"
	default:
		return ""
	}
}
