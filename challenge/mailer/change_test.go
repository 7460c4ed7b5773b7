// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// withCode are the changes that a code is mailed for, and what their mails call
// them.
var withCode = map[challenge.ChangeKind]string{
	challenge.MakeBackupCodes: "to make new backup codes",
	challenge.TestBackupCode:  "to test a backup code",
	challenge.AddApp:          "to set up an authenticator app",
	challenge.RemoveApp:       "to remove your authenticator app",
	challenge.SetSecond:       "to add a second address",
	challenge.ProveSecond:     "to use this mailbox as a second address",
	challenge.RemoveSecond:    "to remove your second address",
	challenge.AddPasskey:      "to add a passkey",
	challenge.RemovePasskey:   "to remove a passkey",
	challenge.AddToken:        "to make an access token",
	challenge.ExportData:      "to download your sign-in data",
	challenge.EraseData:       "to erase your sign-in data",
}

// told are the changes that a notice is mailed about once they are made, and how
// its text begins.
var told = map[challenge.ChangeKind]string{
	challenge.MakeBackupCodes: "Someone made new backup codes for Example.",
	challenge.AddApp:          "Someone set up an authenticator app for Example.",
	challenge.RemoveApp:       "Someone removed the authenticator app for Example.",
	challenge.SetSecond:       "Someone added a second address for Example.",
	challenge.ProveSecond:     "Someone added a second address for Example.",
	challenge.RemoveSecond:    "Someone removed the second address for Example.",
	challenge.AddPasskey:      "Someone added a passkey for Example.",
	challenge.RemovePasskey:   "Someone removed a passkey for Example.",
	challenge.StopPasskey:     "A passkey for Example may have been copied, so it doesn't work any more.",
	challenge.AddToken:        "Someone made an access token for Example.",
	challenge.RemoveToken:     "Someone ended an access token for Example.",
	challenge.ExportData:      "Someone downloaded your sign-in data for Example.",
	challenge.EraseData:       "Your sign-in data for Example was erased.",
	challenge.ChangeSettings:  "Someone turned off a safeguard of your sign-in for Example.",
	challenge.LiftGuard:       "Your account for Example is no longer guarded.",
	challenge.StartGuard:      "Someone who is signed in to Example as you said that a sign-in wasn't you.",
}

// due are those that may wait.
var due = map[challenge.ChangeKind]string{
	challenge.MakeBackupCodes: "Someone made new backup codes for Example. They don't work yet.",
	challenge.AddApp:          "Someone set up an authenticator app for Example. It doesn't work yet.",
	challenge.RemoveApp:       "Someone wants to remove the authenticator app for Example.",
	challenge.SetSecond:       "Someone added a second address for Example. It doesn't work yet.",
	challenge.ProveSecond:     "Someone added a second address for Example. It doesn't work yet.",
	challenge.RemoveSecond:    "Someone wants to remove the second address for Example.",
	challenge.AddPasskey:      "Someone added a passkey for Example. It doesn't work yet.",
	challenge.RemovePasskey:   "Someone wants to remove a passkey for Example.",
	challenge.AddToken:        "Someone made an access token for Example. It doesn't work yet.",
	challenge.EraseData:       "Someone wants to erase your sign-in data for Example.",
}

// strange are kinds that no mail has words for.
var strange = []challenge.ChangeKind{challenge.ChangeNone, challenge.LetInByOperator, "unheard_of", "lead", "subject", "x\r\nBcc: eve@evil.example", "\u202e"}

func of(s challenge.Subject, kind challenge.ChangeKind) mailer.Letter {
	l := located(s)
	l.Notice.Change = kind
	return l
}

// checkWords fails unless all that a mail says comes from the catalogue.
func checkWords(t *testing.T, l mailer.Letter, begins string) mailer.Message {
	t.Helper()
	m := render(t, l)
	if all := m.Subject + m.Text + m.HTML; strings.Contains(all, "mail.") || strings.Contains(all, "{") && strings.Contains(m.Text, "{") {
		t.Errorf("%q: a message is missing from:\n%s\n%s", l.Notice.Change, m.Subject, m.Text)
	}
	if !strings.HasPrefix(m.Text, begins+"\n") {
		t.Errorf("%q begins with %q, want %q", l.Notice.Change, strings.SplitN(m.Text, "\n", 2)[0], begins)
	}
	if len(m.Text) >= 1050 || len(m.HTML) >= 4000 {
		t.Errorf("%q: text is %d bytes and HTML %d", l.Notice.Change, len(m.Text), len(m.HTML))
	}
	if strings.Contains(m.Text, "  \n") || strings.Contains(m.Text, "\n\n\n") || strings.Contains(m.HTML, "<p></p>") {
		t.Errorf("%q has a gap:\n%s", l.Notice.Change, m.Text)
	}
	return m
}

