// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// Acceptance 109: preview writes every screen and mail in every language, light and dark,
// without a server or a configuration.
func TestPreviewNeedsNoServer(t *testing.T) {
	folder := t.TempDir()
	out := filepath.Join(folder, "look")
	r := caddyCommand(t, folder, "doorcode", "preview", "--out", out)
	r.wantLines(t, "preview", "Wrote ")
	if !strings.Contains(r.out, "Open "+filepath.Join(out, "index.html")) {
		t.Errorf("preview does not say what to open:\n%s", r.out)
	}
	for _, lang := range words.Languages() {
		for _, file := range []string{"light/2-code.html", "dark/2-code.html", "light/account-overview.html", "mail/code.light.html", "mail/code.txt", "index.html"} {
			if _, err := os.Stat(filepath.Join(out, lang, file)); err != nil {
				t.Error(err)
			}
		}
	}
	caddyCommand(t, folder, "doorcode", "preview", "--out", out, "--lang", "en", "--mail", "code", "--dark").wantLines(t, "preview again", "Wrote ")
}

func TestPreviewLooksAsTheSiteDoes(t *testing.T) {
	folder, config := tried(t, "mail file "+filepath.Join(t.TempDir(), "mail")+" {\n\t\t\tfrom wiki@example.com\n\t\t}", "pages {\n\t\t\tname \"Team Wiki\"\n\t\t\tsupport mailto:it@example.com\n\t\t}")
	out := filepath.Join(folder, "look")
	args := append([]string{"doorcode", "preview", "--out", out, "--lang", "de"}, config...)
	caddyCommand(t, folder, args...).wantLines(t, "preview of a site", "Wrote ")
	if page := read(t, filepath.Join(out, "de", "light", "1-email.html")); !strings.Contains(page, "Team Wiki") || !strings.Contains(page, "it@example.com") {
		t.Error("the page has another name or support")
	}
	if mail := read(t, filepath.Join(out, "de", "mail", "code.txt")); !strings.Contains(mail, "<wiki@example.com>") || !strings.Contains(mail, "@app.example.com #") {
		t.Errorf("the mail is of another site:\n%s", mail)
	}
	if _, err := os.Stat(filepath.Join(out, "en")); err == nil {
		t.Error("a language was written that nobody wanted")
	}
}

func TestPreviewSaysWhatIsWrong(t *testing.T) {
	folder, config := tried(t, "mail file "+filepath.Join(t.TempDir(), "mail"))
	out := filepath.Join(folder, "look")
	preview := func(args ...string) run {
		return caddyCommand(t, folder, append([]string{"doorcode", "preview"}, args...)...)
	}
	preview("--out", folder).wantFailure(t, "a folder of other files", folder+" holds other files; name a folder that does not exist yet")
	preview("--out", out, "--lang", "tlh").wantFailure(t, "no such language", "there is no such language: 'tlh'; there are en")
	preview("--out", out, "--mail", "cod").wantFailure(t, "no such mail", "there is no such mail: 'cod'; there are code, ")
	preview("--out", out, "--site", "app.example.com").wantFailure(t, "a site without a configuration", "--site needs --config")
	preview("screens").wantFailure(t, "a word too many", `unknown command "screens"`)
	r := preview(append([]string{"--out", out, "--site", "other.example.com"}, config...)...)
	if r.code != 1 || !strings.Contains(r.err, "no gate stands at 'other.example.com'; there are gates at app.example.com") {
		t.Errorf("another site: exit code %d\n%s", r.code, r.err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was written all the same")
	}
}
