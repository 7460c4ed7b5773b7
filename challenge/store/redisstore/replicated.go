// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotReplicated reports that no replica says in time that it has a record. The
// server that keeps the record has it, and a replica that takes its place may not.
var ErrNotReplicated = errors.New("no replica of redis says that it has this")

// handOnScript returns how many replicas a server has, after it has sent them the
// record once more, or that there is none; -1 where it is a replica itself. A server
// waits only for what came over the same connection, and the update may have come
// over another one: of a connection that wrote nothing it says at once that all is
// well.
const handOnScript = `
local i = redis.call('INFO', 'replication')
if not string.match(i, 'role:master') then return -1 end
local replicas = tonumber(string.match(i, 'connected_slaves:(%d+)')) or 0
if replicas > 0 then
  local is = redis.call('GET', KEYS[1])
  if is then
    redis.call('SET', KEYS[1], is, 'KEEPTTL')
  else
    redis.call('SET', KEYS[1], '')
    redis.call('DEL', KEYS[1])
  end
end
return replicas
`

// Replicated returns once a replica has the last update of a record, within
// [Options.Timeout], or [ErrNotReplicated]. Where the server has no replicas that
// are connected to it, it returns nil. It takes one round trip there, and two where
// there are some; other updates cost no more than without it.
//
// It is asked once: a server that was lost before it answered may be another one by
// the time it is asked again.
func (s *Store) Replicated(ctx context.Context, key string) error {
	end, err := s.begin(ctx, key)
	if err != nil {
		return err
	}
	defer end()
	key = s.prefix + key
	server, err := s.find(ctx, key)
	if err != nil {
		return err
	}
	err = s.confirm(ctx, key)
	if errors.Is(err, ErrNotReplicated) || errors.Is(err, errReplica) {
		s.noteFault(ctx, server, none, nil)
		return err
	}
	fault := s.faultOf(ctx, err)
	s.noteFault(ctx, server, fault, err)
	return s.explain(fault, err)
}

// confirm asks the server that keeps a key, and the one that it names instead where
// the parts of a cluster have moved.
func (s *Store) confirm(ctx context.Context, key string) error {
	if s.servers.cluster == nil {
		return s.confirmAt(ctx, s.servers.one, key, false)
	}
	node, err := s.servers.cluster.MasterForKey(ctx, key)
	if err != nil {
		return err
	}
	err = s.confirmAt(ctx, node, key, false)
	addr, moved := redis.IsMovedError(err)
	ask := false
	if !moved {
		addr, ask = redis.IsAskError(err)
	}
	if !moved && !ask {
		return err
	}
	if node, err = s.masterAt(ctx, addr); err != nil {
		return err
	}
	return s.confirmAt(ctx, node, key, ask)
}

// masterAt finds the client of a server of the cluster, as the cluster is now.
func (s *Store) masterAt(ctx context.Context, addr string) (*redis.Client, error) {
	found := make(chan *redis.Client, 1) // it is asked for by address, of which there is one
	err := s.servers.cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		if c.Options().Addr == addr {
			found <- c
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	select {
	case c := <-found:
		return c, nil
	default:
		return nil, fmt.Errorf("the cluster names no master at %s", addr)
	}
}

// confirmAt does both steps on one connection. moving says that the key is on its
// way to this server, which serves it only to those who say that they know.
func (s *Store) confirmAt(ctx context.Context, server *redis.Client, key string, moving bool) error {
	c := server.Conn()
	defer c.Close()
	if moving {
		if _, err := sendTo(ctx, c.Process, "asking"); err != nil {
			return err
		}
	}
	answer, err := sendTo(ctx, c.Process, "eval", handOnScript, 1, key)
	if err != nil {
		return err
	}
	switch replicas, ok := answer.(int64); {
	case !ok:
		return fmt.Errorf("asking redis for its replicas: it answered %T", answer)
	case replicas == 0:
		return nil
	case replicas < 0:
		return errReplica
	}
	return s.wait(ctx, c)
}

// wait leaves the last quarter of the timeout for the answer.
func (s *Store) wait(ctx context.Context, c *redis.Conn) error {
	longest := max(s.timeout*3/4, time.Millisecond) // 0 would be for ever
	answer, err := sendTo(ctx, c.Process, "wait", 1, longest.Milliseconds())
	if err != nil {
		return err
	}
	if n, _ := answer.(int64); n < 1 {
		return fmt.Errorf("%w after %v", ErrNotReplicated, longest)
	}
	return nil
}
