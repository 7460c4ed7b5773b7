// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestSamplesAreEveryMailUnderANameOfItsOwn(t *testing.T) {
	named, about := map[string]bool{}, map[challenge.Subject]bool{}
	kinds := map[challenge.Subject]map[challenge.ChangeKind]bool{challenge.ChangeCode: {}, challenge.WaysChanged: {}}
	for _, s := range mailer.Samples() {
		if named[s.Name] {
			t.Errorf("%s stands twice", s.Name)
		}
		named[s.Name], about[s.Letter.Notice.Subject] = true, true
		if of := kinds[s.Letter.Notice.Subject]; of != nil {
			of[s.Letter.Notice.Change] = true
		}
		if m := render(t, s.Letter); m.Text == "" {
			t.Errorf("%s says nothing", s.Name)
		}
	}
	for name, subject := range subjects {
		if !about[subject] {
			t.Errorf("there is no sample of %s", name)
		}
	}
	for kind := range withCode {
		if !kinds[challenge.ChangeCode][kind] {
			t.Errorf("there is no sample of the code for %s", kind)
		}
	}
	for kind := range told {
		if kind != challenge.ProveSecond && !kinds[challenge.WaysChanged][kind] {
			t.Errorf("there is no sample of the notice of %s", kind)
		}
	}
}
