// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// Where there is nothing to read, no message says what to write, and 'caddy validate' is
// no help: what helps is to name the right file.
func TestTheDoctorSaysHowToNameAConfiguration(t *testing.T) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	missing, sub := filepath.Join(folder, "Cadyfile"), filepath.Join(folder, "sub")
	for name, tt := range map[string]struct {
		args      []string
		says, fix string
	}{
		"nothing in the folder": {nil, "configuration: no file was named, and there is no Caddyfile in this folder, " + folder, "caddy doorcode doctor --config /etc/caddy/Caddyfile"},
		"a misspelt name":       {[]string{"--config", "Cadyfile"}, missing + ": there is no such file", "'systemctl cat caddy' shows which it is"},
		"and an adapter":        {[]string{"--config", missing, "--adapter", "caddyfile"}, missing + ": there is no such file", "give --config the file that Caddy runs with"},
		"a folder":              {[]string{"--config", "sub"}, sub + ": this is a folder", "such as --config " + filepath.Join(sub, "Caddyfile")},
	} {
		command := harness.Command(folder, append([]string{"doorcode", "doctor"}, tt.args...)...)
		command.Dir = folder
		out, err := command.CombinedOutput()
		text := string(out)
		first, _, _ := strings.Cut(text[max(0, strings.Index(text, "FAIL")):], "\nskip")
		if err == nil || !strings.Contains(first, tt.says+"\n") || !strings.Contains(first, tt.fix) || strings.Contains(first, "caddy validate") {
			t.Errorf("%s: want %q and %q, got (%v)\n%s", name, tt.says, tt.fix, err, text)
		}
	}
}
