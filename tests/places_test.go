// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A session belongs to the place that it was proved from: what answers its
// requests elsewhere is the check, for each kind of request in its own way, and at
// once. The code from there makes the place a usual one (ruling 45).
func TestASessionThatMovesAbroadIsAskedAgainAtOnce(t *testing.T) {
	for name, tt := range map[string]struct{ address, reason string }{
		"the next country":       {madrid, "new_place"},
		"across the world":       {tokyo, "travel"},
		"across the world, IPv6": {tokyo6, "new_place"},
		"an address in no list":  {unlisted, "new_place"},
		"a VPN in the same city": {vpn, "new_place"},
	} {
		t.Run(name, func(t *testing.T) {
			c := located(t)
			b := atHome(t, c, lisbon, false)
			reached := len(c.App.Seen())
			b.From = tt.address

			script := b.Fetch(t, "/api?q=1")
			wantCheck(t, "script", script, tt.reason)
			var said struct{ Type, Reason, Begin string }
			if err := json.Unmarshal([]byte(script.Body), &said); err != nil || said.Type != "urn:doorcode:check-needed" || said.Reason != tt.reason {
				t.Errorf("the script is told %+v (%v)", said, err)
			}
			wantCheck(t, "socket", shake(t, c, b), tt.reason)
			if mails := c.Mailbox.Codes(t, ana); len(mails) != 1 {
				t.Errorf("%d codes were mailed before anybody opened a page", len(mails))
			}
			page := b.Open(t, "/page?q=1")
			wantCheck(t, "page", page, tt.reason)
			wantText(t, "page", page, "Confirm it's you", "a••@example.com", "!"+ana)
			c.App.Untouched(t, reached)

			wantStatus(t, "after the code", enter(t, b, c.Mailbox.WaitCode(t, ana, 2).Code(t)), http.StatusOK)
			if got := c.App.Last(t).URI; got != "/page?q=1" {
				t.Errorf("after the code the app was asked for %s", got)
			}
			for range 3 {
				for _, b.From = range []string{tt.address, lisbon} {
					wantStatus(t, "from "+b.From, b.Fetch(t, "/"), http.StatusOK)
				}
			}
		})
	}
}

// People change their networks all day. That is nobody's business while they are
// where they usually are, and people in two places are not asked at each change.
func TestAMoveWithinTheUsualAreaCostsNothing(t *testing.T) {
	c := located(t)
	b := atHome(t, c, lisbon, false)
	for range 3 {
		for _, b.From = range []string{lisbonCafe, porto, "81.2.69.200", lisbon} {
			wantStatus(t, "from "+b.From, b.Fetch(t, "/"), http.StatusOK)
			wantStatus(t, "page from "+b.From, b.Open(t, "/"), http.StatusOK)
		}
	}
	if mails := c.Mailbox.All(t); len(mails) != 1 {
		t.Errorf("%d mails, want the first code alone", len(mails))
	}
}

// One session is used from many places at once, as by an app that runs on behind a
// VPN that comes and goes. Each request is judged by its own.
func TestEachRequestIsJudgedByItsOwnPlace(t *testing.T) {
	c := located(t)
	line := "doorcode=" + atHome(t, c, lisbon, false).Cookies(t)["doorcode"]
	var all sync.WaitGroup
	for address, want := range map[string]int{
		lisbon: http.StatusOK, lisbonCafe: http.StatusOK, porto: http.StatusOK,
		tokyo: http.StatusUnauthorized, tokyo6: http.StatusUnauthorized, madrid: http.StatusUnauthorized, unlisted: http.StatusUnauthorized,
	} {
		b := withAt(t, c, line, address)
		all.Go(func() {
			for range 25 {
				wantStatus(t, "from "+address, b.Fetch(t, "/"), want)
			}
		})
	}
	all.Wait()
}

// Whoever is asked where they are can still leave: here, and for good.
func TestSigningOutWorksAtAnUnusualPlace(t *testing.T) {
	c := located(t)
	b := atHome(t, c, lisbon, true)
	b.From = tokyo
	wantStatus(t, "sign-out page", b.Open(t, "/.doorcode/signout"), http.StatusOK)
	wantStatus(t, "sign-out", b.Submit(t, "signout", nil), http.StatusOK)
	b.From = lisbon
	wantStatus(t, "back home", b.Fetch(t, "/"), http.StatusUnauthorized)
}

