// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/doorcode/caddy-doorcode/challenge/tokens"
)

// A TokenState is an access token as its person sees it.
type TokenState struct {
	ID         string // names it in forms
	Name       string
	Host       string // the one host that it opens
	Path       string // it opens this path and what is below; "/" is everything
	ReadOnly   bool   // GET, HEAD, and the methods of WebDAV and git that only read
	Made, Ends time.Time
	Used       time.Time // to a quarter of an hour; zero: never
	Network    string    // from where it was used last
	Suspended  bool
}

// A TokenSpec is a token that is to be made.
type TokenSpec struct {
	Name     string `json:"n"`
	Path     string `json:"p"`
	ReadOnly bool   `json:"r,omitempty"`
	Days     int    `json:"d"` // one of TokenDays
}

// TokenDays are for how long a token can be made, in days.
var TokenDays = []int{30, 90, 365}

// What is wrong with a TokenSpec.
var (
	ErrTokenName = errors.New("access token needs a name")
	ErrTokenPath = errors.New("access token needs a path that every app reads alike")
	ErrTokenDays = errors.New("access token ends after 30, 90 or 365 days")
)

const (
	maxTokens    = 20 // of one person, those that wait included
	maxTokenName = 40 // characters
)

// Clean is the spec as it is kept: its name without control characters and of at
// most 40 characters, its path as [tokens.CleanPath] has it. Its errors are
// ErrTokenName, ErrTokenPath and ErrTokenDays.
func (s TokenSpec) Clean() (TokenSpec, error) {
	s.Name = strings.ToValidUTF8(s.Name, "")
	s.Name = strings.Join(strings.FieldsFunc(s.Name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	s.Name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1 // it would turn what stands beside the name around
		}
		return r
	}, s.Name)
	if letters := []rune(s.Name); len(letters) > maxTokenName {
		s.Name = string(letters[:maxTokenName])
	}
	path, ok := tokens.CleanPath(s.Path)
	s.Path = path
	switch s.Name = strings.TrimSpace(s.Name); {
	case s.Name == "":
		return s, ErrTokenName
	case !ok:
		return s, ErrTokenPath
	case !slices.Contains(TokenDays, s.Days):
		return s, ErrTokenDays
	}
	return s, nil
}

// Detail is what a code for the token is bound to, see [Change].
func (s TokenSpec) Detail() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return string(text)
}

// ParseTokenSpec reads the token that a change of the kind AddToken is about. It
// reports false for whatever is none.
func ParseTokenSpec(detail string) (TokenSpec, bool) {
	var s TokenSpec
	if json.Unmarshal([]byte(detail), &s) != nil {
		return TokenSpec{}, false
	}
	clean, err := s.Clean()
	return clean, err == nil && clean == s
}

// AddToken makes an access token for the host of the visit. It is returned this
// once. The code has to be for this very token, see [TokenSpec.Detail]. Its errors are
// ErrNoPermit, ErrNotOffered, ErrTooMany, ErrSuspended and ErrUnavailable.
func (g *Gate) AddToken(ctx context.Context, v *Visit, a *Admission, f *Flow, spec TokenSpec) (token Code, due time.Time, err error) {
	if !g.Offers().Tokens {
		return Code{}, time.Time{}, ErrNotOffered
	}
	spec, err = spec.Clean()
	if err != nil || f == nil || f.Change == nil || f.Change.Detail != spec.Detail() {
		return Code{}, time.Time{}, ErrNoPermit
	}
	who := Identity{Source: a.Live.Source, User: a.Live.User, Email: Email(a.Live.Email)}
	fresh := tokens.New(g.house.personID(who.Email), g.house.checkToken)
	made, err := g.makeChange(ctx, v, a, f, proposal{kind: AddToken, fill: func(b *belongings, c *changed, now time.Time) error {
		if b.tokens() >= maxTokens {
			return ErrTooMany
		}
		t := g.house.newAccessToken(fresh, spec, v.Host, who, now)
		c.Token = &t
		return nil
	}})
	if err != nil {
		return Code{}, time.Time{}, err
	}
	return NewCode(fresh.Reveal()), made.due(), nil
}

// tokens counts those of a person, and those that are to become some.
func (b *belongings) tokens() int {
	n := len(b.Tokens)
	for _, c := range b.Changes {
		if c.Token != nil {
			n++
		}
	}
	return n
}

// RevokeToken ends an access token, here at once and on other machines soon. Its
// errors are ErrNoSuch and ErrUnavailable.
func (g *Gate) RevokeToken(ctx context.Context, v *Visit, a *Admission, token string) error {
	who := a.Identity.Email
	var gone []sessionEntry
	var called string
	err := change(ctx, g.house.store, g.house.belongingsKey(who), func(b *belongings, now time.Time) error {
		b.tidy(now)
		gone = nil
		b.Tokens = slices.DeleteFunc(b.Tokens, func(t accessToken) bool {
			if t.ID.String() != token {
				return false
			}
			gone, called = append(gone, t.entry()), g.house.terms(&t).Name
			return true
		})
		if len(gone) == 0 {
			return ErrNoSuch
		}
		return nil
	})
	err = g.house.endWith(ctx, g.house.personID(who), err, gone)
	return g.logDone(ctx, v, a, err, Event{Name: ChangeMade, Change: RemoveToken, Called: called})
}
