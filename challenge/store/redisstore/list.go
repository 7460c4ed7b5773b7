// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// scanCount is how many keys a server looks at before it serves somebody else.
const scanCount = 1000

// List returns at most n keys that start with prefix and follow after, in the
// order of their bytes. Each call walks through every key that the servers
// have, so that few large pages cost much less than many small ones. It never
// belongs on a request.
func (s *Store) List(ctx context.Context, prefix, after string, n int) ([]string, error) {
	end, err := s.admit(ctx)
	if err != nil || n <= 0 {
		if err == nil {
			end()
		}
		return nil, err
	}
	defer end()
	p := page{after: after, n: n}
	err = s.eachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		return s.scan(ctx, c, prefix, &p)
	})
	if err != nil {
		return nil, err
	}
	return p.cut(), nil
}

func (s *Store) scan(ctx context.Context, c *redis.Client, prefix string, p *page) error {
	pattern := literally(s.prefix+prefix) + "*"
	for cursor := uint64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, next, err := c.Scan(ctx, cursor, pattern, scanCount).Result()
		if err != nil {
			return err
		}
		p.add(keys, s.prefix)
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// literally is a pattern that matches just this text.
func literally(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}

// A page is the first n keys after one.
type page struct {
	after string
	n     int

	mu   sync.Mutex // guards keys
	keys []string
}

func (p *page) add(keys []string, prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range keys {
		if key = strings.TrimPrefix(key, prefix); key > p.after {
			p.keys = append(p.keys, key)
		}
	}
	if len(p.keys)-scanCount > p.n { // room for a few scans between two sorts
		p.keys = p.first()
	}
}

func (p *page) cut() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first()
}

// first sorts out what does not belong on the page. A scan may show a key
// twice.
func (p *page) first() []string {
	slices.Sort(p.keys)
	keys := slices.Compact(p.keys)
	return keys[:min(p.n, len(keys))]
}

// Runs names the runs of all servers that accept updates.
func (s *Store) Runs(ctx context.Context) (string, error) {
	end, err := s.admit(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	var mu sync.Mutex // guards runs
	var runs []string
	err = s.eachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		text, err := c.Info(ctx, "replication").Result()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		runs = append(runs, parseInfo(text).run())
		return nil
	})
	if err == nil && slices.Contains(runs, "") {
		err = errReplica
	}
	if err != nil {
		return "", err
	}
	slices.Sort(runs)
	return strings.Join(runs, " "), nil
}

// eachMaster calls visit for every server that accepts updates, of a cluster
// for all at once. It returns the first error.
func (s *Store) eachMaster(ctx context.Context, visit func(ctx context.Context, c *redis.Client) error) error {
	try := func(server string, call func() error) error {
		if err := s.outages.admit(server, time.Now()); err != nil {
			return err
		}
		err := call()
		fault := s.faultOf(ctx, err)
		s.noteFault(ctx, server, fault, err)
		return s.explain(fault, err)
	}
	if s.servers.cluster == nil {
		return try(s.servers.name, func() error { return visit(ctx, s.servers.one) })
	}
	if _, err := s.findInCluster(ctx, s.prefix); err != nil {
		return err
	}
	return s.servers.cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		return try(c.Options().Addr, func() error { return visit(ctx, c) })
	})
}
