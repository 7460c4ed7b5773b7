// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// Records come from whoever runs a domain, and those that it includes.
func FuzzRecordsOfASender(f *testing.F) {
	for _, seed := range []string{"v=spf1 -all", "v=spf1 a/24//64 mx:x include:y redirect=z ?all", "v=spf1 ip6:::/0 a:%{i} exp=q", "v=spf1 :/ / = +"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, record string) {
		w := world{texts: map[string][]string{"example.com": {record}, "_dmarc.example.com": {record}}, hosts: map[string][]string{"example.com": {"192.0.2.1"}}}
		report := doctor.Only(context.Background(), "sender", doctor.Facts{Resolver: w, Mails: []doctor.Mail{{Name: "m", From: "a@example.com", Address: "127.0.0.1:9"}}})
		if report.Count(doctor.Fail)+report.Count(doctor.OK) == 0 {
			t.Error("nothing is said")
		}
	})
}
