// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"strings"
	"testing"
)

// FuzzRender (ML-01): whatever a site is called and whoever asks, a mail has one
// recipient, one sender and one subject, and the code comes first.
func FuzzRender(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s, s, s)
	}
	f.Add("Example", "app.example.com", "Firefox on Windows", "7KQ")
	f.Fuzz(func(t *testing.T, app, host, browser, ref string) {
		l := letter()
		l.Notice.App, l.Notice.Host, l.Notice.Agent, l.Browser, l.Notice.Ref = app, host, browser, browser, ref
		l.Style.From.Name = app
		m := render(t, l)
		checkOneOfEach(t, m.Raw)
		if !strings.HasPrefix(m.Subject, secret) || !strings.HasPrefix(m.Text, secret) || digitRun.FindString(m.HTML) != secret {
			t.Errorf("the code is not first: %q", m.Subject)
		}
		if strings.Count(m.HTML, "<") != strings.Count(m.HTML, ">") || strings.Count(m.HTML, "<strong>") != 3 {
			t.Errorf("markup got through:\n%s", m.HTML)
		}
		if strings.Count(m.Text, "\n") != 18 {
			t.Errorf("text has other lines than it should:\n%s", m.Text)
		}
	})
}

// FuzzMailbox: a mail goes to one plain address or to nobody.
func FuzzMailbox(f *testing.F) {
	for _, s := range append(oddMailboxes, "ana@example.com", "a.b+c@x.example") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, mailbox string) {
		l := letter()
		l.Notice.Mailbox = mailbox
		m, err := l.Render()
		if err != nil {
			return
		}
		p := parse(t, m.Raw)
		list, err := p.header.AddressList("To")
		if err != nil || len(list) != 1 || list[0].Address != mailbox || list[0].Name != "" || m.To != mailbox {
			t.Errorf("mailbox %q became %v, %v", mailbox, list, err)
		}
	})
}
