// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func delivered(stage pages.Stage, ago time.Duration, changes ...func(*pages.Code)) pages.Code {
	c := known()
	c.Delivery = &pages.Delivery{Stage: stage, At: c.Now.Add(-ago)}
	for _, change := range changes {
		change(&c)
	}
	return c
}

// A page that is a moment old tells the same minute as one that was just made: the script
// adds what is left to its own clock.
func TestAFullMinuteIsNotToldAsTheOneBefore(t *testing.T) {
	locked := known()
	locked.Trouble, locked.RetryAt, locked.Now = pages.AddressLocked, locked.Now.Add(time.Hour), locked.Now.Add(300*time.Millisecond)
	if page := render(t, renderer(t, nil), locked); !strings.Contains(page, `data-in="3600"`) {
		t.Errorf("the page tells another second than the 3600th: %s", page[max(0, strings.Index(page, "data-in")):][:20])
	}
}

// That no mail goes out is told where the script tells what came of another try, so that
// it does not stand there twice.
func TestThatNoMailGoesOutIsToldInOnePlace(t *testing.T) {
	page := render(t, renderer(t, nil), delivered(pages.StageUnknown, 0, func(c *pages.Code) { c.Trouble = pages.MailDown }))
	doc := parse(t, page)
	if _, there := doc.byID("mail"); there || doc.text["h1"] != "We couldn't send the email" {
		t.Errorf("there is another line (%v) below %q", there, doc.text["h1"])
	}
	const want = "Our mail service isn't answering. Nothing is wrong with your account. We keep trying for 10 minutes."
	if line := lineOf(strings.ReplaceAll(page, `id="status"`, `id="mail"`)); line != want {
		t.Errorf("the line is %q, want %q", line, want)
	}
}

func TestHowFarTheMailCame(t *testing.T) {
	wrong := func(c *pages.Code) { c.Trouble, c.TriesLeft = pages.WrongCode, 2 }
	tests := []struct {
		name          string
		page          pages.Code
		heading, line string // the whole line; empty: there is none
	}{
		{"accepted a while ago", delivered(pages.StageAccepted, 2*time.Minute), "Check your email", "Your mail provider accepted our email 2 minutes ago."},
		{"accepted just now", delivered(pages.StageAccepted, 59*time.Second), "Check your email", "Your mail provider accepted our email just now."},
		{"accepted on a clock that is ahead", delivered(pages.StageAccepted, -time.Hour), "Check your email", "Your mail provider accepted our email just now."},
		{"accepted, and the code was wrong", delivered(pages.StageAccepted, 2*time.Minute, wrong), "Check your email", "Your mail provider accepted our email 2 minutes ago."},
		{"delayed", delivered(pages.StageDelayed, time.Minute), "Check your email", "Your mail provider is making us wait. It can take a few minutes."},
		{"given up", delivered(pages.StageGivenUp, time.Minute), "Check your email", "We couldn't deliver the email. Send it again, or contact help@example.com."},
		{"nothing known yet", delivered(pages.StageUnknown, 0), "Check your email", ""},
		{"refused", delivered(pages.StageRefused, 0), "We couldn't send the email", ""},
		{"refused, and the code of a mail before was wrong", delivered(pages.StageRefused, 0, wrong), "Check your email", "The mailbox for a••@example.com refused our email. Contact help@example.com."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := render(t, renderer(t, nil), tt.page)
			doc := parse(t, page)
			if got := doc.text["h1"]; got != tt.heading {
				t.Errorf("the heading is %q", got)
			}
			_, there := doc.byID("mail")
			if got := lineOf(page); got != tt.line || there != (tt.line != "" || tt.heading == "Check your email") {
				t.Errorf("the line is %q (there: %v), want %q", got, there, tt.line)
			}
			if _, field := doc.byID("code"); !field {
				t.Error("the field for the code is gone")
			}
			if strings.Contains(page, "ana@example.com") {
				t.Error("the whole address is on the page")
			}
		})
	}
}

// lineOf is the text of the line about the mail, without what is only read out.
func lineOf(page string) string {
	_, line, _ := strings.Cut(page, `id="mail" role="status">`)
	line, _, _ = strings.Cut(line, "</p>")
	if before, _, masked := strings.Cut(line, `<span class="aloud">`); masked {
		_, after, _ := strings.Cut(line[len(before)+1:], "</span>")
		line = before + after
	}
	var b strings.Builder
	for i, part := range strings.Split(line, "<") {
		if i > 0 {
			_, part, _ = strings.Cut(part, ">")
		}
		b.WriteString(part)
	}
	return strings.ReplaceAll(b.String(), "&#39;", "'")
}

