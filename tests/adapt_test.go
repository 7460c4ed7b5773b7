// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/google/go-cmp/cmp"

	_ "github.com/doorcode/caddy-doorcode"
)

var update = flag.Bool("update", false, "rewrite what testdata/adapt expects")

// separator parts a Caddyfile from what becomes of it, as in Caddy's own tests.
const separator = "----------\n"

// TestAdapt compares what becomes of each Caddyfile with the JSON, or the
// error, that stands below it. With -update it writes that instead.
func TestAdapt(t *testing.T) {
	names, err := filepath.Glob("testdata/adapt/*.caddyfiletest")
	if err != nil || len(names) == 0 {
		t.Fatalf("finding tests: %v, %v", names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".caddyfiletest"), func(t *testing.T) {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			input, want, found := strings.Cut(string(content), separator)
			if !found {
				t.Fatalf("no line %q", strings.TrimSpace(separator))
			}
			if formatted := string(caddyfile.Format([]byte(input))); formatted != input {
				t.Errorf("caddy fmt would change the Caddyfile:\n%s", cmp.Diff(input, formatted))
			}
			got := adapted(t, input)
			if *update {
				if err := os.WriteFile(name, []byte(input+separator+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("adapted (-want +got):\n%s", diff)
			}
		})
	}
}

// adapted is the indented JSON, or the error, of a Caddyfile.
func adapted(t *testing.T, input string) string {
	t.Helper()
	raw, warnings, err := caddyconfig.GetAdapter("caddyfile").
		Adapt([]byte(input), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err.Error() + "\n"
	}
	if len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return pretty.String() + "\n"
}

// TestAdaptIsDeterministic: the same Caddyfile gives the same JSON, so that a
// reload without a change is none.
func TestAdaptIsDeterministic(t *testing.T) {
	content, err := os.ReadFile("testdata/adapt/every_setting.caddyfiletest")
	if err != nil {
		t.Fatal(err)
	}
	input, _, _ := strings.Cut(string(content), separator)
	first := adapted(t, input)
	for range 20 {
		if again := adapted(t, input); again != first {
			t.Fatalf("adapted twice (-first +again):\n%s", cmp.Diff(first, again))
		}
	}
}
