// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

// Where the arguments of the writing script are in its command.
const (
	writeLength  = 10
	writeKey     = 3
	writeLives   = 6 // in milliseconds
	writeUntil   = 7 // in microseconds of the server's time
	commandFirst = 0
)

// A clock stands for a server's, which cannot be moved. It stands between a
// store and its server: records get a day more than they ask for, and the
// clock removes them when their time has come by its own reckoning.
type clock struct {
	t     *testing.T
	store *redisstore.Store

	mu     sync.Mutex // guards below
	passed time.Duration
	ends   map[string]time.Duration // by key, of passed
}

const dayMore = 24 * time.Hour

func newClock(t *testing.T) *clock { return &clock{t: t, ends: make(map[string]time.Duration)} }

// attach makes the clock that of the store.
func (c *clock) attach(s *redisstore.Store) *redisstore.Store {
	c.store = s
	s.Hook(c)
	return s
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
	for key, end := range c.ends {
		if end > c.passed {
			continue
		}
		if err := c.store.Process(c.t.Context(), redis.NewCmd(c.t.Context(), "del", key)); err != nil {
			c.t.Errorf("removing what ended: %v", err)
		}
		delete(c.ends, key)
	}
}

func (c *clock) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *clock) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *clock) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		script, ok := cmd.(interface {
			Val() any
			SetVal(val any)
		})
		name, _ := cmd.Args()[commandFirst].(string)
		if !ok || name != "eval" && name != "evalsha" {
			return next(ctx, cmd)
		}
		lives := c.prolong(cmd.Args())
		err := next(ctx, cmd)
		if parts, ok := script.Val().([]any); ok {
			script.SetVal(c.shift(parts))
		} else if err == nil {
			c.note(cmd.Args()[writeKey].(string), lives)
		}
		return err
	}
}

// prolong changes what a write asks for and returns that.
func (c *clock) prolong(args []any) (lives int64) {
	if len(args) != writeLength {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	args[writeUntil] = args[writeUntil].(int64) - c.passed.Microseconds()
	lives = args[writeLives].(int64)
	if lives > 0 {
		args[writeLives] = lives + dayMore.Milliseconds()
	}
	return lives
}

// note remembers when a record that was written ends.
func (c *clock) note(key string, lives int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ends, key)
	// What ends after the test does not fit a Duration beside what has passed.
	if lives > 0 && lives < time.Duration(1<<62).Milliseconds() {
		c.ends[key] = c.passed + time.Duration(lives)*time.Millisecond
	}
}

// shift adds what has passed to the time in an answer.
func (c *clock) shift(parts []any) []any {
	c.mu.Lock()
	defer c.mu.Unlock()
	seconds, _ := strconv.ParseInt(parts[0].(string), 10, 64)
	micros, _ := strconv.ParseInt(parts[1].(string), 10, 64)
	at := time.Unix(seconds, micros*1000).Add(c.passed)
	parts[0], parts[1] = strconv.FormatInt(at.Unix(), 10), strconv.Itoa(at.Nanosecond()/1000)
	return parts
}
