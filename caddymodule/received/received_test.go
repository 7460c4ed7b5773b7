// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package received_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule/received"
)

const google = `Delivered-To: ana@gmail.example
Received: by 2002:a05 with SMTP id x; Sun, 22 Nov 2026 04:34:09 -0800 (PST)
ARC-Authentication-Results: i=1; mx.google.example; spf=fail smtp.mailfrom=evil.example
Authentication-Results: mx.google.example;
       dkim=pass header.i=@example.com header.s=s1 header.b=abc;
       spf=pass (google.example: domain of login@bounce.example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=login@bounce.example.com;
       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.com
Authentication-Results: forged.example; dmarc=fail
Date: Sun, 22 Nov 2026 12:34:02 +0000
From: "Example sign-in" <login@Example.com>

Authentication-Results: body.example; spf=fail
`

func TestReadTakesWhatTheReceiverWrote(t *testing.T) {
	got, err := received.Read(strings.NewReader("\r\n\n" + strings.ReplaceAll(google, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	want := &received.Header{
		From: "example.com", Server: "mx.google.example", Took: 7 * time.Second,
		Results: []received.Result{
			{Method: "dkim", Value: "pass", Properties: map[string]string{"header.i": "@example.com", "header.s": "s1", "header.b": "abc"}},
			{
				Method: "spf", Value: "pass", Note: "google.example: domain of login@bounce.example.com designates 192.0.2.1 as permitted sender",
				Properties: map[string]string{"smtp.mailfrom": "login@bounce.example.com"},
			},
			{Method: "dmarc", Value: "pass", Note: "p=NONE sp=NONE dis=NONE", Properties: map[string]string{"header.from": "example.com"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestReadSaysWhatIsMissing(t *testing.T) {
	for text, want := range map[string]error{
		"":                                    received.ErrNoHeader,
		"\n\n":                                received.ErrNoHeader,
		"Dear Ana,\nhello":                    received.ErrNoHeader,
		"Subject: x\n\nFrom: a@example.com":   received.ErrNoFrom,
		"From: nobody\n":                      received.ErrNoFrom,
		"From: a@example.com\nSubject: x\n\n": received.ErrNoResults,
	} {
		if _, err := received.Read(strings.NewReader(text)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

func TestExplainSaysWhatCountsAndWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name, results string
		want          map[string]string // level and a part of text and fix
	}{
		{
			"all is well", "mx.example; spf=pass smtp.mailfrom=login@example.com; dkim=pass header.d=mail.example.com; dmarc=pass header.from=example.com",
			map[string]string{"SPF": "ok passes for example.com", "DKIM": "ok passes for mail.example.com", "DMARC": "ok passes for example.com"},
		},
		{
			"a server that does not name itself", "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dkim=pass (signature was verified) header.d=example.com;dmarc=pass action=none header.from=example.com;compauth=pass reason=100",
			map[string]string{"SPF": "ok", "DKIM": "ok", "DMARC": "ok"},
		},
		{
			"a relay with an envelope of its own", "mx.example; spf=pass smtp.mailfrom=b@pm.relay.example; dkim=pass header.d=relay.example; dmarc=fail header.from=example.com",
			map[string]string{"SPF": "warn passes for pm.relay.example, which is not of example.com", "DKIM": "warn passes for relay.example, which is not of example.com dkim example.com", "DMARC": "FAIL none that passes is aligned with example.com"},
		},
		{
			"two signatures, of which the second counts", "mx.example; dkim=pass header.d=relay.example; dkim=pass header.d=example.com; dkim=fail header.d=other.example; spf=softfail smtp.mailfrom=login@example.com; dmarc=pass",
			map[string]string{"SPF": "FAIL softfail: the relay is not named", "DKIM": "ok passes for example.com", "DMARC": "ok"},
		},
		{
			"nothing is set up", "mx.example; spf=none smtp.mailfrom=login@example.com; dkim=none; dmarc=none header.from=example.com",
			map[string]string{"SPF": "FAIL example.com has no SPF record v=spf1", "DKIM": "FAIL the mail is not signed dkim example.com", "DMARC": "warn example.com has no DMARC record _dmarc.example.com"},
		},
		{
			"a signature that was broken", "mx.example; spf=permerror smtp.helo=mta.example.com; dkim=fail (body hash did not verify) header.d=example.com",
			map[string]string{"SPF": "FAIL the record of mta.example.com is wrong", "DKIM": "FAIL (body hash did not verify) ._domainkey.example.com", "DMARC": "FAIL says nothing of DMARC, and neither SPF nor DKIM passes for example.com"},
		},
		{
			"a receiver that knows only one", "mx.example; dkim=pass header.d=example.com",
			map[string]string{"SPF": "warn says nothing of SPF", "DKIM": "ok", "DMARC": "warn says nothing of DMARC"},
		},
		{
			"names that are slow to answer", "mx.example; spf=temperror smtp.mailfrom=example.com; dkim=temperror header.d=example.com; dmarc=temperror",
			map[string]string{"SPF": "warn could not be looked up", "DKIM": "warn could not be looked up", "DMARC": "FAIL"},
		},
		{
			"two firms under one suffix", "mx.example; spf=pass smtp.mailfrom=a@other.co.uk; dkim=none",
			map[string]string{"SPF": "ok", "DKIM": "FAIL", "DMARC": "warn"},
		},
		{"no word of anything", "mx.example; none", map[string]string{"SPF": "warn", "DKIM": "FAIL", "DMARC": "FAIL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := received.Read(strings.NewReader("From: login@example.com\nAuthentication-Results: " + tt.results + "\n"))
			if strings.Contains(tt.name, "suffix") {
				h, err = received.Read(strings.NewReader("From: login@shop.other.co.uk\nAuthentication-Results: " + tt.results + "\n"))
			}
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, f := range h.Explain() {
				seen[f.About] = true
				level, parts, _ := strings.Cut(tt.want[f.About], " ")
				if string(f.Level) != level {
					t.Errorf("%s is %s, want %s: %s", f.About, f.Level, level, f.Text)
				}
				said := f.Text + "\n" + f.Fix
				for part := range strings.FieldsSeq(parts) {
					if !strings.Contains(said, part) {
						t.Errorf("%s says %q, which lacks %q", f.About, said, part)
					}
				}
				if f.Level != received.OK && f.Fix == "" {
					t.Errorf("%s does not say what to do: %s", f.About, f.Text)
				}
			}
			if len(seen) != 3 {
				t.Errorf("findings about %v", seen)
			}
		})
	}
}

// Whoever sends a mail writes most of its header.
func TestWhatATerminalWouldObeyIsTakenOut(t *testing.T) {
	h, err := received.Read(strings.NewReader("From: a@example.com\nAuthentication-Results: x; dkim=fail (\x1b[2Jgone\u202e\x07) header.d=\x1b]0;x.example\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range h.Explain() {
		if strings.ContainsFunc(f.Text+f.Fix, func(c rune) bool { return c < ' ' || c == '\u202e' }) {
			t.Errorf("%s says %q", f.About, f.Text)
		}
	}
}

func TestAMailThatWasLongOnItsWayIsSaid(t *testing.T) {
	late := strings.Replace(google, "04:34:09", "04:41:09", 1)
	h, err := received.Read(strings.NewReader(late))
	if err != nil {
		t.Fatal(err)
	}
	last := h.Explain()[3]
	if last.About != "delay" || last.Level != received.Warn || !strings.Contains(last.Text, "7m7s") {
		t.Errorf("finding %+v", last)
	}
}
