// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Fleet is several Caddys that are one door, in front of one app and with one
// mailbox. Each listens on a loopback address of its own, on the port that all of
// them have, so that a browser goes from one to another under the same name.
//
// When the test ends, the fleet checks what must hold whatever was broken: the app
// saw no request without a verified identity, no code was accepted twice, and no
// machine panicked or raced.
type Fleet struct {
	Port     string
	App      *App
	Mailbox  *Mailbox
	Machines []*Machine

	site string

	mu       sync.Mutex     // guards below
	verified map[string]int // how often each code was accepted
	mailed   map[string]int // and how many codes had its letters
	entered  map[string]bool
}

// A Machine is one of a fleet.
type Machine struct {
	*Child
	Admin string // host:port of its admin API
}

// NewFleet makes a fleet without machines. In the site, which is as that of Start,
// STORE stands for the store that a machine is prepared with.
func NewFleet(t testing.TB, site string) *Fleet {
	t.Helper()
	f := &Fleet{
		Port: FreePort(t), App: NewApp(t), Mailbox: &Mailbox{Folder: filepath.Join(newFolder(t), "mail")}, site: site,
		verified: map[string]int{}, mailed: map[string]int{}, entered: map[string]bool{},
	}
	t.Cleanup(func() { f.check(t) })
	return f
}

// machineOptions are the global options that only machines of a fleet have.
const machineOptions = `	default_bind MACHINE
	admin CONTROL
	log {
		output stderr
		format json
	}
`

// Prepare adds a machine that is not started yet.
func (f *Fleet) Prepare(t testing.TB, store string) *Machine {
	t.Helper()
	return f.PrepareSite(t, f.site, store)
}

// PrepareSite adds a machine with a site that may differ from that of the others.
func (f *Fleet) PrepareSite(t testing.TB, site, store string) *Machine {
	t.Helper()
	folder := newFolder(t)
	at := fmt.Sprintf("127.0.0.%d", len(f.Machines)+1)
	// Caddy lets its admin API be called by the usual name of loopback alone.
	control := net.JoinHostPort(loopback, FreePort(t))
	m := &Machine{
		Child: &Child{
			Caddy:  &Caddy{Port: f.Port, At: at, Folder: folder, App: f.App, Mailbox: f.Mailbox},
			config: filepath.Join(folder, "Caddyfile"), log: filepath.Join(folder, "log"),
		},
		Admin: control,
	}
	own, body, found := strings.Cut(site, "\n---\n")
	if !found {
		own, body = "", site
	}
	text := strings.NewReplacer("MACHINE", at, "CONTROL", control, "STORE", store).Replace(machineOptions + own + "\n---\n" + body)
	if err := os.WriteFile(m.config, []byte(m.Fill(t, text)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.take(t, m) })
	t.Cleanup(m.Kill)
	f.Machines = append(f.Machines, m)
	return m
}

// Run adds a machine for each store and starts them all at the same time.
func (f *Fleet) Run(t testing.TB, stores ...string) []*Machine {
	t.Helper()
	begun := make([]*Machine, len(stores))
	for i, store := range stores {
		begun[i] = f.Prepare(t, store)
		begun[i].Begin(t, "run")
	}
	for _, m := range begun {
		m.WaitUp(t)
	}
	return begun
}

// Stop ends a machine as an operator does, and waits until it is over.
func (m *Machine) Stop(t testing.TB) {
	t.Helper()
	if err := m.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-m.exited:
	case <-time.After(patience):
		t.Fatal("the machine does not stop")
	}
}

// Config is the file that the machine is run with.
func (m *Machine) Config() string { return m.config }

// An Entry is one line of a log.
type Entry map[string]any

// Entries are the lines of its log so far that tell of an event, or all with "".
// Other lines, such as those of a crash, are not among them.
func (m *Machine) Entries(t testing.TB, event string) (found []Entry) {
	t.Helper()
	for line := range strings.Lines(m.Log(t)) {
		var e Entry
		if json.Unmarshal([]byte(line), &e) == nil && (event == "" || e["event"] == event) {
			found = append(found, e)
		}
	}
	return found
}

// Ask sends a request to the machine's admin API.
func (m *Machine) Ask(t testing.TB, method, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+m.Admin+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// Goroutines counts those of the machine that are in the gate, or in its way to the
// store. Caddy has some of its own that end when they like.
func (m *Machine) Goroutines(t testing.TB) (n int) {
	t.Helper()
	status, stacks := m.Ask(t, http.MethodGet, "/debug/pprof/goroutine?debug=2", "")
	if status != http.StatusOK {
		t.Fatalf("asking for goroutines: %d\n%s", status, stacks)
	}
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(stack, "/challenge") || strings.Contains(stack, "/caddymodule") || strings.Contains(stack, "go-redis") {
			n++
		}
	}
	return n
}

// take reads the log of a machine that is over.
func (f *Fleet) take(t testing.TB, m *Machine) {
	if _, err := os.Stat(m.log); err != nil {
		return // it was never started
	}
	for _, bad := range []string{"DATA RACE", "panic", "fatal error"} {
		if log := m.Log(t); strings.Contains(log, bad) {
			t.Errorf("%s: %s:\n%.8000s", m.At, bad, log[strings.Index(log, bad):])
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range m.Entries(t, "verified") {
		f.entered[fmt.Sprint(e["address"])] = true
		if e["ref"] != nil { // the codes of other ways have none
			f.verified[fmt.Sprint("code ", e["ref"], " of ", e["address"])]++
		}
	}
	for _, e := range m.Entries(t, "code_sent") {
		if e["again"] == nil {
			f.mailed[fmt.Sprint("code ", e["ref"], " of ", e["address"])]++
		}
	}
}

// check asserts the two invariants, once all machines are over.
func (f *Fleet) check(t testing.TB) {
	for code, times := range f.verified {
		if times > max(1, f.mailed[code]) { // two codes of one person may have the same letters
			t.Errorf("%s was accepted %d times", code, times)
		}
	}
	for _, seen := range f.App.Seen() {
		emails := seen.Header.Values("Remote-Email")
		if len(emails) != 1 || !f.entered[emails[0]] || seen.Header.Get("Doorcode-Assertion") == "" {
			t.Errorf("the app saw a request without a verified identity: %s %s %v", seen.Method, seen.URI, seen.Header)
			return
		}
	}
}
