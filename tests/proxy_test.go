// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// What is printed is a Caddyfile as people write them: it adapts, is left as it is by
// caddy fmt, and holds no secret.
func TestProxyPrintsACaddyfile(t *testing.T) {
	folder := t.TempDir()
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a mail server, with its password": {
			[]string{"--from", "app.example.com", "--to", ":8080", "--allow", "*@example.com", "--mail", "smtp://login@example.com:" + smtpPassword + "@smtp.example.com:587"},
			"# SMTP_PASSWORD has to be in the environment of Caddy: secrets do not belong into this file.\n" +
				"app.example.com {\n\tdoorcode *@example.com {\n\t\tmail smtp smtp.example.com:587 {\n\t\t\tusername login@example.com\n\t\t\tpassword {env.SMTP_PASSWORD}\n" +
				"\t\t\tfrom login@example.com\n\t\t}\n\t}\n\treverse_proxy localhost:8080\n}\n",
		},
		"everybody, by another port, with a name": {
			[]string{"--from", "app.example.com:8443", "--to", "https://app.internal", "--allow", "*", "--allow", "ana@example.com", "--mail", "smtps://login@smtp.example.com:2465?from=Example sign-in <login@example.com>"},
			"# SMTP_PASSWORD has to be in the environment of Caddy: secrets do not belong into this file.\n" +
				"app.example.com:8443 {\n\tdoorcode {\n\t\tallow *\n\t\tmail smtp smtp.example.com:2465 {\n\t\t\tusername login\n\t\t\tpassword {env.SMTP_PASSWORD}\n\t\t\ttls implicit\n" +
				"\t\t\tfrom \"Example sign-in <login@example.com>\"\n\t\t}\n\t}\n\treverse_proxy https://app.internal\n}\n",
		},
		"the usual ports": {
			[]string{"--from", "app.example.com", "--to", "10.0.0.7:80", "--allow", "ana@example.com", "--allow", "*@example.org", "--mail", "smtps://smtp.example.com?from=login@example.com"},
			"app.example.com {\n\tdoorcode ana@example.com *@example.org {\n\t\tmail smtp smtp.example.com:465 {\n\t\t\tfrom login@example.com\n\t\t}\n\t}\n\treverse_proxy 10.0.0.7:80\n}\n",
		},
		"a service": {
			[]string{"--from", "app.example.com", "--to", ":8080", "--allow", "ana@example.com", "--mail", "postmark:?from=login@example.com"},
			"# POSTMARK_TOKEN has to be in the environment of Caddy: secrets do not belong into this file.\n" +
				"app.example.com {\n\tdoorcode ana@example.com {\n\t\tmail postmark {\n\t\t\ttoken {env.POSTMARK_TOKEN}\n\t\t\tfrom login@example.com\n\t\t}\n\t}\n\treverse_proxy localhost:8080\n}\n",
		},
		"a trial on this machine": {
			[]string{"--to", ":8080", "--allow", "ana@example.com", "--mail", "demo"},
			"localhost {\n\tdoorcode ana@example.com {\n\t\tmail demo\n\t}\n\treverse_proxy localhost:8080\n}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := caddyCommand(t, folder, append([]string{"doorcode", "proxy", "--print"}, tt.args...)...)
			if r.code != 0 || r.out != tt.want {
				t.Errorf("exit code %d\n%s%s\nwant\n%s", r.code, r.out, r.err, tt.want)
			}
			if strings.Contains(r.out+r.err, smtpPassword) {
				t.Error("the password is printed")
			}
			if formatted := string(caddyfile.Format([]byte(r.out))); formatted != r.out {
				t.Errorf("caddy fmt makes it\n%s", formatted)
			}
			if _, err := harness.Adapt(r.out); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestProxySaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	usual := map[string]string{"--from": "app.example.com", "--to": ":8080", "--allow": "*@example.com", "--mail": "smtp://login@example.com:" + smtpPassword + "@smtp.example.com"}
	for _, tt := range []struct{ flag, value, want string }{
		{"--to", "", "--to is missing, such as :8080"},
		{"--mail", "", "--mail is missing, such as smtps://login@example.com@smtp.example.com"},
		{"--allow", "", "nobody is allowed: say who may pass"},
		{"--from", "app.example.com {", "--from takes one such as app.example.com, without spaces, quotes and braces"},
		{"--to", "app", "--to takes the address of an app such as :8080"},
		{"--allow", "@example.com", "to allow every address of a domain write '*@example.com'"},
		{"--allow", "group:staff", "groups need a Caddyfile"},
		{"--mail", "imap://smtp.example.com", "--mail takes smtp://user@host, smtps://user@host, postmark:"},
		{"--mail", "smtp:smtp.example.com", "--mail takes smtp://user@smtp.example.com"},
		{"--mail", "smtp://smtp.example.com", "say who sends the mails: --mail 'smtp:…?from=login@example.com'"},
		{"--mail", "postmark:?form=login@example.com", "--mail knows no 'form'; there is 'from'"},
		{"--mail", "postmark:?from=login", "'from' takes a mailbox"},
		{"--mail", "smtp://u:" + smtpPassword + "%zz@smtp.example.com?from=a@example.com", "has a '%' that is no code of a character"},
		{"--mail", "smtp://u@smtp.example.com:0?from=a@example.com", "'smtp' needs <host>:<port>"},
		{"--mail", "demo", "mail demo shows every code to every visitor; it only works on localhost sites"},
		{"--mail", "postmark:?from=login@example.com", "POSTMARK_TOKEN is not set"},
	} {
		args := []string{"doorcode", "proxy"}
		for flag, value := range usual {
			if flag == tt.flag {
				value = tt.value
			}
			if value != "" {
				args = append(args, flag, value)
			}
		}
		r := caddyCommand(t, folder, args...)
		r.wantFailure(t, tt.flag+" "+tt.value, tt.want)
		if strings.Contains(r.err, smtpPassword) {
			t.Errorf("%s: the password is in the error:\n%s", tt.value, r.err)
		}
	}
}

