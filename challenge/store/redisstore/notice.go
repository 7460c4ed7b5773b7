// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// A NoticeKind says what a [Notice] is about.
type NoticeKind string

const (
	// Evicts is about a server that throws records away when its memory is
	// full: a lock-out or an ended session would be forgotten without a word.
	Evicts NoticeKind = "evicts"

	// Forgets is about a server that does not write down what it acknowledges.
	Forgets NoticeKind = "forgets"
)

// A Notice is what the operator should know of how a server is set up.
type Notice struct {
	Kind   NoticeKind
	Server string // its address, or the name its sentinels have for it
	Text   string // a sentence, with what to do
}

// A herald reports each notice once for each run of a server.
type herald struct {
	report func(Notice)

	mu   sync.Mutex // guards told
	told map[string]string
}

func newHerald(report func(Notice)) *herald {
	return &herald{report: report, told: make(map[string]string)}
}

// watch returns what a new connection to the server begins with, which is
// where a server that was started again, or took over, shows itself first.
func (h *herald) watch(server string) func(ctx context.Context, c *redis.Conn) error {
	return func(ctx context.Context, c *redis.Conn) error {
		text, err := c.Info(ctx).Result()
		var refusal redis.Error
		if errors.As(err, &refusal) {
			return nil // a server that says nothing of itself can still keep records
		}
		if err != nil {
			return err
		}
		h.tell(server, parseInfo(text))
		return nil
	}
}

func (h *herald) tell(server string, i info) {
	for _, n := range i.notices(server) {
		key := string(n.Kind) + " " + n.Server
		h.mu.Lock()
		known := h.told[key] == i["master_replid"]
		h.told[key] = i["master_replid"]
		h.mu.Unlock()
		if !known {
			h.report(n)
		}
	}
}

// info is what a server says of itself, by the names of its own.
type info map[string]string

func parseInfo(text string) info {
	i := make(info)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			i[name] = value
		}
	}
	return i
}

// run is the name of the run of a server that accepts updates, or empty.
func (i info) run() string {
	if i["role"] != "master" {
		return ""
	}
	return i["master_replid"]
}

// notices are about servers that keep records: not about sentinels, and not
// about replicas, which have their say once they take over.
func (i info) notices(server string) (all []Notice) {
	if i.run() == "" {
		return nil
	}
	policy := i["maxmemory_policy"]
	if limit := i["maxmemory"]; limit != "" && limit != "0" && policy != "noeviction" {
		all = append(all, Notice{Evicts, server, fmt.Sprintf(
			"redis %s may evict records when its memory is full (its maxmemory-policy is %s), lock-outs and ended sessions among them: set maxmemory-policy noeviction", server, policy)})
	}
	if i["aof_enabled"] == "0" {
		all = append(all, Notice{Forgets, server, fmt.Sprintf(
			"redis %s keeps no append-only file: a restart loses the counters, sessions and codes since its last snapshot, or everything where it makes none: set appendonly yes", server)})
	}
	return all
}
