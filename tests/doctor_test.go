// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
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

// Acceptance 107: what is as it should be makes an exit code of 0, and every fault
// is found, with its fix.
func TestTheDoctorFindsEachOfTheTwentyFaults(t *testing.T) {
	p := newPatient(t)
	report, r := p.see(t, p.config, "--strict", "--send-to", "ana@example.com")
	if r.code != 0 {
		t.Errorf("exit code %d of a good configuration:\n%s%s", r.code, r.out, r.err)
	}
	for _, f := range report.Findings {
		if f.Level != doctor.OK {
			t.Errorf("a good configuration: %+v", f)
		}
	}
	tests := map[string]fault{
		"config":         {change: set("ana@example.com {", "ana@example.com {\n alow ben@example.com"), text: "did you mean 'allow'", fix: "caddy validate"},
		"reach":          {args: []string{"--url", "https://app.example.com:" + p.Port + "/open/page"}, text: "gets past the door", fix: "'public'"},
		"https":          {args: []string{"--url", stranger(t)}, text: "not for stranger.example.net", fix: "site's address"},
		"clock":          {change: slowAuthority, text: "ahead of", fix: "NTP"},
		"single_sign_on": {around: func(p *patient) { p.dns.Hosts["www.example.com"] = []string{"203.0.113.9"} }, text: "www.example.com leads to another machine", fix: "apps.example.com"},
		"proxies":        {change: behindProxy, text: "looks like the proxy", fix: "trusted_proxies static"},
		"mail":           {change: set("password {file.FOLDER/password}", "password wrong"), text: "logging in", fix: "'username' and 'password'"},
		"sender":         {around: func(p *patient) { delete(p.dns.Texts, "example.com") }, text: "SPF: there is no record", fix: "TXT record"},
		"storage":        {change: evicting, text: "may evict", fix: "noeviction"},
		"places":         {change: emptyPlaces(p), text: "nothing of 8.8.8.8", fix: "docs/geoip.md"},
		"keys":           {change: chmod(p), text: "everybody on this machine can read", fix: "chmod 600"},
		"secrets":        {change: set("password {file.FOLDER/password}", "password "+secretWord), text: "'password' stands in the configuration", fix: "{file."},
		"admin":          {change: set("admin "+p.admin, "admin 0.0.0.0:"+strings.TrimPrefix(p.admin, "localhost:")), text: "listens to others", fix: "admin localhost:2019"},
		"texts":          {change: ownTexts(p), text: "door.en", fix: "mend the file"},
		"accent":         {change: set("accent 0b5fff", "accent yellow"), text: "1.1:1", fix: "write 'accent"},
		"people":         {change: emptyList(p), text: "nobody may pass", fix: "allow_file"},
		"machines":       {change: otherSecret, text: "another 'secret'", fix: "the same secret"},
		"versions":       {args: []string{"--address", oldCaddy(t)}, text: "too old", fix: "xcaddy build"},
	}
	if open, ok := openPort(t); ok {
		tests["bypass"] = fault{change: func(_ *testing.T, s string) string {
			return set("reverse_proxy "+p.App.Address, "reverse_proxy 127.0.0.1:"+open)(t, s)
		}, text: "also answers at", fix: "listen on 127.0.0.1"}
	}
	for check, test := range tests {
		t.Run(check, func(t *testing.T) { test.find(t, p, check) })
	}
	t.Run("files", func(t *testing.T) { fewFiles(t, p) })
	after, r := p.see(t, p.config)
	if !slices.ContainsFunc(after.Findings, func(f doctor.Finding) bool {
		return f.Check == "machines" && strings.HasPrefix(f.Text, "1 machine gave a sign of life")
	}) {
		t.Errorf("the machine is not counted:\n%s", r.out)
	}
}

// A fault is what one test breaks.
type fault struct {
	change    func(t *testing.T, config string) string
	around    func(p *patient)
	args      []string
	text, fix string
}

