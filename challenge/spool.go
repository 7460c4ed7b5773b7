// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// A Spooled is a notice that waits for another try, as a Spool keeps it. It never
// carries a code: a code is soon over, and is asked for again.
type Spooled struct {
	ID     string // from the mail queue
	Notice Notice
	Queued time.Time
	Until  time.Time // when it is no longer tried
	Tries  int
}

// A Spool keeps notices that could not be handed over at once in the store, sealed, so
// that they outlive the process. Each is held by one living Spool; what one leaves
// behind, another one adopts. It is safe for concurrent use.
type Spool struct {
	house  *House
	holder id
	known  atomic.Int64 // how many there are, as far as this one knows
}

// Spool makes a new Spool on the house's store. Each mail queue has one of its own: what
// a queue that was closed has left behind is adopted by the next.
func (h *House) Spool() *Spool { return &Spool{house: h, holder: newID()} }

// errors of a Spool, beside ErrUnavailable.
var (
	// ErrSpoolFull: there is room for no more notices.
	ErrSpoolFull = errors.New("there is no room for more mails that wait")
	// ErrSpoolsNoCodes: codes are not kept.
	ErrSpoolsNoCodes = errors.New("codes are not kept")
	// ErrSpoolTaken: another Spool has adopted the notice, and tries it from now on.
	ErrSpoolTaken = errors.New("the mail is another machine's by now")
)

const (
	keySpool = "spool/"
	// leaseFor is how long a notice is held after the last sign of life of its holder.
	leaseFor = 2 * time.Minute
	// maxSpool bounds how many notices wait. It is counted once a minute, so that several
	// machines may come to somewhat more.
	maxSpool = 256

	labelSpool   keyring.Label = "mail that waits"
	labelSpooled keyring.Label = "name of a mail that waits"
)

// A spooled is the record of one notice.
type spooled struct {
	Version int    `json:"v"`
	Sealed  string `json:"x"`
	Holder  id     `json:"h"`
	Lease   int64  `json:"l"`               // Unix seconds; until then it is held
	Until   int64  `json:"u"`               // Unix seconds
	Epoch   int64  `json:"epoch,omitempty"` // in which the record was written last, see endRing
}

// spooledVersion is the format of the record.
const spooledVersion = 1

func (s *spooled) format() (is, known int) { return s.Version, spooledVersion }

// settle forgets a notice that comes from a copy of the store: it was sent long ago.
func (s *spooled) settle(now life) {
	if s.Epoch < now.epoch {
		*s = spooled{Epoch: now.epoch}
	}
}

func (s *spooled) lives(now time.Time) time.Duration {
	if s.Sealed == "" {
		return 0
	}
	return time.Unix(s.Until, 0).Sub(now)
}

// freeFor reports whether a Spool may have a notice.
func (s *spooled) freeFor(holder id, now time.Time) bool {
	return s.Holder == holder || now.Unix() >= s.Lease
}

// A spooledMail is what is sealed. The code, which cannot be read back, is left out.
type spooledMail struct {
	ID     string
	Notice struct {
		Notice
		Code *struct{} `json:",omitempty"`
	}
	Queued time.Time
	Tries  int
}

func (s *Spool) key(name string) (key string, about id) {
	about = cut(s.house.ring.MAC(labelSpooled, []byte(name)))
	return keySpool + about.String(), about
}

