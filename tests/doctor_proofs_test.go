// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// examine has the doctor look at a configuration beside a child that runs.
func examine(t *testing.T, child *harness.Child, text string) doctor.Report {
	t.Helper()
	path := filepath.Join(child.Folder, "looked-at")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	report, _ := reportOf(t, caddyCommand(t, child.Folder, "doorcode", "doctor", "--config", path, "--adapter", "caddyfile", "--json"))
	return report
}

// wantFinding fails unless a check says just this.
func wantFinding(t *testing.T, what string, report doctor.Report, check string, level doctor.Level, text string) {
	t.Helper()
	said := slices.DeleteFunc(slices.Clone(report.Findings), func(f doctor.Finding) bool { return f.Check != check })
	if len(said) != 1 || said[0].Level != level || !strings.Contains(said[0].Text, text) {
		t.Errorf("%s: %s says %+v, want %s with %q", what, check, said, level, text)
	}
}

// The doctor is asked before a configuration is loaded that wants more of people than the
// one that runs.
func TestTheDoctorFindsWhoHasNoPasskey(t *testing.T) {
	only := "http://localhost:PORT {\n" + gate(ana+" "+ben+" eve@example.com", "passkeys on", "deny eve@example.com") + "\n\treverse_proxy APP\n}\n"
	child, config := startManaged(t, only)
	running := read(t, config[1])
	wanted := strings.Replace(running, "passkeys on", "passkeys on\n\t\taccept passkey", 1)
	wantFinding(t, "codes open it as well", examine(t, child, running), "passkeys", doctor.OK, "passkeys are for localhost")
	wantFinding(t, "nobody has one", examine(t, child, wanted), "passkeys", doctor.Warn, "2 of 2 addresses on its lists have none that works here")
	makePasskey(t, child.Caddy, signedIn(t, child.Caddy, ana), "Phone")
	wantFinding(t, "one has", examine(t, child, wanted), "passkeys", doctor.Warn, "1 of 2 addresses on its lists has none that works here")
	wantFinding(t, "it is never accepted", examine(t, child, strings.Replace(running, "passkeys on", "passkeys on\n\t\taccept code", 1)), "passkeys", doctor.Warn, "does nothing beside 'accept code'")
	shared := strings.NewReplacer("http://localhost:", "http://app.localhost:", "passkeys on", "passkeys on\n\t\taccept passkey").Replace(running)
	wantFinding(t, "at another host", examine(t, child, shared), "passkeys", doctor.Warn, "2 of 2 addresses on its lists have none that works here (1 has one for another name")
	wantFinding(t, "where browsers have none", examine(t, child, strings.Replace(running, "http://localhost:", "http://app.example.com:", 1)), "config", doctor.Fail, "passkeys cannot be used at http://app.example.com")
	child.Kill()
	wantFinding(t, "nobody can be asked", examine(t, child, wanted), "passkeys", doctor.Skip, "only a running Caddy knows")
}

// crowd are addresses that come after those that have names.
func crowd(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("zoe%d@example.com", i)
	}
	return strings.Join(all, " ")
}

// Basic_auth before the door answers the doctor, too: that is no fault of the site.
func TestTheDoctorSeesThatAPasswordIsAskedForFirst(t *testing.T) {
	child, config := startManaged(t, "http://localhost:PORT {\n\tbasic_auth {\n\t\talice $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n\t}\n"+
		gate("", "identity {http.auth.user.id} {\n\t\t\tdomain example.com\n\t\t}")+"\n\treverse_proxy APP\n}\n")
	report := examine(t, child, read(t, config[1]))
	for _, f := range report.Findings {
		if f.Level == doctor.Fail && (f.Check == "reach" || f.Check == "machines") {
			t.Errorf("%+v", f)
		}
	}
	if !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool {
		return f.Check == "reach" && f.Level == doctor.Skip && strings.Contains(f.Text, "an earlier step asks first, for a password (HTTP 401 from Caddy)")
	}) {
		t.Errorf("nothing says who asks first: %+v", report.Findings)
	}
}

func TestTheDoctorFindsBrowsersWithoutAKey(t *testing.T) {
	port := harness.FreePort(t)
	site := "https://localhost:PORT {\n" + gate(ana+" "+ben, "secret "+rootSecret) + "\n\treverse_proxy APP\n}\n"
	child := harness.PrepareChild(t, adminAt(port, site))
	p := openPast(t, child.Caddy, guess{secure: true, idle: "30d"})
	p.live(t, visitor{email: ana, ip: lisbon, known: true, bound: true, last: 20 * time.Minute})
	p.live(t, visitor{email: ben, ip: lisbon, known: true, last: 20 * time.Minute})
	p.close(t)
	child.Run(t)
	child.SecureBrowser(t, "localhost")
	running := read(t, filepath.Join(child.Folder, "Caddyfile"))
	required := strings.Replace(running, "secret "+rootSecret, "secret "+rootSecret+"\n\t\tsession {\n\t\t\tdevice_bound required\n\t\t}", 1)
	wantFinding(t, "keys are welcome", examine(t, child, running), "bound", doctor.OK, "no browser is kept out")
	wantFinding(t, "keys are required", examine(t, child, required), "bound", doctor.Warn, "1 of 2 remembered browsers of the people on its lists has no key")
	wantFinding(t, "of one who has", examine(t, child, strings.Replace(required, " "+ben+" {", " {", 1)), "bound", doctor.OK, "browsers without a key are kept out")
	listed := func(text string) string { return strings.Replace(required, " "+ben+" {", " "+text+" {", 1) }
	wantFinding(t, "beside a domain", examine(t, child, listed("*@example.org")), "bound", doctor.Skip, "only addresses that the lists name one by one were looked at; *@example.org was not")
	wantFinding(t, "of more people than are asked about", examine(t, child, listed(crowd(105))), "bound", doctor.Skip, "only the first 100 of 106 addresses")
	wantFinding(t, "of one of them", examine(t, child, listed(ben+" "+crowd(99))), "bound", doctor.Warn, "1 of 2 remembered browsers of the first 100 of 101 addresses on its lists has no key")
	wantFinding(t, "only observed", examine(t, child, strings.Replace(required, "session {", "observe all\n\t\tsession {", 1)), "bound", doctor.OK, "no browser is kept out")
}
