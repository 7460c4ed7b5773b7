// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func TestSensitive(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	half := risk.Page{MaxAge: 30 * time.Minute}
	used := risk.Page{MaxAge: 30 * time.Minute, Extends: true}
	table := map[string]struct {
		facts risk.Facts
		want  bool
	}{
		"a page that asks for nothing":                {risk.Facts{}, false},
		"no session":                                  {risk.Facts{Page: half}, true},
		"a code of ten minutes ago":                   {risk.Facts{Page: half, Coded: ago(10 * time.Minute)}, false},
		"a code of half an hour ago":                  {risk.Facts{Page: half, Coded: ago(30 * time.Minute)}, true},
		"a session that was renewed since":            {risk.Facts{Page: half, Coded: ago(10 * time.Minute), Renewed: true}, true},
		"a code of in half a minute":                  {risk.Facts{Page: half, Coded: ago(-30 * time.Second)}, false},
		"a code of in two minutes":                    {risk.Facts{Page: half, Coded: ago(-2 * time.Minute)}, true},
		"used a moment ago":                           {risk.Facts{Page: used, Coded: ago(time.Hour), Confirmed: ago(time.Minute)}, false},
		"used a moment ago, where that does not help": {risk.Facts{Page: half, Coded: ago(time.Hour), Confirmed: ago(time.Minute)}, true},
		"used half an hour ago":                       {risk.Facts{Page: used, Coded: ago(time.Hour), Confirmed: ago(30 * time.Minute)}, true},
		"never used":                                  {risk.Facts{Page: used, Coded: ago(time.Hour)}, true},
		"used all the time for four hours":            {risk.Facts{Page: used, Coded: ago(4 * time.Hour), Confirmed: ago(time.Minute)}, true},
		"used all the time for almost four hours":     {risk.Facts{Page: used, Coded: ago(4*time.Hour - time.Second), Confirmed: ago(time.Minute)}, false},
		"used in an hour from now":                    {risk.Facts{Page: used, Coded: ago(time.Hour), Confirmed: ago(-time.Hour)}, true},
		"used a moment ago in a renewed session":      {risk.Facts{Page: used, Coded: ago(time.Hour), Confirmed: ago(time.Minute), Renewed: true}, true},
	}
	for name, test := range table {
		t.Run(name, func(t *testing.T) {
			test.facts.Browser = risk.InSession
			if got := says(t, risk.Sensitive, test.facts, usual); got != test.want {
				t.Errorf("sensitive says %v, want %v: %s", got, test.want, why(risk.Sensitive, test.facts))
			}
		})
	}
}
