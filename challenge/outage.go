// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"sync/atomic"
	"time"
)

// An outage is what the operator is told of a store that does not answer.
type outage struct {
	fault atomic.Pointer[error] // of the last look, nil when it succeeded
	told  atomic.Int64          // Unix nanoseconds at which a gate told of it
}

// outageEvery is how often gates tell of an outage, whatever comes in.
const outageEvery = time.Minute

// settle takes in how a look at the store went, and tells when it goes away and
// when it is back.
func (o *outage) settle(ctx context.Context, h *House, err error) {
	if err == nil {
		if before := o.fault.Swap(nil); before != nil {
			h.tell(ctx, Event{Name: StoreBack})
		}
		return
	}
	if before := o.fault.Swap(&err); before == nil {
		h.tell(ctx, Event{Name: StoreAway, Err: err})
	}
}

// now is the fault of the last look, if it had one.
func (o *outage) now() error {
	if fault := o.fault.Load(); fault != nil {
		return *fault
	}
	return nil
}

// hushes reports whether there is no need to tell of one more call that failed.
func (o *outage) hushes(now time.Time) bool {
	at := o.told.Load()
	return o.now() != nil && (now.UnixNano()-at < int64(outageEvery) || !o.told.CompareAndSwap(at, now.UnixNano()))
}
