// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

// A wire is a network that does one thing to a command that writes: it loses
// its answer, loses it on its way, or holds it back.
type wire struct {
	mu    sync.Mutex // guards below
	plan  []mishap   // one for each command that writes, in order
	held  []byte     // what was held back, and where it was going
	goal  net.Conn
	after func() // runs once the server has obeyed and its answer was lost
}

type mishap int

const (
	fine mishap = iota
	answerLost
	commandLost
	commandHeld
)

func (w *wire) options(o redisstore.Options) redisstore.Options { return o.WithDial(w.dial) }

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &wireConn{Conn: c, wire: w}, err
}

// next takes the first of the plan.
func (w *wire) next() (m mishap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.plan) > 0 {
		m, w.plan = w.plan[0], w.plan[1:]
	}
	return m
}

// deliver sends what was held back and waits until the server has answered it.
func (w *wire) deliver() error {
	defer w.goal.Close()
	if err := w.goal.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if _, err := w.goal.Write(w.held); err != nil {
		return err
	}
	_, err := w.goal.Read(make([]byte, 1<<10))
	return err
}

type wireConn struct {
	net.Conn
	wire *wire
	met  mishap
}

func (c *wireConn) Write(b []byte) (int, error) {
	if !bytes.Contains(b, []byte(redisstore.WriteHash)) {
		return c.Conn.Write(b)
	}
	switch c.met = c.wire.next(); c.met {
	case commandLost:
		return 0, syscall.ECONNRESET
	case commandHeld:
		c.wire.held, c.wire.goal = bytes.Clone(b), c.Conn
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *wireConn) Read(b []byte) (int, error) {
	switch c.met {
	case commandHeld:
		return 0, os.ErrDeadlineExceeded
	case answerLost:
		if n, err := c.Conn.Read(b); err != nil {
			return n, err
		}
		if c.wire.after != nil {
			c.wire.after()
		}
		return 0, syscall.ECONNRESET
	}
	return c.Conn.Read(b)
}

func (c *wireConn) Close() error {
	if c.met == commandHeld {
		return nil // what is held back is still on its way
	}
	return c.Conn.Close()
}
