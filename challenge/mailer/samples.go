// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"net/mail"
	"net/netip"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A Sample is a mail to somebody who does not exist, under the name that its picture or
// file has.
type Sample struct {
	Name   string
	Letter Letter
}

// Samples are every mail in every form, for whoever wants to look at them all, or to
// know that each can be rendered. Each call makes them anew.
func Samples() []Sample {
	return slices.Concat(codeSamples(), noticeSamples(), changeSamples())
}

// sampleAsked is when the mails of the samples were asked for.
var sampleAsked = time.Date(2026, time.November, 22, 12, 34, 0, 0, time.UTC)

// sampleLetter is the plainest mail with a code.
func sampleLetter() Letter {
	return Letter{
		Notice: challenge.Notice{
			Gate: "app", Mailbox: "ana@example.com", Code: challenge.NewCode("482917"), Ref: "7KQ",
			Host: "app.example.com", App: "Example", Agent: "Mozilla/5.0 (http://evil.example free money)",
			IP: netip.MustParseAddr("203.0.113.7"), Asked: sampleAsked, Expires: sampleAsked.Add(10 * time.Minute), Language: "en",
			Stop: "https://app.example.com/.doorcode/no/Yk3nT0aGbRcQdSeUfVhWiX",
		},
		Style:   Style{From: mail.Address{Name: "Example sign-in", Address: "login@example.com"}, Support: "mailto:help@example.com"},
		Browser: "Firefox on Windows", ID: "01kamz5c00abcdefghjkmnpqrs", Date: sampleAsked,
	}
}

// sampleFrom is a mail from Lisbon that has all that its subject may have.
func sampleFrom(s challenge.Subject) Letter {
	l := sampleLetter()
	l.Notice.Subject = s
	at := &l.Notice.Place
	at.Country, at.City, at.Radius, at.Located, at.TimeZone = "PT", "Lisbon", 20, true, "Europe/Lisbon"
	at.Point.Latitude, at.Point.Longitude = 38.72, -9.14
	at.ASN, at.Network, at.Credit = 64500, "Example Telecom", "IP Geolocation by DB-IP"
	if !s.HasCode() {
		l.Notice.Code, l.Notice.Ref = challenge.Code{}, ""
	}
	switch s {
	case challenge.ChangeCode, challenge.WaysChanged:
		l.Notice.Change = challenge.MakeBackupCodes
	case challenge.BackupCodeUsed:
		l.Notice.Count = 7
	case challenge.CodeReadOut: // nobody's browser asked
		l.Notice.Why, l.Notice.Expires = "Lost her phone on the train", sampleAsked.Add(15*time.Minute)
		fromNobody(&l)
	case challenge.TestMail:
		l.Notice.Stop = ""
		fromNobody(&l)
	}
	return l
}

// sampleWith is such a mail, changed.
func sampleWith(name string, s challenge.Subject, changes ...func(*Letter)) Sample {
	l := sampleFrom(s)
	for _, change := range changes {
		change(&l)
	}
	return Sample{name, l}
}

// fromNobody is about what no browser asked for.
func fromNobody(l *Letter) {
	l.Notice.Agent, l.Browser = "", ""
	l.Notice.IP, l.Notice.Place = challenge.Notice{}.IP, challenge.Notice{}.Place
}

func toSecond(l *Letter) { l.Notice.Second, l.Notice.Account = true, "b••@example.net" }

func waits(l *Letter) { l.Notice.Due = sampleAsked.Add(24 * time.Hour) }

func textOnly(l *Letter) { l.Style.TextOnly = true }

func abroad(l *Letter) {
	l.Notice.Place = challenge.Notice{}.Place
	l.Notice.Place.Country, l.Notice.Place.City, l.Notice.Place.TimeZone = "JP", "Tokyo", "Asia/Tokyo"
}

