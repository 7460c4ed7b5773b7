// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"path"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

func FuzzParseSight(f *testing.F) {
	f.Add("1795651978", "963245", "", "", false)
	f.Add("1795651978", "963245", "cf5b4a3db766fd01039caa1954ecc19241888985", "12345678record", true)
	f.Add("1795651978", "963245", "", "1234567", true)
	f.Add("-1", "99999999999999999999", "x", "12345678", true)
	f.Fuzz(func(t *testing.T, seconds, micros, run, raw string, there bool) {
		parts := []any{seconds, micros, run, nil}
		if there {
			parts[3] = raw
		}
		for n := range len(parts) {
			if _, _, err := redisstore.ParseSight(parts[:n]); err == nil {
				t.Errorf("%d parts were read", n)
			}
		}
		old, named, err := redisstore.ParseSight(parts)
		if err != nil {
			return
		}
		if named != run || there != (old != nil) || there && raw[8:] != string(old) {
			t.Errorf("%q was read as %q of run %q", parts, old, named)
		}
	})
}

func FuzzParseInfo(f *testing.F) {
	f.Add("# Replication\r\nrole:master\r\nmaster_replid:cf5b4a3d\r\n\r\n# Memory\r\nmaxmemory:1\r\nmaxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n")
	f.Add("role:slave\nmaster_replid:x\n")
	f.Add(":\r\n::\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		run, notices := redisstore.ParseInfo(text, "server")
		if run == "" && notices != nil {
			t.Errorf("%q gives notices about a server without a run", text)
		}
		if !strings.Contains(text, run) || len(notices) > 2 {
			t.Errorf("%q gives run %q and %d notices", text, run, len(notices))
		}
	})
}

// What a key begins with must not be taken for a pattern: it would show the
// keys of others.
func FuzzLiterally(f *testing.F) {
	for _, text := range []string{"", "doorcode:", "a*b", "a?[b]c", `\`, "[^a]-{x}"} {
		f.Add(text, "doorcode:abc")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		if strings.Contains(text+other, "/") {
			return // means something only to the function below
		}
		pattern := redisstore.Literally(text)
		if ok, err := path.Match(pattern, text); err != nil || !ok {
			t.Errorf("%q does not match %q: %v", pattern, text, err)
		}
		if ok, _ := path.Match(pattern, other); ok && other != text && strings.ToValidUTF8(other, "") == other {
			t.Errorf("%q matches %q", pattern, other)
		}
	})
}
