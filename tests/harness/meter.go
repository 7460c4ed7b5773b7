// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// A Meter is a network between machines and a server that counts what goes through
// it.
type Meter struct {
	Address string // host:port at which the server seems to be

	word []byte

	mu sync.Mutex // guards below
	at Reading
}

// A Reading is what a meter has counted.
type Reading struct {
	Dials int // connections
	Trips int // times that a connection waited for the server
	Words int // times that the word was asked for
	Sent  int // bytes to the server
	Got   int // bytes from the server
}

// Since is what came after an earlier reading.
func (r Reading) Since(before Reading) Reading {
	return Reading{r.Dials - before.Dials, r.Trips - before.Trips, r.Words - before.Words, r.Sent - before.Sent, r.Got - before.Got}
}

// NewMeter leads to a server. It counts how often a word is in what is asked.
func NewMeter(t testing.TB, to, word string) *Meter {
	t.Helper()
	listener, err := net.Listen("tcp", loopback+":"+FreePort(t))
	if err != nil {
		t.Fatal(err)
	}
	m := &Meter{Address: listener.Addr().String(), word: []byte(word)}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { m.carry(conn, to) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	return m
}

// Read is what was counted so far.
func (m *Meter) Read() Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *Meter) count(add Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at.Dials += add.Dials
	m.at.Trips += add.Trips
	m.at.Words += add.Words
	m.at.Sent += add.Sent
	m.at.Got += add.Got
}

// carry passes on what both sides of a connection say until one ends it.
func (m *Meter) carry(client net.Conn, to string) {
	defer client.Close() //nolint:errcheck // whoever dialled notices
	m.count(Reading{Dials: 1})
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // nobody waits for it
	var asked sync.Mutex // guards waits
	waits := false
	var both sync.WaitGroup
	both.Go(func() {
		var tail []byte
		pass(client, server, func(chunk []byte) {
			text := append(tail, chunk...)
			trip := Reading{Sent: len(chunk), Words: bytes.Count(text, m.word)}
			tail = bytes.Clone(text[max(0, len(text)-len(m.word)+1):])
			asked.Lock()
			if !waits {
				waits, trip.Trips = true, 1
			}
			asked.Unlock()
			m.count(trip)
		})
	})
	both.Go(func() {
		pass(server, client, func(chunk []byte) {
			asked.Lock()
			waits = false
			asked.Unlock()
			m.count(Reading{Got: len(chunk)})
		})
	})
	both.Wait()
}

// pass copies from one side to the other, and ends both when one ends.
func pass(from, to net.Conn, see func(chunk []byte)) {
	defer to.Close()   //nolint:errcheck // over
	defer from.Close() //nolint:errcheck // over
	chunk := make([]byte, 32<<10)
	for {
		n, err := from.Read(chunk)
		if n > 0 {
			see(chunk[:n])
		}
		if err != nil {
			return
		}
		if _, err := to.Write(chunk[:n]); err != nil {
			return
		}
	}
}
