// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Follower knows when the session ends that an answer goes on for.
type Follower interface {
	// Follow has cut called, once at most and from any goroutine, when the session
	// has ended. done takes that back.
	Follow(cut func()) (done func())
}

// Follow has the answer cut when its session ends, if the app makes it an event
// stream. That is decided by the answer, since whoever asks can ask for anything.
func (g *Guard) Follow(f Follower) { g.follower = f }

// Unfollow ends what Follow began. Done does it; after a panic, which leaves the Guard
// to others, the caller does.
func (g *Guard) Unfollow() {
	if g.following != nil {
		g.following.end()
		g.following = nil
	}
}

// follow begins to follow an answer that goes on.
func (g *Guard) follow() {
	f := &following{controller: http.NewResponseController(g.w)}
	f.done = g.follower.Follow(f.cut)
	g.following = f
}

func isEventStream(types []string) bool {
	for _, media := range types {
		if len(media) >= len(eventStream) && strings.EqualFold(media[:len(eventStream)], eventStream) {
			return true
		}
	}
	return false
}

const eventStream = "text/event-stream"

// following is one answer that goes on.
type following struct {
	done func()

	ended atomic.Bool // nothing more is written

	mu         sync.Mutex // guards below
	over       bool       // the writer belongs to nobody any more
	controller *http.ResponseController
}

// errEnded is what the app's side meets when the session of an answer has ended.
var errEnded = errors.New("the session that the answer went to has ended")

// cut lets nothing more out. Over HTTP/1 the server also takes the visitor for
// gone, which ends what waits for the next thing to send.
func (f *following) cut() {
	f.ended.Store(true)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.over {
		_ = f.controller.SetReadDeadline(time.Unix(1, 0))
	}
}

// cut reports whether the answer was cut.
func (g *Guard) cut() bool { return g.following != nil && g.following.ended.Load() }

func (f *following) end() {
	f.mu.Lock()
	f.over = true
	f.mu.Unlock()
	f.done()
}
