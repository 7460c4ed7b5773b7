// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// tried writes a configuration with some mail lines, which nobody runs.
func tried(t *testing.T, mails ...string) (folder string, config []string) {
	t.Helper()
	folder = t.TempDir()
	text := "{\n\tadmin off\n}\napp.example.com {\n\tdoorcode *@example.com {\n\t\t" + strings.Join(mails, "\n\t\t") + "\n\t}\n\trespond app\n}\n"
	file := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, []string{"--config", file, "--adapter", "caddyfile"}
}

func sendTest(t *testing.T, folder string, config []string, args ...string) run {
	t.Helper()
	return caddyCommand(t, folder, append(append([]string{"doorcode", "send-test"}, args...), config...)...)
}

// The mail goes out, and what is shown of how holds no password, not in base64 either.
func TestATestMailShowsWhatTheServersSay(t *testing.T) {
	relay := harness.NewRelay(t)
	relay.Login("login@example.com", smtpPassword)
	relay.Up(t)
	down := harness.NewRelay(t)
	t.Setenv("DOORCODE_TESTS_PASSWORD", smtpPassword)
	smtp := func(address string) string {
		return "mail smtp " + address + " {\n\t\t\tfrom login@example.com\n\t\t\tusername login@example.com\n\t\t\tpassword {env.DOORCODE_TESTS_PASSWORD}\n\t\t}"
	}
	folder, config := tried(t, smtp(relay.Address), smtp(down.Address))
	r := sendTest(t, folder, config, ana)
	if r.code != 1 || !strings.Contains(r.err, "1 of 2 transports did not take their mail") {
		t.Errorf("exit code %d:\n%s", r.code, r.err)
	}
	for _, want := range []string{
		"smtp " + relay.Address + "\n", "    C: EHLO ", "    C: RCPT TO:<" + ana + ">", "  Taken in ", "smtp " + down.Address + "\n", "  Not sent: connecting to mail server",
		"send-test --paste",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("output lacks %q:\n%s", want, r.out)
		}
	}
	wantNoSecret(t, r.out+r.err)
	mails := relay.Mails(t, ana)
	if len(mails) != 1 || mails[0].Subject != "Test email from app.example.com" || regexp.MustCompile(`[0-9]{6}`).MatchString(mails[0].Text) {
		t.Fatalf("mails that came: %+v", mails)
	}

	var answer struct {
		Attempts []struct {
			Transport, Error string
			Sent             bool
			Dialogue         []string
			MessageID        string `json:"message_id"`
		}
	}
	r = sendTest(t, folder, config, ana, "--json", "--transport", "1")
	if err := json.Unmarshal([]byte(r.out), &answer); err != nil || r.code != 0 || len(answer.Attempts) != 1 {
		t.Fatalf("--json: %v, exit code %d\n%s%s", err, r.code, r.out, r.err)
	}
	if a := answer.Attempts[0]; !a.Sent || a.Error != "" || len(a.Dialogue) < 8 || a.MessageID == "" || len(relay.Mails(t, ana)) != 2 {
		t.Errorf("attempt %+v", a)
	}
	wantNoSecret(t, r.out+r.err)
}

// wantNoSecret fails where a text holds the password of the relay in any form.
func wantNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{
		smtpPassword, base64.StdEncoding.EncodeToString([]byte(smtpPassword)),
		base64.StdEncoding.EncodeToString([]byte("\x00login@example.com\x00" + smtpPassword)),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the password is shown:\n%s", text)
		}
	}
}

