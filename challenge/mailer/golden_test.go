// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/geo"
)

func TestRenderMatchesGoldenFiles(t *testing.T) {
	for name, change := range map[string]func(*mailer.Letter){
		"code":      func(*mailer.Letter) {},
		"text-only": func(l *mailer.Letter) { l.Style.TextOnly = true },
		"no-code-in-subject": func(l *mailer.Letter) {
			l.Style.HideCode = true
			l.Style.ReplyTo = "answers@example.com"
			l.Style.Headers = map[string]string{"X-Env": "production"}
		},
		"letters-ipv6-no-support": func(l *mailer.Letter) {
			l.Notice.Code = challenge.NewCode("BCDFGHJK")
			l.Notice.IP = netip.MustParseAddr("2001:db8::7")
			l.Notice.App = "Bücher & Söhne"
			l.Notice.Expires = asked.Add(time.Minute)
			l.Style.Support = ""
			l.Style.From.Name = ""
			l.Style.Accent = "2f855a"
		},
		"code-new-place": func(l *mailer.Letter) {
			*l = located(challenge.SignInCode)
			l.Notice.Reason = challenge.NewPlace
		},
		"code-country-only": func(l *mailer.Letter) {
			*l = located(challenge.SignInCode)
			l.Notice.Place = geo.Place{Country: "BT", Radius: 534, Located: true, TimeZone: "Asia/Thimphu"}
		},
		"code-private-network": func(l *mailer.Letter) {
			l.Notice.IP = netip.MustParseAddr("192.168.1.20")
			l.Notice.Place = geo.Place{Private: true}
		},
		"code-another-day-there": func(l *mailer.Letter) {
			l.Notice.Place = geo.Place{Country: "JP", City: "Tokyo", TimeZone: "Asia/Tokyo"}
			l.Notice.Asked = asked.Add(8 * time.Hour)
		},
		"confirm": func(l *mailer.Letter) {
			*l = located(challenge.ConfirmCode)
			l.Notice.Reason = challenge.Sensitive
		},
		"new-sign-in": func(l *mailer.Letter) { *l = located(challenge.NewSignIn) },
		"new-sign-in-without-link": func(l *mailer.Letter) {
			*l = located(challenge.NewSignIn)
			l.Notice.Stop, l.Notice.Place = "", geo.Place{}
			l.Browser = ""
		},
		"wrong-codes": func(l *mailer.Letter) {
			*l = located(challenge.WrongCodes)
			l.Notice.Expires = asked.Add(time.Hour)
		},
		"wrong-codes-until-another-day": func(l *mailer.Letter) {
			*l = located(challenge.WrongCodes)
			l.Notice.Place = geo.Place{Country: "JP", City: "Tokyo", TimeZone: "Asia/Tokyo"}
			l.Notice.Expires = asked.Add(24 * time.Hour)
			l.Style.TextOnly = true
		},
		"wrong-codes-without-end": func(l *mailer.Letter) {
			*l = located(challenge.WrongCodes)
			l.Notice.Expires = time.Time{}
			l.Style.TextOnly = true
		},
		"code-quiet-and-urging": func(l *mailer.Letter) {
			*l = located(challenge.SignInCode)
			l.Notice.Quietly, l.Notice.Urge = true, true
		},
		"code-second":  func(l *mailer.Letter) { *l = second(located(challenge.SignInCode)) },
		"change":       func(l *mailer.Letter) { *l = of(challenge.ChangeCode, challenge.MakeBackupCodes) },
		"prove-second": func(l *mailer.Letter) { *l = second(of(challenge.ChangeCode, challenge.ProveSecond)) },
		"backup-code-used": func(l *mailer.Letter) {
			*l = located(challenge.BackupCodeUsed)
			l.Notice.Count = 1
		},
		"backup-code-used-last-second": func(l *mailer.Letter) {
			*l = second(located(challenge.BackupCodeUsed))
			l.Notice.Count, l.Style.TextOnly = 0, true
		},
		"ways-changed": func(l *mailer.Letter) { *l = of(challenge.WaysChanged, challenge.MakeBackupCodes) },
		"ways-changed-waiting": func(l *mailer.Letter) {
			*l = of(challenge.WaysChanged, challenge.SetSecond)
			l.Notice.Account = "b••@example.net"
			waiting(l)
		},
		"erase-waiting": func(l *mailer.Letter) {
			*l = of(challenge.WaysChanged, challenge.EraseData)
			l.Style.TextOnly = true
			waiting(l)
		},
		"guard-started": func(l *mailer.Letter) {
			*l = of(challenge.WaysChanged, challenge.StartGuard)
			l.Style.TextOnly, l.Notice.Stop = true, "" // what is on hold is made anew, and nothing to be taken back
		},
		"test": func(l *mailer.Letter) { *l = located(challenge.TestMail) },
		"cookies-copied": func(l *mailer.Letter) {
			*l = located(challenge.CookiesCopied)
			l.Notice.Stop = ""
		},
		"code-read-out": func(l *mailer.Letter) { *l = located(challenge.CodeReadOut) },
	} {
		t.Run(name, func(t *testing.T) {
			l := letter()
			change(&l)
			golden(t, name+".eml", render(t, l).Raw)
		})
	}
}

// keys are what stands in a mail where a sentence is missing.
var keys = regexp.MustCompile(`\bmail\.[a-z_]+`)

func TestEveryMessageIsInTheCatalogue(t *testing.T) {
	check := func(l mailer.Letter) {
		m := render(t, l)
		if all := m.Subject + m.Text + m.HTML + string(m.Raw); keys.MatchString(all) {
			t.Errorf("a message is missing from:\n%s\n%s", m.Subject, m.Text)
		}
	}
	for _, subject := range subjects {
		for _, reason := range reasons {
			l := located(subject)
			l.Notice.Reason = reason
			check(l)
		}
		for month := range 12 {
			l := located(subject)
			l.Notice.Asked = asked.AddDate(0, month, 0)
			l.Style.HideCode, l.Style.From.Name = month%2 == 0, ""
			check(l)
		}
		for _, change := range []func(*mailer.Letter){
			func(l *mailer.Letter) { l.Notice.Place, l.Notice.Stop, l.Browser = geo.Place{}, "", "" },
			func(l *mailer.Letter) { l.Notice.App, l.Style.HideCode = "Ledger 2024", true },
			func(l *mailer.Letter) {
				l.Notice.Asked, l.Notice.Place.TimeZone = asked.Add(12*time.Hour), "Asia/Tokyo"
			},
			func(l *mailer.Letter) { l.Notice.Place = geo.Place{Private: true} },
		} {
			l := located(subject)
			change(&l)
			check(l)
		}
	}
}

// A mail that is too long is clipped, and a large one is slow to come.
func TestMailsAreSmall(t *testing.T) {
	for name, subject := range subjects {
		l := located(subject)
		l.Notice.Reason = challenge.NewPlace
		m := render(t, l)
		if len(m.Text) >= 1000 || len(m.HTML) >= 4000 {
			t.Errorf("%s: text is %d bytes and HTML %d", name, len(m.Text), len(m.HTML))
		}
		long := strings.Repeat("Grand Duchy of ", 10_000)
		for _, put := range places {
			put(&l, long)
		}
		if m := render(t, l); len(m.Raw) >= 20_000 {
			t.Errorf("%s: the longest mail is %d bytes", name, len(m.Raw))
		}
	}
}
