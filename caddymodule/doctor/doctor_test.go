// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/geo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = log.New(io.Discard, "", 0)

func TestAGoodHouseHasNothingToMend(t *testing.T) {
	h := newHouse(t)
	report := h.examine(t)
	for _, f := range report.Findings {
		// Those that are built in have tests of their own.
		if f.Level != doctor.OK && f.Subject != "texts of Doorcode" {
			t.Errorf("%+v", f)
		}
	}
	seen := map[string]bool{}
	for _, f := range report.Findings {
		seen[f.Check] = true
	}
	for _, c := range doctor.Checks() {
		if !seen[c.ID] {
			t.Errorf("%s says nothing", c.ID)
		}
	}
}

func TestEachFaultIsFoundWithItsFix(t *testing.T) {
	const long = 400 * 24 * time.Hour
	tests := map[string]struct {
		breaks func(h *house)
		want   wants
	}{
		"the configuration is wrong": {func(h *house) { h.Fault = errors.New("unknown word, at Caddyfile:3") }, wants{"config", doctor.Fail, "Caddyfile:3", "'caddy validate' shows the same"}},
		"no configuration is named":  {func(h *house) { h.Fault, h.Unread = doctor.ErrNoConfig, true }, wants{"config", doctor.Fail, "no Caddyfile in this folder", "doctor --config /etc/caddy/Caddyfile"}},
		"there is no such file":      {func(h *house) { h.Fault, h.Unread = doctor.ErrNoFile, true }, wants{"config", doctor.Fail, "no such file", "'systemctl cat caddy'"}},
		"a folder is named":          {func(h *house) { h.Config, h.Fault, h.Unread = "/etc/caddy", doctor.ErrFolder, true }, wants{"config", doctor.Fail, "a folder", "--config /etc/caddy/Caddyfile"}},
		"the file may not be read":   {func(h *house) { h.Config, h.Fault, h.Unread = "/srv/Caddyfile", doctor.ErrMayNotRead, true }, wants{"config", doctor.Fail, "may not read", "sudo -u caddy caddy doorcode doctor --config /srv/Caddyfile"}},
		"only a start shows what is": {func(h *house) { h.Fault, h.Late = errors.New("'single_sign_on' does not cover it"), true }, wants{"config", doctor.Fail, "does not cover", "'caddy validate' does not show it"}},
		"it guards nothing":          {func(h *house) { h.Fault = doctor.ErrNoGate }, wants{"config", doctor.Fail, "no doorcode", "Caddy itself starts"}},

		"nothing answers":               {func(h *house) { h.URLs = []string{"http://127.0.0.1:9"} }, wants{"reach", doctor.Fail, "no answer", "whether Caddy runs"}},
		"the name is not found":         {func(h *house) { h.URLs = []string{"http://gone.example.com"} }, wants{"reach", doctor.Fail, "no such host", "DNS"}},
		"somebody else answers":         {func(h *house) { h.Sites[0].Endpoints = "/elsewhere" }, wants{"reach", doctor.Fail, "is not Doorcode", "'redir'"}},
		"the app answers a stranger":    {func(h *house) { h.answer = says(200, "hello") }, wants{"reach", doctor.Fail, "gets past the door", "'public'"}},
		"the app is down, and asked":    {func(h *house) { h.answer = says(502, "") }, wants{"reach", doctor.Fail, "gets past the door", "explain"}},
		"a redirect comes first":        {func(h *house) { h.answer = says(302, "") }, wants{"reach", doctor.Warn, "led elsewhere", "'redir'"}},
		"no URL is known":               {func(h *house) { h.URLs, h.NoURLs = nil, "give --url" }, wants{"reach", doctor.Skip, "", "--url"}},
		"a URL is none":                 {func(h *house) { h.URLs = []string{"app.example.com"} }, wants{"reach", doctor.Fail, "no address", "--url"}},
		"routes let spellings by":       {func(h *house) { box(h, "//admin/") }, wants{"reach", doctor.Fail, "//admin/ (200)", "doorcode /admin/*"}},
		"and those that are encoded":    {func(h *house) { box(h, "/%61dmin/") }, wants{"reach", doctor.Fail, "/%61dmin/ (200)", "doorcode /admin/*"}},
		"routes let no spelling by":     {func(h *house) { box(h, "") }, wants{"reach", doctor.OK, "odd spellings", ""}},
		"a password is asked for first": {func(h *house) { h.first = password }, wants{"reach", doctor.Skip, "an earlier step asks first, for a password (HTTP 401)", "--url of a page"}},
		"and keeps the stranger out":    {func(h *house) { h.first = password }, wants{"reach", doctor.OK, "a stranger is kept out before Doorcode, by an earlier step", ""}},
		"another 401 is nobody of ours": {func(h *house) { h.first = says(401, "") }, wants{"reach", doctor.Fail, "is not Doorcode", "'redir'"}},
		"its storage cannot be read":    {func(h *house) { h.answer = unavailable }, wants{"reach", doctor.Fail, "lets nobody in", "'storage'"}},
		"only matchers know":            {func(h *house) { h.Sites[0].Guarded = nil }, wants{"reach", doctor.Skip, "only the matcher", "--url"}},
		"the app's name is not found":   {func(h *house) { h.Upstreams[0].Dial = "app.invalid:80" }, wants{"bypass", doctor.Fail, "not found", "reverse_proxy"}},
		"the app is elsewhere":          {func(h *house) { h.Upstreams[0].Dial = "198.51.100.7:80" }, wants{"bypass", doctor.Skip, "another machine", "curl"}},

		"a site is http":               {func(h *house) { h.URLs = []string{"http://example.com"} }, wants{"https", doctor.Fail, "none of the cookies", "http://"}},
		"a certificate is of nobody":   {func(h *house) { h.Roots = nil }, wants{"https", doctor.Fail, "unknown authority", "public certificate"}},
		"a certificate has ended":      {func(h *house) { h.Now = at(100 * 365 * 24 * time.Hour) }, wants{"https", doctor.Fail, "ended", "renewed"}},
		"a certificate ends soon":      {func(h *house) { h.Now = at(57 * 365 * 24 * time.Hour) }, wants{"https", doctor.Warn, "should have been renewed", "log"}},
		"a certificate has other name": {otherName, wants{"https", doctor.Fail, "not for other.example", "site's address"}},

		"the clock is a minute off":  {func(h *house) { h.offset = 2 * time.Minute }, wants{"clock", doctor.Fail, "behind", "NTP"}},
		"the clock is seconds off":   {func(h *house) { h.offset = -15 * time.Second }, wants{"clock", doctor.Warn, "ahead of", "NTP"}},
		"nobody knows the time":      {func(h *house) { h.Clocks, h.URLs = nil, nil }, wants{"clock", doctor.Skip, "", "--url"}},
		"no clock answers":           {func(h *house) { h.Clocks, h.URLs = []string{"http://127.0.0.1:9"}, nil }, wants{"clock", doctor.Skip, "does not answer", "timedatectl"}},
		"a clock says nothing":       {func(h *house) { h.Clocks, h.URLs = []string{"https://gone.example.com"}, nil }, wants{"clock", doctor.Skip, "gone", "--url"}},
		"the storage has other time": {func(h *house) { h.records.ahead = 2 * time.Minute }, wants{"storage", doctor.Fail, "behind redis", "NTP"}},

		"sign-on covers one site less":  {func(h *house) { h.Sites[0].Hosts = append(h.Sites[0].Hosts, "app.example.net") }, wants{"single_sign_on", doctor.Fail, "does not cover app.example.net", "part of every site"}},
		"sign-on is a public suffix":    {func(h *house) { h.Sites[0].SingleSignOn = "co.uk" }, wants{"single_sign_on", doctor.Fail, "anybody can have a name", "your own domain"}},
		"www is served elsewhere":       {func(h *house) { h.world.hosts["www.example.com"] = []string{"203.0.113.9"} }, wants{"single_sign_on", doctor.Fail, "www.example.com leads to another machine", "single_sign_on apps.example.com"}},
		"a page leads elsewhere":        {privacy, wants{"single_sign_on", doctor.Fail, "legal.example.com", "apps."}},
		"two names lead elsewhere":      {func(h *house) { wildcard(h); privacy(h) }, wants{"single_sign_on", doctor.Fail, "*.example.com and legal.example.com lead to another machine than the sites: browsers send everybody's session to whoever serves those", "apps."}},
		"every name is served":          {wildcard, wants{"single_sign_on", doctor.Fail, "*.example.com", "apps."}},
		"no site is in the DNS":         {func(h *house) { h.world.hosts = nil }, wants{"single_sign_on", doctor.Skip, "", "--resolver"}},
		"a proxy ends TLS":              {func(h *house) { h.Servers[0].Secure = false }, wants{"proxies", doctor.Fail, "looks like the proxy", "trusted_proxies static"}},
		"a proxy's lists are believed":  {func(h *house) { h.Servers[0].Trusted = true }, wants{"proxies", doctor.Warn, "make up", "trusted_proxies_strict"}},
		"a proxy was seen":              {func(h *house) { h.Running.Forwarders = []string{"10.0.0.1"} }, wants{"proxies", doctor.Fail, "looks like 10.0.0.1", "static 10.0.0.1"}},
		"a proxy leaves its mark":       {cloud, wants{"proxies", doctor.Fail, "Cloudflare", "trusted_proxies"}},
		"nobody has seen a proxy":       {func(h *house) { h.Running, h.NotRunning = nil, "start it" }, wants{"proxies", doctor.Skip, "", "start it"}},
		"there is no mail":              {func(h *house) { h.Mails = nil }, wants{"mail", doctor.Fail, "no mail transport", "mail smtp"}},
		"mail stays here":               {func(h *house) { h.Mails[0].Local = true }, wants{"mail", doctor.Warn, "no mail leaves", "mail smtp"}},
		"a mail server has no name":     {func(h *house) { h.Mails[0].Address = "smtp.invalid:465" }, wants{"mail", doctor.Fail, "not found", "typing error"}},
		"a mail server does not listen": {func(h *house) { h.Mails[0].Address = "127.0.0.1:9" }, wants{"mail", doctor.Fail, "no connection", "firewall"}},
		"mail travels in the clear":     {func(h *house) { h.Mails[0].Clear = true }, wants{"mail", doctor.Warn, "unencrypted", "tls required"}},
		"a test mail is not taken":      {sendFails, wants{"mail", doctor.Fail, "was not taken: 550 no", "log of the mail server"}},
		"a test mail is taken":          {func(h *house) { h.SendTo = "ana@example.com" }, wants{"mail", doctor.OK, "ana@example.com was taken", ""}},

		"the storage does not answer":  {func(h *house) { h.records.fault = errors.New("connection refused") }, wants{"storage", doctor.Fail, "connection refused", "'password'"}},
		"the storage wants a password": {func(h *house) { h.records.fault = errors.New("NOAUTH Authentication required.") }, wants{"storage", doctor.Fail, "NOAUTH", "write 'username' and 'password'"}},
		"the storage forgets":          {func(h *house) { h.records.forgets = true }, wants{"storage", doctor.Fail, "does not give back", "username"}},
		"the storage evicts":           {func(h *house) { h.records.notices = []doctor.Notice{{true, "may evict", "set noeviction"}} }, wants{"storage", doctor.Fail, "may evict", "set noeviction"}},
		"the storage is not written":   {func(h *house) { h.records.notices = []doctor.Notice{{false, "no file", "set appendonly yes"}} }, wants{"storage", doctor.Warn, "no file", "appendonly"}},
		"the storage is far":           {func(h *house) { h.Stores[0].Servers = []string{"9.9.9.9:6379"} }, wants{"storage", doctor.Fail, "not encrypted", "rediss://"}},
		"the storage is near":          {func(h *house) { h.Stores[0].Servers = []string{"10.0.0.5:6379"} }, wants{"storage", doctor.Warn, "not encrypted", "VPN"}},
		"a file is on a network":       {func(h *house) { file(h).FileSystem = "nfs" }, wants{"storage", doctor.Fail, "network file system (nfs)", "local disk"}},
		"a file has no room":           {func(h *house) { file(h).Disk = doctor.Disk{Known: true, Free: 4096} }, wants{"storage", doctor.Fail, "/nowhere/doorcode.db: 4096 bytes are free on its disk", "make room on /nowhere;"}},
		"a file has room for a while":  {func(h *house) { file(h).Disk = doctor.Disk{Known: true, Free: 100 << 20, Used: 51 << 20} }, wants{"storage", doctor.Warn, "100 MB are free", "make room on /nowhere:"}},
		"a file has room":              {func(h *house) { file(h).Disk = doctor.Disk{Known: true, Free: 102 << 20, Used: 51 << 20} }, wants{"storage", doctor.OK, "reads and writes it", ""}},
		"a file is held by somebody":   {func(h *house) { file(h).Open = fails(doctor.ErrInUse); h.Running, h.NotRunning = nil, "start it" }, wants{"storage", doctor.Skip, "another process holds it", "start it"}},
		"a file is damaged":            {func(h *house) { file(h).Open = fails(errors.New("damaged")); h.Running = nil }, wants{"storage", doctor.Fail, "damaged", "backup"}},
		"a file is not there yet":      {func(h *house) { file(h).Open = fails(doctor.ErrNoStore); h.Running = nil }, wants{"storage", doctor.OK, "the first start makes it", ""}},
		"the running Caddy reads not":  {func(h *house) { file(h); h.Running.Stores[0].Answers = false }, wants{"storage", doctor.Fail, "cannot read", "'df'"}},
		"the running Caddy writes not": {func(h *house) { file(h); h.Running.Stores[0].Writes = false }, wants{"storage", doctor.Fail, "not write to it", "read-only"}},
		"the running Caddy is slow":    {func(h *house) { file(h); h.Running.Stores[0].Slowest = time.Second }, wants{"storage", doctor.Warn, "slowly", "faster disk"}},

		"a database is a year old":    {func(h *house) { places(h, "PT").Files[0].Built = time.Now().Add(-long) }, wants{"places", doctor.Fail, "built 400 days ago", "docs/geoip.md"}},
		"a database is months old":    {func(h *house) { places(h, "PT").Files[0].Built = time.Now().Add(-long / 4) }, wants{"places", doctor.Warn, "built 100 days ago", "docs/geoip.md"}},
		"a database knows nothing":    {func(h *house) { places(h, "") }, wants{"places", doctor.Fail, "nothing of 8.8.8.8", "docs/geoip.md"}},
		"a database knows us not":     {func(h *house) { places(h, "PT"); h.Addresses = []netip.Addr{netip.MustParseAddr("9.9.9.9")} }, wants{"places", doctor.Warn, "nothing of 9.9.9.9", "docs/geoip.md"}},
		"a secret is for all to read": {func(h *house) { h.Files[0].Mode = 0o644 }, wants{"keys", doctor.Fail, "read the secret (its mode is 0644)", "this signs everybody out"}},
		"and so is a password":        {func(h *house) { h.Files[0].Mode, h.Files[0].Root = 0o644, false }, wants{"keys", doctor.Fail, "read this password (its mode is 0644)", "new password or token made where it comes from"}},
		"our secret is for a group":   {func(h *house) { h.Files[0].Mode, h.Files[0].Own = 0o640, true }, wants{"keys", doctor.Fail, "0640", "chmod 600"}},
		"a secret is gone":            {func(h *house) { h.Files[0].Missing = true }, wants{"keys", doctor.Fail, "not there", "sudo -u caddy"}},
		"a key is too old":            {func(h *house) { h.Running.Stores[0].Keys[0].Created = time.Now().Add(-long) }, wants{"keys", doctor.Fail, "signing for 400 days", "replaces it"}},
		"no key signs":                {func(h *house) { h.Running.Stores[0].Keys = nil }, wants{"keys", doctor.Fail, "no key that signs", "restart Caddy"}},
		"keys are another secret's":   {func(h *house) { h.Running, h.records.unlock = nil, doctor.ErrOtherSecret }, wants{"keys", doctor.Fail, "another secret", "prefix"}},

		"a secret is written out":      {func(h *house) { h.Plain = []doctor.Plain{{"mail smtp a:25", "password"}} }, wants{"secrets", doctor.Fail, "plain text", "password {file."}},
		"the admin endpoint is public": {func(h *house) { h.Admin.Listen = ":2019" }, wants{"admin", doctor.Fail, "may read every secret", "admin localhost:2019"}},
		"and by an address":            {func(h *house) { h.Admin.Listen = "tcp/0.0.0.0:2019" }, wants{"admin", doctor.Fail, "may read every secret", "unix"}},
		"a template is broken":         {func(h *house) { h.Texts = []doctor.Texts{{Subject: "t", Fault: errors.New("mail.txt:3: no")}} }, wants{"texts", doctor.Fail, "mail.txt:3", "mend the file"}},
		"a language is not complete":   {func(h *house) { h.Texts = []doctor.Texts{{Subject: "t", Lacking: []string{"de"}}} }, wants{"texts", doctor.Warn, "not in de", "languages"}},
		"the accent cannot be seen":    {func(h *house) { h.Sites[0].Accent = "yellow" }, wants{"accent", doctor.Fail, "1.1:1", "write 'accent "}},
		"the accent is faint":          {func(h *house) { h.Sites[0].Accent = "d06000" }, wants{"accent", doctor.Warn, ":1 to white", "write 'accent "}},
		"the accent is too dark":       {func(h *house) { h.Sites[0].Accent, h.Sites[0].Theme = "navy", "dark" }, wants{"accent", doctor.Warn, "too faint", "write 'accent "}},
		"nobody may pass":              {func(h *house) { h.Sites[0].People = doctor.People{Nobody: true} }, wants{"people", doctor.Fail, "nobody may pass", "allow_file"}},
		"everybody may pass":           {func(h *house) { h.Sites[0].People = doctor.People{Everybody: true} }, wants{"people", doctor.Warn, "'allow *'", "name addresses"}},
		"who has free mail may pass":   {func(h *house) { h.Sites[0].People = doctor.People{Domains: []string{"gmail.com"}} }, wants{"people", doctor.Warn, "*@gmail.com", "allow_file"}},

		"another secret is here":      {func(h *house) { h.records.unlock = doctor.ErrOtherSecret }, wants{"machines", doctor.Fail, "another 'secret'", "the same secret"}},
		"another storage is running":  {func(h *house) { h.Running.Stores[0].Name = "elsewhere" }, wants{"machines", doctor.Fail, "elsewhere", "caddy reload"}},
		"another key is running":      {func(h *house) { h.records.keys[0].ID, h.Running.Stores[0].Keys[0].ID = "x", "y" }, wants{"machines", doctor.Fail, "other keys", "reload"}},
		"the site has other keys":     {func(h *house) { h.keys = func() string { return `{"keys":[{"kid":"z"}]}` } }, wants{"machines", doctor.Fail, "other keys than this machine", "storage redis"}},
		"two machines are not one":    {func(h *house) { h.keys = inTurn(signing, `{"keys":[{"kid":"z"}]}`) }, wants{"machines", doctor.Fail, "2 sets", "the same 'secret'"}},
		"one machine knows a new key": {func(h *house) { h.keys = inTurn(signing, `{"keys":[{"kid":"a"},{"kid":"c"}]}`) }, wants{"machines", doctor.OK, "one door", ""}},
		"files are few":               {func(h *house) { h.Running.Descriptors.Limit = 512 }, wants{"files", doctor.Fail, "512 files", "LimitNOFILE"}},
		"files are used up":           {func(h *house) { h.Running.Descriptors = doctor.Descriptors{10000, 9500} }, wants{"files", doctor.Fail, "9500 are", "LimitNOFILE"}},
		"files are not many":          {func(h *house) { h.Running.Descriptors.Limit = 1024 }, wants{"files", doctor.Warn, "1024 files", "LimitNOFILE"}},
		"nobody says how many":        {func(h *house) { h.Running, h.Descriptors = nil, doctor.Descriptors{} }, wants{"files", doctor.Skip, "", "ulimit"}},
		"Caddy is old":                {func(h *house) { h.Running.Versions.Caddy = "v2.10.2" }, wants{"versions", doctor.Fail, "too old", "xcaddy build"}},
		"Go is old":                   {func(h *house) { h.Versions.Go = "go1.25.1" }, wants{"versions", doctor.Fail, "CVE-2025-61726", "newest Go"}},
		"a library is old":            {func(h *house) { h.Versions.Modules["github.com/wneessen/go-mail"] = "v0.6.2" }, wants{"versions", doctor.Fail, "CVE-2025-59937", "xcaddy"}},
		"another Doorcode runs":       {func(h *house) { h.Running.Versions.Doorcode = "v0.0.9" }, wants{"versions", doctor.Warn, "Doorcode v0.0.9", "restart Caddy"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			test.breaks(h)
			report := h.look(t, test.want.check)
			test.want.in(t, report)
			if got, want := report.Exit(true), exits[test.want.level]; got < want {
				t.Errorf("exit %d, want %d", got, want)
			}
		})
	}
}