func (f fault) find(t *testing.T, p *patient, check string) {
	t.Helper()
	config := p.config
	if f.change != nil {
		if config = f.change(t, config); config == p.config && check != "keys" {
			t.Fatal("nothing was broken")
		}
	}
	broken := *p
	broken.dns = harness.DNS{Hosts: cloned(p.dns.Hosts), Texts: cloned(p.dns.Texts), Mails: cloned(p.dns.Mails)}
	if f.around != nil {
		f.around(&broken)
	}
	report, r := broken.see(t, config, f.args...)
	wantFault(t, report, r, check, f.text, f.fix)
}

func cloned(m map[string][]string) map[string][]string {
	c := map[string][]string{}
	for name, values := range m {
		c[name] = values
	}
	return c
}

func wantFault(t *testing.T, report doctor.Report, r run, check, text, fix string) {
	t.Helper()
	if r.code != doctor.ExitFail {
		t.Errorf("exit code %d, want %d\n%s", r.code, doctor.ExitFail, r.err)
	}
	if !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool {
		return f.Check == check && f.Level == doctor.Fail && strings.Contains(f.Subject+": "+f.Text, text) && strings.Contains(f.Fix, fix)
	}) {
		t.Errorf("%s does not FAIL with %q and the fix %q:\n%s", check, text, fix, r.out)
	}
}

// set puts one text in the place of another one.
func set(old, fresh string) func(*testing.T, string) string {
	return func(_ *testing.T, config string) string {
		folder, _, _ := strings.Cut(config[strings.Index(config, "{file.")+len("{file."):], "/password}")
		return strings.ReplaceAll(config, strings.ReplaceAll(old, "FOLDER", folder), fresh)
	}
}

// slowAuthority gets a certificate from somebody whose clock is late.
func slowAuthority(t *testing.T, config string) string {
	return config + "\nother.example.com {\n\ttls {\n\t\tissuer acme {\n\t\t\tdir " + clockAt(t, -5*time.Minute) + "/directory\n\t\t}\n\t}\n\trespond ok\n}\n"
}

// behindProxy has a proxy end the encryption, and trusts none.
func behindProxy(_ *testing.T, config string) string {
	config = strings.ReplaceAll(config, "https://app.example.com", "http://app.example.com")
	config = strings.ReplaceAll(config, "doorcode ana@example.com {", "doorcode ana@example.com {\n origins https://app.example.com")
	lines := slices.DeleteFunc(strings.Split(config, "\n"), func(line string) bool {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		return strings.HasPrefix(word, "trusted_proxies") || word == "tls"
	})
	return strings.Join(lines, "\n")
}

func evicting(t *testing.T, config string) string {
	redis := redistest.Start(t, "--appendonly", "yes", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	_, rest, _ := strings.Cut(config, "redis://")
	old, _, _ := strings.Cut(rest, "/")
	return strings.ReplaceAll(config, old, redis.Addr)
}

func emptyPlaces(p *patient) func(*testing.T, string) string {
	return func(t *testing.T, config string) string {
		geotest.City(t, p.Folder, "empty.mmdb", map[string]geo.Place{"192.0.2.1/32": {Country: "PT"}})
		return strings.ReplaceAll(config, "city.mmdb", "empty.mmdb")
	}
}

func chmod(p *patient) func(*testing.T, string) string {
	return func(t *testing.T, config string) string {
		path := filepath.Join(p.Folder, "root-secret")
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(path, 0o600) })
		return config
	}
}

