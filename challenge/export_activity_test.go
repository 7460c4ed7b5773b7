// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "context"

// WriteJournal writes what waits to be written, and reports whether the store took
// it.
func WriteJournal(ctx context.Context, h *House) bool { return h.journal.flush(ctx, h) }

// EraseActivity forgets what happened to an address.
func EraseActivity(ctx context.Context, h *House, e Email) error {
	return h.eraseActivity(ctx, h.personID(e))
}

// AllActivity is all that happened to an address.
func AllActivity(ctx context.Context, h *House, e Email) ([]ActivityRow, error) {
	return h.allActivity(ctx, h.personID(e))
}

// MaxQueue is how much waits at most.
const MaxQueue = maxQueue
