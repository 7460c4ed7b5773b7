// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestAFolderKeepsEachMailInAFile(t *testing.T) {
	folder := mailer.Folder{Path: filepath.Join(t.TempDir(), "new", "mail")}
	var want [][]byte
	for i := range 3 {
		l := letter()
		l.Date = asked.Add(time.Duration(i) * time.Second)
		l.ID = mailer.NewID(l.Date)
		m := render(t, l)
		want = append(want, m.Raw)
		if err := folder.Deliver(t.Context(), m); err != nil {
			t.Fatalf("Deliver: %v", err)
		}
		if err := folder.Probe(t.Context(), m); err != nil {
			t.Fatalf("Probe: %v", err)
		}
	}
	entries, err := os.ReadDir(folder.Path)
	if err != nil || len(entries) != 3 {
		t.Fatalf("folder holds %v, %v", entries, err)
	}
	for i, entry := range entries { // sorted by name, so by time
		got, err := os.ReadFile(filepath.Join(folder.Path, entry.Name()))
		if err != nil || !bytes.Equal(got, want[i]) {
			t.Errorf("%s is not mail %d (%v)", entry.Name(), i, err)
		}
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", entry.Name(), info.Mode())
		}
		if !strings.HasPrefix(entry.Name(), "20261122T12340"+string(rune('0'+i))) || filepath.Ext(entry.Name()) != ".eml" {
			t.Errorf("file is called %s", entry.Name())
		}
	}
}

func TestAFolderThatCannotBeWrittenSaysSo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := mailer.Folder{Path: filepath.Join(file, "mail")}
	for name, try := range map[string]func(context.Context, mailer.Message) error{"Deliver": folder.Deliver, "Probe": folder.Probe} {
		err := try(t.Context(), render(t, letter()))
		if got := failureOf(t, err); got.Mailbox || got.Permanent {
			t.Errorf("%s = %+v, want a failing transport", name, got)
		}
		if !strings.Contains(err.Error(), folder.Path) || !strings.Contains(err.Error(), "give the folder to the user") {
			t.Errorf("%s = %q", name, err)
		}
	}
}

func TestAFolderObeysItsContext(t *testing.T) {
	folder := mailer.Folder{Path: t.TempDir()}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := folder.Deliver(ctx, render(t, letter())); !errors.Is(err, context.Canceled) {
		t.Errorf("Deliver = %v, want context.Canceled", err)
	}
	if entries, err := os.ReadDir(folder.Path); len(entries) != 0 || err != nil {
		t.Errorf("folder holds %v, %v", entries, err)
	}
}

func TestAnInboxKeepsTheLastFifty(t *testing.T) {
	var inbox mailer.Inbox
	none, next := inbox.Messages()
	if len(none) != 0 {
		t.Fatalf("a new inbox holds %v", none)
	}
	var ids []string
	for range 60 {
		l := letter()
		l.ID = mailer.NewID(asked)
		m := render(t, l)
		ids = append(ids, m.ID)
		if err := inbox.Deliver(t.Context(), m); err != nil {
			t.Fatalf("Deliver: %v", err)
		}
	}
	<-next
	mails, next := inbox.Messages()
	var got []string
	for _, m := range mails {
		got = append(got, m.ID)
	}
	want := ids[10:]
	slices.Reverse(want)
	if !slices.Equal(got, want) {
		t.Errorf("inbox holds %d mails, want the last 50, newest first", len(got))
	}
	select {
	case <-next:
		t.Error("a new mail is told of, and there is none")
	default:
	}
}
