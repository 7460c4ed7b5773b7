// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"encoding/json"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A stored profile may have been written by another version, or by whoever got
// at the store. Whatever can be decoded can be judged by, and the next entry
// brings it within its bounds.
func FuzzProfile(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"since":-1,"areas":[{}],"nets":[{}],"seen":[{}]}`,
		`{"since":9223372036854775807,"areas":[{"k":255,"c":"\u2028\u2028","l":4294967295,"r":65535,"w":1e308,"d":-9223372036854775808,"t":9223372036854775807,"b":"\u0000"}]}`,
		`{"nets":[{"a":4294967295,"n":"<<<<<<<<<<<<","w":-1,"d":9223372036854775807}],"seen":[{"l":1,"t":-9223372036854775808},{"l":1036801,"t":9223372036854775807}]}`,
	} {
		f.Add([]byte(seed))
	}
	for _, w := range []risk.Where{lisbon, home, unknown, bare, vpn} {
		text, err := json.Marshal(seen(someone(w, tokyo), lisbon, "laptop00", day))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p risk.Profile
		if json.Unmarshal(text, &p) != nil {
			return
		}
		for _, w := range []risk.Where{lisbon, tokyo, vpn, home, unknown, bare, {}} {
			facts := risk.Facts{Browser: risk.Remembered, ID: "laptop00", Here: w, Person: &p}
			said := risk.Assess(&facts, &usual, noon).Said
			if p.Empty() && !said.Has(risk.NewPlace) {
				t.Errorf("an empty profile lets %+v in", w)
			}
			risk.Explain(&facts, &usual, noon)
			p.Touch(w, "laptop00", noon)
		}
		p.Unlearn("laptop00", noon)
		p.Learn(lisbon, "laptop00", noon)
		if again := encode(t, &p); len(again) > mostBytes {
			t.Errorf("%d bytes: %s", len(again), again)
		}
		if p.Since < 1 || p.Since > noon.Unix() {
			t.Errorf("the first entry is of %d", p.Since)
		}
		facts := risk.Facts{Browser: risk.Remembered, Here: lisbon, Person: &p}
		if said := risk.Assess(&facts, &usual, noon).Said; said.Has(risk.NewPlace) || said.Has(risk.NewNetwork) {
			t.Errorf("what was just learned is new: %v", said.Reasons())
		}
	})
}