// codeSamples are the mails with a code.
func codeSamples() []Sample {
	return []Sample{
		{"code", sampleLetter()},
		sampleWith("code-new-place", challenge.SignInCode, func(l *Letter) { l.Notice.Reason = challenge.NewPlace }),
		sampleWith("code-country-only", challenge.SignInCode, func(l *Letter) {
			l.Notice.Place = challenge.Notice{}.Place
			l.Notice.Place.Country, l.Notice.Place.Radius, l.Notice.Place.Located, l.Notice.Place.TimeZone = "BT", 534, true, "Asia/Thimphu"
		}),
		sampleWith("code-private-network", challenge.SignInCode, func(l *Letter) {
			l.Notice.Place = challenge.Notice{}.Place
			l.Notice.IP, l.Notice.Place.Private = netip.MustParseAddr("192.168.1.20"), true
		}),
		sampleWith("code-another-day-there", challenge.SignInCode, abroad, func(l *Letter) { l.Notice.Asked = sampleAsked.Add(8 * time.Hour) }),
		sampleWith("code-letters", challenge.SignInCode, func(l *Letter) {
			l.Notice.Code, l.Notice.Expires = challenge.NewCode("BCDFGHJK"), sampleAsked.Add(time.Minute)
			l.Notice.IP, l.Notice.Place = netip.MustParseAddr("2001:db8::7"), challenge.Notice{}.Place
			l.Style.Support = ""
		}),
		sampleWith("code-quiet-and-urging", challenge.SignInCode, func(l *Letter) { l.Notice.Quietly, l.Notice.Urge = true, true }),
		sampleWith("code-second", challenge.SignInCode, toSecond),
		sampleWith("code-text-only", challenge.SignInCode, textOnly),
		sampleWith("confirm", challenge.ConfirmCode, func(l *Letter) { l.Notice.Reason = challenge.Sensitive }),
	}
}

// noticeSamples are the mails that tell what happened.
func noticeSamples() []Sample {
	until := func(d time.Duration) func(*Letter) {
		return func(l *Letter) { l.Notice.Expires = sampleAsked.Add(d) }
	}
	return []Sample{
		sampleWith("new-sign-in", challenge.NewSignIn),
		sampleWith("new-sign-in-without-link", challenge.NewSignIn, func(l *Letter) {
			l.Notice.Stop, l.Notice.Place, l.Browser = "", challenge.Notice{}.Place, ""
		}),
		sampleWith("wrong-codes", challenge.WrongCodes, until(time.Hour)),
		sampleWith("wrong-codes-until-another-day", challenge.WrongCodes, abroad, until(24*time.Hour)),
		sampleWith("wrong-codes-without-end", challenge.WrongCodes, func(l *Letter) { l.Notice.Expires = time.Time{} }),
		sampleWith("backup-code-used", challenge.BackupCodeUsed, func(l *Letter) { l.Notice.Count = 1 }),
		sampleWith("backup-code-used-last-second", challenge.BackupCodeUsed, toSecond, func(l *Letter) { l.Notice.Count = 0 }),
		sampleWith("cookies-copied", challenge.CookiesCopied, func(l *Letter) { l.Notice.Stop = "" }),
		sampleWith("code-read-out", challenge.CodeReadOut),
		sampleWith("test", challenge.TestMail),
	}
}

// changeSamples are the mails about people's ways in: the code for a change, that it was
// made, and that it waits.
func changeSamples() (all []Sample) {
	add := func(name string, s challenge.Subject, kind challenge.ChangeKind, change func(*Letter)) {
		all = append(all, sampleWith(name+"-"+string(kind), s, func(l *Letter) { l.Notice.Change = kind }, change))
	}
	as := func(l *Letter) {
		if l.Notice.Change == challenge.StartGuard {
			l.Notice.Stop = "" // what is on hold is made anew, and nothing to be taken back
		}
	}
	waiting := []challenge.ChangeKind{
		challenge.MakeBackupCodes, challenge.AddApp, challenge.RemoveApp, challenge.SetSecond, challenge.RemoveSecond,
		challenge.AddPasskey, challenge.RemovePasskey, challenge.AddToken, challenge.EraseData,
	}
	for _, kind := range append(waiting, challenge.TestBackupCode, challenge.ProveSecond, challenge.ExportData) {
		if add("change", challenge.ChangeCode, kind, as); kind == challenge.ProveSecond {
			toSecond(&all[len(all)-1].Letter)
		}
	}
	for _, kind := range append(waiting, challenge.StopPasskey, challenge.RemoveToken, challenge.ExportData, challenge.ChangeSettings, challenge.LiftGuard, challenge.StartGuard) {
		add("changed", challenge.WaysChanged, kind, as)
	}
	for _, kind := range waiting {
		add("changed-later", challenge.WaysChanged, kind, waits)
	}
	add("changed-later-by-own-clock", challenge.WaysChanged, challenge.EraseData, func(l *Letter) {
		waits(l)
		l.Notice.Zone = "America/Sao_Paulo"
	})
	return all
}
