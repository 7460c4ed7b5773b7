// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A model says what must come of a challenge, in the plainest way.
type model struct {
	code, before string
	left, given  int
	mails        int
	mailed, ends time.Time
	wrong        map[string]bool
}

func (m *model) enter(typed string, now time.Time) error {
	switch {
	case m.code == "" || !now.Before(m.ends):
		return challenge.ErrCodeExpired
	case m.left == 0:
		return challenge.ErrCodeCancelled
	case typed == m.code:
		*m = model{}
		return nil
	case m.given < 3 && typed == m.before:
		m.given++
		return challenge.ErrOldCode
	case m.given < 3 && m.wrong[typed]:
		m.given++
		return challenge.ErrWrongCode
	}
	m.wrong[typed] = true
	if m.left--; m.left == 0 {
		return challenge.ErrCodeCancelled
	}
	return challenge.ErrWrongCode
}

func (m *model) ask(now time.Time) (again bool, err error) {
	if m.code != "" && now.Before(m.ends) && m.left > 0 {
		switch {
		case now.Before(m.mailed.Add(30 * time.Second)):
			return false, &challenge.LimitError{}
		case m.mails == 3:
			return false, challenge.ErrUsedUp
		case m.ends.Sub(now) >= 5*time.Minute:
			m.mails, m.mailed = m.mails+1, now
			return true, nil
		}
	}
	*m = model{before: m.code, left: 5, mails: 1, mailed: now, ends: now.Add(10 * time.Minute), wrong: map[string]bool{}}
	return false, nil
}

// Several browsers at one address, each with a model of its own: none has an
// effect on another.
func TestAChallengeBehavesAsItsModel(t *testing.T) {
	w := newWorld(t)
	limits := roomy
	limits.SendTotal = []challenge.Rate{{N: 1 << 30, Per: time.Minute}}
	g := w.gate(challenge.GateOptions{Policy: challenge.Policy{Limits: limits}})
	address := 0
	rapid.Check(t, func(t *rapid.T) {
		address++
		to := someone(address)
		browsers, models := make([]*browser, 3), make([]model, 3)
		for i := range browsers {
			browsers[i] = w.browser(g)
		}
		pick := func(t *rapid.T) (*browser, *model) {
			i := rapid.IntRange(0, 2).Draw(t, "browser")
			return browsers[i], &models[i]
		}
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(t *rapid.T) {
				b, m := pick(t)
				b.ip = elsewhere() // one network may begin only a few
				ask(t, b, m, to)
			},
			"right":  func(t *rapid.T) { b, m := pick(t); try(t, b, m, m.code) },
			"before": func(t *rapid.T) { b, m := pick(t); try(t, b, m, m.before) },
			"wrong": func(t *rapid.T) {
				b, m := pick(t)
				if m.code != "" {
					try(t, b, m, wrong(m.code, rapid.IntRange(0, 6).Draw(t, "which")))
				}
			},
			"wait": func(t *rapid.T) {
				w.clock.advance(time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second)
			},
		})
	})
}

func ask(t *rapid.T, b *browser, m *model, to challenge.Email) {
	sent, err := b.ask(to)
	again, want := m.ask(b.w.clock.now())
	if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", want) || sent.Again != again {
		t.Fatalf("Begin = again %v, %v, want again %v, %v", sent.Again, err, again, want)
	}
	if err != nil {
		return
	}
	if again && b.lastCode() != m.code {
		t.Fatalf("the code changed")
	}
	m.code = b.lastCode()
}

func try(t *rapid.T, b *browser, m *model, typed string) {
	if b.flow == nil || typed == "" {
		return
	}
	got := b.enter(typed, false)
	if want := m.enter(typed, b.w.clock.now()); !errors.Is(got, want) {
		t.Fatalf("Verify(%s) = %v, want %v", typed, got, want)
	}
	if got != nil && m.left > 0 && !errors.Is(got, challenge.ErrCodeExpired) && errorLeft(got) != m.left {
		t.Fatalf("%d tries left, want %d", errorLeft(got), m.left)
	}
	b.session = ""
}

func errorLeft(err error) int {
	var try *challenge.TryError
	if errors.As(err, &try) {
		return try.Left
	}
	return -1
}
