// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A drawer is what the spools of several processes share.
type drawer struct {
	mu   sync.Mutex // guards below
	kept map[string]entry
	fail error // of every call
}

type entry struct {
	challenge.Spooled
	holder *shared
	until  time.Time
}

// A shared is the spool of one process.
type shared struct{ *drawer }

func (d *drawer) spool() *shared { return &shared{d} }

func (d *drawer) breaks(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

func (d *drawer) all() []challenge.Spooled {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []challenge.Spooled
	for _, e := range d.kept {
		all = append(all, e.Spooled)
	}
	return all
}

func (d *drawer) put(s *shared, w challenge.Spooled) {
	if d.kept == nil {
		d.kept = map[string]entry{}
	}
	d.kept[w.ID] = entry{w, s, time.Now().Add(2 * time.Minute)}
}

func (s *shared) Keep(ctx context.Context, w challenge.Spooled) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.Notice.Decoy || w.Notice.Code.Reveal() != "" {
		return fmt.Errorf("%w: %+v", challenge.ErrSpoolsNoCodes, w.Notice)
	}
	if err := errors.Join(s.fail, ctx.Err()); err != nil {
		return err
	}
	if e, there := s.kept[w.ID]; there && e.holder != s && time.Now().Before(e.until) {
		return challenge.ErrSpoolTaken
	}
	s.put(s, w)
	return nil
}

func (s *shared) Done(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil && s.kept[id].holder == s {
		delete(s.kept, id)
	}
	return s.fail
}

func (s *shared) Adopt(context.Context) (found []challenge.Spooled, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range maps.Clone(s.kept) {
		if s.fail != nil || e.holder != s && time.Now().Before(e.until) {
			continue
		}
		if e.holder != s {
			found = append(found, e.Spooled)
		}
		s.put(s, s.kept[id].Spooled)
	}
	return found, s.fail
}

// tells makes a mail without a code.
func tells(n *challenge.Notice) { *n = about(challenge.NewSignIn) }

// die ends an outbox as a crash does: it has no time for anything, nor for its spool.
func die(t *testing.T, o *mailer.Outbox, d *drawer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := d.all()
	_ = o.Close(ctx)
	if got := d.all(); len(got) != len(before) {
		t.Errorf("%d notices are kept after the end, %d were before", len(got), len(before))
	}
}

// Issue 6, F-17: what waits when a process ends is sent by the next one, as the same
// mail.
func TestF17ANoticeOutlivesItsProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		broken := &relay{fails: always(errUnreachable)}
		outbox, _ := post(t, mailer.OutboxOptions{}, broken)
		outbox.UseSpool(d.spool())
		pass(t, outbox, tells)
		die(t, outbox, d)

		works := &relay{}
		next, l := post(t, mailer.OutboxOptions{}, works)
		next.UseSpool(d.spool())
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		_, before, _ := broken.seen()
		_, after, _ := works.seen()
		if len(after) != 1 || !slices.Equal(before[0].Raw, after[0].Raw) {
			t.Fatalf("the next process sent %d mails, want the same one", len(after))
		}
		if got := l.all(); len(got) != 1 || got[0].Outcome != mailer.Sent || got[0].Try != 2 {
			t.Errorf("reports are %+v", got)
		}
		if got := d.all(); len(got) != 0 || next.Pending() != 0 {
			t.Errorf("%v is left in the spool, %d in the queue", got, next.Pending())
		}
	})
}

func TestOnlyNoticesThatFailedOnceAreKept(t *testing.T) {
	for name, tt := range map[string]struct {
		change []func(*challenge.Notice)
		relay  *relay
		want   int
	}{
		"one that failed":     {[]func(*challenge.Notice){tells}, &relay{fails: always(errUnreachable)}, 1},
		"one that is put off": {[]func(*challenge.Notice){tells}, &relay{fails: always(greylisted)}, 1},
		"none that was sent":  {[]func(*challenge.Notice){tells}, &relay{}, 0},
		"none that bounced":   {[]func(*challenge.Notice){tells}, &relay{fails: always(unknownMailbox)}, 0},
		"no code":             {nil, &relay{fails: always(errUnreachable)}, 0},
		"no decoy":            {[]func(*challenge.Notice){tells, decoy}, &relay{probe: func() error { return errUnreachable }}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &drawer{}
				outbox, l := post(t, mailer.OutboxOptions{}, tt.relay)
				outbox.UseSpool(d.spool())
				pass(t, outbox, tt.change...)
				if got := d.all(); len(got) != tt.want {
					t.Errorf("kept %+v, want %d", got, tt.want)
				}
				if slices.Contains(l.outcomes(), mailer.Unkept) {
					t.Errorf("the spool refused something: %+v", l.all())
				}
			})
		})
	}
}

