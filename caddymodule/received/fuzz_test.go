// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package received_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule/received"
)

func FuzzRead(f *testing.F) {
	f.Add(google)
	f.Add("From: a@b.c\nAuthentication-Results: x (a (b) c; \"d;\" e; spf/1=pass (; p=\"a;b\"\n")
	f.Add("From: a@b\n\tc\nAuthentication-Results: ;;;=;a=\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := received.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, finding := range h.Explain() {
			if finding.About == "" || finding.Level == "" || finding.Text == "" {
				t.Errorf("an empty finding: %+v", finding)
			}
		}
	})
}