func TestEveryCodeNamesWhatItAllows(t *testing.T) {
	for kind, what := range withCode {
		m := checkWords(t, of(challenge.ChangeCode, kind), "482917 is your Example code "+what+".")
		if m.Subject != "Your Example code to confirm a change (7KQ)" {
			t.Errorf("%s: subject is %q", kind, m.Subject)
		}
		if !strings.Contains(m.Text, "Not you? ") || !strings.Contains(m.Text, "Don't share or enter ") {
			t.Errorf("%s says not what to do:\n%s", kind, m.Text)
		}
	}
	for _, kind := range strange {
		checkWords(t, of(challenge.ChangeCode, kind), "482917 is your Example code to change how you sign in.")
	}
}

func TestEveryChangeIsToldInItsOwnWords(t *testing.T) {
	subjects := map[string]challenge.ChangeKind{}
	for kind, begins := range told {
		m := checkWords(t, of(challenge.WaysChanged, kind), begins)
		if other, there := subjects[m.Subject]; there && kind != challenge.ProveSecond && other != challenge.ProveSecond {
			t.Errorf("%s and %s have the same subject", kind, other)
		}
		subjects[m.Subject] = kind
		if !strings.Contains(m.Text, "Was it someone else? ") || !strings.Contains(m.Text, "\nThat wasn't me: "+stop+"\n") || strings.Contains(m.Text, "takes effect") {
			t.Errorf("%s says not what to do:\n%s", kind, m.Text)
		}
	}
	for _, kind := range strange {
		checkWords(t, of(challenge.WaysChanged, kind), "Someone changed how you sign in to Example.")
	}
}

func TestAChangeThatWaitsSaysUntilWhenItCanBeCancelled(t *testing.T) {
	check := func(kind challenge.ChangeKind, begins string) {
		l := of(challenge.WaysChanged, kind)
		l.Notice.Due = asked.Add(24*time.Hour + 59*time.Second)
		m := checkWords(t, l, begins)
		for _, want := range []string{
			"It takes effect on 23 Nov, 12:34 UTC (12:34 in Lisbon). Until then it can be cancelled.\n",
			"cancel it at app.example.com/.doorcode/.\n", "Was it someone else? The link cancels it, and signs that browser out.\n", "\nCancel this change: " + stop + "\n",
		} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s lacks %q:\n%s", kind, want, m.Text)
			}
		}
		for _, never := range []string{"That wasn't me", "no longer work", "The link takes it back"} {
			if strings.Contains(m.Text, never) {
				t.Errorf("%s has %q already:\n%s", kind, never, m.Text)
			}
		}
		l.Notice.Stop = ""
		if m := checkWords(t, l, begins); !strings.Contains(m.Text, "Cancel it at app.example.com/.doorcode/,") {
			t.Errorf("%s says not what to do without a link:\n%s", kind, m.Text)
		}
	}
	for kind, begins := range due {
		check(kind, begins)
	}
	for _, kind := range append(strange, challenge.RemoveToken, challenge.ExportData) {
		check(kind, "Someone wants to change how you sign in to Example.")
	}
}

// Who reads the mail in a hurry must know what the link does, and what it does not.
func TestTheLinkOfAChangeSaysWhatItTakesBack(t *testing.T) {
	const (
		goes  = "Was it someone else? The link takes it back, signs that browser out, and stops ways in that were added in the last days."
		stays = "Was it someone else? It can't be taken back. The link signs that browser out, and stops ways in that were added in the last days."
	)
	for kind, want := range map[challenge.ChangeKind]string{
		challenge.MakeBackupCodes: goes, challenge.AddApp: goes, challenge.SetSecond: goes, challenge.AddToken: goes,
		challenge.RemoveApp: stays, challenge.RemoveSecond: stays, challenge.ExportData: stays, challenge.EraseData: stays,
		challenge.AddPasskey: goes, challenge.RemovePasskey: stays, challenge.StopPasskey: stays,
	} {
		l := of(challenge.WaysChanged, kind)
		if m := render(t, l); !strings.Contains(m.Text, want) {
			t.Errorf("%s lacks %q:\n%s", kind, want, m.Text)
		}
		l.Notice.Stop = ""
		if m := render(t, l); strings.Contains(m.Text, "The link") {
			t.Errorf("%s speaks of a link that is not there:\n%s", kind, m.Text)
		}
	}
}

