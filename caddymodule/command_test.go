// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// Monitoring goes by the exit code, which is that of the error.
func TestAStorageThatTakesNoWritesIsNotWell(t *testing.T) {
	full, read := errors.New("OOM command not allowed"), time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		name           string
		health         challenge.Health
		answers, fault string
		writes         bool
	}{
		{"a storage that is well", challenge.Health{Reads: true, Writes: true, Read: read}, "yes", "", true},
		{"a full one", challenge.Health{Reads: true, Read: read, Fault: full}, "reads only", "db takes no writes: OOM command not allowed", false},
		{"a full one, as a gate says it", challenge.Health{Reads: true, Fault: fmt.Errorf("%w: %w", challenge.ErrUnavailable, full)}, "reads only", "db takes no writes: OOM command not allowed", false},
		{"one that is away", challenge.Health{Read: read, Fault: errors.New("connection refused")}, "no", "db does not answer: connection refused", false},
		{"one that is away since its last write", challenge.Health{Writes: true, Fault: full}, "no", "db does not answer: OOM", false},
		{"one that was never asked", challenge.Health{Writes: true}, "no", "db does not answer: it was never read", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answers, text, err := caddymodule.ShowStorage("db", tt.health)
			if answers != tt.answers || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("ANSWERS = %q, error = %v, want %q and %q", answers, err, tt.answers, tt.fault)
			}
			var told struct{ Answers, Writes *bool }
			if err := json.Unmarshal(text, &told); err != nil || told.Writes == nil || *told.Writes != tt.writes || *told.Answers != tt.health.Reads {
				t.Errorf("JSON = %s, %v, want writes: %t", text, err, tt.writes)
			}
		})
	}
}

func TestARotationSaysWhetherItIsNew(t *testing.T) {
	const keys = `"keys": [{"storage": "a", "state": "next", "from": "2026-08-01T12:00:00Z"}, {"storage": "b", "state": "next", "from": "2026-08-01T13:00:00Z"}]`
	for _, tt := range []struct{ name, answer, want string }{
		{"new keys", `{` + keys + `}`, "The new keys are published, and sign from 20"},
		{"keys that were waiting", `{` + keys + `, "under_way": ["a", "b"]}`, "A rotation is under way already; the next keys sign from 20"},
		{"new keys in one of two storages", `{` + keys + `, "under_way": ["b"]}`, "The new keys are published"},
		{"nothing to wait for", `{"keys": []}`, "The new keys sign already."},
	} {
		if out, err := caddymodule.PrintRotation(tt.answer); err != nil || !strings.Contains(out, "\n"+tt.want) {
			t.Errorf("%s: %v\n%s\nwant %q", tt.name, err, out, tt.want)
		}
	}
	one, two := sessions.KeyInfo{ID: "1"}, sessions.KeyInfo{ID: "2"}
	if !caddymodule.HasNew([]sessions.KeyInfo{one}, []sessions.KeyInfo{one, two}) || caddymodule.HasNew([]sessions.KeyInfo{one, two}, []sessions.KeyInfo{two}) {
		t.Error("what is new is not told from what was there")
	}
}

func TestAMisspeltCommandIsSaidBeforeItsFlags(t *testing.T) {
	for args, want := range map[string]string{
		"stats --address a":       `unknown command "stats" for "door"`,
		"keys lst --json":         `unknown command "lst" for "door keys"`,
		"stats":                   `unknown command "stats" for "door"`,
		"keys list --jsno":        "unknown flag: --jsno; did you mean --json?",
		"keys list --language":    "unknown flag: --language; did you mean --lang?",
		"keys list a@example.com": `unknown command "a@example.com" for "door keys list"; use --user a@example.com`,
		"keys list a":             `unknown command "a" for "door keys list"; it takes flags alone, see --help`,
		"--address a":             "unknown flag: --address",
		"keys list --address":     "unknown flag: --address",
		"keys list --address lst": "unknown flag: --address",
	} {
		list := &cobra.Command{Use: "list", Args: caddymodule.FlagsOnly, RunE: func(*cobra.Command, []string) error { return nil }}
		list.Flags().Bool("json", false, "")
		list.Flags().StringP("lang", "l", "", "")
		list.Flags().String("user", "", "")
		cmd := caddymodule.Gather(&cobra.Command{Use: "door"}, caddymodule.Gather(&cobra.Command{Use: "keys"}, list))
		cmd.SetArgs(strings.Fields(args))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// The server's own advice would sign everybody out.
func TestAFileThatIsNoStoreIsNotMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("no store\n", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := boltstore.Open(boltstore.Options{Path: path})
	if err == nil {
		t.Fatal("a text was opened")
	}
	told := caddymodule.ExplainCopying(path, err).Error()
	if !strings.Contains(told, path+" is damaged, or not a Doorcode store: ") || !strings.Contains(told, "; name the doorcode.db of a machine") {
		t.Errorf("told %q", told)
	}
	if strings.Contains(told, "signs in again") {
		t.Errorf("told to sign everybody out: %q", told)
	}
}

func TestTheStatusSaysWhichWayOfMailsFailsAndWhy(t *testing.T) {
	for _, tt := range []struct{ name, failing, want string }{
		{"none", "", "smtp a:25, postmark"},
		{"the first", `, "failing": {"smtp a:25": "logging in: 535 wrong"}`, "smtp a:25 (fails: logging in: 535 wrong), postmark"},
		{"the second", `, "failing": {"postmark": "HTTP 500"}`, "smtp a:25, postmark (fails: HTTP 500)"},
	} {
		out, err := caddymodule.PrintStatus(`{"sites": [{"origins": ["https://a.example"], "gate": "g", "mail": ["smtp a:25", "postmark"]` + tt.failing + `}]}`)
		if err != nil || !strings.Contains(out, "  "+tt.want+"\n") {
			t.Errorf("%s: %v\n%s\nwant %q", tt.name, err, out, tt.want)
		}
	}
}