// ownTexts has texts of a key that does not exist.
func ownTexts(p *patient) func(*testing.T, string) string {
	return func(t *testing.T, config string) string {
		folder := filepath.Join(p.Folder, "own", "en")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "mail.json"), []byte(`{"door.en": "Hello"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(config, "from login@example.com", "from login@example.com\n templates "+filepath.Dir(folder))
	}
}

func emptyList(p *patient) func(*testing.T, string) string {
	return func(t *testing.T, config string) string {
		list := p.write(t, "allowed", "# nobody yet\n")
		return strings.ReplaceAll(config, "doorcode ana@example.com {", "doorcode {\n allow_file "+list)
	}
}

func otherSecret(_ *testing.T, config string) string {
	_, rest, _ := strings.Cut(config, "secret {")
	old, _, _ := strings.Cut(rest, "}")
	return strings.ReplaceAll(config, "secret {"+old+"}", "secret "+strings.Repeat("fedcba9876543210", 3))
}

// stranger is a site with the certificate of another one.
func stranger(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "stranger.example.net", 1)
}

// oldCaddy says that it is one.
func oldCaddy(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/doorcode/doctor" {
			_, _ = io.WriteString(w, `{"doorcode": "v0.0.1", "caddy": "v2.10.2", "go": "go1.24.1"}`)
			return
		}
		_, _ = io.WriteString(w, `{"version": "v0.0.1"}`)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// openPort is one that answers at an address of this machine that others reach, if it
// has such.
func openPort(t *testing.T) (port string, ok bool) {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil || !slices.ContainsFunc(addresses, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && !prefix.Addr().IsLoopback() && !prefix.Addr().IsLinkLocalUnicast()
	}) {
		return "", false
	}
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port, true
}

// fewFiles starts the doctor where few files may be open.
func fewFiles(t *testing.T, p *patient) {
	path := p.write(t, "looked-at", p.config)
	cmd := harness.Command(p.Folder, "doorcode", "doctor", "--config", path, "--adapter", "caddyfile", "--json", "--address", "127.0.0.1:1", "--resolver", p.dns.Serve(t))
	limited := exec.Command("sh", append([]string{"-c", `ulimit -n 512; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)...)
	limited.Env = append(cmd.Env, "XDG_DATA_HOME="+p.Folder, "XDG_CONFIG_HOME="+p.Folder)
	report, r := reportOf(t, execute(t, limited))
	wantFault(t, report, r, "files", "512 files", "LimitNOFILE")
}

// Mail services are asked something that sends nothing.
func TestTheDoctorAsksMailServicesAboutTheToken(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			t.Errorf("something was sent: %s", r.URL)
		case r.URL.Path == "/domains" && r.Header.Get("Authorization") == "Bearer may-only-send":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"name": "restricted_api_key"}`)
		case r.Header.Get("X-Postmark-Server-Token") != "" && r.Header.Get("X-Postmark-Server-Token") != "right":
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(service.Close)
	folder := t.TempDir()
	for name, test := range map[string]struct {
		mail  string
		level doctor.Level
		text  string
	}{
		"a token that is known":       {"mail postmark {\n token {env.GOOD}\n url " + service.URL + "/email", doctor.OK, "knows the token"},
		"a token that is not":         {"mail postmark {\n token {env.BAD}\n url " + service.URL + "/email", doctor.Fail, "refuses the token"},
		"a token that may only send":  {"mail resend {\n token {env.ONLY}\n url " + service.URL + "/emails", doctor.OK, "knows the token"},
		"a service that nobody knows": {"mail http " + service.URL + "/send {\n header Authorization {env.BAD}\n body `{\"to\": \"{to}\", \"text\": \"{text}\"}`", doctor.OK, "shows with --send-to"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, "Caddyfile")
			config := "localhost:1 {\n doorcode ana@example.com {\n" + test.mail + "\n from login@example.com\n }\n }\n}\n"
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := harness.Command(folder, "doorcode", "doctor", "--config", path, "--adapter", "caddyfile", "--json", "--resolver", harness.DNS{}.Serve(t), "--address", "127.0.0.1:1")
			cmd.Env = append(cmd.Env, "GOOD=right", "BAD="+secretWord, "ONLY=may-only-send")
			report, r := reportOf(t, execute(t, cmd))
			if !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool {
				return f.Check == "mail" && f.Level == test.level && strings.Contains(f.Text, test.text)
			}) {
				t.Errorf("no %s with %q:\n%s%s", test.level, test.text, r.out, r.err)
			}
		})
	}
}

