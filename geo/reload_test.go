// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

// versions are two City databases of equal size and one other, all of which
// know 81.2.69.0/24, and none that is used.
type versions struct{ london, lisbon, other []byte }

func newVersions(t testing.TB) versions {
	dir := t.TempDir()
	write := func(p geo.Place) []byte {
		return content(t, geotest.City(t, dir, "v.mmdb", map[string]geo.Place{"81.2.69.0/24": p}))
	}
	long := tokyo
	long.City = "Tokyo, and all around it"
	return versions{write(london), write(lisbon), write(long)}
}

// watch opens path for a test that looks at it by hand.
func watch(t testing.TB, path string) (*geo.DB, *events) {
	t.Helper()
	seen := new(events)
	db := openWith(t, geo.Options{Files: []string{path}, Refresh: -1, Report: seen.add})
	if diff := cmp.Diff([]geo.Kind{geo.Loaded}, seen.kinds()); diff != "" {
		t.Fatalf("Open reports, want -, got +:\n%s", diff)
	}
	return db, seen
}

func city(db *geo.DB) string { return db.Locate(ip("81.2.69.142")).City }

// arrivals are the ways in which v.lisbon gets to path.
var arrivals = map[string]func(t *testing.T, path string, v versions){
	"replaced by a rename": func(t *testing.T, path string, v versions) {
		overwrite(t, path+".new", v.lisbon)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	},
	"rewritten in place": func(t *testing.T, path string, v versions) { overwrite(t, path, v.lisbon) },
	"deleted and written": func(t *testing.T, path string, v versions) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		overwrite(t, path, v.lisbon)
	},
	// Clocks of file systems are coarse. Before: a version of the same size
	// that was written within the same tick was never seen.
	"rewritten without its time changing": func(t *testing.T, path string, v versions) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		overwrite(t, path, v.lisbon)
		if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
			t.Fatal(err)
		}
	},
	"replaced by an older file": func(t *testing.T, path string, v versions) {
		overwrite(t, path+".new", v.lisbon)
		if err := os.Chtimes(path+".new", time.Time{}, time.Now().AddDate(-1, 0, 0)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	},
	"a link that points elsewhere": func(t *testing.T, path string, v versions) {
		overwrite(t, path+".new", v.lisbon)
		if err := errors.Join(os.Remove(path), os.Symlink(path+".new", path)); err != nil {
			t.Fatal(err)
		}
	},
}

func TestANewVersionIsTakenHoweverItGotThere(t *testing.T) {
	v := newVersions(t)
	for name, replace := range arrivals {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "city.mmdb")
			overwrite(t, path, v.london)
			db, seen := watch(t, path)
			if got := city(db); got != "London" {
				t.Fatalf("at first the city is %q", got)
			}
			replace(t, path, v)
			db.Refresh()
			if got := city(db); got != "Lisbon" {
				t.Errorf("then the city is %q, want Lisbon", got)
			}
			if diff := cmp.Diff([]geo.Kind{geo.Loaded}, seen.kinds()); diff != "" {
				t.Errorf("reported, want -, got +:\n%s", diff)
			}
		})
	}
}

func TestATouchedFileIsNoNewVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	overwrite(t, path, newVersions(t).london)
	db, seen := watch(t, path)
	before := db.Locate(ip("81.2.69.142"))
	for i := range 3 {
		at := time.Now().Add(-time.Duration(i) * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		db.Refresh()
	}
	if db.Locate(ip("81.2.69.142")) != before {
		t.Error("the cache was thrown away")
	}
	if got := seen.take(); got != nil {
		t.Errorf("reported %v", got)
	}
}