// It runs, with the password handed on by the environment alone, and leaves what another
// Caddy was last run with as it is.
func TestProxyRuns(t *testing.T) {
	relay := harness.NewRelay(t)
	relay.Login("login@example.com", smtpPassword)
	relay.Up(t)
	c := harness.Prepare(t)
	cmd := harness.Command(c.Folder, "doorcode", "proxy", "--from", "http://localhost:"+c.Port, "--to", c.App.Address, "--allow", "*@example.com",
		"--mail", "smtp://login@example.com:"+smtpPassword+"@"+relay.Address)
	cmd.Env = append(cmd.Env, "CADDY_ADMIN=localhost:"+harness.FreePort(t))
	var out, log strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stop(t, cmd, ended) })
	child := &harness.Child{Caddy: c}
	child.WaitUp(t)
	b := c.Browser(t)
	b.Open(t, "/")
	b.Submit(t, "email", map[string][]string{"email": {ana}})
	code := relay.Wait(t, ana, 1).Code(t)
	wantStatus(t, "the code", enter(t, b, code), 200)
	stop(t, cmd, ended)
	if !strings.Contains(out.String(), "http://localhost:"+c.Port+" leads to "+c.App.Address+", for *@example.com. Ctrl-C ends it.") {
		t.Errorf("printed:\n%s", out.String())
	}
	if strings.Contains(out.String()+log.String(), smtpPassword) {
		t.Error("the password is in the output or the log")
	}
	for _, file := range filesIn(t, c.Folder) {
		if filepath.Base(file) == "autosave.json" {
			t.Errorf("%s was written", file)
		}
	}
}

// stop ends a command as Ctrl-C does, and waits until it is over.
func stop(t *testing.T, cmd *exec.Cmd, ended chan error) {
	t.Helper()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	<-ended
	ended <- nil
}
