// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

func increment(old []byte, _ time.Time) ([]byte, time.Duration, error) {
	n, err := strconv.Atoi("0" + string(old))
	return strconv.AppendInt(nil, int64(n+1), 10), time.Hour, err
}

// F-07: whatever a network does to one write, it is kept once or not at all,
// and Update does not say that it was kept when it was not.
func TestF07AWriteIsKeptAtMostOnce(t *testing.T) {
	t.Parallel()
	topologies := map[string]redisstore.Options{
		"one server": {Addrs: []string{redistest.Start(t).Addr}, Timeout: slowMachine},
		"a cluster":  {Addrs: redistest.Addrs(redistest.Cluster(t, 3, false)), Cluster: true, Timeout: slowMachine},
	}
	other := func(change edit) func(t *testing.T, s challenge.Store) {
		return func(t *testing.T, s challenge.Store) {
			if err := s.Update(t.Context(), "a", change); err != nil {
				t.Errorf("the other's Update = %v", err)
			}
		}
	}
	tests := map[string]badLuck{
		"an answer is lost": {"5", []mishap{answerLost}, nil, increment, nil, "6"},
		"a write is lost":   {"5", []mishap{commandLost}, nil, increment, nil, "6"},
		"both are": {
			"5", []mishap{commandLost, answerLost}, nil, increment, redisstore.ErrUnsure, "6",
		},
		"an answer is lost, and another write comes in between": {
			"5", []mishap{answerLost}, other(increment), increment, redisstore.ErrUnsure, "7",
		},
		"an answer is lost, and the record is removed in between": {
			"5", []mishap{answerLost}, other(remove), increment, redisstore.ErrUnsure, "",
		},
		"the answer to a first write is lost": {"", []mishap{answerLost}, nil, increment, nil, "1"},
		"the answer to a first write is lost, and the record is removed in between": {
			"", []mishap{answerLost}, other(remove), increment, redisstore.ErrUnsure, "",
		},
		"a first write is lost":           {"", []mishap{commandLost}, nil, increment, redisstore.ErrUnsure, ""},
		"the answer to a removal is lost": {"5", []mishap{answerLost}, nil, remove, redisstore.ErrUnsure, ""},
		"a removal is lost":               {"5", []mishap{commandLost}, nil, remove, nil, ""},
		"a removal's answer is lost, and the record is made anew in between": {
			"5", []mishap{answerLost}, other(set("new", 0)), remove, redisstore.ErrUnsure, "new",
		},
	}
	for topology, o := range topologies {
		for name, test := range tests {
			t.Run(topology+": "+name, func(t *testing.T) { test.try(t, o) })
		}
	}
}

// badLuck is what a network does to one Update.
type badLuck struct {
	before  string // empty for no record
	plan    []mishap
	between func(t *testing.T, s challenge.Store) // by another store, once the answer was lost
	change  edit
	err     error
	after   string
}

func (b badLuck) try(t *testing.T, o redisstore.Options) {
	t.Helper()
	w := &wire{}
	o.Prefix = newPrefix()
	s, witness := open(t, w.options(o)), open(t, o)
	// By then the record's server knows the scripts.
	if put(t, s, "a", b.before, time.Hour); b.before == "" {
		if err := s.Update(t.Context(), "a", remove); err != nil {
			t.Fatalf("Update = %v", err)
		}
	}
	w.plan = b.plan
	if b.between != nil {
		w.after = func() { b.between(t, witness) }
	}
	if err := s.Update(t.Context(), "a", b.change); !errors.Is(err, b.err) {
		t.Errorf("Update = %v, want %v", err, b.err)
	}
	if b.after == "" {
		wantMissing(t, witness, "a")
		return
	}
	wantValue(t, witness, "a", b.after)
}

// F-07: a write that a network held back, and that was given up, must not
// happen when its record has long been what it was again.
func TestF07AWriteThatWasHeldBackNeverHappens(t *testing.T) {
	server := redistest.Start(t)
	const timeout = 50 * time.Millisecond
	for name, before := range map[string]string{"of a record": "5", "of a new record": ""} {
		t.Run(name, func(t *testing.T) {
			o := redisstore.Options{Addrs: []string{server.Addr}, Prefix: newPrefix(), Timeout: slowMachine}
			w, quick, witness := &wire{}, o, open(t, o)
			quick.Timeout = timeout
			s := open(t, w.options(quick))
			redistest.Await(t, "the server knows the scripts", func() bool {
				return s.Update(t.Context(), "other", set("x", 0)) == nil
			})
			if before != "" {
				put(t, witness, "a", before, 0)
			}
			w.plan = []mishap{commandHeld, commandLost}
			if err := s.Update(t.Context(), "a", increment); !errors.Is(err, redisstore.ErrUnsure) {
				t.Fatalf("Update = %v, want ErrUnsure", err)
			}
			awaitServerTime(t, server, 3*timeout)
			if err := w.deliver(); err != nil {
				t.Fatalf("delivering what was held back: %v", err)
			}
			if before == "" {
				wantMissing(t, witness, "a")
				return
			}
			wantValue(t, witness, "a", before)
		})
	}
}

// awaitServerTime waits until so much has passed at the server.
func awaitServerTime(t *testing.T, server *redistest.Server, d time.Duration) {
	t.Helper()
	c := server.Client()
	began, err := c.Time(t.Context()).Result()
	if err != nil {
		t.Fatalf("asking for the time: %v", err)
	}
	redistest.Await(t, "time passes", func() bool {
		now, err := c.Time(t.Context()).Result()
		return err == nil && now.Sub(began) > d
	})
}
