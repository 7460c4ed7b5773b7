// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// Where all is only observed, every request passes, and so says its one line, whatever
// else would have become of it: visitors of all kinds come to sites of all kinds.
func TestObserveAllTellsEachRequestOnceAndTruly(t *testing.T) {
	told := map[string]int{}
	for n := range 200 {
		r := rand.New(rand.NewPCG(8, uint64(n)))
		g := randomSite(r, false)
		if !strings.Contains(g.text, "observe all") {
			continue
		}
		visitors := make([]visitor, 6)
		for i := range visitors {
			visitors[i] = g.randomVisitor(r, i)
			visitors[i].copied = visitors[i].bound && r.IntN(3) == 0
		}
		t.Run(fmt.Sprint("configuration ", n), func(t *testing.T) {
			c := harness.Prepare(t)
			receive(t, c, g, g, visitors, false)
			lines := map[any]int{}
			for _, e := range logOf(t, filepath.Join(c.Folder, "audit.log")) {
				if e["event"] != "decided" {
					continue
				}
				lines[e["request"]]++
				if e["decision"] != "pass" || lines[e["request"]] > 1 {
					t.Errorf("a request that passed is told of as %v:\n%s\n%s", e, g.text, read(t, filepath.Join(c.Folder, "audit.log")))
				}
				told[fmt.Sprint(e["reason"])]++
			}
		})
	}
	for _, reason := range []string{"keyless", "passkey", "sensitive", "unproved", "expired", "new_browser"} {
		if told[reason] == 0 {
			t.Errorf("nobody came whom %s would have kept out: %v", reason, told)
		}
	}
}
