// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
)

// A letIn is a code that an operator made to read out to somebody. Like a challenge
// it holds nothing of which the store alone could compute it.
type letIn struct {
	seed
	Ends int64 `json:"ends"` // Unix seconds
}

// spokenForm is what such codes are like: they must survive a telephone.
var spokenForm = Form{Length: 8, Alphabet: Digits}

const purposeLetIn = "let in"

// LetInUsual and LetInLongest bound how long such a code is good for; maxWhy bounds
// what an operator says of it, in characters.
const (
	LetInUsual   = 15 * time.Minute
	LetInLongest = time.Hour
	maxWhy       = 200
)

// A LetIn is a code that an operator reads out to somebody.
type LetIn struct {
	Code Code // eight digits
	Ends time.Time
}

// readTry reads what was typed into the field of a code. Where somebody signs in, a
// code that was read out to them fits as well: it counts as a try whether there is
// one or not, since otherwise the count would tell.
func readTry(typed string, form Form, f *Flow) (code, spoken string, err error) {
	code, err = Normalize(typed, form)
	if !f.TakesSpoken() {
		return code, "", err
	}
	heard, unheard := Normalize(typed, spokenForm)
	if unheard != nil || err == nil && form != spokenForm {
		return code, "", err
	}
	if err != nil {
		code = heard // to recognise it when it is sent again
	}
	return code, heard, nil
}

// TakesSpoken reports whether a code that an operator reads out can be entered: it lets its
// person in, and does nothing else.
func (f *Flow) TakesSpoken() bool { return f.Session == "" && f.Way == ByMail }

// spendSpoken uses up the code that was read out, if this is it.
func (g *Gate) spendSpoken(d *door, f *Flow, spoken string, now time.Time) bool {
	l := d.LetIn
	if l == nil || spoken == "" || now.Unix() >= l.Ends || !l.code(g.house, f.Address).matches(spoken) {
		return false
	}
	d.LetIn = nil
	return true
}

// errUnheard reports that what was typed is not the code that was read out.
var errUnheard = errors.New("not a code that was read out")

// attemptSpoken judges what was typed where no challenge waits for a code: while an
// address may not be mailed, what an operator reads out must still let its person in. It
// counts as a try whether there is such a code or not. Its errors are errUnheard and
// *LimitError.
func (g *Gate) attemptSpoken(d *door, b *bucket, f *Flow, typed string, allowed bool, now time.Time) error {
	_, spoken, _ := readTry(typed, spokenForm, f)
	if spoken == "" {
		return errUnheard
	}
	b.count(g.policy.Limits, now)
	d.need(now.Add(horizon))
	if allowed && g.spendSpoken(d, f, spoken, now) {
		b.Tries, b.Locks, b.Until = nil, 0, 0
		return nil
	}
	if until, locked := b.locked(g.policy.Limits.TryAddress, now); locked {
		return &LimitError{Limit: LimitTryAddress, Until: until}
	}
	return errUnheard
}

func (l *letIn) code(h *House, e Email) Code {
	return deriveCode(h.ring, l.seed, binding{address: string(e), purpose: purposeLetIn})
}

// LetIn makes a code that lets a person in once without any mail: it is typed into
// the field of the mailed code, counts like one, and neither remembers a browser nor
// changes ways in. It ends an earlier one. why is told to the person and logged. Its
// errors are ErrNotListed and ErrUnavailable.
func (g *Gate) LetIn(ctx context.Context, to Email, lasts time.Duration, why string) (LetIn, error) {
	now := g.house.now()
	right := g.access.Load().Judge(to, now)
	if !right.Allowed {
		return LetIn{}, ErrNotListed
	}
	if lasts <= 0 {
		lasts = LetInUsual
	}
	why = oneLine(why, maxWhy)
	var made letIn
	err := change(ctx, g.house.store, g.house.doorKey(to), func(d *door, now time.Time) error {
		d.tidy(now)
		made = letIn{seed{newID(), newID(), spokenForm}, now.Add(min(lasts, LetInLongest)).Unix()}
		d.LetIn = &made
		d.need(time.Unix(made.Ends, 0))
		return nil
	})
	if err != nil {
		return LetIn{}, unavailable(err)
	}
	out := LetIn{made.code(g.house, to), time.Unix(made.Ends, 0)}
	v := &Visit{Now: now}
	g.log(ctx, v, Event{Name: LetInMade, Address: to, Rule: right.Rule, Until: out.Ends, Why: why, Change: LetInByOperator})
	g.tellPerson(ctx, v, to, Notice{Subject: CodeReadOut, Why: why, Expires: out.Ends})
	return out, nil
}

// oneLine keeps text to one line of so many characters.
func oneLine(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = strings.TrimSpace(string(runes[:most]))
	}
	return text
}
