// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Whoever reads a log finds each event in the documentation.
func TestEveryEventIsDocumented(t *testing.T) {
	source, err := os.ReadFile("../challenge/event.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	events := regexp.MustCompile(`EventName = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(events) < 20 {
		t.Fatalf("%d events were found, so this test shows nothing", len(events))
	}
	for _, event := range events {
		if !strings.Contains(string(page), "`"+event[1]+"`") {
			t.Errorf("docs/operating.md does not say what %s means", event[1])
		}
	}
}
