// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package risk_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/geo"
)

const mostBytes = 2_000

func encode(t interface {
	Helper()
	Fatal(...any)
}, p *risk.Profile,
) string {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAFirstEntryIsRemembered(t *testing.T) {
	var p risk.Profile
	if !p.Empty() || !(*risk.Profile)(nil).Empty() {
		t.Error("nothing is something")
	}
	p.Learn(lisbon, "laptop00-and-more", noon)
	want := risk.Profile{
		Since:     noon.Unix(),
		Areas:     []risk.Area{{Country: "PT", Cell: lisbon.Cell, Radius: 40, Trace: risk.Trace{Weight: 1, Day: noon.Unix() / 86400, First: noon.Unix(), By: "laptop00"}}},
		Networks:  []risk.Network{{ASN: 3243, Trace: risk.Trace{Weight: 1, Day: noon.Unix() / 86400, First: noon.Unix(), By: "laptop00"}}},
		Sightings: []risk.Sighting{{By: "laptop00", Cell: lisbon.Cell, Radius: 40, At: noon.Unix()}},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if p.Empty() {
		t.Error("something is nothing")
	}
}

func TestAPlaceNearAnAreaStrengthensIt(t *testing.T) {
	for name, test := range map[string]struct {
		then risk.Where
		want []string
	}{
		"the same place":                         {lisbon, []string{"PT"}},
		"a place less than 100 km away":          {site("PT", 38.9, -8.4, 20, 1), []string{"PT"}},
		"a place of a wide radius":               {site("PT", 41, -8, 300, 1), []string{"PT"}},
		"a place farther away":                   {porto, []string{"PT", "PT"}},
		"a place near by in another country":     {site("ES", 38.9, -8.4, 20, 1), []string{"PT", "ES"}},
		"the country without coordinates":        {bare, []string{"PT"}},
		"a private network":                      {home, []string{"PT", ""}},
		"an anonymiser in the city":              {vpn, []string{"PT", ""}},
		"a network that the operator named":      {named(tokyo), []string{"PT"}},
		"another country without coordinates":    {risk.Where{Country: "JP"}, []string{"PT", "JP"}},
		"a country code that is none":            {risk.Where{Country: "Portugal"}, []string{"PT", ""}},
		"a country code that would grow in JSON": {risk.Where{Country: "<>"}, []string{"PT", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var p risk.Profile
			p.Learn(lisbon, "a", noon)
			p.Learn(test.then, "a", noon)
			p.Learn(test.then, "a", noon)
			if got := areas(&p); !slices.Equal(got, test.want) {
				t.Errorf("areas of %q, want %q", got, test.want)
			}
		})
	}
}

func TestAPlaceStrengthensTheNearestArea(t *testing.T) {
	var p risk.Profile
	for _, longitude := range []float64{0, 2.4, 1, 1, 1.4} { // about 70 km from one, 100 from the other
		p.Learn(site("GB", 52, longitude, 0, 1), "a", noon)
	}
	if len(p.Areas) != 2 || p.Areas[0].Weight != 3 || p.Areas[1].Weight != 2 {
		t.Errorf("areas %+v", p.Areas)
	}
}

func TestAPlaceDoesNotBelongToACountryAlone(t *testing.T) {
	var p risk.Profile
	p.Learn(bare, "a", noon)
	p.Learn(lisbon, "a", noon)
	if len(p.Areas) != 2 || p.Areas[0].Cell != 0 || p.Areas[1].Cell != lisbon.Cell {
		t.Errorf("areas %+v", p.Areas)
	}
}

func TestWhatIsNotUsedFades(t *testing.T) {
	var p risk.Profile
	p.Learn(tokyo, "a", noon)
	for i := range 200 {
		p.Learn(lisbon, "a", noon.Add(time.Duration(i)*time.Hour))
	}
	at := func(days int) risk.Facts { return risk.Facts{Here: tokyo, Person: &p} }
	for _, test := range []struct {
		days int
		want bool
	}{{1, false}, {360, false}, {361, true}} {
		f := at(test.days)
		if got := risk.Assess(&f, &usual, noon.Add(time.Duration(test.days)*day)).Said.Has(risk.NewPlace); got != test.want {
			t.Errorf("a place of one visit is new after %d days: %v, want %v", test.days, got, test.want)
		}
	}
	f := risk.Facts{Here: lisbon, Person: &p}
	if risk.Assess(&f, &usual, noon.Add(600*day)).Said.Has(risk.NewPlace) {
		t.Error("a place of many visits is new after 600 days")
	}
	if !risk.Assess(&f, &usual, noon.Add(700*day)).Said.Has(risk.NewPlace) {
		t.Error("a place of many visits is kept for two years: nothing is for ever")
	}
	p.Learn(lisbon, "a", noon.Add(400*day))
	if len(p.Areas) != 1 || len(p.Networks) != 1 || len(p.Sightings) != 1 {
		t.Errorf("what is over is kept: %s", encode(t, &p))
	}
}

func TestTouchKeepsWhatIsKnownAndTeachesNothing(t *testing.T) {
	var p risk.Profile
	p.Learn(lisbon, "a", noon)
	for month := range 24 {
		p.Touch(lisbon, "b", noon.Add(time.Duration(month)*30*day))
	}
	later := noon.Add(720 * day)
	f := risk.Facts{Browser: risk.Remembered, Here: lisbon, Person: &p}
	if said := risk.Assess(&f, &usual, later).Said; said != 0 {
		t.Errorf("what was used all the time is new: %v", said.Reasons())
	}
	if a := p.Areas[0]; a.Weight != 1 || a.By != "a" || len(p.Sightings) != 2 {
		t.Errorf("a touch taught: %s", encode(t, &p))
	}
}

func TestGEO06VisitsThatAreNotVerifiedTeachNothing(t *testing.T) {
	p := someone(lisbon, porto)
	before := encode(t, p)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 1_000 {
		w := anywhere(random)
		w.Country = "JP" // none of it is known
		f := risk.Facts{Browser: risk.Browser(random.IntN(6)), ID: "thief", Here: w, From: lisbon, Person: p}
		now := noon.Add(time.Duration(i) * time.Minute)
		risk.Assess(&f, &usual, now)
		risk.Explain(&f, &usual, now)
		p.Touch(w, "thief", now)
	}
	for _, w := range []risk.Where{unknown, home, vpn, named(tokyo), named(lisbon)} {
		p.Touch(w, "thief", noon)
	}
	if after := encode(t, p); after != before {
		t.Errorf("the profile became\n%s\nand was\n%s", after, before)
	}
	var nobody *risk.Profile
	nobody.Touch(lisbon, "thief", noon)
	nobody.Unlearn("thief", noon)
}

// anywhere is any place on any network.
func anywhere(random *rand.Rand) risk.Where {
	letter := func() byte { return 'A' + byte(random.IntN(26)) }
	w := site(string([]byte{letter(), letter()}), random.Float64()*180-90, random.Float64()*360-180, random.IntN(1_000), random.Uint32())
	w.Net = fmt.Sprintf("%022x", random.Uint64())
	w.Private, w.Shady, w.Roaming, w.V6 = random.IntN(20) == 0, random.IntN(5) == 0, random.IntN(5) == 0, random.IntN(2) == 0
	if random.IntN(3) == 0 {
		w.ASN, w.Net = 0, w.Net[6:]
	}
	return w
}

func TestGEO05TheProfileIsBoundedAfter100000Entries(t *testing.T) {
	var p risk.Profile
	random := rand.New(rand.NewPCG(3, 4))
	now := noon
	browsers := make([]string, 20)
	for i := range browsers {
		browsers[i] = fmt.Sprintf("%016x", random.Uint64())
	}
	largest := 0
	for i := range 100_000 {
		now = now.Add(time.Duration(random.IntN(3600)) * time.Second)
		w := anywhere(random)
		if n := uint32(random.IntN(24)); n < 8 { // weights are seldom round
			w = site("PT", 0, float64(n)*4, 20, math.MaxUint32-n)
		}
		p.Learn(w, browsers[random.IntN(len(browsers))], now)
		if i%10 == 0 {
			largest = max(largest, len(encode(t, &p)))
		}
	}
	if largest > mostBytes {
		t.Errorf("the profile took %d bytes, want at most %d", largest, mostBytes)
	}
	if len(p.Areas) != 8 || len(p.Networks) != 12 || len(p.Sightings) != 8 {
		t.Errorf("%d areas, %d networks, %d sightings, want 8, 12, 8", len(p.Areas), len(p.Networks), len(p.Sightings))
	}
}

// The largest values that there are, and what JSON writes longer than it is.
func TestGEO05TheLargestProfileIsWithinItsBound(t *testing.T) {
	var p risk.Profile
	for i := range 40 {
		by := fmt.Sprintf("%02d<\x00\xff\u2028\"", i)
		w := site("ZW", 89, 179, 1<<30, math.MaxUint32-uint32(i))
		w.Country = fmt.Sprintf("Z%c", 'A'+i%26)
		w.V6 = true
		p.Learn(w, by, noon)
	}
	inBounds := func() {
		t.Helper()
		if text := encode(t, &p); len(text) > mostBytes {
			t.Errorf("%d bytes, want at most %d: %s", len(text), mostBytes, text)
		}
	}
	for i := range p.Areas {
		p.Areas[i].Weight, p.Areas[i].Day = 7.99, 99_999
	}
	for i := range p.Networks {
		p.Networks[i].Weight, p.Networks[i].Day = 7.99, 99_999
	}
	inBounds()

	p.Since = math.MaxInt64
	for i := range p.Sightings {
		p.Sightings[i].At = math.MaxInt64
	}
	worst := risk.Trace{Weight: 7.123456789, Day: math.MaxInt64, First: math.MaxInt64, By: strings.Repeat("<", 50)}
	for i := range p.Areas {
		p.Areas[i].Trace = worst
	}
	for i := range p.Networks {
		p.Networks[i].Trace = worst
	}
	p.Areas, p.Networks, p.Sightings = slices.Repeat(p.Areas, 3), slices.Repeat(p.Networks, 3), slices.Repeat(p.Sightings, 3)
	p.Learn(named(lisbon), "a", noon)
	inBounds()
}

// What is used most must not be pushed out by a long journey.
func TestAJourneyDoesNotPushOutHome(t *testing.T) {
	p := someone(lisbon, porto)
	for i := range 300 {
		p.Learn(site(fmt.Sprintf("%c%c", 'A'+i/26, 'A'+i%26), float64(i%90), float64(i%180), 20, uint32(i+10)), "phone000", noon.Add(time.Duration(i)*time.Hour))
	}
	for name, w := range map[string]risk.Where{"Lisbon": lisbon, "Porto": porto} {
		if f := (risk.Facts{Browser: risk.Remembered, Here: w, Person: p}); risk.Assess(&f, &usual, noon.Add(300*time.Hour)).Said != 0 {
			t.Errorf("%s was forgotten", name)
		}
	}
}

func TestUnlearnForgetsWhatABrowserAloneTaught(t *testing.T) {
	thief, owner := "thief000", "laptop00"
	var p risk.Profile
	p.Learn(lisbon, owner, noon.Add(-20*day))
	p.Learn(madrid, thief, noon.Add(-10*day)) // before the entry that is reported
	before := encode(t, &p)
	p.Learn(tokyo, thief, noon)
	p.Learn(vpn, thief, noon)
	p.Learn(home, thief, noon)
	p.Unlearn(thief, noon)
	if after := encode(t, &p); after != before {
		t.Errorf("the profile became\n%s\nand was\n%s", after, before)
	}

	p.Learn(tokyo, thief, noon)
	p.Learn(tokyo, owner, noon.Add(day)) // they do go there
	p.Unlearn(thief, noon)
	if got := areas(&p); !slices.Contains(got, "JP") {
		t.Errorf("areas of %q: what another browser has confirmed was forgotten", got)
	}
}

func TestABrowserCannotConfirmItself(t *testing.T) {
	for name, then := range map[string]string{"by the same name": "thief000", "by no name": ""} {
		var p risk.Profile
		p.Learn(lisbon, "laptop00", noon.Add(-30*day))
		p.Learn(tokyo, "thief000", noon)
		p.Learn(tokyo, then, noon)
		p.Unlearn("thief000", noon)
		if got := areas(&p); !slices.Equal(got, []string{"PT"}) {
			t.Errorf("%s: areas of %q", name, got)
		}
	}
}

func TestUnlearnOfNobodyForgetsNothing(t *testing.T) {
	p := someone(lisbon)
	before := encode(t, p)
	if p.Unlearn("", time.Time{}); encode(t, p) != before {
		t.Error("what was confirmed was forgotten")
	}
}

func TestAnUnlearnedFirstEntryLeavesNothing(t *testing.T) {
	var p risk.Profile
	p.Learn(tokyo, "thief000", noon)
	p.Unlearn("thief000", noon)
	if !p.Empty() {
		t.Errorf("left: %s", encode(t, &p))
	}
}

var addresses = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+|[0-9a-f]+:[0-9a-f:]*:[0-9a-f]+`)

func TestGEO10ADumpHoldsNoAddress(t *testing.T) {
	var p risk.Profile
	net := "kZ3hV0mPq9_T-aaaaaaaaa" // a keyed hash of 203.0.113.0/24
	p.Learn(risk.At(geo.Place{Country: "PT", City: "Lisbon", Point: geo.Point{Latitude: 38.7223, Longitude: -9.1393}, Located: true, Network: "MEO"}, net, "", false), "laptop00-and-more", noon)
	p.Learn(risk.At(geo.Place{Anonymous: true}, net, "", false), "laptop00-and-more", noon)
	text := encode(t, &p)
	if found := addresses.FindString(text); found != "" {
		t.Errorf("%s in %s", found, text)
	}
	for _, exact := range []string{"38.7", "9.13", "Lisbon", "MEO", net, "laptop00-and-more"} {
		if strings.Contains(text, exact) {
			t.Errorf("%s in %s", exact, text)
		}
	}
}

// Whatever the clock, the places and the names.
func TestLearningKeepsEveryBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProfile(t)
		for range rapid.IntRange(1, 12).Draw(t, "entries") {
			w := drawWhere(t)
			p.Learn(w, rapid.String().Draw(t, "by"), time.Unix(rapid.Int64().Draw(t, "now"), 0))
			if text := encode(t, &p); len(text) > mostBytes {
				t.Fatalf("%d bytes: %s", len(text), text)
			}
		}
	})
}

func drawWhere(t *rapid.T) risk.Where {
	return risk.Where{
		Country: rapid.OneOf(rapid.SampledFrom([]string{"PT", "JP", "ES", ""}), rapid.String()).Draw(t, "country"),
		Cell:    risk.Cell(rapid.OneOf(rapid.Uint32Range(0, 1_036_800), rapid.Uint32()).Draw(t, "cell")),
		Radius:  rapid.Uint16().Draw(t, "radius"),
		ASN:     rapid.OneOf(rapid.Uint32Range(0, 9), rapid.Uint32()).Draw(t, "asn"),
		Net:     rapid.String().Draw(t, "net"),
		Name:    rapid.SampledFrom([]string{"", "", "", "", "office"}).Draw(t, "name"),
		Private: rapid.IntRange(0, 9).Draw(t, "private") == 0,
		Shady:   rapid.IntRange(0, 4).Draw(t, "shady") == 0,
		Roaming: rapid.IntRange(0, 4).Draw(t, "roaming") == 0,
		V6:      rapid.Bool().Draw(t, "v6"),
	}
}

// drawProfile is any profile at all, not only one that was learned.
func drawProfile(t *rapid.T) risk.Profile {
	trace := rapid.Custom(func(t *rapid.T) risk.Trace {
		return risk.Trace{Weight: rapid.Float64().Draw(t, "weight"), Day: rapid.Int64().Draw(t, "day"), First: rapid.Int64().Draw(t, "first"), By: rapid.String().Draw(t, "by")}
	})
	p := risk.Profile{Since: rapid.Int64().Draw(t, "since")}
	for range rapid.IntRange(0, 15).Draw(t, "areas") {
		w := drawWhere(t)
		p.Areas = append(p.Areas, risk.Area{Country: w.Country, Cell: w.Cell, Radius: w.Radius, ASN: w.ASN, Net: w.Net, Trace: trace.Draw(t, "trace")})
	}
	for range rapid.IntRange(0, 15).Draw(t, "networks") {
		w := drawWhere(t)
		p.Networks = append(p.Networks, risk.Network{ASN: w.ASN, Net: w.Net, Trace: trace.Draw(t, "trace")})
	}
	for range rapid.IntRange(0, 15).Draw(t, "sightings") {
		w := drawWhere(t)
		p.Sightings = append(p.Sightings, risk.Sighting{By: rapid.String().Draw(t, "by"), Cell: w.Cell, Radius: w.Radius, At: rapid.Int64().Draw(t, "at"), V6: w.V6})
	}
	return p
}
