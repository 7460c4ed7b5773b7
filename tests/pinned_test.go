// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// OPS-04: what a build takes in is what was looked at: each module is known by the hash
// of its content, none is replaced by something else, and what the browser tests and the
// container use is named by version or hash as well.
func TestOPS04EverythingABuildTakesInIsPinned(t *testing.T) {
	module, sums := read(t, "../go.mod"), read(t, "../go.sum")
	if strings.Contains(module, "replace") || strings.Contains(module, "toolchain") {
		t.Error("go.mod replaces something that everybody else builds with")
	}
	required := regexp.MustCompile(`(?m)^\t(\S+) (v\S+)(?: // indirect)?$`).FindAllStringSubmatch(module, -1)
	if len(required) < 20 {
		t.Fatalf("%d modules were read, so this test shows nothing", len(required))
	}
	for _, one := range required {
		if !strings.Contains(sums, one[1]+" "+one[2]+" h1:") {
			t.Errorf("go.sum has no hash of %s %s", one[1], one[2])
		}
	}
	if _, err := os.Stat("../vendor"); err == nil {
		t.Error("there is a vendor folder, whose content go.sum does not vouch for")
	}
	for _, tool := range regexp.MustCompile(`(?m)^\w+=(\S+/\S+)$`).FindAllStringSubmatch(read(t, "../check"), -1) {
		if !regexp.MustCompile(`@v\d+\.\d+\.\d+$`).MatchString(tool[1]) {
			t.Errorf("check runs %s at no version", tool[1])
		}
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join("browser", "package-lock.json"))), &lock); err != nil {
		t.Fatal(err)
	}
	for name, one := range lock.Packages {
		if name != "" && !strings.HasPrefix(one.Integrity, "sha512-") {
			t.Errorf("the lock file has no hash of %s", name)
		}
	}
}