// Keep writes a notice, or how often it was tried by now, and holds it for this process
// for two minutes. Its errors are ErrSpoolFull, ErrSpoolsNoCodes, ErrSpoolTaken and
// ErrUnavailable.
func (s *Spool) Keep(ctx context.Context, w Spooled) error {
	if w.Notice.Subject.HasCode() || w.Notice.Code.Reveal() != "" {
		return ErrSpoolsNoCodes
	}
	key, about := s.key(w.ID)
	sealed := s.seal(w, about)
	anew := false
	err := change(ctx, s.house.store, key, func(r *spooled, now time.Time) error {
		if anew = r.Sealed == ""; anew && s.known.Load() >= maxSpool {
			return ErrSpoolFull
		}
		if !anew && !r.freeFor(s.holder, now) {
			return ErrSpoolTaken
		}
		*r = spooled{
			Version: spooledVersion, Sealed: sealed, Holder: s.holder, Lease: now.Add(leaseFor).Unix(), Until: w.Until.Unix(), Epoch: r.Epoch,
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrSpoolFull), errors.Is(err, ErrSpoolTaken):
		return err
	case err != nil:
		return unavailable(err)
	}
	if anew {
		s.known.Add(1)
	}
	return nil
}

// Done forgets a notice, unless another Spool has adopted it. Its errors are
// ErrUnavailable.
func (s *Spool) Done(ctx context.Context, name string) error {
	key, _ := s.key(name)
	err := change(ctx, s.house.store, key, func(r *spooled, now time.Time) error {
		if r.Sealed == "" || !r.freeFor(s.holder, now) {
			return errUnchanged
		}
		*r = spooled{}
		return nil
	})
	switch {
	case errors.Is(err, errUnchanged):
		return nil
	case err != nil:
		return unavailable(err)
	}
	s.known.Add(-1)
	return nil
}

// Adopt takes over the notices that no living Spool holds any more, and goes on holding
// its own. It looks through the store, so it is for the start and once a minute. Its
// errors are ErrUnavailable; what it returns with one is adopted all the same.
func (s *Spool) Adopt(ctx context.Context) ([]Spooled, error) {
	lister, ok := s.house.store.Store.(Lister)
	if !ok {
		return nil, unavailable(errNoLister)
	}
	keys, err := lister.List(ctx, keySpool, "", 2*maxSpool)
	if err != nil {
		return nil, unavailable(err)
	}
	s.known.Store(int64(len(keys)))
	var all []Spooled
	for _, key := range keys {
		w, found, err := s.take(ctx, key)
		if err != nil {
			return all, unavailable(err)
		}
		if found {
			all = append(all, w)
		}
	}
	return all, nil
}

// take adopts a notice, if it is nobody's any more, and holds it if it is our own.
func (s *Spool) take(ctx context.Context, key string) (w Spooled, found bool, err error) {
	seen, err := read[spooled](ctx, s.house.store, key)
	if errors.Is(err, errUnreadable) {
		return Spooled{}, false, nil // of a later version: another machine tries it
	}
	if err != nil || seen.Holder != s.holder && s.house.now().Unix() < seen.Lease {
		return Spooled{}, false, err
	}
	var ours bool
	err = change(ctx, s.house.store, key, func(r *spooled, now time.Time) error {
		if seen, ours = *r, r.Holder == s.holder; r.Sealed == "" {
			return nil // from a copy, or over
		}
		if !r.freeFor(s.holder, now) {
			return errUnchanged
		}
		r.Holder, r.Lease = s.holder, now.Add(leaseFor).Unix()
		found = !ours
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return Spooled{}, false, nil
	}
	if err != nil || !found {
		return Spooled{}, false, err
	}
	w, found = s.open(key, &seen)
	return w, found, nil
}

func (s *Spool) seal(w Spooled, about id) string {
	m := spooledMail{ID: w.ID, Queued: w.Queued, Tries: w.Tries}
	m.Notice.Notice = w.Notice
	plain, err := json.Marshal(m)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(s.house.ring.Seal(labelSpool, plain, about[:]))
}

// open reads what seal made. What cannot be read is over with its time.
func (s *Spool) open(key string, r *spooled) (w Spooled, ok bool) {
	var about id
	if about.UnmarshalText([]byte(key[len(keySpool):])) != nil {
		return Spooled{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(r.Sealed)
	if err != nil {
		return Spooled{}, false
	}
	var m spooledMail
	plain, err := s.house.ring.Open(labelSpool, raw, about[:])
	if err != nil || json.Unmarshal(plain, &m) != nil {
		return Spooled{}, false
	}
	return Spooled{ID: m.ID, Notice: m.Notice.Notice, Queued: m.Queued, Until: time.Unix(r.Until, 0), Tries: m.Tries}, true
}
