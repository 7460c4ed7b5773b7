// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// asked is when the letters of these tests were asked for.
var asked = time.Date(2026, time.November, 22, 12, 34, 0, 0, time.UTC)

const secret = "482917"

func notice() challenge.Notice { return letter().Notice }

func style() mailer.Style { return letter().Style }

// letter is the plainest mail with a code.
func letter() mailer.Letter {
	l := mailer.SampleLetter()
	l.Notice.Stop = ""
	return l
}

const stop = "https://app.example.com/.doorcode/no/Yk3nT0aGbRcQdSeUfVhWiX"

// subjects are all that there are, by what each is called in goldens.
var subjects = map[string]challenge.Subject{
	"code": challenge.SignInCode, "confirm": challenge.ConfirmCode,
	"new-sign-in": challenge.NewSignIn, "wrong-codes": challenge.WrongCodes,
	"change": challenge.ChangeCode, "backup-code-used": challenge.BackupCodeUsed,
	"ways-changed": challenge.WaysChanged, "code-read-out": challenge.CodeReadOut,
	"test": challenge.TestMail,
}

func hasCode(s challenge.Subject) bool {
	return s == challenge.SignInCode || s == challenge.ConfirmCode || s == challenge.ChangeCode
}

// located is a letter from Lisbon that has all that its subject may have.
func located(s challenge.Subject) mailer.Letter { return mailer.SampleFrom(s) }

func render(t *testing.T, l mailer.Letter) mailer.Message {
	t.Helper()
	m, err := l.Render()
	if err != nil {
		t.Fatalf("Render: %v", err)
	}
	return m
}

// golden compares got with a file under testdata/golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; if that is meant, run with -update (-want +got):\n%s", name, diff)
	}
}