var exits = map[doctor.Level]int{doctor.Fail: doctor.ExitFail, doctor.Warn: doctor.ExitWarn}

func at(later time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(later) }
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// password is what basic_auth asks a stranger for.
func password(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("WWW-Authenticate", `Basic realm="restricted"`)
	w.WriteHeader(http.StatusUnauthorized)
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"type":"x","docs":"https://github.com/doorcode/caddy-doorcode/blob/main/docs/http.md#unavailable"}`)
}

// box puts routes around the gate that let one spelling of a folder by.
func box(h *house, by string) {
	h.Sites[0].Boxed, h.Sites[0].Guarded = true, []string{"/admin/"}
	h.answer = func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.RequestURI == "/admin/":
			kept(w, r)
		case r.RequestURI == by:
			says(200, "admin's page")(w, r)
		default:
			says(404, "no such page")(w, r)
		}
	}
}

func otherName(h *house) {
	h.world.hosts["other.example"] = []string{"127.0.0.1"}
	h.URLs = []string{strings.Replace(h.origin(), "example.com", "other.example", 1)}
}

func privacy(h *house) {
	h.world.hosts["legal.example.com"] = []string{"203.0.113.9"}
	h.Sites[0].Links = []string{"https://legal.example.com/privacy"}
}

func wildcard(h *house) {
	h.world.hosts["doorcode-doctor-looks-for-a-wildcard.example.com"] = []string{"203.0.113.9"}
}

func cloud(h *house) { h.marks("Cf-Ray", "8f2") }

func sendFails(h *house) {
	h.SendTo = "ana@example.com"
	h.Mails[0].Send = func(context.Context, string) error { return errors.New("550 no") }
}

// file makes the storage one in a file.
func file(h *house) *doctor.Store {
	h.Stores[0].Path, h.Stores[0].Shared, h.Stores[0].Name = "/nowhere/doorcode.db", false, "/nowhere/doorcode.db"
	h.Running.Stores[0].Name = "/nowhere/doorcode.db"
	return &h.Stores[0]
}

func fails(err error) func(context.Context) (doctor.Records, error) {
	return func(context.Context) (doctor.Records, error) { return nil, err }
}

// places gives the house a database that knows one country.
func places(h *house, country string) *doctor.Places {
	h.Places = []doctor.Places{{
		Name: "geoip", Files: []geo.File{{Path: "city.mmdb", Type: "GeoLite2-City", Built: time.Now()}}, Knows: geo.Knowledge{Country: true},
		Locate: func(ip netip.Addr) *geo.Place {
			if ip.String() != "8.8.8.8" {
				return &geo.Place{}
			}
			return &geo.Place{Country: country}
		},
	}}
	return &h.Places[0]
}

func inTurn(texts ...string) func() string {
	n := 0
	return func() string { n++; return texts[n%len(texts)] }
}

func TestACheckThatCannotBeMadeIsNeverOK(t *testing.T) {
	h := newHouse(t)
	h.Fault, h.Sites = errors.New("broken"), nil
	bare := []string{"config", "reach", "https", "clock", "secrets", "admin", "texts", "files", "versions"}
	for _, f := range h.examine(t).Findings {
		if !slices.Contains(bare, f.Check) && f.Level != doctor.Skip {
			t.Errorf("without a configuration: %+v", f)
		}
	}
	down := newHouse(t)
	down.world.down = true
	for _, f := range down.examine(t).Findings {
		if f.Check == "sender" && f.Level == doctor.OK && strings.ContainsAny(f.Text, ":") {
			t.Errorf("without a DNS: %+v", f)
		}
		if f.Level == doctor.Skip && f.Fix == "" {
			t.Errorf("nobody says what to give: %+v", f)
		}
	}
}

func TestWhatDoesNotAnswerHoldsUpNothingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		began := time.Now()
		report := doctor.Examine(t.Context(), doctor.Facts{
			Stores: []doctor.Store{{Name: "x", Open: func(context.Context) (doctor.Records, error) { <-never; return nil, errors.New("late") }}},
		})
		if took := time.Since(began); took > time.Minute {
			t.Errorf("took %s", took)
		}
		wants{"storage", doctor.Skip, "not done within", "again"}.in(t, report)
		close(never)
	})
}

func TestACheckThatBreaksLeavesTheOthersAlone(t *testing.T) {
	h := newHouse(t)
	h.Stores[0].Open = func(context.Context) (doctor.Records, error) { panic("nil map") }
	h.Running = nil
	report := h.examine(t)
	wants{"versions", doctor.OK, "", ""}.in(t, report)
	wants{"storage", doctor.Skip, "this check broke", "report it"}.in(t, report)
}

func TestTheExitCodeSaysHowBadItIs(t *testing.T) {
	for levels, want := range map[string][2]int{"ok": {0, 0}, "ok skip": {0, 0}, "ok warn": {0, 1}, "warn FAIL ok": {2, 2}, "": {0, 0}} {
		var r doctor.Report
		for _, level := range strings.Fields(levels) {
			r.Findings = append(r.Findings, doctor.Finding{Level: doctor.Level(level)})
		}
		if got := [2]int{r.Exit(false), r.Exit(true)}; got != want {
			t.Errorf("%s: exit %v, want %v", levels, got, want)
		}
	}
}

func TestTheReportIsTheSameEveryTime(t *testing.T) {
	var first bytes.Buffer
	for range 3 {
		h := newHouse(t)
		h.Mails[0].Name, h.Mails = "mail", append(h.Mails, h.Mails[0], h.Mails[0])
		var ids []string
		for _, f := range h.examine(t).Findings {
			ids = append(ids, f.Check+" "+string(f.Level))
		}
		text := strings.Join(ids, "\n")
		if first.Len() == 0 {
			first.WriteString(text)
		}
		if diff := cmp.Diff(first.String(), text); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatOthersSayIsPrintedOnOneLine(t *testing.T) {
	h := newHouse(t)
	h.Mails[0].Try = func(context.Context) error { return errors.New("550 no\x1b[31m\nFAIL  config  forged\u202e") }
	report := h.examine(t)
	var text, raw bytes.Buffer
	if err := errors.Join(report.Text(&text), report.JSON(&raw)); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "FAIL  config") {
			t.Errorf("a line was forged: %q", line)
		}
	}
	if strings.ContainsAny(text.String()+raw.String(), "\x1b\u202e") {
		t.Error("control characters are printed")
	}
}

func TestTheReportForMachinesHasAllThatPeopleRead(t *testing.T) {
	h := newHouse(t)
	h.Admin.Listen = ":2019"
	report := h.examine(t)
	var raw bytes.Buffer
	if err := report.JSON(&raw); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Doorcode, Config string
		Findings         []doctor.Finding
		Counts           map[string]int
	}
	if err := json.Unmarshal(raw.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report.Findings, got.Findings); diff != "" {
		t.Error(diff)
	}
	if got.Doorcode != "v0.1.0" || got.Config != "Caddyfile" || got.Counts["fail"] != report.Count(doctor.Fail) || got.Counts["ok"] != report.Count(doctor.OK) {
		t.Errorf("%+v", got)
	}
}
