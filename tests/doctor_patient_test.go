// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// healthy is a site with nothing to mend. What a test breaks stands in it by name.
const healthy = `	admin CONTROL
---
https://app.example.com:PORT {
	tls CERTIFICATE KEY
	doorcode ana@example.com {
		mail smtp RELAY {
			from login@example.com
			username doorcode
			password {file.FOLDER/password}
		}
		storage redis redis://REDIS/0
		secret {file.FOLDER/root-secret}
		geoip FOLDER/city.mmdb
		single_sign_on example.com
		public /open/*
		pages {
			accent 0b5fff
		}
	}
	reverse_proxy APP
}
`

// A patient is a healthy Caddy that runs, and what is around it.
type patient struct {
	*harness.Child
	dns    harness.DNS
	config string // as it runs
	admin  string
}

// secretWord is what no doctor may print.
const secretWord = "correct-horse-battery-staple"

func newPatient(t *testing.T) *patient {
	t.Helper()
	redis := redistest.Start(t, "--appendonly", "yes")
	relay := harness.NewRelay(t)
	relay.Login("doorcode", secretWord)
	relay.Up(t)
	p := &patient{
		admin: "localhost:" + harness.FreePort(t),
		dns: harness.DNS{
			Hosts: map[string][]string{
				"app.example.com": {"127.0.0.1"}, "example.com": {"127.0.0.1"}, "ca.example.com": {"127.0.0.1"}, "mx.example.com": {"192.0.2.25"}, "stranger.example.net": {"127.0.0.1"},
			},
			Texts: map[string][]string{"example.com": {"v=spf1 mx ip4:127.0.0.0/8 -all"}, "_dmarc.example.com": {"v=DMARC1; p=reject"}},
			Mails: map[string][]string{"example.com": {"mx.example.com"}},
		},
	}
	p.Child = harness.PrepareChild(t, healthy)
	folder := p.Folder
	certificate, key := harness.CertifiedFiles(t, folder, "app.example.com")
	geotest.City(t, folder, "city.mmdb", map[string]geo.Place{"8.8.8.8/32": {Country: "US", City: "Mountain View"}})
	for name, text := range map[string]string{"password": secretWord, "root-secret": strings.Repeat("0123456789abcdef", 3)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(folder, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	p.config = strings.NewReplacer("CONTROL", p.admin, "CERTIFICATE", certificate, "KEY", key, "RELAY", relay.Address, "REDIS", redis.Addr).Replace(string(raw))
	p.write(t, "Caddyfile", p.config)
	p.Run(t)
	return p
}

// clockAt is an authority whose clock is off.
func clockAt(t *testing.T, off time.Duration) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (p *patient) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(p.Folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// see lets the doctor look at a configuration.
func (p *patient) see(t *testing.T, config string, args ...string) (doctor.Report, run) {
	t.Helper()
	path := p.write(t, "looked-at", config)
	args = slices.Concat([]string{"doorcode", "doctor", "--config", path, "--adapter", "caddyfile", "--resolver", p.dns.Serve(t), "--json"}, args)
	cmd := harness.Command(p.Folder, args...)
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+p.Folder, "XDG_CONFIG_HOME="+p.Folder)
	return reportOf(t, execute(t, cmd))
}

func reportOf(t *testing.T, r run) (report doctor.Report, _ run) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatalf("%v: exit code %d\n%s%s", err, r.code, r.out, r.err)
	}
	if strings.Contains(r.out+r.err, secretWord) {
		t.Errorf("the doctor prints a secret:\n%s%s", r.out, r.err)
	}
	return report, r
}
