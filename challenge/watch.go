// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"time"
)

const (
	keysEvery = 2 * endsEvery // how often the signing keys are read
	// beatLife is how long a machine counts as there after it was last seen.
	beatLife = 10 * time.Second
	// lookTime bounds one look at the store.
	lookTime = 2 * time.Second
)

// watch looks at the store twice a second, and writes the mail budget, the last of
// it when the house closes.
func (h *House) watch(ctx context.Context) {
	tick := time.NewTicker(endsEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsEvery)
			defer cancel()
			h.settleBudget(last)
			h.leave(last)
			return
		case <-tick.C:
			h.look(ctx, n%int(keysEvery/endsEvery) == 0)
			h.streams.sweep(h.now())
			h.mend(ctx)
		}
	}
}

// look learns what other machines did. Until the keys are there nothing can be
// judged, so the ends, on which everything waits, are read after them.
func (h *House) look(ctx context.Context, keysToo bool) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var err error
	if keysToo || h.signing.set.Load() == nil {
		err = h.loadKeys(ctx)
	}
	if err == nil && (keysToo || h.mute) {
		err = h.beat(ctx)
		h.mute = err != nil
	}
	if h.signing.set.Load() != nil && err == nil {
		if fault := h.readEnds(ctx); fault != nil {
			err = fault
		}
	}
	if err == nil {
		h.checkRuns(ctx)
		h.settleBudget(ctx)
	}
	h.outage.settle(ctx, h, err)
}

// beat shows that this machine is there, where the store is one of many. A store
// that takes no updates could not be told of an end either, as one that lost sight
// of the others: what it says of ends must not keep anybody signed in.
func (h *House) beat(ctx context.Context) error {
	if h.store.lossy == nil {
		return nil
	}
	return h.store.replace(ctx, h.beatKey(), nil, func([]byte, time.Time, life) ([]byte, time.Duration, error) {
		return []byte("{}"), beatLife, nil
	})
}

func (h *House) beatKey() string { return keyMachine + h.machine.String() }

// leave takes the machine's sign of life away.
func (h *House) leave(ctx context.Context) {
	if h.store.lossy != nil {
		_ = h.store.replace(ctx, h.beatKey(), nil, func([]byte, time.Time, life) ([]byte, time.Duration, error) { return nil, 0, nil })
	}
}

// checkRuns notices that a server of the store is another one, or was started
// anew, and may have lost what it had acknowledged.
func (h *House) checkRuns(ctx context.Context) {
	if h.store.lossy == nil {
		return
	}
	runs, err := h.store.lossy.Runs(ctx)
	if err != nil {
		return // it is asked again
	}
	if before := h.runs.Swap(&runs); before != nil && *before != runs {
		h.lost.Store(true)
		h.rewound.Store(true)
		h.restarted.Store(h.now().Unix())
		h.tell(ctx, Event{Name: StoreRestarted})
	}
}

// mend reminds a store that came back without some updates of what this machine
// knows, beside the watch, which must go on meanwhile.
func (h *House) mend(ctx context.Context) {
	if !h.lost.Load() || !h.mending.CompareAndSwap(false, true) {
		return
	}
	h.done.Go(func() {
		defer h.mending.Store(false)
		h.lost.Store(false)
		if err := h.remind(ctx); err != nil {
			h.lost.Store(true) // again with the next look
		}
	})
}
