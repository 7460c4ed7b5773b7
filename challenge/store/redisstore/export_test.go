// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"net"

	"github.com/redis/go-redis/v9"
)

// WithDial has every connection made by dial.
func (o Options) WithDial(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Options {
	o.dial = dial
	return o
}

// Process sends a command, Hook puts something around each command.
func (s *Store) Process(ctx context.Context, cmd redis.Cmder) error {
	return s.servers.process(ctx, cmd)
}

func (s *Store) Hook(h redis.Hook) {
	if s.servers.cluster != nil {
		s.servers.cluster.AddHook(h)
		return
	}
	s.servers.one.AddHook(h)
}

// ClientOptions are those of the client of one server.
func (s *Store) ClientOptions() *redis.Options { return s.servers.one.Options() }

// Waiting is how many keys have an Update at work or waiting.
func (s *Store) Waiting() int {
	s.turns.mu.Lock()
	defer s.turns.mu.Unlock()
	return len(s.turns.keys)
}

// WriteHash names the script that writes in a command.
var WriteHash = writeScript.hash

// Literally escapes a text for a pattern; ParseInfo and ParseSight read answers.
var (
	Literally = literally
	ParseInfo = func(text, server string) (run string, notices []Notice) {
		i := parseInfo(text)
		return i.run(), i.notices(server)
	}
	ParseSight = func(answer any) (old []byte, run string, err error) {
		s, err := parseSight(answer)
		return s.old(), s.run, err
	}
)
