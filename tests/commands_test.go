// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// A run is what became of a command.
type run struct {
	code     int
	out, err string
}

// caddyCommand runs one of Caddy's commands as a process of its own, which keeps
// what it keeps in the folder.
func caddyCommand(t *testing.T, folder string, args ...string) run {
	t.Helper()
	return execute(t, harness.Command(folder, args...))
}

func execute(t *testing.T, cmd *exec.Cmd) run {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return run{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// wantFailure fails unless the command failed with a sentence, and printed
// nothing that could be taken for an answer.
func (r run) wantFailure(t *testing.T, what, want string) {
	t.Helper()
	if r.code != 1 || !strings.Contains(r.err, want) || r.out != "" {
		t.Errorf("%s: exit code %d, want 1 and %q:\n%s%s", what, r.code, want, r.out, r.err)
	}
	if strings.Contains(r.err, "Usage:") {
		t.Errorf("%s: the sentence is lost in the usage:\n%s", what, r.err)
	}
}

// wantLines fails unless the command succeeded and printed these lines, columns
// apart by bars.
func (r run) wantLines(t *testing.T, what string, want ...string) {
	t.Helper()
	if r.code != 0 {
		t.Errorf("%s: exit code %d:\n%s", what, r.code, r.err)
	}
	lines := strings.Split(wide.ReplaceAllString(r.out, " | "), "\n")
	for _, line := range want {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, line) }) {
			t.Errorf("%s: no line that begins with %q in\n%s", what, line, r.out)
		}
	}
}

// startManaged runs a child with an admin endpoint. Its commands find it by the
// flags that are returned.
func startManaged(t *testing.T, site string) (child *harness.Child, config []string) {
	t.Helper()
	port := harness.FreePort(t)
	child = harness.PrepareChild(t, adminAt(port, site))
	child.Run(t)
	// The site answers a moment before the admin endpoint knows of it.
	harness.Eventually(t, "the admin endpoint to know the site", func() bool {
		answer, err := http.Get("http://localhost:" + port + "/doorcode/status")
		if err != nil {
			return false
		}
		defer answer.Body.Close() //nolint:errcheck // its status says all
		return answer.StatusCode == http.StatusOK
	})
	return child, []string{"--config", filepath.Join(child.Folder, "Caddyfile"), "--adapter", "caddyfile"}
}

// doorcode runs a command of ours against the child.
func doorcode(t *testing.T, child *harness.Child, config []string, args ...string) run {
	t.Helper()
	return caddyCommand(t, child.Folder, slices.Concat([]string{"doorcode"}, args, config)...)
}

func TestCommandsManageARunningCaddy(t *testing.T) {
	child, config := startManaged(t, site(generous("try_address 3/1h")))
	b := signedIn(t, child.Caddy, ana)
	file := filepath.Join(child.Folder, "doorcode.db")

	status := doorcode(t, child, config, "status")
	status.wantLines(t, "status", "doorcode ", "SITE | GATE | STORAGE | MAIL", child.URL("")+" | ", "STORAGE | ANSWERS | LAST READ | SESSIONS | SHARED",
		file+" | yes | ", "KEY | USE | ALGORITHM | STATE | SIGNS FROM | VERIFIES UNTIL")
	var told struct {
		Storages []struct{ Answers bool }
	}
	if r := doorcode(t, child, config, "status", "--json"); json.Unmarshal([]byte(r.out), &told) != nil || len(told.Storages) != 1 || !told.Storages[0].Answers {
		t.Errorf("status --json:\n%s%s", r.out, r.err)
	}

	doorcode(t, child, config, "unlock", ben).wantLines(t, "unlock of somebody who is not locked", "Nothing was counted for "+ben)
	guesser := child.Browser(t)
	code := ask(t, child.Caddy, guesser, "/", ben)
	for n := range 3 {
		enter(t, guesser, notThis(code, n))
	}
	doorcode(t, child, config, "unlock", ben).wantLines(t, "unlock", ben+" can be tried and mailed again.",
		"OF | LOCKED UNTIL | WRONG CODES | MAILS", "unknown browsers | 20")
	signedIn(t, child.Caddy, ben)

	doorcode(t, child, config, "keys", "list").wantLines(t, "keys list", "KEY | USE | ALGORITHM | STATE")
	doorcode(t, child, config, "keys", "rotate").wantLines(t, "keys rotate", "KEY | USE", "The new keys are published, and sign from ")
	var keys struct{ Keys []key }
	if r := doorcode(t, child, config, "keys", "list", "--json"); json.Unmarshal([]byte(r.out), &keys) != nil || states(keys.Keys)["session next"] != 1 {
		t.Errorf("keys list --json after a rotation:\n%s%s", r.out, r.err)
	}
	wantStatus(t, "after the rotation", b.Open(t, "/x"), http.StatusOK)

	doorcode(t, child, config, "storage", "restored").wantLines(t, "storage restored", "Everybody signs in again. Sessions and open codes were ended in "+file)
	wantStatus(t, "after what was restored", b.Open(t, "/x"), http.StatusUnauthorized)
}