// Ruling 3: routes around the door decide which spellings come to it, and the doctor
// tries them.
func TestRuling3TheDoctorTriesOddSpellings(t *testing.T) {
	boxed := `
http://localhost:PORT {
	handle /admin/* {
		doorcode ana@example.com {
			mail file MAIL
			storage embedded FOLDER/doorcode.db
		}
		reverse_proxy APP
	}
	handle {
		reverse_proxy APP
	}
}
`
	beside := strings.NewReplacer("handle /admin/* {\n", "", "doorcode ana", "doorcode /admin/* ana", "\t\treverse_proxy APP\n\t}\n\thandle {\n", "", "\t\treverse_proxy APP\n\t}\n}", "\treverse_proxy APP\n}").Replace(boxed)
	for name, test := range map[string]struct {
		site  string
		level doctor.Level
		text  string
	}{
		"a block around the door": {boxed, doctor.Fail, "/admin;v=1/ (200)"},
		"the door's own matcher":  {beside, doctor.OK, "asked for a code"},
	} {
		t.Run(name, func(t *testing.T) {
			c := harness.Start(t, test.site)
			path := filepath.Join(c.Folder, "Caddyfile")
			if err := os.WriteFile(path, []byte(c.Fill(t, test.site)), 0o600); err != nil {
				t.Fatal(err)
			}
			report, r := reportOf(t, caddyCommand(t, c.Folder, "doorcode", "doctor", "--config", path, "--adapter", "caddyfile", "--json", "--url", c.URL("")))
			if !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool {
				return f.Check == "reach" && f.Level == test.level && strings.Contains(f.Text, test.text)
			}) {
				t.Errorf("no %s with %q:\n%s", test.level, test.text, r.out)
			}
			if slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool { return f.Check == "reach" && f.Level == doctor.Fail }) != (test.level == doctor.Fail) {
				t.Errorf("reach:\n%s", r.out)
			}
		})
	}
}

// A proxy that is not trusted shows in the Caddy that it forwards to.
func TestTheDoctorHearsOfAProxyThatForwardsUntrusted(t *testing.T) {
	admin := "localhost:" + harness.FreePort(t)
	child := harness.PrepareChild(t, "\tadmin "+admin+"\n\tservers {\n\t}\n---\n"+site(""))
	child.Run(t)
	visit := httptest.NewRequest(http.MethodGet, child.URL("/"), nil)
	visit.RequestURI = ""
	visit.Header.Set("X-Forwarded-For", "203.0.113.7")
	answer, err := http.DefaultTransport.RoundTrip(visit)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	cmd := harness.Command(child.Folder, "doorcode", "doctor", "--config", filepath.Join(child.Folder, "Caddyfile"), "--adapter", "caddyfile", "--json")
	report, r := reportOf(t, execute(t, cmd))
	wantFault(t, report, r, "proxies", "looks like 127.0.0.1", "static 127.0.0.1")
}

// Whoever reads a finding finds its check described.
func TestEachCheckOfTheDoctorIsDescribed(t *testing.T) {
	page := read(t, "../docs/doctor.md")
	for _, c := range doctor.Checks() {
		if !strings.Contains(page, "\n### "+c.ID+"\n") {
			t.Errorf("docs/doctor.md does not describe %s", c.ID)
		}
	}
	if n := strings.Count(page, "\n### "); n != len(doctor.Checks()) {
		t.Errorf("docs/doctor.md describes %d checks, and there are %d", n, len(doctor.Checks()))
	}
	var text bytes.Buffer
	report := doctor.Report{Findings: []doctor.Finding{{Check: "admin", Level: doctor.Fail, Subject: ":2019", Text: "a", Fix: "b"}}}
	if err := report.Text(&text); err != nil || !strings.Contains(text.String(), "FAIL  admin           :2019: a\n                      -> b\n\n0 ok, 0 warn, 1 FAIL, 0 skipped\n") {
		t.Errorf("%v\n%s", err, text.String())
	}
}
