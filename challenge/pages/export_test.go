// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"bytes"
	"errors"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// What the tests see of the samples.
const (
	SampleEndpoints, SampleFlow, SampleHeld = sampleEndpoints, sampleFlow, sampleHeld
	SampleNonce, SampleToken, SampleCredit  = sampleNonce, sampleToken, sampleCredit
)

// The parts that tests change.
var (
	SampleNow, SampleTomorrow, SampleMade, SampleLisbon, SamplePorto = sampleNow, sampleTomorrow, sampleMade, sampleLisbon, samplePorto
	SampleCode, SampleKnown, SampleConfirm, SampleChange             = sampleCode, sampleKnown, sampleConfirm, sampleChange
	SampleFrame, SampleAtCodes, SampleBrowsers, SampleDeeds          = sampleFrame, sampleAtCodes, sampleBrowsers, sampleDeeds
	SampleActivity, SampleMadeCodes, SampleMadeToken, SampleAtWays   = sampleActivity, sampleMadeCodes, sampleMadeToken, sampleAtWays
)

// Both is a page as its stencil prints it, and as html/template does; fits is false where
// the stencil cannot.
func (r *Renderer) Both(lex *words.Lexicon, page Page, around Surroundings) (printed, executed string, fits bool, err error) {
	s := r.scribe(lex)
	c := page.content(s)
	v := r.view(s, c, page.kind(), around)
	cut, err := r.templates.cut()
	var one, other bytes.Buffer
	fits = cut.Print(&one, c.template, v)
	err = errors.Join(err, r.templates.set.ExecuteTemplate(&other, c.template, v))
	return one.String(), other.String(), fits, err
}
