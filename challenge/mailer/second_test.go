// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// second sends a letter to the second address of bo@example.net.
func second(l mailer.Letter) mailer.Letter {
	l.Notice.Second, l.Notice.Account = true, "b••@example.net"
	return l
}

// personal are the subjects that are about somebody's account.
func personal() map[string]challenge.Subject {
	about := maps.Clone(subjects)
	delete(about, "test")
	return about
}

// ML-11: a notice goes to a second address as well, where it says whose account it
// is about and why it came.
func TestML11ASecondMailboxIsToldWhoseAccountItIsAbout(t *testing.T) {
	for name, subject := range personal() {
		m := render(t, second(located(subject)))
		for _, want := range []string{
			"\nThis mailbox is the second address of b••@example.net.\n",
			"\nSent to ana@example.com because it is the second address of b••@example.net for Example.\n",
		} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, m.Text)
			}
		}
		if strings.Count(m.Text, "ana@example.com") != 1 {
			t.Errorf("%s is about the wrong account:\n%s", name, m.Text)
		}
		if len(m.Text) >= 1100 || len(m.HTML) >= 4000 {
			t.Errorf("%s: text is %d bytes and HTML %d", name, len(m.Text), len(m.HTML))
		}
		if !hasCode(subject) && !strings.Contains(m.Text, "b••@example.net at app.example.com") && !strings.Contains(m.Text, "lets b••@example.net in") {
			t.Errorf("%s says not whose account it is about:\n%s", name, m.Text)
		}
		first := render(t, located(subject))
		if strings.Contains(first.Text, "second address") || !strings.Contains(first.Text, "Sent to ana@example.com because ") {
			t.Errorf("%s tells the first mailbox of a second one:\n%s", name, first.Text)
		}
	}
}

func TestML11ANoticeSaysHowToObject(t *testing.T) {
	for name, subject := range personal() {
		for _, given := range []string{stop, ""} {
			for _, l := range []mailer.Letter{located(subject), second(located(subject))} {
				l.Notice.Stop = given
				m := render(t, l)
				objects := false
				for _, phrase := range []string{"Not you? ", "Was it someone else? ", "Didn't you? "} {
					objects = objects || strings.Contains(m.Text, phrase)
				}
				if !objects {
					t.Errorf("%s with link %q says not how to object:\n%s", name, given, m.Text)
				}
			}
		}
	}
}

// Who reads one mailbox must not learn the other address from it.
func TestTheOtherAddressIsNeverShownInFull(t *testing.T) {
	for account, want := range map[string]string{
		"b••@example.net":          "b••@example.net",
		"bo@example.net":           "b••@example.net",
		"bo.smith+x@example.net":   "b••@example.net",
		"9bo@example.net":          "9••@example.net",
		"":                         "an account",
		"bo":                       "an account",
		"@example.net":             "an account",
		"bo@":                      "an account",
		"bo@evil.example/win":      "an account",
		"bo@a@example.net":         "an account",
		"b o@example.net":          "an account",
		"<b@example.net":           "an account",
		"bo@example.net\r\nBcc: x": "an account",
	} {
		for name, subject := range subjects {
			l := second(located(subject))
			l.Notice.Account = account
			m := render(t, l)
			if !strings.Contains(m.Text, "is the second address of "+want+".\n") {
				t.Errorf("%s: account %q is not shown as %q:\n%s", name, account, want, m.Text)
			}
			if strings.Contains(string(m.Raw), "bo") && strings.Contains(m.Text, "bo@") || strings.Contains(m.Text, "smith") || strings.Contains(m.Text, "win") {
				t.Errorf("%s: account %q is shown:\n%s", name, account, m.Text)
			}
		}
		l := of(challenge.WaysChanged, challenge.SetSecond)
		l.Notice.Account = account
		if m := render(t, l); strings.Contains(m.Text, "bo@") || account != "" && !strings.Contains(m.Text, "\nThe address is "+want+".\n") {
			t.Errorf("address %q is not shown as %q:\n%s", account, want, m.Text)
		}
	}
}

// Whoever gets this mail may never have heard of the site.
func TestAMailboxThatIsToBecomeASecondOneIsAskedAsAStranger(t *testing.T) {
	m := checkWords(t, second(of(challenge.ChangeCode, challenge.ProveSecond)), "482917 is your Example code to use this mailbox as a second address.")
	for _, want := range []string{
		"\nSomeone who signs in to Example as b••@example.net wants to use this mailbox as a second address.\n",
		"\nNot you? Then do nothing: without the code, this mailbox is not used. Don't share or enter it.\nStop this change: " + stop + "\n",
		"\nSent to ana@example.com because b••@example.net wants to use it as a second address at app.example.com.\n",
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("text lacks %q:\n%s", want, m.Text)
		}
	}
	for _, never := range []string{"signed in as you", "This mailbox is", "signed out"} {
		if strings.Contains(m.Text, never) {
			t.Errorf("text has %q:\n%s", never, m.Text)
		}
	}
}

func TestAMailboxThatWasTheSecondOneIsTold(t *testing.T) {
	l := second(of(challenge.WaysChanged, challenge.RemoveSecond))
	m := render(t, l)
	if !strings.Contains(m.Text, "\nThis mailbox was the second address of b••@example.net.\n") || !strings.Contains(m.Text, "because it was the second address of b••@example.net for") {
		t.Errorf("what is over is told as if it went on:\n%s", m.Text)
	}
	waiting(&l)
	if m := render(t, l); !strings.Contains(m.Text, "\nThis mailbox is the second address of b••@example.net.\n") {
		t.Errorf("what goes on is told as if it were over:\n%s", m.Text)
	}
}

// Whatever comes together, a mail stays short.
func TestTheFullestMailIsSmall(t *testing.T) {
	kinds := append([]challenge.ChangeKind{}, strange...)
	for kind := range told {
		kinds = append(kinds, kind)
	}
	for kind := range withCode {
		kinds = append(kinds, kind)
	}
	for name, subject := range subjects {
		for _, kind := range kinds {
			for _, later := range []bool{false, true} {
				l := second(located(subject))
				l.Notice.Change, l.Notice.Urge, l.Notice.Count, l.Notice.Reason = kind, true, 0, challenge.NewPlace
				if later {
					waiting(&l)
				}
				if m := render(t, l); len(m.Text) >= 1150 || len(m.HTML) >= 4000 {
					t.Errorf("%s about %q: text is %d bytes and HTML %d:\n%s", name, kind, len(m.Text), len(m.HTML), m.Text)
				}
			}
		}
	}
}