func TestABackupIsAFileOfItsOwn(t *testing.T) {
	child, config := startManaged(t, site())
	signedIn(t, child.Caddy, ana)
	path := filepath.Join(child.Folder, "copy.db")
	doorcode(t, child, config, "storage", "backup", path).wantLines(t, "backup", "Wrote ")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the copy: %v, %v, want a file that nobody else can read", info, err)
	}
	content := read(t, path)
	wantPeople(t, []byte(content), 1)

	doorcode(t, child, config, "storage", "backup", path).wantFailure(t, "a file that is there", path+" exists already")
	if read(t, path) != content {
		t.Error("the file that was there has changed")
	}
	doorcode(t, child, config, "storage", "backup", filepath.Join(child.Folder, "nowhere", "copy.db")).wantFailure(t, "a folder that there is not", "no such file or directory")
	streamed := doorcode(t, child, config, "storage", "backup", "-")
	if streamed.code != 0 {
		t.Fatalf("backup to the output: %s", streamed.err)
	}
	wantPeople(t, []byte(streamed.out), 1)
	if left, _ := filepath.Glob(filepath.Join(child.Folder, ".doorcode-backup-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A copy that breaks off is no copy.
func TestABackupThatBreaksOffLeavesNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half a"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	folder := t.TempDir()
	r := caddyCommand(t, folder, "doorcode", "storage", "backup", filepath.Join(folder, "copy.db"), "--address", server.Listener.Addr().String())
	r.wantFailure(t, "a copy that breaks off", "which broke off after 6 bytes")
	if left := filesIn(t, folder); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCommandsSayWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	for args, want := range map[string]string{
		"unlock":                         "'caddy doorcode unlock' takes one address, such as alice@example.com",
		"unlock ana@example.com ben":     "takes one address",
		"unlock ana":                     "unlock takes an address such as alice@example.com, got 'ana'",
		"keys lst":                       `unknown command "lst"`,
		"keys list x":                    `unknown command "x"`,
		"status --jsn":                   "unknown flag: --jsn",
		"storage backup":                 "takes the name of a file that does not exist yet, or - for the standard output",
		"storage restored now":           `unknown command "now"`,
		"storage copy":                   "storage copy takes either --from <file>, once or more, or --to <file>",
		"storage copy --from a --to b":   "storage copy takes either",
		"storage copy --from a -c /none": "reading config from file",
		"status --config /none":          "reading config from file",
		"status --address a:1-3":         "invalid admin address a:1-3",
		"status --address 127.0.0.1:1":   "no Caddy can be asked at 127.0.0.1:1",
	} {
		r := caddyCommand(t, folder, append([]string{"doorcode"}, strings.Fields(args)...)...)
		r.wantFailure(t, args, want)
	}
}

func TestCommandsTellWhyACaddyCannotBeAsked(t *testing.T) {
	folder, port := t.TempDir(), harness.FreePort(t)
	plain := filepath.Join(folder, "plain.Caddyfile")
	off := filepath.Join(folder, "off.Caddyfile")
	for path, text := range map[string]string{plain: "{\n\tadmin localhost:" + port + "\n}\n", off: "{\n\tadmin off\n}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status := func(args ...string) run {
		return caddyCommand(t, folder, append([]string{"doorcode", "status", "--adapter", "caddyfile"}, args...)...)
	}
	status("--config", plain).wantFailure(t, "a Caddy that does not run", "no Caddy can be asked at localhost:"+port)
	status("--config", off).wantFailure(t, "a Caddy without an admin endpoint", off+" says 'admin off'")

	c := harness.Prepare(t)
	c.Load(t, adminAt(port, "http://localhost:PORT {\n\treverse_proxy APP\n}\n"))
	status("--config", plain).wantFailure(t, "a Caddy without a gate", "the running configuration has no site with a doorcode directive")

	for what, tt := range map[string]struct {
		status     int
		body, want string
	}{
		"an older version":    {404, "404 page not found\n", "has no Doorcode, or an older version that does not know this command"},
		"another server":      {401, "<h1>Sign in</h1>", "is no Caddy with Doorcode: HTTP 401"},
		"no JSON":             {200, "<h1>Welcome</h1>", "reading answer of Caddy"},
		"an endpoint of ours": {409, `{"error":"do this"}`, "Error: do this"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		status("--address", server.Listener.Addr().String()).wantFailure(t, what, tt.want)
		server.Close()
	}
}

// Monitoring can go by the exit code.
func TestStatusFailsWhenAStorageDoesNotAnswer(t *testing.T) {
	t.Setenv("DOORCODE_TESTS_SECRET", rootSecret)
	away := harness.FreePort(t)
	child, config := startManaged(t, strings.Replace(site("secret {env.DOORCODE_TESTS_SECRET}"), "storage embedded FOLDER/doorcode.db",
		"storage redis redis://127.0.0.1:"+away, 1))
	r := doorcode(t, child, config, "status")
	if r.code != 1 || !strings.Contains(r.err, "does not answer: ") || !strings.Contains(r.out, " no ") {
		t.Errorf("status of a Redis that is away: exit code %d\n%s%s", r.code, r.out, r.err)
	}
}

// Commands reach an admin endpoint that is a socket, too.
func TestCommandsReachASocket(t *testing.T) {
	c := harness.Prepare(t)
	socket := filepath.Join(c.Folder, "admin.sock")
	c.Load(t, "\tadmin unix/"+socket+"\n\n---\n"+site())
	if _, err := net.Dial("unix", socket); err != nil {
		t.Fatal(err)
	}
	caddyCommand(t, c.Folder, "doorcode", "keys", "list", "--address", "unix/"+socket).wantLines(t, "keys list", "KEY | USE")
}

// Acceptance 119, as far as it goes without building.
func TestTheModulesAreListed(t *testing.T) {
	r := caddyCommand(t, t.TempDir(), "list-modules")
	for _, module := range []string{
		"admin.api.doorcode", "doorcode", "doorcode.mail.demo", "doorcode.mail.file", "doorcode.mail.smtp", "doorcode.storage.embedded",
		"doorcode.storage.redis", "http.handlers.doorcode", "http.matchers.doorcode",
	} {
		if !slices.Contains(strings.Split(r.out, "\n"), module) {
			t.Errorf("%s is not listed", module)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	folder := t.TempDir()
	help := caddyCommand(t, folder, "doorcode")
	var names []string
	_, list, _ := strings.Cut(help.out, "Available Commands:\n")
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			break
		}
		names = append(names, fields[0])
	}
	if diff := cmp.Diff([]string{
		"browsers", "check", "demo", "doctor", "explain", "export", "forget", "keys", "let-in", "passkeys", "people", "preview", "proxy", "replay", "secret", "send-test", "sessions",
		"status", "storage", "unguard", "unlock", "why",
	}, names); diff != "" {
		t.Errorf("commands (-want +got):\n%s\n%s", diff, help.out)
	}
	for _, command := range []string{"keys", "storage", "sessions", "browsers", "people"} {
		if r := caddyCommand(t, folder, "doorcode", command); r.code != 0 || !strings.Contains(r.out, "Available Commands:") {
			t.Errorf("%s: exit code %d\n%s%s", command, r.code, r.out, r.err)
		}
	}
}