func TestF14ABadVersionKeepsTheOldOneAndIsReportedOnce(t *testing.T) {
	v := newVersions(t)
	path := filepath.Join(t.TempDir(), "city.mmdb")
	overwrite(t, path, v.london)
	db, seen := watch(t, path)

	steps := []struct {
		name string
		do   func() error
		want []geo.Kind
		is   error
		city string
	}{
		{"cut short", func() error { return os.Truncate(path, int64(len(v.london)/2)) }, []geo.Kind{geo.Refused}, geo.ErrDamaged, "London"},
		{"cut shorter: another bad version", func() error { return os.Truncate(path, 100) }, []geo.Kind{geo.Refused}, geo.ErrDamaged, "London"},
		{"emptied", func() error { return os.Truncate(path, 0) }, []geo.Kind{geo.Refused}, geo.ErrDamaged, "London"},
		{"of another use", func() error {
			geotest.Database{Type: "GeoIP2-Domain"}.Records(t, filepath.Dir(path), "city.mmdb", map[string]record{"1.0.0.0/8": {"domain": "example.com"}})
			return nil
		}, []geo.Kind{geo.Refused}, geo.ErrUseless, "London"},
		{"deleted", func() error { return os.Remove(path) }, []geo.Kind{geo.Refused}, geo.ErrMissing, "London"},
		{"half written", func() error { return os.WriteFile(path, v.lisbon[:len(v.lisbon)/2], 0o600) }, []geo.Kind{geo.Refused}, geo.ErrDamaged, "London"},
		{"written to its end", func() error { return os.WriteFile(path, v.lisbon, 0o600) }, []geo.Kind{geo.Loaded}, nil, "Lisbon"},
		{"replaced by a folder", func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, []geo.Kind{geo.Refused}, geo.ErrDamaged, "Lisbon"},
		{"what was in use is back", func() error { return errors.Join(os.Remove(path), os.WriteFile(path, v.lisbon, 0o600)) }, []geo.Kind{geo.Loaded}, nil, "Lisbon"},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		for range 3 { // it is looked at again, and told once
			db.Refresh()
		}
		told := seen.take()
		var kinds []geo.Kind
		for _, e := range told {
			kinds = append(kinds, e.Kind)
		}
		if diff := cmp.Diff(step.want, kinds); diff != "" {
			t.Fatalf("%s: reported, want -, got +:\n%s", step.name, diff)
		}
		if e := told[0]; !errors.Is(e.Err, step.is) || e.File != path || e.Type != "GeoLite2-City" || e.Built.IsZero() {
			t.Errorf("%s: reported %+v, want %v", step.name, e, step.is)
		}
		if got := city(db); got != step.city {
			t.Errorf("%s: the city is %q, want %q", step.name, got, step.city)
		}
	}
}

func TestOneBadFileDoesNotHoldUpTheOthers(t *testing.T) {
	v := newVersions(t)
	dir := t.TempDir()
	asn := geotest.ASN(t, dir, "asn.mmdb", map[string]geo.Place{"81.2.69.0/24": {ASN: 20712}})
	path := filepath.Join(dir, "city.mmdb")
	overwrite(t, path, v.london)
	db := open(t, asn, path)
	overwrite(t, asn, []byte("gone"))
	overwrite(t, path, v.lisbon)
	db.Refresh()
	if got := db.Locate(ip("81.2.69.142")); got.City != "Lisbon" || got.ASN != 20712 {
		t.Errorf("Locate = %+v, want the new city and the old network", got)
	}
}

// Acceptance 118: a replaced file is used within refresh, and the old one is
// never closed under a reader, not even by Close.
func TestANewVersionIsTakenWithinRefresh(t *testing.T) {
	v := newVersions(t)
	path := filepath.Join(t.TempDir(), "city.mmdb")
	overwrite(t, path, v.london)
	synctest.Test(t, func(t *testing.T) {
		db, err := geo.Open(geo.Options{Files: []string{path}, MaxAge: -1})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		overwrite(t, path, v.lisbon)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if got := city(db); got != "Lisbon" {
			t.Errorf("after 5 minutes the city is %q, want Lisbon", got)
		}

		db.Close()
		db.Close()
		overwrite(t, path, v.london)
		time.Sleep(time.Hour)
		if got := city(db); got != "Lisbon" {
			t.Errorf("after Close the city is %q, want still Lisbon", got)
		}
	})
}

func TestF15StaleDataIsReportedWhenLoadedAndOnceADay(t *testing.T) {
	const day = 24 * time.Hour
	path := filepath.Join(t.TempDir(), "city.mmdb")
	synctest.Test(t, func(t *testing.T) {
		write := func(age time.Duration) {
			geotest.Database{Built: time.Now().Add(-age)}.City(t, filepath.Dir(path), filepath.Base(path), world)
		}
		seen := new(events)
		write(44 * day)
		db, err := geo.Open(geo.Options{Files: []string{path}, Report: seen.add})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		step := func(name string, d time.Duration, stale bool, want ...geo.Kind) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if diff := cmp.Diff(want, seen.kinds()); diff != "" {
				t.Errorf("%s: reported, want -, got +:\n%s", name, diff)
			}
			if got := db.Files()[0].Stale; got != stale {
				t.Errorf("%s: Stale = %t, want %t", name, got, stale)
			}
		}
		step("at first", 0, false, geo.Loaded)
		step("just before 45 days", day-time.Hour, false)
		step("45 days", 2*time.Hour, true, geo.Stale)
		step("the same day", 20*time.Hour, true)
		step("a day later", 4*time.Hour, true, geo.Stale)
		step("three days later", 3*day, true, geo.Stale, geo.Stale, geo.Stale)
		write(60 * day)
		step("an old version", time.Hour, true, geo.Loaded, geo.Stale)
		write(0)
		step("a new version", time.Hour, false, geo.Loaded)
		step("40 days later", 40*day, false)
		step("46 days later", 6*day, true, geo.Stale, geo.Stale)
		if got := *db.Locate(ip("81.2.69.142")); got != london {
			t.Errorf("Locate = %+v: stale data is still the best there is", got)
		}
	})
}