// To be remembered is to be remembered where one usually is. With several homes,
// each of them is usual, and none of the others is.
func TestARememberedBrowserAbroadIsAskedOnceForEachPlace(t *testing.T) {
	c := located(t)
	b := atHome(t, c, lisbon, true)
	for n, tt := range []struct{ address, where, reason string }{
		{tokyo, "near Tokyo, Japan (approximate)", "travel"}, {madrid, "near Madrid, Spain (approximate)", "travel"},
	} {
		b.Drop(t, "doorcode")
		b.From = tt.address
		page := b.Open(t, "/")
		wantCheck(t, tt.where, page, tt.reason, "new_place")
		if page.Hidden(t, "email") == "" || !strings.Contains(page.Body, ana) {
			t.Errorf("%s: the browser does not know its address any more:\n%s", tt.where, page.Text())
		}
		b.Submit(t, "email", url.Values{"email": {ana}})
		mail := c.Mailbox.WaitCode(t, ana, n+2)
		wantWords(t, "the mail", mail.Text, "Someone is signing in from a place you don't usually use.", tt.where, tt.address+", Example Telecom")
		wantStatus(t, tt.where, b.Submit(t, "verify", url.Values{"code": {mail.Code(t)}, "remember": {"on"}}), http.StatusOK)
	}
	for _, b.From = range []string{lisbon, tokyo, madrid, porto, tokyo} {
		b.Drop(t, "doorcode")
		wantStatus(t, "renewed at "+b.From, b.Fetch(t, "/"), http.StatusOK)
	}
	b.From = milan
	wantCheck(t, "a fourth country", b.Fetch(t, "/"), "new_place", "travel")
}

// Whoever copies all cookies of a browser has them in another country, and there
// they are worth nothing. Their owner goes on, at home, and is not disturbed.
func TestACopiedJarIsWorthNothingInAnotherCountry(t *testing.T) {
	c := located(t)
	owner := atHome(t, c, lisbon, true)
	stolen := cookies(t, owner)
	reached := len(c.App.Seen())
	thief := with(t, c, stolen)
	thief.Agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	for _, thief.From = range []string{tokyo, tokyo6, milan, vpn, unlisted} {
		wantCheck(t, "the jar at "+thief.From, thief.Fetch(t, "/"), "travel", "new_place")
		wantCheck(t, "a socket with the jar at "+thief.From, shake(t, c, withAt(t, c, stolen, thief.From)), "travel", "new_place")
	}
	device := "doorcode-device=" + owner.Cookies(t)["doorcode-device"]
	wantCheck(t, "the device cookie alone", withAt(t, c, device, tokyo).Fetch(t, "/"), "travel", "new_place")
	c.App.Untouched(t, reached)
	wantStatus(t, "the owner", owner.Fetch(t, "/"), http.StatusOK)
	owner.Drop(t, "doorcode")
	wantStatus(t, "the owner, renewed", owner.Fetch(t, "/"), http.StatusOK)
}

// withAt is a browser that brings one cookie line and no other, somewhere.
func withAt(t testing.TB, c *harness.Caddy, line, address string) *harness.Browser {
	t.Helper()
	b := browserIn(t, c, address)
	b.Extra = http.Header{"Cookie": {line}}
	u, err := url.Parse(b.Base)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range strings.Split(line, "; ") { // for handshakes, which are made of the jar
		name, value, _ := strings.Cut(pair, "=")
		b.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
	}
	return b
}

// Ruling 16: before the proof, a page tells a stranger nothing of where a person
// usually is. The mail, which only the person reads, tells what is unusual.
func TestRuling16APageTellsStrangersNothingOfUsualPlaces(t *testing.T) {
	c := located(t)
	owner := atHome(t, c, lisbon, true)
	stranger := browserIn(t, c, tokyo)
	page := stranger.Open(t, "/")
	wantCheck(t, "before the address", page, "new_browser")
	page = stranger.Submit(t, "email", url.Values{"email": {ana}})
	wantCheck(t, "after the address", page, "new_browser")
	wantText(t, "the page", page, "We don't recognise this browser", "!usually", "!Tokyo", "!Lisbon", "!Portugal")
	wantWords(t, "the mail", c.Mailbox.WaitCode(t, ana, 2).Text, "from a place you don't usually use", "near Tokyo, Japan (approximate)")

	b := browserIn(t, c, lisbon)
	ask(t, c, b, "/", ana)
	wantWords(t, "the mail from the usual place", c.Mailbox.WaitCode(t, ana, 3).Text, "near Lisbon, Portugal (approximate)", "!usually use")

	// In a browser that is remembered for one person, neither of another.
	owner.Drop(t, "doorcode")
	owner.From = tokyo
	wantCheck(t, "her own browser", owner.Open(t, "/"), "travel")
	page = owner.Submit(t, "email", url.Values{"email": {ben}})
	wantText(t, "her own browser about somebody else", page, "We don't recognise this browser", "!far from here", "!usually")
}

