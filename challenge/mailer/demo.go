// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"slices"
	"sync"
)

// inboxLimit is how many mails an Inbox keeps.
const inboxLimit = 50

// An Inbox is a Transport for demonstrations: it keeps the last fifty mails in
// memory, for all to read. The zero value is ready.
type Inbox struct {
	mu      sync.Mutex // guards below
	mails   []Message  // oldest first
	arrived chan struct{}
}

// Deliver keeps m. It does not fail.
func (b *Inbox) Deliver(_ context.Context, m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, m)
	if len(b.mails) > inboxLimit {
		b.mails = slices.Delete(b.mails, 0, len(b.mails)-inboxLimit)
	}
	if b.arrived != nil {
		close(b.arrived)
		b.arrived = nil
	}
	return nil
}

// Messages returns the mails, newest first, and a channel that is closed when
// the next one arrives.
func (b *Inbox) Messages() (newestFirst []Message, next <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.arrived == nil {
		b.arrived = make(chan struct{})
	}
	newestFirst = slices.Clone(b.mails)
	slices.Reverse(newestFirst)
	return newestFirst, b.arrived
}

var _ Transport = (*Inbox)(nil)