func TestTheSpoolKnowsHowOftenANoticeWasTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{fails: first(4, errUnreachable)})
		outbox.UseSpool(d.spool())
		began := time.Now()
		pass(t, outbox, tells)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		got := d.all()
		if len(got) != 1 || got[0].Tries != len(l.all()) || got[0].Tries < 2 || !got[0].Until.Equal(began.Add(4*time.Hour)) || !got[0].Queued.Equal(began) {
			t.Errorf("kept %+v after %d tries", got, len(l.all()))
		}
		time.Sleep(time.Minute)
		if got := d.all(); len(got) != 0 {
			t.Errorf("%+v is kept though it was sent", got)
		}
	})
}

// F-17: Close hands what it cannot deliver to the spool, and says so.
func TestF17CloseGivesNoticesToTheSpool(t *testing.T) {
	for name, tt := range map[string]struct {
		fail error
		want []mailer.Outcome
		left int
	}{
		"which takes them":       {nil, []mailer.Outcome{mailer.Kept, mailer.Kept, mailer.Lost}, 2},
		"which may be away, too": {errors.New("store is away"), []mailer.Outcome{mailer.Lost, mailer.Lost, mailer.Lost, mailer.Unkept, mailer.Unkept}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &drawer{}
				outbox, l := post(t, mailer.OutboxOptions{Workers: 1}, &relay{silent: true})
				outbox.UseSpool(d.spool())
				d.breaks(tt.fail)
				pass(t, outbox, tells) // a worker has it
				pass(t, outbox, tells)
				pass(t, outbox) // a code
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = outbox.Close(ctx)
				got := l.outcomes()
				slices.Sort(got)
				if !slices.Equal(got, tt.want) || len(d.all()) != tt.left || outbox.Pending() != 0 {
					t.Errorf("outcomes are %v, %d are kept", got, len(d.all()))
				}
			})
		})
	}
}

// A spool that does not answer changes nothing for mails, and is reported, once for
// each notice.
func TestASpoolThatFailsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{fail: errors.New("store is away")}
		r := &relay{fails: first(3, errUnreachable)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		outbox.UseSpool(d.spool())
		pass(t, outbox, tells)
		time.Sleep(time.Minute)
		synctest.Wait()
		counts := map[mailer.Outcome]int{}
		for _, r := range l.all() {
			counts[r.Outcome]++
			if r.Outcome == mailer.Unkept && r.Reason != "store is away" {
				t.Errorf("report is %+v", r)
			}
		}
		if counts[mailer.Sent] != 1 || counts[mailer.Deferred] != 3 || counts[mailer.Unkept] != 2 { // the notice, and looking through the store
			t.Errorf("outcomes are %v", counts)
		}
	})
}

// A mail that was handed over while the store was away is forgotten later.
func TestANoticeThatWasSentIsForgottenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		outbox, _ := post(t, mailer.OutboxOptions{}, &relay{fails: first(1, errUnreachable)})
		outbox.UseSpool(d.spool())
		pass(t, outbox, tells)
		d.breaks(errors.New("store is away"))
		time.Sleep(10 * time.Second)
		d.breaks(nil)
		if len(d.all()) != 1 {
			t.Fatal("it was forgotten by a store that was away")
		}
		time.Sleep(time.Minute)
		if len(d.all()) != 0 {
			t.Error("it is still kept")
		}
	})
}

// Sent twice is better than never: a notice stands in the spool until it is handed over.
func TestACrashBetweenHandingOverAndForgettingSendsTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		kept := -1
		r := &relay{}
		r.fails = func(n int) error {
			if n == 1 {
				return errUnreachable
			}
			kept = len(d.all())
			return nil
		}
		outbox, _ := post(t, mailer.OutboxOptions{}, r)
		outbox.UseSpool(d.spool())
		pass(t, outbox, tells)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if kept != 1 || len(d.all()) != 0 {
			t.Errorf("%d kept while it was handed over, %d after; want 1 and 0", kept, len(d.all()))
		}
	})
}

