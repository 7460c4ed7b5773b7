// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

// A fakeServer answers in memory, for what a real server cannot be made to do,
// or not without a clock that stands still.
type fakeServer struct {
	answer func(args []string) string // in the protocol's form; empty is none at all
	state  atomic.Int32               // what a dial meets
	dials  atomic.Int64

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

// What a dial of a fakeServer meets.
const (
	up int32 = iota
	down
	silent // it accepts, and reads nothing
)

func (f *fakeServer) options() redisstore.Options {
	return redisstore.Options{Addrs: []string{"fake:6379"}, PoolSize: 1000}.WithDial(f.dial)
}

func (f *fakeServer) dial(context.Context, string, string) (net.Conn, error) {
	f.dials.Add(1)
	state := f.state.Load()
	if state == down {
		return nil, syscall.ECONNREFUSED
	}
	client, server := net.Pipe()
	f.mu.Lock()
	f.conns = append(f.conns, server)
	f.mu.Unlock()
	if state == up {
		go f.serve(server)
	}
	return client, nil
}

// stop closes the server's ends of all connections.
func (f *fakeServer) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		_ = c.Close()
	}
}

func (f *fakeServer) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		args, err := readCommand(r)
		if err != nil {
			return
		}
		if _, err := io.WriteString(c, f.answer(args)); err != nil {
			return
		}
	}
}

func readCommand(r *bufio.Reader) (args []string, err error) {
	n, err := readLength(r, '*')
	for range n {
		size, err := readLength(r, '$')
		if err != nil {
			return nil, err
		}
		raw := make([]byte, size+2)
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, err
		}
		args = append(args, string(raw[:size]))
	}
	return args, err
}

func readLength(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("%q begins with no %q", line, kind)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// empty answers as a server without records does.
func empty(args []string) string {
	switch strings.ToLower(args[0]) {
	case "get":
		return "$-1\r\n"
	case "hello":
		return "-ERR unknown command\r\n"
	}
	return "+OK\r\n"
}
