// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// watched delivers a mail and returns what the dialogue tells of it.
func watched(t *testing.T, s *sink, o mailer.SMTPOptions) (string, error) {
	t.Helper()
	var said bytes.Buffer
	o.Dialogue = &said
	transport := s.open(t).client(t, o)
	err := transport.Deliver(t.Context(), render(t, located(challenge.SignInCode)))
	return said.String(), err
}

func TestTheDialogueTellsWhatWasSaid(t *testing.T) {
	got, err := watched(t, &sink{user: "door", pass: "correct horse", login: "PLAIN"}, mailer.SMTPOptions{Username: "door", Password: "correct horse"})
	if err != nil {
		t.Fatalf("Deliver: %v\n%s", err, got)
	}
	for _, want := range []string{
		`(?m)^-- connected to 127\.0\.0\.1:\d+$`, `(?m)^C: EHLO \S+$`, `(?m)^S: STARTTLS$`, `(?m)^C: STARTTLS$`, `(?m)^C: \[log-in\]$`, `(?m)^S: 235 `,
		`(?m)^-- the connection is encrypted: TLS 1\.3, certificate for 127\.0\.0\.1$`,
		`(?m)^C: MAIL FROM:<login@example\.com>`, `(?m)^C: RCPT TO:<ana@example\.com>$`, `(?m)^C: DATA$`, `(?m)^C: \[the mail, \d{4} bytes\]$`, `(?m)^S: 250 2\.0\.0 OK`,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("nothing like %s in:\n%s", want, got)
		}
	}
}

// LOG-02: whoever sees the dialogue, in a terminal or where it is pasted, must not be
// able to sign in to the mail server nor to a site.
func TestLOG02TheDialogueHasNoSecret(t *testing.T) {
	const password = "correct horse battery"
	encode := base64.StdEncoding.EncodeToString
	parrot := func(int, *smtp.Conn) error {
		return answer(554, "Subject: 482917 is; 4 8 2 9 1 7; "+stop+" "+password+" "+encode([]byte(password))+" "+
			encode([]byte("\x00door\x00"+password))+" "+strings.TrimRight(encode([]byte(password)), "=")+"\x1b[2J")
	}
	for name, tt := range map[string]struct {
		sink     *sink
		password mailer.Password
	}{
		"after a log-in with PLAIN":             {&sink{login: "PLAIN", pass: password, onData: parrot}, password},
		"after a log-in with LOGIN":             {&sink{login: "LOGIN", pass: password, onRcpt: parrot}, password},
		"in clear text":                         {&sink{login: "PLAIN", pass: password, onMail: parrot}, password},
		"when PLAIN is refused by its own echo": {&sink{login: "PLAIN", pass: "other"}, password},
		"when LOGIN is refused by its own echo": {&sink{login: "LOGIN", pass: "other"}, password},
	} {
		t.Run(name, func(t *testing.T) {
			tt.sink.user = "door"
			o := mailer.SMTPOptions{Username: "door", Password: tt.password}
			if strings.Contains(name, "clear") {
				o.TLS = mailer.TLSOff
			}
			got, err := watched(t, tt.sink, o)
			if err == nil || !strings.Contains(got, "S: 5") {
				t.Errorf("Deliver = %v:\n%s", err, got)
			}
			for what, never := range map[string]string{
				"the password": password, "a word of it": "battery", "the password in base64": encode([]byte(password))[:20],
				"the log-in in base64": encode([]byte("\x00door\x00" + password))[:24], "the code": secret, "the code spaced out": "4 8 2",
				"the link": "Yk3nT0", "a command for the terminal": "\x1b",
			} {
				if strings.Contains(got, never) {
					t.Errorf("%s is in the dialogue:\n%s", what, got)
				}
			}
		})
	}
}

func TestTheDialogueTellsHowItBrokeOff(t *testing.T) {
	got, err := watched(t, &sink{onData: func(_ int, c *smtp.Conn) error { return c.Conn().Close() }}, mailer.SMTPOptions{})
	if err == nil || !strings.Contains(got, " bytes]\n-- broken off: ") {
		t.Errorf("Deliver = %v:\n%s", err, got)
	}
	got, err = watched(t, &sink{noTLS: true}, mailer.SMTPOptions{TLS: mailer.TLSOpportunistic})
	if err != nil || !strings.Contains(got, "-- the connection is in clear text\n") {
		t.Errorf("Deliver = %v:\n%s", err, got)
	}
}

func TestWithoutADialogueNothingIsWritten(t *testing.T) {
	s := (&sink{}).open(t)
	if err := s.client(t, mailer.SMTPOptions{}).Deliver(t.Context(), render(t, letter())); err != nil {
		t.Errorf("Deliver: %v", err)
	}
}