// A mail API may quote what it was sent.
func TestATestMailShowsWhatAMailAPISays(t *testing.T) {
	var status atomic.Int32
	status.Store(http.StatusAccepted)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte(`{"said": "` + r.Header.Get("Authorization") + `"}`))
	}))
	defer server.Close()
	t.Setenv("DOORCODE_TESTS_PASSWORD", smtpPassword)
	folder, config := tried(t, "mail http "+server.URL+"/send {\n\t\t\tfrom login@example.com\n\t\t\theader Authorization \"Bearer {env.DOORCODE_TESTS_PASSWORD}\"\n\t\t\t"+
		"body `{\"to\": \"{to}\", \"subject\": \"{subject}\", \"text\": \"{text}\"}`\n\t\t}")
	r := sendTest(t, folder, config, ana)
	r.wantLines(t, "an API that takes it", " | C: POST to 127.0.0.1", " | S: HTTP 202 Accepted", " | Taken in")
	wantNoSecret(t, r.out+r.err)
	status.Store(http.StatusUnauthorized)
	r = sendTest(t, folder, config, ana)
	if r.code != 1 || !strings.Contains(r.out, "    S: HTTP 401 Unauthorized") || !strings.Contains(r.out, "  Not sent: ") || !strings.Contains(r.err, "no mail was taken") {
		t.Errorf("an API that refuses: exit code %d\n%s%s", r.code, r.out, r.err)
	}
	wantNoSecret(t, r.out+r.err)
}

func TestTestMailsSayWhatIsWrong(t *testing.T) {
	folder, config := tried(t, "mail file "+filepath.Join(t.TempDir(), "mail"))
	for args, want := range map[string]string{
		"":                                "takes one address, such as alice@example.com",
		"ana":                             "send-test takes an address such as alice@example.com, got 'ana'",
		ana + " --paste":                  "--paste explains a mail that has arrived; leave the address out",
		ana + " --transport 2":            "--transport takes 1 to 1: file ",
		ana + " --site other.example.com": "no gate stands at 'other.example.com'; there are gates at app.example.com",
	} {
		r := sendTest(t, folder, config, strings.Fields(args)...)
		if r.code != 1 || !strings.Contains(r.err, want) || r.out != "" {
			t.Errorf("%s: exit code %d, want %q:\n%s%s", args, r.code, want, r.out, r.err)
		}
	}
	sendTest(t, folder, config, ana).wantLines(t, "a folder", "file ", " | Taken in ")
	wantUntouched(t, folder)
}

// wantUntouched fails where a command that only looks at a configuration has begun to
// serve it.
func wantUntouched(t *testing.T, folder string) {
	t.Helper()
	for _, file := range filesIn(t, folder) {
		if strings.Contains(file, "doorcode") && !strings.HasSuffix(file, "Caddyfile") {
			t.Errorf("%s was made", file)
		}
	}
}

func TestTheSourceOfAMailIsExplained(t *testing.T) {
	const good = "Authentication-Results: mx.example; spf=pass smtp.mailfrom=example.com; dkim=pass header.d=example.com; dmarc=pass (p=REJECT) header.from=example.com\nFrom: login@example.com\n\n"
	paste := func(text string, args ...string) run {
		cmd := harness.Command(t.TempDir(), append([]string{"doorcode", "send-test", "--paste"}, args...)...)
		cmd.Stdin = strings.NewReader(text)
		return execute(t, cmd)
	}
	paste(good).wantLines(t, "a good mail", "Sender example.com, as mx.example saw it:", "ok | SPF | passes", "ok | DKIM | passes", "ok | DMARC | passes")
	bad := paste(strings.Replace(good, "dkim=pass header.d=example.com", "dkim=none", 1))
	if bad.code != 1 || !strings.Contains(bad.out, "→ have the relay sign for example.com") || !strings.Contains(bad.err, "DKIM: mails from example.com may end up as spam") {
		t.Errorf("a mail without a signature: exit code %d\n%s%s", bad.code, bad.out, bad.err)
	}
	var answer struct {
		From     string
		Findings []struct{ About, Level string }
	}
	if r := paste(good, "--json"); json.Unmarshal([]byte(r.out), &answer) != nil || answer.From != "example.com" || len(answer.Findings) != 3 {
		t.Errorf("--json:\n%s%s", r.out, r.err)
	}
	paste("Dear Ana").wantFailure(t, "no mail", "this is not the header of a mail; paste the source of the mail")
	paste("From: a@example.com\nSubject: x\n\n").wantFailure(t, "what was sent", "copy the source from the mailbox that received it")
}