func TestANewWayDoesNotClaimThatThereWasAnOlderOne(t *testing.T) {
	for _, kind := range []challenge.ChangeKind{challenge.AddApp, challenge.SetSecond} {
		if m := render(t, of(challenge.WaysChanged, kind)); !strings.Contains(m.Text, "\nIf there was an older one, it no longer works.\n") {
			t.Errorf("%s:\n%s", kind, m.Text)
		}
	}
}

// A kind that is new must be given its words here, or be named among those that
// nothing is mailed about.
func TestEveryKindThatTheCatalogueNamesIsMailed(t *testing.T) {
	lists := map[string]map[challenge.ChangeKind]string{"code": withCode, "made": told, "title": told, "due": due, "soon": due}
	key := regexp.MustCompile(`^mail\.(code|made|title|due|soon)_(\w+)$`)
	named := map[string]int{}
	for _, k := range words.For("en").Keys() {
		found := key.FindStringSubmatch(k)
		if found == nil {
			continue
		}
		if _, there := lists[found[1]][challenge.ChangeKind(found[2])]; !there {
			t.Errorf("%s is about a change that is not mailed so", k)
		}
		named[found[1]]++
	}
	for list, kinds := range lists {
		want := len(kinds)
		if list != "code" {
			want-- // to prove a second address is to set it
		}
		if named[list] != want {
			t.Errorf("%d messages are called %s, want %d", named[list], list, want)
		}
	}
}

func TestHowManyBackupCodesAreLeft(t *testing.T) {
	for count, want := range map[int]string{
		9: "\n9 backup codes are left.\n", 2: "\n2 backup codes are left.\n", 1: "\n1 backup code is left.\n",
		0:  "\nNone are left. Make new ones at app.example.com/.doorcode/.\n",
		-1: "\nNone are left. Make new ones at app.example.com/.doorcode/.\n",
	} {
		l := located(challenge.BackupCodeUsed)
		l.Notice.Count = count
		m := render(t, l)
		if !strings.Contains(m.Text, want) {
			t.Errorf("with %d left the text lacks %q:\n%s", count, want, m.Text)
		}
		if strings.Count(m.HTML, "<a ") != 1 {
			t.Errorf("with %d left there are other links:\n%s", count, m.HTML)
		}
	}
}

// A gate below a path, or at a port, has its pages there: what stands elsewhere on
// the host may be another app.
func TestAPersonsPagesAreWhereTheLinkLeads(t *testing.T) {
	for stop, want := range map[string]string{
		"": "app.example.com/.doorcode/.",
		"https://app.example.com/admin/.doorcode/no/Yk3nT0":         "app.example.com/admin/.doorcode/.",
		"https://app.example.com/no/x/.doorcode/no/Yk3nT0":          "app.example.com/no/x/.doorcode/.",
		"https://app.example.com:8443/.doorcode/no/Yk3nT0":          "app.example.com:8443/.doorcode/.",
		"https://evil.example/.doorcode/no/Yk3nT0":                  "app.example.com/.doorcode/.",
		"https://app.example.com/no/" + strings.Repeat("x/no/", 99): "app.example.com/.doorcode/.",
	} {
		l := located(challenge.BackupCodeUsed)
		l.Notice.Count, l.Notice.Stop = 0, stop
		if m := render(t, l); !strings.Contains(m.Text, "Make new ones at "+want) {
			t.Errorf("with %q the text lacks %q:\n%s", stop, want, m.Text)
		}
	}
}