// "session bind" chooses what a session is bound to.
func TestBindChoosesWhatASessionIsBoundTo(t *testing.T) {
	for bind, tt := range map[string]struct{ abroad, cafe int }{
		"none":    {http.StatusOK, http.StatusOK},
		"place":   {http.StatusUnauthorized, http.StatusOK},
		"network": {http.StatusUnauthorized, http.StatusOK},
	} {
		t.Run(bind, func(t *testing.T) {
			c := located(t, "session 12h {\nbind "+bind+"\n}")
			b := atHome(t, c, lisbon, true)
			b.From = tokyo
			wantStatus(t, "abroad", b.Fetch(t, "/"), tt.abroad)
			b.From = lisbonCafe
			wantStatus(t, "in a café", b.Fetch(t, "/"), tt.cafe)
			b.From = tokyo
			b.Drop(t, "doorcode") // the next session is another matter
			wantCheck(t, "a remembered browser abroad", b.Fetch(t, "/"), "travel", "new_place")
		})
	}
}

// Ruling 45: in a person's first days new networks count as little as they tell,
// and so do far places in their own country. Later both do.
func TestRuling45AfterTheFirstDaysMoreIsUnusual(t *testing.T) {
	strict := site(databases, "challenge new_browser new_place new_network", "session 12h {\nbind network\n}")
	c := charted(t, strict)
	b := atHome(t, c, milan, true)
	b.From = milanCafe
	wantStatus(t, "another network in the first days", b.Fetch(t, "/"), http.StatusOK)
	longKnown(t, c, strict)
	wantCheck(t, "another network, later, in a session", b.Fetch(t, "/"), "new_network")
	b.Drop(t, "doorcode")
	wantCheck(t, "another network, later", b.Fetch(t, "/"), "new_network")
	b.From = palermo
	wantCheck(t, "far away, later", b.Fetch(t, "/"), "new_place")
	b.From = milan
	wantStatus(t, "at home, later", b.Fetch(t, "/"), http.StatusOK)
}

