// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"time"
)

// DefaultPrefix stands before every key where no other does.
const DefaultPrefix = "doorcode:"

const (
	defaultTimeout = time.Second
	poolPerCore    = 10

	maxPrefix = 128 // bytes
)

// Options says where the records are.
type Options struct {
	// Addrs are host:port, or the path of a socket: of the one server; of the
	// sentinels, where MasterName is set; or of some servers of a cluster,
	// where Cluster is set.
	Addrs []string

	// MasterName is what the sentinels call the server. Empty means that Addrs
	// are no sentinels.
	MasterName string

	// Cluster says that Addrs belong to a Redis Cluster.
	Cluster bool

	// DB is the number of the database, which in a cluster is always 0.
	DB int

	// Username and Password log in to the servers, SentinelUsername and
	// SentinelPassword to the sentinels. Without a username the password is
	// that of the default user.
	Username         string
	Password         Password
	SentinelUsername string
	SentinelPassword Password

	// TLS secures the connections to servers and sentinels alike. Nil means
	// none. Without a ServerName in it, each server must have a certificate
	// for the name it is called by.
	TLS *tls.Config

	// Prefix is put before every key, 128 bytes at most. Empty means
	// "doorcode:". One with a part in braces keeps all records in one slot of
	// a cluster, which only serves to keep them on one server.
	Prefix string

	// Timeout bounds each step: making a connection, waiting for one of the
	// pool, sending, and the wait for the answer. Zero means a second.
	Timeout time.Duration

	// PoolSize is how many connections there may be, to each server of a
	// cluster. Zero means 10 for each processor. Idle ones are closed after
	// five minutes.
	PoolSize int

	// Report is told what the operator should know of a server, once for each
	// of its runs. It is called from many goroutines and must not wait. Nil
	// means that nobody asks.
	Report func(Notice)

	dial func(ctx context.Context, network, addr string) (net.Conn, error) // nil is the network
}

// A Password cannot be printed.
type Password string

const hiddenPassword = "[password]"

// String hides the password.
func (Password) String() string { return hiddenPassword }

// Format hides the password from every verb of fmt.
func (Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenPassword) }

// LogValue hides the password from structured logs.
func (Password) LogValue() slog.Value { return slog.StringValue(hiddenPassword) }

// MarshalText hides the password from encoders.
func (Password) MarshalText() ([]byte, error) { return []byte(hiddenPassword), nil }

func (o Options) check() error {
	switch {
	case len(o.Addrs) == 0:
		return errors.New("no address given")
	case o.MasterName != "" && o.Cluster:
		return errors.New("a cluster has no sentinels: give the name of a master or cluster, not both")
	case len(o.Addrs) > 1 && o.MasterName == "" && !o.Cluster:
		return errors.New("several addresses are those of sentinels, with the name of their master, or of a cluster: say which")
	case o.DB < 0 || o.DB > 0 && o.Cluster:
		return fmt.Errorf("there is no database %d here; a cluster has only database 0", o.DB)
	case len(o.Prefix) > maxPrefix:
		return fmt.Errorf("a prefix has at most %d bytes, not %d", maxPrefix, len(o.Prefix))
	}
	return nil
}

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.PoolSize <= 0 {
		o.PoolSize = poolPerCore * runtime.GOMAXPROCS(0)
	}
	return o
}
