// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package harness runs a whole Caddy with Doorcode in the test's own process,
// with a protected app behind it and a mailbox beside it, and plays browsers.
//
// One Caddy runs at a time, because its configuration is the process's: tests
// that use this package must not run in parallel.
package harness

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // the Caddyfile's directives
	"github.com/caddyserver/certmagic"

	_ "github.com/doorcode/caddy-doorcode" // the module under test
)

// childMark in the environment makes this process a Caddy instead of a test.
const childMark = "DOORCODE_TESTS_CHILD"

// Main runs the tests with everything that Caddy writes in a temporary folder.
func Main(m *testing.M) int {
	if os.Getenv(childMark) != "" {
		caddycmd.Main()
		os.Exit(0) // not every command of Caddy does
	}
	folder, err := os.MkdirTemp("", "doorcode-tests-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is a temporary folder
	authorities := filepath.Join(folder, "authorities.pem")
	if err := os.WriteFile(authorities, authority.PEM, 0o600); err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder, "HOME": folder, "SSL_CERT_FILE": authorities,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	caddy.DefaultStorage = &certmagic.FileStorage{Path: folder}
	caddy.ConfigAutosavePath = filepath.Join(folder, "autosave.json")
	return m.Run()
}

// A Caddy is a running server.
type Caddy struct {
	Port    string
	At      string // loopback address that it listens on
	Folder  string // temporary: storage and mail
	App     *App
	Mailbox *Mailbox
	text    string
}

// base are the options that every test runs with, but for those that it sets
// itself. Visitors come from the address in X-Forwarded-For, which loopback is
// trusted to tell.
var base = []string{
	"admin off", "persist_config off", "auto_https disable_redirects", "skip_install_trust", "local_certs",
	"http_port HTTPPORT", "https_port HTTPSPORT",
	"servers {\n\t\ttrusted_proxies static 127.0.0.1/32 ::1/128\n\t\ttrusted_proxies_strict\n\t}",
	"log {\n\t\toutput discard\n\t}",
}

// persist in a test's own options has Caddy save the configuration. The Caddyfile
// itself has no word for it, since that is the default.
const persist = "persist_config on"

// globalOptions are the base with a test's own options.
func globalOptions(own string) string {
	set, depth := map[string]bool{}, 0
	for line := range strings.Lines(own) {
		if words := strings.Fields(line); len(words) > 0 && depth == 0 {
			set[words[0]] = true
		}
		depth += strings.Count(line, "{\n") - strings.Count(line, "}\n")
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, option := range base {
		if word, _, _ := strings.Cut(option, " "); !set[word] {
			b.WriteString("\t" + option + "\n")
		}
	}
	b.WriteString(strings.ReplaceAll(own, persist, "") + "\n}\n")
	return b.String()
}

// Start runs a site given as the body of a Caddyfile. In it PORT, APP, MAIL and
// FOLDER stand for a free port, the address of the app, the mail folder and a
// temporary folder. Text before a line "---" goes into the global options.
func Start(t testing.TB, site string) *Caddy {
	t.Helper()
	c := Prepare(t)
	c.Load(t, site)
	return c
}

// Prepare makes everything but the server, which ends with the test.
func Prepare(t testing.TB) *Caddy {
	t.Helper()
	c := newCaddy(t)
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping Caddy: %v", err)
		}
	})
	return c
}

func newCaddy(t testing.TB) *Caddy {
	t.Helper()
	folder := newFolder(t)
	return &Caddy{Port: FreePort(t), At: loopback, Folder: folder, App: NewApp(t), Mailbox: &Mailbox{Folder: filepath.Join(folder, "mail")}}
}

// newFolder makes a folder that ends with the test.
func newFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "doorcode-test-")
	if err != nil {
		t.Fatal(err)
	}
	// Mail that is still under way may appear while the folder is removed.
	t.Cleanup(func() { Eventually(t, "empty folder", func() bool { return os.RemoveAll(folder) == nil }) })
	return folder
}

// Load runs another configuration in place of the present one.
func (c *Caddy) Load(t testing.TB, site string) {
	t.Helper()
	if err := c.TryLoad(t, site); err != nil {
		t.Fatalf("loading configuration: %v", err)
	}
}

// TryLoad is Load for configurations that may be refused.
func (c *Caddy) TryLoad(t testing.TB, site string) error {
	t.Helper()
	config, err := Adapt(c.Fill(t, site))
	if err != nil {
		return err
	}
	c.text = site
	return caddy.Load(config, true)
}

// Reload loads the present configuration again.
func (c *Caddy) Reload(t testing.TB) {
	t.Helper()
	c.Load(t, c.text)
}

// Fill puts ports and folders into a configuration.
func (c *Caddy) Fill(t testing.TB, site string) string {
	t.Helper()
	options, body, found := strings.Cut(site, "\n---\n")
	if !found {
		options, body = "", site
	}
	return strings.NewReplacer(
		"HTTPPORT", FreePort(t), "HTTPSPORT", FreePort(t), "PORT", c.Port, "APP", c.App.Address,
		"MAIL", c.Mailbox.Folder, "FOLDER", c.Folder,
	).Replace(globalOptions(options) + body)
}

// Adapt turns a Caddyfile into JSON.
func Adapt(text string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return config, err
}

// lastPort is the port that was tried last. Ports come from below those that
// the kernel gives to outgoing connections, which could take one away between
// its finding and its use; each process begins elsewhere.
var lastPort = func() *atomic.Int32 {
	last := new(atomic.Int32)
	last.Store(int32(os.Getpid() * 97 % portRange))
	return last
}()

const firstPort, portRange = 10_000, 20_000

// FreePort finds a port that nobody listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	for range portRange {
		port := strconv.Itoa(firstPort + int(lastPort.Add(1))%portRange)
		if listener, err := net.Listen("tcp", ":"+port); err == nil && listener.Close() == nil {
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// Eventually tries until it works, for what happens beside a request. It gives
// up after five seconds.
func Eventually(t testing.TB, what string, works func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !works() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

// URL is an address at the server, by the name localhost.
func (c *Caddy) URL(path string) string { return "http://localhost:" + c.Port + path }

// loopback is where a Caddy listens that is the only one.
const loopback = "127.0.0.1"

// Address is where the server is reached, as host:port.
func (c *Caddy) Address() string { return net.JoinHostPort(c.At, c.Port) }

// transport reaches the server under any host name.
func (c *Caddy) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	// Caddy closes idle connections when it reloads; a browser would send a form
	// again, Go does not.
	return &http.Transport{DisableKeepAlives: true, DialContext: dialTo(dialer, c.Address()), TLSClientConfig: trusting}
}