func TestARefusedMailboxIsNamedInPlaceOfTheLead(t *testing.T) {
	page := render(t, renderer(t, nil), delivered(pages.StageRefused, 0))
	if !strings.Contains(page, "refused our email. Contact <a href=\"mailto:help@example.com\">") || strings.Contains(page, `id="lead"`) {
		t.Errorf("the page is\n%s", inlined.ReplaceAllString(page, ""))
	}
	if !strings.Contains(page, ">Try again</button>") {
		t.Error("nothing to press")
	}
}

// TestNothingIsToldOfAMailToSomebodyWhoMayNotKnow: it would say whether the address that
// they typed is known.
func TestNothingIsToldOfAMailToSomebodyWhoMayNotKnow(t *testing.T) {
	for _, page := range []pages.Code{asked(), known(), confirm()} {
		if _, there := parse(t, render(t, renderer(t, nil), page)).byID("mail"); there {
			t.Error("there is a line about the mail")
		}
	}
	for _, way := range []pages.Way{pages.WayBackup, pages.WayApp, pages.WayChoice} {
		c := delivered(pages.StageAccepted, time.Minute, func(c *pages.Code) { c.Way = way })
		if _, there := parse(t, render(t, renderer(t, nil), c)).byID("mail"); there {
			t.Errorf("there is a line about the mail on the page of way %d", way)
		}
	}
}

func TestWhatScriptsAreToldOfTheMail(t *testing.T) {
	r := renderer(t, nil)
	for want, page := range map[string]pages.Code{
		"Your mail provider accepted our email at {time}.":                             delivered(pages.StageAccepted, time.Hour),
		"Your mail provider is making us wait. It can take a few minutes.":             delivered(pages.StageDelayed, time.Hour),
		"The mailbox for a••@example.com refused our email. Contact help@example.com.": delivered(pages.StageRefused, time.Hour),
		"": known(),
	} {
		if got := r.Delivered(english(), page); got != want {
			t.Errorf("Delivered = %q, want %q", got, want)
		}
	}
}

func TestAnAnnouncementStandsAboveTheCard(t *testing.T) {
	r := renderer(t, func(o *pages.LookOptions) { o.Announcement = "Maintenance on <Sunday>" })
	for _, s := range screens() {
		if s.name == "13-framed" {
			continue
		}
		page := render(t, r, s.page)
		before, _, _ := strings.Cut(page, "<main")
		if !strings.Contains(before, `<p class="note" role="note" dir="auto">Maintenance on &lt;Sunday&gt;</p></header>`) {
			t.Errorf("%s shows no announcement above its card", s.name)
		}
	}
}

func TestTheFooterHasWhatThereIs(t *testing.T) {
	page := renderAround(t, imprinted(t), english(), asked())
	for _, want := range []string{
		`<p><a href="https://example.com/privacy">Privacy</a></p><p><a href="https://example.com/imprint">Legal notice</a></p>`,
		`<p><a href="./reports/.doorcode/language">Language</a></p></footer>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	plain := renderer(t, func(o *pages.LookOptions) { o.Support, o.Privacy = "", "" })
	if page := renderAround(t, plain, english(), asked()); !strings.Contains(page, "<footer><p><a href=\"./reports/.doorcode/language\">") {
		t.Error("no footer for the language alone")
	}
}

func TestWhoWasSignedOutByAnAdministratorIsTold(t *testing.T) {
	for _, page := range []pages.Page{
		pages.Email{Endpoints: endpoints, ByOperator: true, SignedOut: true},
		code(func(c *pages.Code) { c.ByOperator = true }),
	} {
		shown := render(t, renderer(t, nil), page)
		if !strings.Contains(shown, "An administrator signed you out.") || strings.Contains(shown, "from another browser") {
			t.Errorf("%T does not say so", page)
		}
	}
}

func TestTheLanguagesAreCalledAsInThemselves(t *testing.T) {
	page := render(t, renderer(t, nil), pages.Languages{
		Action: "./language", Flow: flow, Offered: []string{"en", "ar", "zh-CN"}, Chosen: "ar", Back: "/reports",
	})
	for _, want := range []string{
		`<input type="radio" name="language" value=""><span>The language of this browser</span>`,
		`<input type="radio" name="language" value="en"><span><bdi lang="en" dir="ltr">English</bdi></span>`,
		`<input type="radio" name="language" value="ar" checked><span><bdi lang="ar" dir="rtl">العربية</bdi></span>`,
		`<input type="radio" name="language" value="zh-CN"><span><bdi lang="zh-CN" dir="ltr">简体中文</bdi></span>`,
		`<a class="second button" href="/reports">Go back without a change</a>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
