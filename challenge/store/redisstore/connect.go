// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const idleTimeout = 5 * time.Minute

// servers are where commands go. One of the two clients is set.
type servers struct {
	one     *redis.Client
	cluster *redis.ClusterClient
	name    string // of the one server, or for what concerns a whole cluster
}

// connect makes the client, which dials once the first command is sent.
func connect(o Options) servers {
	u, h := o.universal(), newHerald(o.Report)
	watch := func(server string) func(context.Context, *redis.Conn) error {
		if o.Report == nil {
			return nil
		}
		return h.watch(server)
	}
	switch {
	case o.Cluster:
		c := u.Cluster()
		// Else every client asks each server for its list of commands first.
		c.DisableRoutingPolicies = true
		c.NewClient = func(n *redis.Options) *redis.Client {
			n.OnConnect = watch(n.Addr)
			return redis.NewClient(n)
		}
		return servers{cluster: redis.NewClusterClient(c), name: "cluster"}
	case o.MasterName != "":
		u.OnConnect = watch(o.MasterName)
		c := redis.NewFailoverClient(u.Failover())
		c.AddHook(quietDials{})
		return servers{one: c, name: o.MasterName}
	}
	u.OnConnect = watch(o.Addrs[0])
	return servers{one: redis.NewClient(u.Simple()), name: o.Addrs[0]}
}

func (o Options) universal() *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs:            o.Addrs,
		MasterName:       o.MasterName,
		DB:               o.DB,
		Username:         o.Username,
		Password:         string(o.Password),
		SentinelUsername: o.SentinelUsername,
		SentinelPassword: string(o.SentinelPassword),

		Dialer:          o.dialQuietly,
		DialTimeout:     o.Timeout,
		DialerRetries:   1,
		ReadTimeout:     o.Timeout,
		WriteTimeout:    o.Timeout,
		PoolTimeout:     o.Timeout,
		PoolSize:        o.PoolSize,
		ConnMaxIdleTime: idleTimeout,

		// The library cannot know which commands may be sent twice, see ask.
		MaxRetries: -1,

		// Nothing here needs what the newer protocol and its features bring,
		// and older servers answer them with errors.
		Protocol:                 2,
		PipelinePoolSize:         -1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// dialQuietly returns a connection even where none could be made: one whose
// first use says why. Of a failed dial the library would write a line to
// standard error, and after some of them refuse every call until its own
// attempts, one a second, get through.
func (o Options) dialQuietly(ctx context.Context, network, addr string) (net.Conn, error) {
	return quietly(o.reach)(ctx, network, addr)
}

func quietly(dial redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		began := time.Now()
		c, err := dial(ctx, network, addr)
		if errors.Is(err, redis.Nil) {
			err = fmt.Errorf("the sentinels know no master of this name: %w", err)
		}
		if err != nil {
			return refused{&dialError{err: err, began: began}}, nil
		}
		return c, nil
	}
}

// quietDials does the same where the library asks the sentinels before it dials.
type quietDials struct{}

func (quietDials) DialHook(next redis.DialHook) redis.DialHook { return quietly(next) }

func (quietDials) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (quietDials) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (o Options) reach(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := o.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(ctx, network, addr)
	if err != nil || o.TLS == nil {
		return c, err
	}
	config := o.TLS.Clone()
	if host, _, err := net.SplitHostPort(addr); err == nil && config.ServerName == "" {
		config.ServerName = host
	}
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close() // the handshake's error is the one that tells
		return nil, fmt.Errorf("TLS with %s: %w", addr, err)
	}
	return secure, nil
}

// A dialError means that a command was never sent. It is no wrapper: the
// library takes errors of connections apart and hands on the inner one.
type dialError struct {
	err   error
	began time.Time
}

func (e *dialError) Error() string { return e.err.Error() }

// refused is a connection that could not be made.
type refused struct{ err error }

func (r refused) Read([]byte) (int, error)       { return 0, r.err }
func (r refused) Write([]byte) (int, error)      { return 0, r.err }
func (refused) Close() error                     { return nil }
func (refused) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (refused) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (refused) SetDeadline(time.Time) error      { return nil }
func (refused) SetReadDeadline(time.Time) error  { return nil }
func (refused) SetWriteDeadline(time.Time) error { return nil }

func (s servers) process(ctx context.Context, cmd redis.Cmder) error {
	if s.cluster != nil {
		return s.cluster.Process(ctx, cmd)
	}
	return s.one.Process(ctx, cmd)
}

func (s servers) close() error {
	if s.cluster != nil {
		return s.cluster.Close()
	}
	return s.one.Close()
}