// longKnown goes on with a site in a copy of its storage, in which one has known
// everybody for a month. It stands in for the time itself.
func longKnown(t *testing.T, c *harness.Caddy, site string) {
	t.Helper()
	if err := caddy.Stop(); err != nil { // so that nobody writes
		t.Fatal(err)
	}
	later := filepath.Join(c.Folder, "later.db")
	for _, part := range []string{"", ".witness"} { // without it, a copy lets nobody in
		if err := os.WriteFile(later+part, []byte(read(t, filepath.Join(c.Folder, "doorcode.db"+part))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := boltstore.Open(boltstore.Options{Path: later})
	if err != nil {
		t.Fatal(err)
	}
	people, err := store.List(t.Context(), "person/", "", 10)
	if err != nil || len(people) == 0 {
		t.Fatalf("people: %q, %v", people, err)
	}
	for _, key := range people {
		err := store.Update(t.Context(), key, func(old []byte, _ time.Time) ([]byte, time.Duration, error) {
			return aged(t, old), 24 * time.Hour, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	c.Load(t, strings.Replace(site, "FOLDER/doorcode.db", later, 1))
}

// aged is the record of a person with all that is known of their places a month
// older.
func aged(t *testing.T, record []byte) []byte {
	t.Helper()
	person := map[string]json.RawMessage{}
	places := map[string]json.RawMessage{}
	if err := errors.Join(json.Unmarshal(record, &person), json.Unmarshal(person["places"], &places)); err != nil {
		t.Fatal(err)
	}
	places["since"] = json.RawMessage(strconv.FormatInt(time.Now().AddDate(0, 0, -30).Unix(), 10))
	delete(places, "seen")
	var err error
	if person["places"], err = json.Marshal(places); err != nil {
		t.Fatal(err)
	}
	aged, err := json.Marshal(person)
	if err != nil {
		t.Fatal(err)
	}
	return aged
}

// GEO-03: addresses that say nothing are a place of their own, and nothing is
// ever at latitude 0. From one to the other is a change.
func TestGEO03AddressesThatSayNothingAreUnknown(t *testing.T) {
	for name, tt := range map[string]struct {
		home          string
		same, unusual []string
	}{
		"a private network":               {private, []string{"10.9.9.9", "192.168.1.7", "fd00::7"}, []string{unlisted, lisbon, vpn}},
		"carrier-grade NAT":               {cgnat, []string{tailscale, "100.64.200.1", private}, []string{unlisted, tokyo}},
		"Tailscale":                       {tailscale, []string{cgnat}, []string{lisbon}},
		"a public address in no database": {unlisted, []string{"1.129.0.1", "1.128.200.1"}, []string{lisbon, private, vpn, tokyo}},
		"a VPN":                           {vpn, []string{"175.16.199.77"}, []string{unlisted, private, tokyo}},
	} {
		t.Run(name, func(t *testing.T) {
			c := located(t)
			b := atHome(t, c, tt.home, false)
			for _, b.From = range tt.same {
				wantStatus(t, "from "+b.From, b.Fetch(t, "/"), http.StatusOK)
			}
			for _, b.From = range tt.unusual {
				wantCheck(t, "from "+b.From, b.Fetch(t, "/"), "new_place")
			}
		})
	}
}

// GEO-04: IPv4 and IPv6 of one connection are located apart. A browser that
// changes between the two has not travelled; one that does so within IPv4 has.
func TestGEO04APairOfIPv4AndIPv6IsNoTravel(t *testing.T) {
	c := located(t)
	b := atHome(t, c, milan, false)
	for range 4 {
		for _, b.From = range []string{palermo6, milan} {
			wantStatus(t, "from "+b.From, b.Fetch(t, "/"), http.StatusOK)
		}
	}
	b.From = palermo
	wantCheck(t, "890 km in a moment", b.Fetch(t, "/"), "travel")
}

// A network that the operator has named is a usual place for everybody, wherever
// the databases think that it is.
func TestANamedNetworkIsAUsualPlace(t *testing.T) {
	c := located(t, "networks office 89.160.20.0/24 2001:218::/48")
	b := atHome(t, c, lisbon, true)
	for _, b.From = range []string{tokyo, tokyo6} {
		wantStatus(t, "a session in the office", b.Fetch(t, "/"), http.StatusOK)
	}
	b.From = "2001:218:1::10" // of the same provider, not of the office
	wantCheck(t, "beside the office", b.Fetch(t, "/"), "new_place", "travel")
	b.Drop(t, "doorcode")
	b.From = tokyo
	wantStatus(t, "a remembered browser in the office", b.Fetch(t, "/"), http.StatusOK)
	wantCheck(t, "a stranger in the office", browserIn(t, c, tokyo).Fetch(t, "/"), "new_browser")
}

// Ruling 9: where Caddy takes the first of several forwarded addresses, whoever
// knows where a person lives could write that there. It must not count, and the
// log says once what to do.
func TestRuling9AForgedPlaceDoesNotCount(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	c.Load(t, strings.Replace(logged, "---\n", "\tservers {\n\t\ttrusted_proxies static 127.0.0.1/32 ::1/128\n\t}\n---\n", 1)+site(databases))
	owner := atHome(t, c, lisbon, true)
	reached := len(c.App.Seen())
	thief := with(t, c, cookies(t, owner))
	for _, thief.From = range []string{lisbon + ", " + tokyo, lisbon + "," + tokyo6, lisbon + ", " + lisbon + ", " + unlisted, lisbon + ", x", "x, " + tokyo, lisbon + ", ,"} {
		wantCheck(t, "the jar from "+thief.From, thief.Fetch(t, "/"), "new_place", "travel")
	}
	c.App.Untouched(t, reached)
	wantStatus(t, "the owner", owner.Fetch(t, "/"), http.StatusOK)
	hints := 0
	for _, line := range logOf(t, c.Folder+"/caddy.log") {
		if text, _ := line["msg"].(string); strings.Contains(text, "trusted_proxies_strict") {
			hints++
		}
	}
	if hints != 1 {
		t.Errorf("the log says %d times what to do, want once", hints)
	}
}

// HDR-07: an address that nobody vouches for is nobody's place. Whoever connects
// directly is where the connection comes from, whatever they write.
func TestHDR07AnUntrustedHeaderMovesNobody(t *testing.T) {
	c := harness.Prepare(t)
	drawAtlas(t, c)
	c.Load(t, "\tservers {\n\t\tprotocols h1\n\t}\n---\n"+site(databases))
	b := atHome(t, c, lisbon, false)
	for _, b.From = range []string{tokyo, madrid, private} {
		wantStatus(t, "claiming "+b.From, b.Fetch(t, "/"), http.StatusOK)
	}
}
