// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestF17CloseTriesWhatWaitsOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{fails: first(3, errUnreachable)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		for range 3 {
			send(t, outbox, fresh())
		}
		synctest.Wait()
		began := time.Now()
		if err := outbox.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("Close waited %v for tries that were due later", took)
		}
		want := []mailer.Outcome{"deferred", "deferred", "deferred", "sent", "sent", "sent"}
		if got := l.outcomes(); !slices.Equal(got, want) {
			t.Errorf("outcomes are %v", got)
		}
	})
}

func TestF17CloseDoesNotInsist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{fails: always(errUnreachable)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		send(t, outbox, fresh())
		synctest.Wait()
		if err := outbox.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
		if got := l.outcomes(); !slices.Equal(got, []mailer.Outcome{mailer.Deferred, mailer.Lost}) {
			t.Errorf("outcomes are %v", got)
		}
	})
}

func TestF17CloseHandsBackWhatDoesNotGetOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox, l := post(t, mailer.OutboxOptions{Workers: 2}, &relay{silent: true})
		for range 5 {
			send(t, outbox, fresh())
		}
		n := fresh()
		n.Decoy = true
		send(t, outbox, n)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := outbox.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close = %v, want DeadlineExceeded", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("Close took %v, want its bound", took)
		}
		lost := 0
		for _, r := range l.all() {
			if r.Outcome == mailer.Lost && r.Reason != "" && r.Mailbox != "" {
				lost++
			}
		}
		if lost != 6 || outbox.Pending() != 0 {
			t.Errorf("%d mails reported lost of 6: %+v", lost, l.all())
		}
		if err := outbox.Close(ctx); err == nil && len(l.all()) != 6 {
			t.Error("a second Close reports again")
		}
	})
}

func TestAnOutboxThatSentNothingCloses(t *testing.T) {
	if err := mailer.NewOutbox(mailer.OutboxOptions{}).Close(t.Context()); err != nil {
		t.Errorf("Close = %v", err)
	}
}
