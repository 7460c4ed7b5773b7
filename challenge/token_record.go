// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// An accessToken is what is kept of one. Times are Unix seconds. Whoever writes to
// the store can end a token, but not make one, nor have one reach further or last
// longer: the terms are sealed, and bound to the rest.
type accessToken struct {
	ID        id     `json:"id"` // keyed hash of the token
	Terms     string `json:"x"`  // sealed, see tokenTerms
	Made      int64  `json:"t"`
	Ends      int64  `json:"e"`
	Used      int64  `json:"u,omitempty"`
	Seen      string `json:"w,omitempty"` // from where it was used last: sealed, see sealAsked
	Suspended bool   `json:"s,omitempty"`
}

// tokenTerms are what a token opens, and for whom it was made.
type tokenTerms struct {
	Name     string `json:"n"`
	Host     string `json:"h"` // with the port, as the site has it
	Path     string `json:"p"`
	ReadOnly bool   `json:"r,omitempty"`
	Source   string `json:"s,omitempty"`
	User     string `json:"u,omitempty"`
	Email    Email  `json:"e"`
}

func (t *tokenTerms) scope() tokens.Scope {
	return tokens.Scope{Host: t.Host, Path: t.Path, ReadOnly: t.ReadOnly}
}

const (
	labelToken      keyring.Label = "access token"
	labelTokenCheck keyring.Label = "access token check"
)

func (h *House) checkToken(parts ...[]byte) [32]byte { return h.ring.MAC(labelTokenCheck, parts...) }

func (h *House) hashToken(parts ...[]byte) [32]byte { return h.ring.MAC(labelToken, parts...) }

// newAccessToken is the record of a token that begins now.
func (h *House) newAccessToken(token tokens.Token, spec TokenSpec, host string, who Identity, now time.Time) accessToken {
	t := accessToken{
		ID: cut(token.Hash(h.hashToken)), Made: now.Unix(), Ends: now.Add(time.Duration(spec.Days) * day).Unix(),
	}
	plain, err := json.Marshal(tokenTerms{
		Name: spec.Name, Host: host, Path: spec.Path, ReadOnly: spec.ReadOnly, Source: who.Source, User: who.User, Email: who.Email,
	})
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	t.Terms = h.ring.SealString(labelToken, plain, t.bound())
	return t
}

// bound is what the terms of a token belong to.
func (t *accessToken) bound() []byte {
	to := binary.BigEndian.AppendUint64(slices.Clone(t.ID[:]), uint64(t.Made))
	return binary.BigEndian.AppendUint64(to, uint64(t.Ends))
}

// terms reads what a token opens. Those that cannot be read open nothing: they name
// no host.
func (h *House) terms(t *accessToken) (terms tokenTerms) {
	plain, err := h.ring.OpenString(labelToken, t.Terms, t.bound())
	if err != nil || json.Unmarshal(plain, &terms) != nil {
		return tokenTerms{}
	}
	return terms
}

const tokenName = "token "

// name is that of the token in lists of what has ended, beside sessions.
func (t *accessToken) name() string { return tokenName + t.ID.String() }

// entry is the token as something that ends.
func (t *accessToken) entry() sessionEntry { return sessionEntry{ID: t.name(), Ends: t.Ends} }

// token finds one by its name.
func (b *belongings) token(name string) *accessToken {
	for i := range b.Tokens {
		if b.Tokens[i].name() == name {
			return &b.Tokens[i]
		}
	}
	return nil
}

// dropTokens takes tokens away by their names, and reports whether there were any.
func (b *belongings) dropTokens(which func(name string) bool) (dropped bool) {
	before := len(b.Tokens)
	b.Tokens = slices.DeleteFunc(b.Tokens, func(t accessToken) bool { return which(t.name()) })
	return len(b.Tokens) < before
}

// isToken reports whether an end is that of an access token.
func (e end) isToken() bool { return strings.HasPrefix(e.Session, tokenName) }

// tokenStates are the tokens of a person as they see them, the newest first.
func (g *Gate) tokenStates(b *belongings) (list []TokenState) {
	for i := range b.Tokens {
		t := &b.Tokens[i]
		terms := g.house.terms(t)
		s := TokenState{
			ID: t.ID.String(), Name: terms.Name, Host: terms.Host, Path: terms.Path, ReadOnly: terms.ReadOnly,
			Made: time.Unix(t.Made, 0), Ends: time.Unix(t.Ends, 0), Suspended: t.Suspended,
		}
		if t.Used != 0 {
			s.Used, s.Network = time.Unix(t.Used, 0), g.house.openAsked(t.Seen, t.ID).Network
		}
		list = append(list, s)
	}
	slices.Reverse(list)
	return list
}
