// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// modules are those of the scanner that ask nobody else on the network.
const modules = "backup,blindsql,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,xss"

// accounted is what the scanner says of every site that is up to date: browsers no longer
// read the first of these fields, frame-ancestors in the policy says what the second did,
// and the third is the operator's to choose. The name of our forms' token is not on its list.
var accounted = []string{"X-XSS-Protection is not set", "X-Frame-Options is not set", "Strict-Transport-Security is not set", "Lack of anti CSRF token"}

// A scanner for the usual faults of web applications finds none, among strangers and with
// a session: not in the pages, not in what the forms take, not in headers and cookies.
func TestWapitiFindsNothing(t *testing.T) {
	if _, err := exec.LookPath("wapiti"); err != nil {
		t.Fatal("wapiti is missing: Debian package wapiti")
	}
	c := harness.Start(t, loud+encrypted(generous("")))
	b := c.SecureBrowser(t, "localhost")
	b.SignIn(t, c, "/", ana, true)
	reached := len(c.App.Seen())
	for path, cookie := range map[string]string{"/": "", "/.doorcode/begin": "", "/.doorcode/": cookies(t, b)} {
		for _, found := range scanned(t, "https://localhost:"+c.Port+path, cookie) {
			t.Errorf("%s: %s", path, found)
		}
		if cookie == "" {
			c.App.Untouched(t, reached)
		}
	}
	noFault(t, c)
}

// scanned is what the scanner finds from one page on.
func scanned(t *testing.T, address, cookie string) (faults []string) {
	t.Helper()
	folder := t.TempDir()
	report := filepath.Join(folder, "report.json")
	arguments := []string{
		"-u", address, "-m", modules, "-f", "json", "-o", report, "--no-bugreport", "--flush-session", "--store-session", folder, "--verify-ssl", "0",
		"-S", "normal", "--max-scan-time", "1", "--max-attack-time", "1", "--max-links-per-page", "20", "-v", "0",
	}
	if cookie != "" {
		arguments = append(arguments, "-H", "Cookie: "+cookie)
	}
	cmd := exec.Command("wapiti", arguments...)
	cmd.Env = append(os.Environ(), "HOME="+folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("wapiti: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	type finding struct{ Method, Path, Info, Parameter string }
	var all struct{ Vulnerabilities, Anomalies map[string][]finding }
	if err := json.Unmarshal(raw, &all); err != nil || len(all.Vulnerabilities) == 0 {
		t.Fatalf("reading the report: %v\n%s", err, raw)
	}
	for _, kinds := range []map[string][]finding{all.Vulnerabilities, all.Anomalies} {
		for kind, findings := range kinds {
			for _, f := range findings {
				if !slices.ContainsFunc(accounted, func(text string) bool { return strings.HasPrefix(f.Info, text) }) {
					faults = append(faults, kind+": "+f.Method+" "+f.Path+": "+f.Info)
				}
			}
		}
	}
	return faults
}
