// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const redisPassword = "open-sesame-open-sesame"

// guarded is a site whose records are in a Redis with a password.
func guarded(address, password string, lines ...string) string {
	return "\tlog {\n\t\toutput file FOLDER/caddy.log\n\t\tformat json\n\t}\n---\n" + oneDoor("redis redis://"+address+" {\n\t\t\tpassword "+password+"\n\t\t}", lines...)
}

// F-01: a Redis that is away, or wants another password, keeps no Caddy from
// starting. Nobody passes until it answers, the log says where it was looked for,
// and all goes on by itself.
func TestF01CaddyStartsAlthoughRedisIsAway(t *testing.T) {
	server := redistest.Start(t, "--requirepass", redisPassword)
	server.Kill()
	c := harness.Prepare(t)
	c.Load(t, guarded(server.Addr, redisPassword))
	page := c.Browser(t).Open(t, "/")
	wantStatus(t, "while Redis is away", page, http.StatusServiceUnavailable)
	if page.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	c.App.Untouched(t, 0)
	log := read(t, filepath.Join(c.Folder, "caddy.log"))
	if strings.Count(log, `"store_away"`) == 0 || !strings.Contains(log, "redis "+server.Addr+"/0") {
		t.Errorf("the log does not tell where Redis was looked for:\n%s", log)
	}
	server.Restart()
	harness.Eventually(t, "Redis is found again", func() bool { return c.Browser(t).Open(t, "/").Status == http.StatusUnauthorized })
	signedIn(t, c, ana)
	if log = read(t, filepath.Join(c.Folder, "caddy.log")); !strings.Contains(log, `"store_back"`) || strings.Contains(log, redisPassword) {
		t.Errorf("the log does not tell that Redis is back, or tells the password:\n%s", log)
	}
}

// Whoever mends a password in the configuration needs no restart: it makes other
// connections, to the same records.
func TestAnotherPasswordOfRedisTakesEffectOnReload(t *testing.T) {
	server := redistest.Start(t, "--requirepass", redisPassword)
	c := harness.Prepare(t)
	c.Load(t, guarded(server.Addr, "wrong"+redisPassword))
	wantStatus(t, "with a wrong password", c.Browser(t).Open(t, "/"), http.StatusServiceUnavailable)
	if log := read(t, filepath.Join(c.Folder, "caddy.log")); strings.Contains(log, redisPassword) {
		t.Errorf("the log tells the password:\n%s", log)
	}
	c.Load(t, guarded(server.Addr, redisPassword))
	b := signedIn(t, c, ana)
	code := c.Browser(t)
	waiting := ask(t, c, code, "/", ben)
	c.Load(t, guarded(server.Addr, redisPassword, "keys {\n\t\t\trotate 7d\n\t\t}"))
	wantStatus(t, "a session after a reload", b.Fetch(t, "/"), http.StatusOK)
	wantStatus(t, "a code on its way", enter(t, code, waiting), http.StatusOK)
}

// An encrypted Redis is as good as its certificate: one of an authority that nobody
// named is not spoken to.
func TestRedisIsCheckedByItsCertificate(t *testing.T) {
	server, authority := redistest.StartTLS(t)
	c := harness.Prepare(t)
	c.Load(t, oneDoor("redis rediss://"+server.Addr))
	wantStatus(t, "an unknown authority", c.Browser(t).Open(t, "/"), http.StatusServiceUnavailable)
	c.Load(t, oneDoor("redis redis://"+server.Addr+" {\n\t\t\ttls {\n\t\t\t\tca "+authority+"\n\t\t\t\tserver_name elsewhere.example\n\t\t\t}\n\t\t}"))
	wantStatus(t, "another name", c.Browser(t).Open(t, "/"), http.StatusServiceUnavailable)
	c.Load(t, oneDoor("redis redis://"+server.Addr+" {\n\t\t\ttls {\n\t\t\t\tca "+authority+"\n\t\t\t}\n\t\t}"))
	signedIn(t, c, ana)
}

// Records of another secret are not this door's: each machine would undo what the
// other keeps.
func TestAMachineWithAnotherSecretDoesNotStart(t *testing.T) {
	server := redistest.Start(t)
	site := oneDoor("redis redis://" + server.Addr)
	harness.Start(t, site)
	other := harness.PrepareChild(t, "\tlog {\n\t\toutput stderr\n\t}\n---\n"+strings.Replace(site, rootSecret, strings.ToLower(rootSecret), 1))
	other.Begin(t, "run")
	harness.Eventually(t, "the other machine to give up", func() bool {
		select {
		case <-other.Exited():
			return true
		default:
			return false
		}
	})
	if log := other.Log(t); other.Code() == 0 || !strings.Contains(log, "give every machine the same 'secret'") || strings.Contains(log, strings.ToLower(rootSecret)) {
		t.Errorf("exit code %d, log:\n%s", other.Code(), log)
	}
}

func TestTheSecretCommandPrintsOneSecretAndNothingElse(t *testing.T) {
	before := ""
	for range 2 {
		cmd := harness.Command(t.TempDir(), "doorcode", "secret")
		var loud strings.Builder
		cmd.Stderr = &loud
		printed, err := cmd.Output()
		if err != nil || loud.Len() > 0 {
			t.Fatalf("caddy doorcode secret = %v, %s", err, loud.String())
		}
		secret, found := strings.CutSuffix(string(printed), "\n")
		if _, err := keyring.ParseSecret(secret); err != nil || !found || len(strings.Fields(secret)) != 1 || secret == before {
			t.Errorf("printed %q after %q: %v", printed, before, err)
		}
		before = secret
	}
	if printed, err := harness.Command(t.TempDir(), "doorcode", "secret", "now").CombinedOutput(); err == nil {
		t.Errorf("an argument is accepted: %s", printed)
	}
}
