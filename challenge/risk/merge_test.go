// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

func TestAMergedProfileKnowsWhatEitherKnew(t *testing.T) {
	p, other := *someone(lisbon, vpn), *someone(tokyo, home, unknown)
	other.Since -= 1000
	p.Merge(other, noon)
	for name, w := range map[string]risk.Where{"ours": lisbon, "our anonymiser": vpn, "theirs": tokyo, "their home": home, "their unknown place": unknown} {
		f := risk.Facts{Browser: risk.Remembered, Here: w, Person: &p}
		if said := risk.Assess(&f, &usual, noon).Said; said.Has(risk.NewPlace) {
			t.Errorf("%s: %v", name, said.Reasons())
		}
	}
	if p.Since != other.Since {
		t.Errorf("the first entry is of %d, want the earlier, %d", p.Since, other.Since)
	}
	f := risk.Facts{Browser: risk.Remembered, Here: madrid, Person: &p}
	if said := risk.Assess(&f, &usual, noon).Said; !said.Has(risk.NewPlace) {
		t.Error("what neither knew is known")
	}
}

// Two copies of one history are one history.
func TestMergingAProfileWithItselfChangesNothing(t *testing.T) {
	p := someone(lisbon, porto, tokyo, vpn, home)
	seen(p, lisbon, "laptop00", day)
	before := encode(t, p)
	p.Merge(*p, noon)
	if diff := cmp.Diff(before, encode(t, p)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

func TestWhatBothKnowCountsAsTheOneThatKnowsItBetter(t *testing.T) {
	var p, other risk.Profile
	p.Learn(lisbon, "laptop00", noon.Add(-90*day)) // half of it is left
	for range 3 {
		other.Learn(lisbon, "laptop00", noon.Add(-180*day))
	}
	other.Learn(lisbon, "laptop00", noon.Add(-179*day))
	p.Merge(other, noon)
	want := risk.Trace{Weight: 2.00, Day: noon.Add(-90*day).Unix() / 86400, First: noon.Add(-180 * day).Unix(), By: "laptop00"}
	if got := p.Areas[0].Trace; got.Day != want.Day || got.First != want.First || got.By != want.By || got.Weight < 1.9 || got.Weight > 2.1 {
		t.Errorf("trace %+v, want about %+v", got, want)
	}
	if len(p.Areas) != 1 || len(p.Networks) != 1 {
		t.Errorf("%d areas, %d networks, want one of each", len(p.Areas), len(p.Networks))
	}
}

// Or it would be dropped for another, and come back with the next merge.
func TestWhatBothKnowIsKnownNoWorseThanByEither(t *testing.T) {
	for days := range 200 {
		var p, other risk.Profile
		p.Learn(lisbon, "laptop00", noon)
		for range 2 {
			other.Learn(lisbon, "laptop00", noon.Add(-time.Duration(days)*day))
		}
		least := max(1, 2*math.Exp2(-float64(days)/90))
		p.Merge(other, noon)
		once := p.Areas[0].Weight
		if once < least || once > least+0.01 {
			t.Errorf("after %d days the weight is %v, want %v or a little more", days, once, least)
		}
		if p.Merge(other, noon); p.Areas[0].Weight != once {
			t.Errorf("after %d days it is %v once merged, and %v merged again", days, once, p.Areas[0].Weight)
		}
	}
}

// What a thief alone taught at one machine must still be forgotten where the
// records have become one, and what the owner confirmed at another must not.
func TestGEO06AMergedProfileUnlearns(t *testing.T) {
	var p, other risk.Profile
	p.Learn(lisbon, "laptop00", noon.Add(-30*day))
	p.Learn(madrid, "laptop00", noon.Add(-30*day))
	other.Learn(tokyo, "thief000", noon)
	other.Learn(madrid, "thief000", noon)
	p.Merge(other, noon)
	p.Unlearn("thief000", noon.Add(-time.Hour))
	got := areas(&p)
	slices.Sort(got)
	if want := []string{"ES", "PT"}; !slices.Equal(got, want) {
		t.Errorf("areas of %q, want %q", got, want)
	}
}

func TestMergeLeavesTheOtherAlone(t *testing.T) {
	p, other := someone(lisbon), someone(tokyo, lisbon)
	seen(other, lisbon, "laptop00", day)
	other.Areas = append(other.Areas, risk.Area{Country: "nonsense"})
	before := encode(t, other)
	p.Merge(*other, noon)
	p.Learn(tokyo, "another0", noon)
	p.Unlearn("laptop00", noon.Add(-60*day))
	if diff := cmp.Diff(before, encode(t, other)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

func TestOfTooMuchTheBestKnownStays(t *testing.T) {
	var p, other risk.Profile
	for i := range 8 {
		for range 1 + i {
			p.Learn(site(fmt.Sprintf("A%c", 'A'+i), float64(8*i), 10, 20, uint32(i+1)), "laptop00", noon)
			other.Learn(site(fmt.Sprintf("B%c", 'A'+i), float64(8*i), 50, 20, uint32(i+100)), "laptop00", noon)
		}
	}
	p.Merge(other, noon)
	got := areas(&p)
	slices.Sort(got)
	if want := []string{"AE", "AF", "AG", "AH", "BE", "BF", "BG", "BH"}; !slices.Equal(got, want) {
		t.Errorf("areas of %q, want %q", got, want)
	}
}

// Whatever was stored, and by whom: a merge keeps the bounds, and merging the
// same again changes nothing.
func TestMergeKeepsItsBoundsAndCountsNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, other := drawProfile(t), drawProfile(t)
		others := []risk.Where{lisbon, porto, tokyo, vpn, home, unknown, madrid, boston, sapporo}
		for range rapid.IntRange(0, 30).Draw(t, "entries") {
			to := []*risk.Profile{&p, &other}[rapid.IntRange(0, 1).Draw(t, "machine")]
			to.Learn(rapid.SampledFrom(others).Draw(t, "where"), rapid.SampledFrom([]string{"laptop00", "phone000", ""}).Draw(t, "by"),
				noon.Add(-time.Duration(rapid.IntRange(0, 500).Draw(t, "hours"))*time.Hour))
		}
		p.Merge(other, noon)
		if text := encode(t, &p); len(text) > mostBytes {
			t.Fatalf("%d bytes: %s", len(text), text)
		}
		if len(p.Areas) > 8 || len(p.Networks) > 12 || len(p.Sightings) > 8 {
			t.Fatalf("%d areas, %d networks, %d sightings", len(p.Areas), len(p.Networks), len(p.Sightings))
		}
		p.Sightings, other.Sightings = nil, nil // of those the places overlap
		before := encode(t, &p)
		p.Merge(other, noon)
		if diff := cmp.Diff(before, encode(t, &p)); diff != "" {
			t.Fatalf("merged once (-) and twice (+):\n%s", diff)
		}
	})
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(`{}`), []byte(`null`))
	f.Add([]byte(`{"since":-1,"areas":[{}],"nets":[{}],"seen":[{}]}`), []byte(`{"areas":[{"k":255,"c":"XX","l":4294967295,"w":1e308,"d":-9223372036854775808}]}`))
	f.Add([]byte(`{"areas":[{"c":"PT","w":8,"d":9223372036854775807,"t":9223372036854775807}]}`), []byte(encode(f, someone(lisbon, vpn))))
	f.Fuzz(func(t *testing.T, ours, theirs []byte) {
		var p, other risk.Profile
		if json.Unmarshal(ours, &p) != nil || json.Unmarshal(theirs, &other) != nil {
			return
		}
		p.Merge(other, noon)
		if text := encode(t, &p); len(text) > mostBytes {
			t.Errorf("%d bytes: %s", len(text), text)
		}
		f := risk.Facts{Browser: risk.Remembered, Here: tokyo, Person: &p}
		risk.Assess(&f, &usual, noon)
	})
}
