// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"errors"
	"time"

	"github.com/maypok86/otter/v2"
)

// maxWorn bounds how many codes are kept in memory whose tries are used up.
const maxWorn = 50_000

// worn are the codes of which the store said a moment ago that their tries are used up,
// by checkTag. They are refused before it is asked, and before the visitor's network is
// counted: no guess at them can be right, and whoever goes on costs the store one update
// a second.
type worn struct {
	codes *otter.Cache[string, wornCode]
}

type wornCode struct {
	ref  string
	told time.Time
}

func newWorn() (worn, error) {
	codes, err := otter.New(&otter.Options[string, wornCode]{MaximumSize: maxWorn})
	return worn{codes}, err
}

// refuse is what the store said of a flow's code a moment ago; nil if it said nothing.
func (w worn) refuse(f *Flow, now time.Time) error {
	if f.Way != ByMail || f.Mail == "" {
		return nil
	}
	code, ok := w.codes.GetIfPresent(checkTag(f.Mail))
	if !ok || now.Sub(code.told).Abs() >= fullFor {
		return nil
	}
	return &TryError{Kind: ErrCodeCancelled, Ref: code.ref}
}

// note remembers what the store said of a flow's code, if its tries are used up.
func (w worn) note(f *Flow, said error, now time.Time) {
	var try *TryError
	if f.Way == ByMail && f.Mail != "" && errors.As(said, &try) && errors.Is(try.Kind, ErrCodeCancelled) {
		w.codes.Set(checkTag(f.Mail), wornCode{ref: try.Ref, told: now})
	}
}
