// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A Mailbox reads the mails that Doorcode writes into a folder.
type Mailbox struct{ Folder string }

// A Mail is one of them.
type Mail struct {
	Header     mail.Header
	Subject    string
	Text, HTML string
	Raw        string
}

// Mails are all mails to an address, the oldest first.
func (m *Mailbox) Mails(t testing.TB, address string) []Mail {
	t.Helper()
	return slices.DeleteFunc(m.All(t), func(one Mail) bool {
		return !strings.EqualFold(strings.Trim(one.Header.Get("To"), "<>"), address)
	})
}

// All are all mails, the oldest first.
func (m *Mailbox) All(t testing.TB) (mails []Mail) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.Folder, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, parseMail(t, string(raw)))
	}
	return mails
}

// Wait returns the n-th mail to an address, counted from one.
func (m *Mailbox) Wait(t testing.TB, address string, n int) Mail {
	t.Helper()
	var mails []Mail
	Eventually(t, "mail to "+address, func() bool {
		mails = m.Mails(t, address)
		return len(mails) >= n
	})
	return mails[n-1]
}

// Codes are the mails to an address that hold a code, the oldest first. Others
// may come between them at any time.
func (m *Mailbox) Codes(t testing.TB, address string) []Mail {
	t.Helper()
	return slices.DeleteFunc(m.Mails(t, address), func(one Mail) bool { return !codes.MatchString(one.Text) })
}

// WaitCode returns the n-th mail to an address that holds a code, counted from
// one.
func (m *Mailbox) WaitCode(t testing.TB, address string, n int) Mail {
	t.Helper()
	var mails []Mail
	Eventually(t, "code for "+address, func() bool {
		mails = m.Codes(t, address)
		return len(mails) >= n
	})
	return mails[n-1]
}

var codes = regexp.MustCompile(`(?m)^([0-9]{6,10}|[BCDFGHJKLMNPQRSTVWXZ]{6,10}) is your `)

// Code is the code of a mail.
func (m Mail) Code(t testing.TB) string {
	t.Helper()
	found := codes.FindStringSubmatch(m.Text)
	if found == nil {
		t.Fatalf("no code in mail:\n%s", m.Text)
	}
	return found[1]
}

// Ref are the letters of a mail.
func (m Mail) Ref(t testing.TB) string {
	t.Helper()
	_, after, ok := strings.Cut(m.Text, "shows the letters ")
	if !ok || len(after) < 3 {
		t.Fatalf("no letters in mail:\n%s", m.Text)
	}
	return after[:3]
}

func parseMail(t testing.TB, raw string) Mail {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("reading mail: %v", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	one := Mail{Header: message.Header, Subject: subject, Raw: raw}
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return one
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			one.HTML = text
		} else {
			one.Text = text
		}
	}
}
