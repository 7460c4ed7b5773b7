// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// quick has the databases looked at as often as can be.
const quick = databases + " {\nrefresh 1s\n}"

// where is where the server thinks that an address is, by what it says to
// whoever is kept out.
func where(t testing.TB, c *harness.Caddy, address string) string {
	t.Helper()
	page := browserIn(t, c, address).Open(t, "/")
	_, after, _ := strings.Cut(page.Text(), "(network in ")
	country, _, _ := strings.Cut(after, ")")
	return country
}

// moved is the atlas with all of Tokyo in Italy.
func moved() map[string]geo.Place {
	other := map[string]geo.Place{}
	for network, place := range atlas {
		if place.City == "Tokyo" {
			place = atlas["5.35.1.0/24"]
		}
		other[network] = place
	}
	return other
}

// F-14: a database that is replaced, written anew in place, cut short, filled with
// nonsense or deleted while people come and go never takes the server down, and is
// never half read: each answer is by the old one or the new one. What is bad is
// refused, said in the log, and what was there before stays in use.
func TestF14ADatabaseMayChangeWhileRequestsRun(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	c.Load(t, logged+site(quick, "countries PT"))
	file := filepath.Join(c.Folder, "city.mmdb")
	good := []byte(read(t, file))
	side := t.TempDir()
	geotest.City(t, side, "new.mmdb", moved())
	next := []byte(read(t, filepath.Join(side, "new.mmdb")))
	watch := visit(t, c)

	replace(t, file, next)
	harness.Eventually(t, "Tokyo to be in Italy", func() bool { return where(t, c, tokyo) == "Italy" })
	for what, content := range map[string][]byte{
		"cut short": good[:len(good)/2], "nonsense": []byte(strings.Repeat("nonsense", 500)), "without its end": good[:len(good)-30],
	} {
		before := len(events(t, c, "geoip_refused"))
		overwrite(t, file, content)
		harness.Eventually(t, "a database that is "+what+" to be refused", func() bool { return len(events(t, c, "geoip_refused")) > before })
		if got := where(t, c, tokyo); got != "Italy" {
			t.Errorf("a database that is %s: Tokyo is in %q", what, got)
		}
	}
	overwrite(t, file, good) // in place
	harness.Eventually(t, "Tokyo to be in Japan", func() bool { return where(t, c, tokyo) == "Japan" })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the missing database to be noticed", func() bool { return refusedFor(t, c, "no such file") })
	if got := where(t, c, tokyo); got != "Japan" {
		t.Errorf("without its file: Tokyo is in %q", got)
	}
	replace(t, file, next)
	harness.Eventually(t, "Tokyo to be in Italy again", func() bool { return where(t, c, tokyo) == "Italy" })
	watch()
}

// refusedFor reports whether a database was refused for a reason. Each such line
// names the file, and is an error.
func refusedFor(t *testing.T, c *harness.Caddy, why string) bool {
	t.Helper()
	for _, e := range events(t, c, "geoip_refused") {
		if said, _ := e["error"].(string); strings.Contains(said, why) && e["level"] == "error" && strings.HasSuffix(e["file"].(string), "city.mmdb") {
			return true
		}
	}
	return false
}

// visit has people come from many places until it is told to stop, and fails when
// one of them gets an answer that neither database gives.
func visit(t *testing.T, c *harness.Caddy) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	client := &http.Client{Timeout: 20 * time.Second}
	for _, tt := range []struct {
		address string
		status  int
	}{{lisbon, http.StatusUnauthorized}, {tokyo, http.StatusForbidden}, {milan, http.StatusForbidden}, {unlisted, http.StatusForbidden}} {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL("/"), nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("X-Forwarded-For", tt.address)
				response, err := client.Do(r)
				if err != nil {
					t.Errorf("from %s: %v", tt.address, err)
					return
				}
				_ = response.Body.Close()
				if response.StatusCode != tt.status {
					t.Errorf("from %s: status = %d, want %d", tt.address, response.StatusCode, tt.status)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
		client.CloseIdleConnections()
	}
}

