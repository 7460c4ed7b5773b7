// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrAway reports that a server cannot be reached, or does not answer in time.
// While that lasts, calls return it at once.
var ErrAway = errors.New("redis does not answer")

// probeInterval is how often one call may find out whether a server that was
// away is back.
const probeInterval = 250 * time.Millisecond

// outages are the servers that did not answer the last call. A visitor must
// not wait for a timeout that the visitor before has seen, and a thousand of
// them must not dial at once when the server is back.
type outages struct {
	mu   sync.Mutex // guards away
	away map[string]*outage
}

type outage struct {
	since time.Time
	cause error     // of the last failure
	probe time.Time // when the next call may try
}

// admit returns nil to a call that may try the server at now, or else why the
// server is not tried.
func (o *outages) admit(server string, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.away[server]
	if a == nil {
		return nil
	}
	if now.Before(a.probe) {
		return fmt.Errorf("%w since %s: %w", ErrAway, a.since.UTC().Format(time.RFC3339), a.cause)
	}
	a.probe = now.Add(probeInterval)
	return nil
}

// note remembers how a call of the server went: a nil cause is an answer.
func (o *outages) note(server string, cause error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.away[server]
	switch {
	case cause == nil:
		delete(o.away, server)
	case a == nil:
		o.away[server] = &outage{since: now, cause: cause, probe: now.Add(probeInterval)}
	default:
		a.cause, a.probe = cause, now.Add(probeInterval)
	}
}