func TestF15DataOfAnyAgeIsFreshIfMaxAgeIsNegative(t *testing.T) {
	seen := new(events)
	path := geotest.Database{Built: time.Unix(1, 0)}.City(t, t.TempDir(), "city.mmdb", world)
	db := openWith(t, geo.Options{Files: []string{path}, Refresh: -1, MaxAge: -1, Report: seen.add})
	if slices.Contains(seen.kinds(), geo.Stale) || db.Files()[0].Stale {
		t.Error("reported as stale")
	}
}

// Before, with the file mapped into memory: "fatal error: fault", and all of
// Caddy was gone. 20,000 lookups a second for two seconds, while everything
// that can happen to a file does.
func TestF14LookupsGoOnWhateverHappensToTheFile(t *testing.T) {
	v := newVersions(t)
	path := filepath.Join(t.TempDir(), "city.mmdb")
	overwrite(t, path, v.london)
	seen := new(events)
	db := openWith(t, geo.Options{Files: []string{path}, Refresh: time.Millisecond, Report: seen.add})

	tallies := make(chan tally, workers)
	for worker := range workers {
		go func() { tallies <- askOften(db, worker) }()
	}

	total := map[string]int{}
	rounds := 0
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for done := 0; done < workers; {
		select {
		case n := <-tallies:
			done++
			if n.wrong != "" {
				t.Errorf("a lookup gave %s", n.wrong)
			}
			for name, count := range n.cities {
				total[name] += count
			}
		case <-tick.C:
			torment(t, path, v, rounds)
			db.Refresh()
			rounds++
		}
	}

	sum := 0
	for name, count := range total {
		sum += count
		if !slices.Contains([]string{"London", "Lisbon", "Tokyo, and all around it"}, name) {
			t.Errorf("%d lookups gave %q, which no version says", count, name)
		}
	}
	if sum != workers*perTick*ticks || len(total) != 3 {
		t.Errorf("%d lookups of %d answered, of %d versions of 3", sum, workers*perTick*ticks, len(total))
	}
	kinds := seen.kinds()
	if !slices.Contains(kinds, geo.Refused) || !slices.Contains(kinds, geo.Loaded) {
		t.Error("nothing was refused, or nothing loaded")
	}
	t.Logf("%d rounds, %d reports, %v", rounds, len(kinds), total)
}

// workers ask together 20,000 times a second, for two seconds.
const workers, perTick, ticks = 2, 10, 2000

// A tally is what a worker was told: how often each city, and the last answer
// that cannot be right.
type tally struct {
	cities map[string]int
	wrong  string
}

func askOften(db *geo.DB, worker int) tally {
	n := tally{cities: map[string]int{}}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range ticks {
		<-tick.C
		for j := range perTick {
			p := db.Locate(ip(fmt.Sprintf("81.2.69.%d", (worker+i*perTick+j)%256)))
			n.cities[p.City]++
			if fault := sound(p); fault != "" || p.Country == "" {
				n.wrong = fmt.Sprintf("%+v %s", *p, fault)
			}
		}
	}
	return n
}

// torment does to the file what may happen to one, in turn.
func torment(t *testing.T, path string, v versions, round int) {
	t.Helper()
	var err error
	switch round % 7 {
	case 0:
		err = errors.Join(os.WriteFile(path+".new", v.lisbon, 0o600), os.Rename(path+".new", path))
	case 1:
		err = os.Truncate(path, int64(len(v.lisbon)/2))
	case 2:
		err = os.WriteFile(path, v.london, 0o600)
	case 3:
		err = os.WriteFile(path, []byte("garbage"), 0o600)
	case 4:
		err = os.WriteFile(path, v.other, 0o600)
	case 5:
		err = os.Truncate(path, 0)
	case 6:
		err = os.Remove(path)
	}
	if err != nil {
		t.Error(err)
	}
}
