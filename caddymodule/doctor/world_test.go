// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// A world is a DNS that answers from a table. What is in none of them does not exist.
type world struct {
	hosts, texts, mails map[string][]string
	down                bool
}

func (w world) find(table map[string][]string, name string) ([]string, error) {
	if w.down {
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	found, ok := table[strings.TrimSuffix(strings.ToLower(name), ".")]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return found, nil
}

func (w world) LookupNetIP(_ context.Context, _, host string) (found []netip.Addr, _ error) {
	texts, err := w.find(w.hosts, host)
	for _, text := range texts {
		found = append(found, netip.MustParseAddr(text))
	}
	return found, err
}

func (w world) LookupTXT(_ context.Context, name string) ([]string, error) {
	return w.find(w.texts, name)
}

func (w world) LookupMX(_ context.Context, name string) (found []*net.MX, _ error) {
	hosts, err := w.find(w.mails, name)
	for _, host := range hosts {
		found = append(found, &net.MX{Host: host})
	}
	return found, err
}

func (w world) LookupAddr(_ context.Context, address string) ([]string, error) {
	return w.find(w.texts, "ptr "+address)
}

// records are a store in memory.
type records struct {
	mu       sync.Mutex
	kept     map[string][]byte
	keys     []doctor.Key
	machines int
	notices  []doctor.Notice
	fault    error // of Put
	unlock   error // of Keys
	ahead    time.Duration
	forgets  bool
}

func (r *records) Get(_ context.Context, key string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[key], nil
}

func (r *records) Put(_ context.Context, key string, value []byte, _ time.Duration) (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if value == nil {
		delete(r.kept, key)
	} else if !r.forgets {
		r.kept[key] = value
	}
	return time.Now().Add(r.ahead), r.fault
}

func (r *records) Machines(context.Context) (int, error)      { return r.machines, nil }
func (r *records) Keys(context.Context) ([]doctor.Key, error) { return r.keys, r.unlock }
func (r *records) Notices() []doctor.Notice                   { return r.notices }
func (r *records) Close() error                               { return nil }

// A house is a configuration in which everything is as it should be, and what a test
// may break of it.
type house struct {
	doctor.Facts
	world   world
	records *records
	answer  http.HandlerFunc // of the site, behind ping and jwks.json
	first   http.HandlerFunc // nil, or what answers before all of these
	offset  time.Duration    // of the site's clock
	keys    func() string    // of the site
	header  http.Header      // on each of its answers
}

// marks adds a field to each answer of the site.
func (h *house) marks(name, value string) { h.header = http.Header{name: {value}} }

const signing = `{"keys":[{"kid":"a"},{"kid":"b"}]}`

// kept is a guarded answer.
func kept(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("WWW-Authenticate", `Doorcode realm="example.com", reason="new_browser"`)
	w.Header().Set("Doorcode-Reason", "new_browser")
	w.WriteHeader(http.StatusUnauthorized)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{answer: kept, keys: func() string { return signing }}
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(h.offset).UTC().Format(http.TimeFormat))
		for name, values := range h.header {
			w.Header()[name] = values
		}
		switch {
		case h.first != nil:
			h.first(w, r)
		case strings.HasSuffix(r.URL.Path, "/.doorcode/ping"):
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/.doorcode/jwks.json"):
			_, _ = io.WriteString(w, h.keys())
		default:
			h.answer(w, r)
		}
	}))
	site.Config.ErrorLog = quiet
	site.StartTLS()
	t.Cleanup(site.Close)
	relay := listen(t)
	u, _ := url.Parse(site.URL)
	origin := "https://example.com:" + u.Port()
	roots := x509.NewCertPool()
	roots.AddCert(site.Certificate())
	h.world = world{
		hosts: map[string][]string{"example.com": {"127.0.0.1"}, "www.example.com": {"127.0.0.1"}, "mx.example.com": {"192.0.2.25"}},
		texts: map[string][]string{"example.com": {"v=spf1 mx ip4:127.0.0.0/8 -all"}, "_dmarc.example.com": {"v=DMARC1; p=reject"}},
		mails: map[string][]string{"example.com": {"mx.example.com."}},
	}
	h.records = &records{kept: map[string][]byte{}, machines: 2, keys: []doctor.Key{{ID: "a", Signing: true, Created: time.Now()}}}
	h.Facts = doctor.Facts{
		Config: "Caddyfile",
		Sites:  []doctor.Site{{Origins: []string{origin}, Hosts: []string{"example.com"}, Guarded: []string{"/"}, SingleSignOn: "example.com", Accent: "0b5fff", People: doctor.People{Count: 2}}},
		Mails: []doctor.Mail{{
			Name: "mail smtp " + relay, From: "login@example.com", Hosts: []string{"example.com"}, Address: relay,
			Try: func(context.Context) error { return nil }, Send: func(context.Context, string) error { return nil },
		}},
		Stores:      []doctor.Store{{Name: "redis 127.0.0.1:6379", Shared: true, Servers: []string{"127.0.0.1:6379"}, Rotate: 30 * 24 * time.Hour, Open: func(context.Context) (doctor.Records, error) { return h.records, nil }}},
		Servers:     []doctor.Server{{Name: "srv0", Hosts: []string{"example.com"}, Secure: true, HTTPS: true}},
		Upstreams:   []doctor.Upstream{{Dial: "127.0.0.1:9"}},
		Files:       []doctor.SecretFile{{Path: "/run/secrets/doorcode", Root: true, Mode: 0o600}},
		Admin:       doctor.Admin{Listen: "localhost:2019"},
		URLs:        []string{origin},
		Clocks:      []string{origin},
		Versions:    doctor.Versions{Doorcode: "v0.1.0", Caddy: "v2.11.9", Go: "go1.26.8", Modules: map[string]string{"github.com/wneessen/go-mail": "v0.8.1"}},
		Descriptors: doctor.Descriptors{Limit: 1 << 20, Open: 30},
		Roots:       roots,
		Running: &doctor.Running{
			Versions: doctor.Versions{Doorcode: "v0.1.0", Caddy: "v2.11.9", Go: "go1.26.8"}, Descriptors: doctor.Descriptors{Limit: 1 << 20, Open: 30},
			Stores: []doctor.RunningStore{{Name: "redis 127.0.0.1:6379", Answers: true, Writes: true, Keys: []doctor.Key{{ID: "a", Signing: true, Created: time.Now()}}}},
		},
	}
	return h
}