func TestThePeopleWhoRunASiteHaveNoBrowser(t *testing.T) {
	l := located(challenge.CodeReadOut)
	m := checkWords(t, l, "The people who run Example made a sign-in code for you, to be read out to you.")
	for _, want := range []string{
		"It lets ana@example.com in, once.\nIt works until 22 Nov, 12:49 UTC.\n",
		"\nDetails\n  Reason  Lost her phone on the train\n  Time    22 Nov, 12:34 UTC\n\n", "Someone may be posing as you.",
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("text lacks %q:\n%s", want, m.Text)
		}
	}
	if strings.Contains(m.Text, "browser") || strings.Contains(m.Text, "Network") {
		t.Errorf("a browser is made up:\n%s", m.Text)
	}
	l.Notice.Stop, l.Notice.Why, l.Notice.Host = "", "", ""
	m = checkWords(t, l, "The people who run Example made a sign-in code for you, to be read out to you.")
	if strings.Contains(m.Text, "Reason") || !strings.Contains(m.Text, "Didn't you? Someone may be posing as you. Tell the people who run Example.\n") {
		t.Errorf("without a reason and a link it reads:\n%s", m.Text)
	}
	lifted := of(challenge.WaysChanged, challenge.LiftGuard)
	lifted.Notice.Agent, lifted.Notice.IP, lifted.Notice.Place, lifted.Browser = "", l.Notice.IP, l.Notice.Place, "an unknown browser"
	if m := render(t, lifted); !strings.Contains(m.Text, "\nDetails\n  Time  22 Nov, 12:34 UTC\n\n") {
		t.Errorf("a browser is made up:\n%s", m.Text)
	}
}

// A mail in the site's name must not lead anywhere because of what an operator
// wrote, or was talked into writing.
func TestWhatAnOperatorWroteIsOneShortLineToFollowNowhere(t *testing.T) {
	for why, want := range map[string]string{
		"Lost her phone":                         "Lost her phone",
		"ticket 123456, on the phone":            "ticket 123456, on the phone",
		"see https://evil.example/x":             "see evil.example/x",
		"see HTTPS:////evil.example":             "see evil.example",
		"see //evil.example, www.evil.example":   "see evil.example, evil.example",
		"mailto:eve@evil.example":                "eve@evil.example",
		"javascript:alert(1)":                    "alert(1)",
		"a\r\n\r\n--\r\nPay here":                "a -- Pay here",
		"\u202egnihtemos":                        "gnihtemos",
		"hhttps://ttps://evil.example":           "evil.example",
		strings.Repeat("é", 300):                 strings.Repeat("é", 199) + "…",
		strings.Repeat("https://", 90) + " okay": "okay",
	} {
		l := located(challenge.CodeReadOut)
		l.Notice.Why = why
		m := render(t, l)
		if got := line(m.Text, "Reason"); got != want {
			t.Errorf("%q is printed as %q, want %q", why, got, want)
		}
		for _, s := range []challenge.Subject{challenge.SignInCode, challenge.WaysChanged} {
			l := located(s)
			l.Notice.Why = why
			if m := render(t, l); strings.Contains(m.Text, "Reason") {
				t.Errorf("%d prints it, too:\n%s", s, m.Text)
			}
		}
	}
}

func TestMailsSuggestBackupCodesOnceAndLate(t *testing.T) {
	const urge = "If no email comes one day, a backup code lets you in. Once you are signed in, make some at app.example.com/.doorcode/."
	for name, subject := range subjects {
		l := located(subject)
		l.Notice.Urge, l.Notice.Host = true, "app.example.com"
		m := render(t, l)
		plainHTML := regexp.MustCompile(`</?bdi[^>]*>`).ReplaceAllString(m.HTML, "")
		want := 0
		if subject == challenge.SignInCode || subject == challenge.ConfirmCode {
			want = 1
		}
		if got := strings.Count(m.Text, urge); got != want || strings.Count(plainHTML, urge) != want {
			t.Errorf("%s suggests them %d times:\n%s", name, got, m.Text)
		}
		if want == 1 && (strings.Index(m.Text, urge) < strings.Index(m.Text, "\n--\n") || strings.Count(m.HTML, "<a ") != 1) {
			t.Errorf("%s suggests them before the end, or links:\n%s", name, m.Text)
		}
		if len(m.Text) >= 1100 || len(m.HTML) >= 4000 {
			t.Errorf("%s: text is %d bytes and HTML %d", name, len(m.Text), len(m.HTML))
		}
	}
	l := located(challenge.SignInCode)
	l.Notice.Urge, l.Notice.Host, l.Notice.Stop = true, "app2024.example.com:8443", ""
	m := render(t, l)
	if digitRun.FindString(m.Text) != secret || digitRun.FindString(m.HTML) != secret {
		t.Errorf("the code is not the first run of digits:\n%s", m.Text)
	}
}
