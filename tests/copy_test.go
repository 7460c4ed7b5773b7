// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A household is a site whose storage changes between one start and the next.
type household struct {
	*harness.Child
	config string // its Caddyfile
	before string // how it began
}

func newHousehold(t *testing.T, text string) *household {
	t.Helper()
	h := &household{Child: harness.PrepareChild(t, text)}
	h.config = filepath.Join(h.Folder, "Caddyfile")
	h.before = read(t, h.config)
	return h
}

// keeps gives the site another storage for its next start.
func (h *household) keeps(t *testing.T, storage string) {
	t.Helper()
	text := strings.Replace(h.before, "storage embedded "+h.Folder+"/doorcode.db", storage, 1)
	if err := os.WriteFile(h.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runs starts the site with a storage, and kills it when all is done.
func (h *household) runs(t *testing.T, storage string, during func()) {
	t.Helper()
	h.keeps(t, storage)
	h.Run(t)
	during()
	h.Kill()
}

// copies runs storage copy with the present configuration.
func (h *household) copies(t *testing.T, args ...string) run {
	t.Helper()
	cmd := harness.Command(h.Folder, append([]string{"doorcode", "storage", "copy", "--adapter", "caddyfile", "--config", h.config}, args...)...)
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+h.Folder) // as the server has it
	return execute(t, cmd)
}

func (h *household) path(name string) string { return filepath.Join(h.Folder, name) }

const withSecret = "secret " + rootSecret

// Two machines with files of their own become one. Whoever was signed in at either
// stays so, a code that was on its way is over, and a copy that is made once more
// changes nothing. Going to Redis and back is the same.
func TestMovingHouseSignsNobodyOut(t *testing.T) {
	h := newHousehold(t, site(withSecret))
	redis := redistest.Start(t)
	a, b, back := h.path("a.db"), h.path("b.db"), h.path("back.db")
	var atA, atB, pending *harness.Browser
	var ended string // cookies of a session that was ended
	var right url.Values
	h.runs(t, "storage embedded "+a, func() {
		atA = signedIn(t, h.Caddy, ana)
		out := signedIn(t, h.Caddy, ana)
		ended = cookies(t, out)
		out.Open(t, "/.doorcode/signout")
		wantStatus(t, "sign-out", out.Submit(t, "signout", nil), http.StatusOK)
	})
	h.runs(t, "storage embedded "+b, func() {
		atB, pending = signedIn(t, h.Caddy, ben), h.Browser(t)
		right = form(t, pending, ask(t, h.Caddy, pending, "/", "cat@example.com"))
	})

	everybody := func(where string) func() {
		return func() {
			t.Helper()
			wantStatus(t, "ana, with her records in "+where, atA.Open(t, "/x"), http.StatusOK)
			wantStatus(t, "ben, with his records in "+where, atB.Open(t, "/x"), http.StatusOK)
			wantStatus(t, "an ended session, with its records in "+where, h.Browser(t).Do(t, http.MethodGet, "/x", nil, http.Header{"Cookie": {ended}}), http.StatusUnauthorized)
			if page := pending.Do(t, http.MethodPost, "/.doorcode/verify", right, sameOrigin); setCookies(page)["doorcode"] != nil {
				t.Errorf("a code of before made a session, with the records in %s", where)
			}
		}
	}
	shared := "storage redis redis://" + redis.Addr
	h.keeps(t, shared)
	for range 2 {
		h.copies(t, "--from", a, "--from", b).wantLines(t, "to Redis", "FROM | TO | PEOPLE | ADDRESSES | NETWORKS | KEYS | CODES ENDED",
			a+" | redis ", b+" | redis ", "Next: start Caddy with this configuration, on every machine.", "Once all is well, remove what nobody uses any more: "+a+" "+b)
	}
	h.runs(t, shared, everybody("Redis"))
	h.copies(t, "--to", back).wantLines(t, "back from Redis", "FROM | TO", "Next: write 'storage embedded "+back+"' and start Caddy.", "Keep 'secret' as it is")
	h.runs(t, "storage embedded "+back, everybody("the file again"))

	var answer struct{ Copied []map[string]any }
	h.keeps(t, shared)
	if r := h.copies(t, "--json", "--from", back); json.Unmarshal([]byte(r.out), &answer) != nil || len(answer.Copied) != 1 {
		t.Fatalf("copy --json:\n%s%s", r.out, r.err)
	}
	want := map[string]any{
		"from": "string", "to": "string", "people": "float64", "addresses": "float64", "networks": "float64", "keys": "float64",
		"codes_ended": "float64", "signed_out": "bool",
	}
	if diff := cmp.Diff(any(want), shape(answer.Copied[0])); diff != "" || answer.Copied[0]["people"] != 2.0 || answer.Copied[0]["signed_out"] != false {
		t.Errorf("copied (-want +got):\n%s\n%v", diff, answer.Copied[0])
	}
}

// A file that had a secret of its own goes nowhere without it.
func TestMovingHouseTakesTheSecretAlong(t *testing.T) {
	h := newHousehold(t, site())
	var b *harness.Browser
	first := h.path("doorcode.db")
	h.runs(t, "storage embedded "+first, func() { b = signedIn(t, h.Caddy, ana) })
	own := strings.TrimSpace(read(t, filepath.Join(h.Folder, "caddy", "doorcode", "secret")))

	second := "storage embedded " + h.path("second.db")
	h.keeps(t, second+"\n\t\t"+withSecret)
	h.copies(t, "--from", first).wantFailure(t, "another secret", "put the same into the 'secret' of this configuration")
	h.keeps(t, second+"\n\t\tsecret "+own)
	h.copies(t, "--from", first).wantLines(t, "the same secret", first+" | "+h.path("second.db")+" | 1")
	h.runs(t, second+"\n\t\tsecret "+own, func() { wantStatus(t, "ana", b.Open(t, "/x"), http.StatusOK) })
	if r := h.copies(t, "--from", first); strings.Contains(r.out+r.err, own) {
		t.Errorf("the secret is printed:\n%s%s", r.out, r.err)
	}
}

// A backup knows nothing of what ended after it was made. Whoever was signed in by
// it signs in again, and so does nobody else.
func TestMovingABackupSignsItsPeopleOut(t *testing.T) {
	h := newHousehold(t, site(withSecret))
	var signed *harness.Browser
	first := h.path("doorcode.db")
	h.runs(t, "storage embedded "+first, func() { signed = signedIn(t, h.Caddy, ana) })
	copied := h.path("elsewhere.db") // without its witness
	if err := os.WriteFile(copied, []byte(read(t, first)), 0o600); err != nil {
		t.Fatal(err)
	}
	h.keeps(t, "storage embedded "+h.path("new.db"))
	h.copies(t, "--from", copied).wantLines(t, "from a copy", copied+" is a copy, or lacks the file '.witness'")
	h.runs(t, "storage embedded "+h.path("new.db"), func() { wantStatus(t, "ana", signed.Open(t, "/x"), http.StatusUnauthorized) })
}

func TestMovingHouseSaysWhatIsInTheWay(t *testing.T) {
	h := newHousehold(t, site(withSecret))
	first, other := h.path("doorcode.db"), h.path("other.db")
	h.keeps(t, "storage embedded "+first)
	h.copies(t, "--from", h.path("none.db")).wantFailure(t, "a file that there is not", "there is nothing to copy: stat "+h.path("none.db"))
	h.runs(t, "storage embedded "+first, func() {
		signedIn(t, h.Caddy, ana)
		h.copies(t, "--to", other).wantFailure(t, "a storage in use", first+" is in use by a running Caddy: stop it first")
		h.keeps(t, "storage embedded "+other)
		h.copies(t, "--from", first).wantFailure(t, "a file in use", first+" is in use by a running Caddy: stop it first, or copy from a backup")
	})
	h.keeps(t, "storage embedded "+first)
	h.copies(t, "--from", first).wantFailure(t, "a file into itself", first+" is the storage of this configuration itself")
	h.copies(t, "--to", first).wantFailure(t, "a file out of itself", first+" is the storage of this configuration itself")
	garbage := h.path("garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no store", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	h.copies(t, "--from", garbage).wantFailure(t, "no store", "damaged, or not a Doorcode store")
}

func TestMovingHouseNeedsToKnowWhatIsMeant(t *testing.T) {
	h := newHousehold(t, site())
	first, third := h.path("first.db"), h.path("third.db")
	if err := os.WriteFile(first, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h.copies(t, "--from", first).wantFailure(t, "no secret", "there is no secret to read the records with")
	if _, err := os.Stat(filepath.Join(h.Folder, "caddy", "doorcode", "secret")); err == nil {
		t.Error("a copy has made a secret of its own")
	}
	setSecrets(t)
	h = newHousehold(t, twoStorages)
	h.copies(t, "--to", third).wantFailure(t, "two storages", "there are several storages; name a site of the one that is meant, with --site: localhost:")
	h.copies(t, "--to", third, "--site", "elsewhere").wantFailure(t, "a site that there is not", "no gate stands at 'elsewhere'; there are gates at localhost:")
	h.copies(t, "--to", third, "--site", "other.localhost").wantLines(t, "one of two", h.path("other.db")+" | "+third+" | 0")
}
