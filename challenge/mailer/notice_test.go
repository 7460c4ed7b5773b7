// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// about is a notice of now.
func about(s challenge.Subject) challenge.Notice {
	n := located(s).Notice
	n.Asked = time.Now()
	n.Expires = n.Asked.Add(10 * time.Minute)
	return n
}

// A code is worth nothing once it has ended. What happened is worth knowing
// later, and an hour of wrong codes is over before a mail server is mended.
func TestNoticesWithoutACodeAreTriedForHours(t *testing.T) {
	for name, tt := range map[string]struct {
		subject challenge.Subject
		end     time.Duration // of the notice, from now; 0: none
		want    time.Duration
		reason  string
	}{
		"a code until it ends":               {challenge.SignInCode, 10 * time.Minute, 10 * time.Minute, "code ended before the mail could be handed over"},
		"a code without an end for a while":  {challenge.ConfirmCode, 0, 10 * time.Minute, "code ended before the mail could be handed over"},
		"a sign-in for four hours":           {challenge.NewSignIn, 10 * time.Minute, 4 * time.Hour, "mail could not be handed over for too long"},
		"a sign-in without an end as long":   {challenge.NewSignIn, 0, 4 * time.Hour, "mail could not be handed over for too long"},
		"wrong codes though all is over":     {challenge.WrongCodes, time.Minute, 4 * time.Hour, "mail could not be handed over for too long"},
		"a code for a change until it ends":  {challenge.ChangeCode, 5 * time.Minute, 5 * time.Minute, "code ended before the mail could be handed over"},
		"a used backup code for four hours":  {challenge.BackupCodeUsed, 0, 4 * time.Hour, "mail could not be handed over for too long"},
		"a change for four hours":            {challenge.WaysChanged, 0, 4 * time.Hour, "mail could not be handed over for too long"},
		"a code read out though it is over":  {challenge.CodeReadOut, time.Minute, 4 * time.Hour, "mail could not be handed over for too long"},
		"wrong codes that were long ago too": {challenge.WrongCodes, -time.Hour, 4 * time.Hour, "mail could not be handed over for too long"},
	} {
		for _, decoy := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					failing := func() error { return errUnreachable }
					r := &relay{fails: always(errUnreachable), probe: failing}
					outbox, l := post(t, mailer.OutboxOptions{}, r)
					n := about(tt.subject)
					n.Decoy = decoy
					if n.Expires = time.Now().Add(tt.end); tt.end == 0 {
						n.Expires = time.Time{}
					}
					began := time.Now()
					send(t, outbox, n)
					for outbox.Pending() > 0 && time.Since(began) < 24*time.Hour {
						time.Sleep(time.Second)
						synctest.Wait()
					}
					if took := time.Since(began); took > tt.want || took < tt.want-2*time.Minute {
						t.Errorf("given up after %v, want %v", took, tt.want)
					}
					reports := l.all()
					last := reports[len(reports)-1]
					if last.Outcome != mailer.Failed || !strings.HasSuffix(last.Reason, tt.reason) {
						t.Errorf("last report is %+v", last)
					}
				})
			})
		}
	}
}

func TestNoEndIsMadeUpForWrongCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{}
		outbox, _ := post(t, mailer.OutboxOptions{}, r)
		n := about(challenge.WrongCodes)
		n.Expires = time.Time{}
		send(t, outbox, n)
		synctest.Wait()
		if _, mails, _ := r.seen(); len(mails) != 1 || strings.Contains(mails[0].Text, "Until") {
			t.Errorf("relay got %v", mails)
		}
	})
}

func TestAnUnknownSubjectFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{})
		send(t, outbox, about(200))
		time.Sleep(time.Minute)
		if got := l.outcomes(); !slices.Equal(got, []mailer.Outcome{mailer.Failed}) || outbox.Down("app") {
			t.Errorf("outcomes are %v, down %v", got, outbox.Down("app"))
		}
	})
}

// Whatever a mail is about, it reaches a folder and an inbox as it was written.
func TestEveryTransportTakesEverySubject(t *testing.T) {
	for name, subject := range subjects {
		folder := mailer.Folder{Path: filepath.Join(t.TempDir(), "mail")}
		inbox := &mailer.Inbox{}
		for _, transport := range []mailer.Transport{folder, inbox} {
			outbox, l := post(t, mailer.OutboxOptions{}, transport)
			send(t, outbox, about(subject))
			if got := l.wait(t, 1)[0]; got.Outcome != mailer.Sent {
				t.Errorf("%s: report is %+v", name, got)
			}
		}
		files, err := filepath.Glob(filepath.Join(folder.Path, "*.eml"))
		if err != nil || len(files) != 1 {
			t.Errorf("%s: folder holds %v, %v", name, files, err)
		}
		mails, _ := inbox.Messages()
		if len(mails) != 1 || mails[0].Text == "" || mails[0].HTML == "" {
			t.Errorf("%s: inbox holds %v", name, mails)
		}
	}
}
