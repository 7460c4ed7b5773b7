// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWrongFlagsAreSaidInOneSentence(t *testing.T) {
	for name, test := range map[string]struct{ args, want string }{
		"a storage that there is not":         {"-stores foo", `invalid value "foo" for flag -stores: it may be embedded, redis, or both with a space between them`},
		"no storage":                          {"-stores=", `invalid value "" for flag -stores: it may be embedded, redis, or both with a space between them`},
		"a storage twice":                     {"-stores=redis,redis", `invalid value "redis redis" for flag -stores: it may be embedded, redis, or both with a space between them`},
		"no rounds":                           {"-rounds 0", `invalid value "0" for flag -rounds: it may be 1 to 10000`},
		"rounds in words":                     {"-rounds ten", `invalid value "ten" for flag -rounds: it may be 1 to 10000`},
		"half a second":                       {"-span 500ms", `invalid value "500ms" for flag -span: it may be whole seconds up to an hour, such as 1s or 10s`},
		"a second and a half":                 {"-span 1500ms", `invalid value "1500ms" for flag -span: it may be whole seconds up to an hour, such as 1s or 10s`},
		"a number without a unit":             {"-span 3", `invalid value "3" for flag -span: it may be whole seconds up to an hour, such as 1s or 10s`},
		"what cannot be measured":             {"-what x", `invalid value "x" for flag -what: it may be codes, many, sessions, start or strangers`},
		"words beside the flags":              {"-rounds 2 sessions", `"sessions" is no flag, and there may be nothing but flags`},
		"a flag that there is not":            {"-round 2", "flag provided but not defined: -round"},
		"too many people":                     {"-people 10000000", `invalid value "10000000" for flag -people: it may be 1 to 9000000`},
		"more threads than connections":       {"-threads 4 -connections 2", `invalid value "4" for flag -threads: it may be no more than -connections, which is 2`},
		"a Caddy that there is not":           {"-caddy /nowhere/caddy", `invalid value "/nowhere/caddy" for flag -caddy: it may be the file of a program`},
		"profiles of what is not so measured": {"-profile found -what start", `invalid value "found" for flag -profile: it may be there with -what sessions alone, not with start`},
	} {
		t.Run(name, func(t *testing.T) {
			args := strings.Fields(test.args)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], ",", " ")
			}
			if _, err := parse(args); err == nil || err.Error() != test.want {
				t.Errorf("parse(%q) = %v, want %s", args, err, test.want)
			}
		})
	}
}

func TestFlagsThatMakeSense(t *testing.T) {
	usual := settings{
		what: "sessions", rounds: 42, span: time.Second, connections: 32, threads: 1, sessions: 1, rate: 500, codes: 500,
		people: 1_000_000, stores: []string{"embedded", "redis"},
	}
	got, err := parse(nil)
	if diff := cmp.Diff(usual, got, cmp.AllowUnexported(settings{})); err != nil || diff != "" {
		t.Errorf("without flags: %v\n%s", err, diff)
	}
	want := usual
	want.what, want.rounds, want.span, want.stores, want.json = "many", 3, 2*time.Second, []string{"redis"}, true
	got, err = parse([]string{"-what", "many", "-rounds", "3", "-span", "2s", "-stores", " redis ", "-json"})
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); err != nil || diff != "" {
		t.Errorf("with flags: %v\n%s", err, diff)
	}
	var said strings.Builder
	if help(&said); !strings.Contains(said.String(), "-what") || !strings.Contains(said.String(), "many, sessions") {
		t.Errorf("the help says %s", &said)
	}
	if _, err := parse([]string{"-help"}); err != flag.ErrHelp { //nolint:errorlint // it is not wrapped
		t.Errorf("parse(-help) = %v", err)
	}
}

// Measuring takes long; a folder that cannot be written to must not be found out
// afterwards.
func TestTheFolderForProfilesIsMadeBeforehand(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "one")
	s := settings{profile: folder}
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("the folder has %v (%v), want it empty", left, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.profile = filepath.Join(file, "below")
	if err := s.prepare(); err == nil || !strings.Contains(err.Error(), "-profile") {
		t.Errorf("a folder below a file: %v", err)
	}
	if err := new(settings).prepare(); err != nil {
		t.Errorf("without profiles: %v", err)
	}
}