// origin is where the site is.
func (h *house) origin() string { return h.URLs[0] }

func (h *house) examine(t *testing.T) doctor.Report {
	t.Helper()
	h.Resolver = h.world
	return doctor.Examine(t.Context(), h.Facts)
}

// look makes one check.
func (h *house) look(t *testing.T, id string) doctor.Report {
	t.Helper()
	h.Resolver = h.world
	return doctor.Only(t.Context(), id, h.Facts)
}

// listen takes connections and says nothing.
func listen(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// wants is a finding that a report must have. One that is OK is to have nothing beside
// it in its check that somebody would have to mend.
type wants struct {
	check     string
	level     doctor.Level
	text, fix string
}

func (w wants) in(t *testing.T, r doctor.Report) {
	t.Helper()
	found, worse := false, false
	var of []string
	for _, f := range r.Findings {
		if f.Check != w.check {
			continue
		}
		found = found || f.Level == w.level && strings.Contains(f.Subject+": "+f.Text, w.text) && strings.Contains(f.Fix, w.fix)
		worse = worse || w.level == doctor.OK && (f.Level == doctor.Warn || f.Level == doctor.Fail)
		of = append(of, fmt.Sprintf("%s %s: %s -> %s", f.Level, f.Subject, f.Text, f.Fix))
	}
	if !found || worse {
		t.Errorf("%s says\n\t%s\nwant %s with %q and the fix %q", w.check, strings.Join(of, "\n\t"), w.level, w.text, w.fix)
	}
}
