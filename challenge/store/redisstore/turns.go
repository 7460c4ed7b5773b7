// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"sync"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// turns let the Updates of one key go one after another. The server would keep
// them apart as well, but each that loses there has come in vain: of 64 tries
// at one address only one in each round would be kept.
type turns struct {
	mu   sync.Mutex // guards below
	keys map[string]*turn
}

type turn struct {
	taken chan struct{} // holds one value while somebody has the turn
	users int           // who has it or waits for it
}

// take waits for the turn of key and returns what gives it back. It returns
// the error of ctx, or challenge.ErrClosed once closing is closed.
func (t *turns) take(ctx context.Context, key string, closing <-chan struct{}) (giveBack func(), err error) {
	mine := t.join(key)
	select {
	case mine.taken <- struct{}{}:
		return func() {
			<-mine.taken
			t.leave(key, mine)
		}, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-closing:
		err = challenge.ErrClosed
	}
	t.leave(key, mine)
	return nil, err
}

func (t *turns) join(key string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := t.keys[key]
	if mine == nil {
		mine = &turn{taken: make(chan struct{}, 1)}
		t.keys[key] = mine
	}
	mine.users++
	return mine
}

func (t *turns) leave(key string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.keys, key)
	}
}