// Processes that live hold what waits in them, however long that is.
func TestAnotherProcessLeavesWhatIsHeldAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		outbox, _ := post(t, mailer.OutboxOptions{}, &relay{fails: always(errUnreachable)})
		outbox.UseSpool(d.spool())
		other := &relay{}
		idle, _ := post(t, mailer.OutboxOptions{}, other)
		idle.UseSpool(d.spool())
		pass(t, outbox, tells)
		time.Sleep(time.Hour)
		if other.calls() != 0 {
			t.Errorf("another process sent it %d times", other.calls())
		}
	})
}

// A process that stood still for minutes finds that its mail is another's.
func TestANoticeThatWasTakenOverIsLetGoOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		r := &relay{fails: always(errUnreachable)}
		outbox, l := post(t, mailer.OutboxOptions{}, r)
		outbox.UseSpool(d.spool())
		pass(t, outbox, tells)
		d.mu.Lock()
		for _, w := range d.kept {
			d.put(d.spool(), w.Spooled)
		}
		d.mu.Unlock()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := l.outcomes(); !slices.Equal(got, []mailer.Outcome{mailer.Deferred, mailer.Kept}) || outbox.Pending() != 0 || len(d.all()) != 1 {
			t.Errorf("outcomes are %v, %d kept", got, len(d.all()))
		}
	})
}

// What is adopted waits for its gate, which a configuration may bring later, and takes
// few of the places that codes need.
func TestWhatIsAdoptedWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		for i := range 20 {
			n := about(challenge.NewSignIn)
			n.Gate, n.Known = "app", true
			d.put(nil, challenge.Spooled{ID: fmt.Sprint("id", i), Notice: n, Queued: time.Now(), Until: time.Now().Add(4 * time.Hour), Tries: 1})
		}
		time.Sleep(3 * time.Minute)
		r := &relay{takes: 15 * time.Second}
		outbox, l := post(t, mailer.OutboxOptions{Size: 16, Workers: 1}, r)
		outbox.Use("app")
		outbox.UseSpool(d.spool())
		time.Sleep(5 * time.Minute)
		if outbox.Pending() != 0 || len(l.all()) != 0 {
			t.Fatalf("%d pending without a route, reports %+v", outbox.Pending(), l.all())
		}
		outbox.Use("app", route(r))
		most := 0
		for range 60 {
			time.Sleep(10 * time.Second)
			most = max(most, outbox.Pending())
		}
		if most != 4 || r.calls() != 20 || len(d.all()) != 0 {
			t.Errorf("%d places were taken at most, %d mails sent, %d kept; want 4, 20 and 0", most, r.calls(), len(d.all()))
		}
	})
}

func TestWhatIsAdoptedEndsInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		n := about(challenge.NewSignIn)
		n.Gate = "gone"
		d.put(nil, challenge.Spooled{ID: "id", Notice: n, Queued: time.Now(), Until: time.Now().Add(time.Hour), Tries: 3})
		outbox, l := post(t, mailer.OutboxOptions{}, &relay{})
		outbox.UseSpool(d.spool())
		time.Sleep(2 * time.Hour)
		if got := l.all(); len(got) != 1 || got[0].Outcome != mailer.Failed || got[0].Try != 3 || len(d.all()) != 0 {
			t.Errorf("reports are %+v, %d kept", got, len(d.all()))
		}
	})
}

func TestAnOutboxThatIsClosedAdoptsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &drawer{}
		outbox, _ := post(t, mailer.OutboxOptions{}, &relay{})
		outbox.UseSpool(d.spool())
		if err := outbox.Close(t.Context()); err != nil {
			t.Errorf("Close = %v", err)
		}
		d.put(nil, challenge.Spooled{ID: "id", Notice: about(challenge.NewSignIn), Queued: time.Now(), Until: time.Now().Add(time.Hour)})
		outbox.UseSpool(d.spool())
		time.Sleep(10 * time.Minute)
		if got := d.all(); len(got) != 1 {
			t.Errorf("kept %v", got)
		}
	})
}
