// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const (
	doRevoke = "revoke"

	fieldPath  = "path"
	fieldReads = "reads" // 1: the token only reads
	fieldDays  = "days"

	// usualTokenDays is for how long a token is made unless its person says so.
	usualTokenDays = 90
)

// accessTokens is the page of access tokens.
func (k *desk) accessTokens() {
	if !k.door.tokens {
		k.failed(challenge.ErrNotOffered)
		return
	}
	a, ok := k.account()
	if !ok {
		return
	}
	if k.asksForCode(challenge.AddToken) {
		return
	}
	if f, ok := k.permitted(challenge.AddToken); ok {
		if spec, ok := challenge.ParseTokenSpec(f.Change.Detail); ok {
			k.show(http.StatusOK, pages.AccountTokenConfirm{
				Frame: k.pressing(doConfirm, string(challenge.AddToken)), Name: spec.Name, Host: k.in.site.host, Path: spec.Path, ReadOnly: spec.ReadOnly, Days: spec.Days,
			})
			return
		}
	}
	k.show(http.StatusOK, k.tokensPageOf(a, pages.TokenForm{Path: "/", ReadOnly: true, Days: usualTokenDays}))
}

func (k *desk) tokensPageOf(a challenge.Account, form pages.TokenForm) pages.AccountTokens {
	p := pages.AccountTokens{Frame: k.frame(), Host: k.in.site.host, Days: challenge.TokenDays, New: form}
	for _, t := range a.Tokens {
		p.Tokens = append(p.Tokens, pages.AccountToken{
			ID: t.ID, Name: t.Name, Host: t.Host, Path: t.Path, ReadOnly: t.ReadOnly, Made: t.Made, Ends: t.Ends,
			Used: t.Used, Network: t.Network, Suspended: t.Suspended,
		})
	}
	for _, w := range a.Waiting {
		if w.Kind == challenge.AddToken {
			p.Waiting = append(p.Waiting, pages.TokenWaiting{ID: w.ID, Due: w.Due})
		}
	}
	return p
}

// askRevoke asks before a token ends.
func (k *desk) askRevoke() {
	a, ok := k.account()
	if !ok {
		return
	}
	do, id := k.wanted()
	i := slices.IndexFunc(a.Tokens, func(t challenge.TokenState) bool { return t.ID == id })
	if i < 0 || do != doRevoke {
		k.gone()
		return
	}
	k.show(http.StatusOK, k.confirms(pages.AccountConfirm{
		Question: "account_tokens.revoke", Name: a.Tokens[i].Name, Action: doRevoke, Grave: true,
	}, id))
}

func (k *desk) postTokens() {
	if !k.door.tokens {
		k.failed(challenge.ErrNotOffered)
		return
	}
	switch action := k.action(); {
	case action == doAsk:
		k.askRevoke()
	case action == doStart:
		k.startToken()
	case action == doConfirm && k.r.PostForm.Get(fieldChange) == string(challenge.AddToken):
		k.makeToken()
	case action == doRevoke:
		if err := k.door.gate.RevokeToken(k.r.Context(), k.visit(), k.admission, k.r.PostForm.Get(fieldID)); err != nil {
			k.failed(err)
			return
		}
		k.to(k.name)
	default:
		k.gone()
	}
}

// startToken has a code mailed for the token that was asked for, or says what is
// wrong with it.
func (k *desk) startToken() {
	form := k.r.PostForm
	days, _ := strconv.Atoi(form.Get(fieldDays))
	spec, err := challenge.TokenSpec{Name: form.Get(fieldName), Path: form.Get(fieldPath), ReadOnly: form.Get(fieldReads) == "1", Days: days}.Clean()
	if err == nil {
		k.startChange(challenge.Change{Kind: challenge.AddToken, Detail: spec.Detail()})
		return
	}
	a, ok := k.account()
	if !ok {
		return
	}
	typed := pages.TokenForm{Name: form.Get(fieldName), Path: form.Get(fieldPath), ReadOnly: spec.ReadOnly, Days: days}
	switch {
	case errors.Is(err, challenge.ErrTokenName):
		typed.Trouble = pages.TokenNameMissing
	case errors.Is(err, challenge.ErrTokenPath):
		typed.Trouble = pages.TokenPathBad
	default: // no form of ours says so
		k.gone()
		return
	}
	k.show(http.StatusUnprocessableEntity, k.tokensPageOf(a, typed))
}

// makeToken answers with a new token, the only time that anybody sees it.
func (k *desk) makeToken() {
	f, ok := k.needs(challenge.AddToken)
	if !ok {
		return
	}
	spec, ok := challenge.ParseTokenSpec(f.Change.Detail)
	if !ok {
		k.failed(challenge.ErrNoPermit)
		return
	}
	if _, ok := k.account(); !ok { // for the page, which must not fail once there is a token
		return
	}
	token, due, err := k.door.gate.AddToken(k.r.Context(), k.visit(), k.admission, f, spec)
	if err != nil {
		k.failed(err)
		return
	}
	k.finish()
	k.show(http.StatusOK, pages.AccountTokenMade{
		Frame: k.frame(), Token: token.Reveal(), Name: spec.Name, Origin: k.in.site.origin, Path: spec.Path,
		Ends: k.in.Now.Add(time.Duration(spec.Days) * 24 * time.Hour), Due: due,
	})
}