func replace(t *testing.T, file string, content []byte) {
	t.Helper()
	beside := file + ".new"
	overwrite(t, beside, content)
	if err := os.Rename(beside, file); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// F-14: a database that cannot be used is refused at the start, with what to do
// about it, and a server that runs goes on as it was.
func TestF14ADatabaseThatIsMissingOrBadIsRefused(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	c.Load(t, logged+site(databases))
	bad := filepath.Join(c.Folder, "bad.mmdb")
	overwrite(t, bad, []byte(read(t, filepath.Join(c.Folder, "city.mmdb")))[:900])
	for line, want := range map[string]string{
		"geoip FOLDER/x.mmdb":                    "x.mmdb: no such file; download it (see docs/geoip.md) or remove 'geoip': place checks are then off",
		"geoip FOLDER/city.mmdb FOLDER/x.mmdb":   "x.mmdb: no such file",
		"geoip FOLDER/bad.mmdb":                  bad + ": not a whole MaxMind DB file; download it again",
		"geoip FOLDER":                           "name the .mmdb file itself",
		"geoip FOLDER/asn.mmdb\ncountries PT":    "'countries' needs a Country or City database",
		"geoip FOLDER/city.mmdb {\nrefresh 1\n}": "'refresh' needs a duration",
	} {
		if err := c.TryLoad(t, site(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	wantStatus(t, "the configuration before", browserIn(t, c, lisbon).Open(t, "/"), http.StatusUnauthorized)
}

// "caddy validate" reads the databases, so that it finds what is wrong with them
// before the server does, and writes nothing.
func TestF14ValidateFindsABadDatabase(t *testing.T) {
	child := harness.PrepareChild(t, "\tlog {\n\t\toutput stderr\n\t}\n---\n"+site(databases, "countries not JP"))
	child.Begin(t, "validate")
	<-child.Exited()
	if log := child.Log(t); child.Code() == 0 || !strings.Contains(log, "city.mmdb: no such file; download it (see docs/geoip.md)") {
		t.Errorf("without a database: exit code %d\n%s", child.Code(), log)
	}
	drawAtlas(t, child.Caddy)
	before := tree(t, child.Folder)
	child.Begin(t, "validate")
	<-child.Exited()
	if child.Code() != 0 || !strings.Contains(child.Log(t), "Valid configuration") {
		t.Errorf("with databases: exit code %d\n%s", child.Code(), child.Log(t))
	}
	if after := tree(t, child.Folder); after != before {
		t.Errorf("files before:\n%s\nafter:\n%s", before, after)
	}
}

// F-15: a database that nobody has renewed for long is still used, and said to be
// old.
func TestF15AnOldDatabaseIsSaidToBeOld(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	geotest.Database{Built: time.Now().AddDate(0, -4, 0)}.City(t, c.Folder, "city.mmdb", atlas)
	c.Load(t, logged+site(databases, "countries not JP"))
	if got := where(t, c, tokyo); got != "Japan" {
		t.Errorf("Tokyo is in %q", got)
	}
	stale := events(t, c, "geoip_stale")
	if len(stale) != 1 || stale[0]["level"] != "warn" || !strings.HasSuffix(stale[0]["file"].(string), "city.mmdb") || stale[0]["built"] == nil {
		t.Errorf("the log says %v", stale)
	}
}

// A reload shares what is in memory, and does not lose a version that was taken in
// use since the start.
func TestF14DatabasesOutliveAReload(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	c.Load(t, logged+site(quick, "countries PT"))
	geotest.City(t, c.Folder, "city.mmdb", moved())
	harness.Eventually(t, "Tokyo to be in Italy", func() bool { return where(t, c, tokyo) == "Italy" })
	for range 3 {
		c.Reload(t)
		if got := where(t, c, tokyo); got != "Italy" {
			t.Errorf("after a reload Tokyo is in %q", got)
		}
	}
	geotest.City(t, c.Folder, "city.mmdb", atlas)
	harness.Eventually(t, "Tokyo to be in Japan", func() bool { return where(t, c, tokyo) == "Japan" })
}
