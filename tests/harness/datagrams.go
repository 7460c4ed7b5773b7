// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/quicvarint"
)

// Datagrams is a network between a client of QUIC and a server, in the hands of
// somebody who lets no handshake come to its end, and keeps what the client sends.
type Datagrams struct {
	Address string // host:port at which the server seems to be

	to   string
	near *net.UDPConn
	over sync.WaitGroup

	asked  chan struct{} // closed when the client has sent its request
	answer func()        // closes it

	mu     sync.Mutex // guards below
	flight [][]byte   // what the last client sent
	far    map[string]*net.UDPConn
}

// NewDatagrams leads to a server. It ends with the test.
func NewDatagrams(t testing.TB, to string) *Datagrams {
	t.Helper()
	near, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(loopback)})
	if err != nil {
		t.Fatal(err)
	}
	d := &Datagrams{Address: near.LocalAddr().String(), to: to, near: near, far: map[string]*net.UDPConn{}, asked: make(chan struct{})}
	d.answer = sync.OnceFunc(func() { close(d.asked) })
	d.over.Go(d.forth)
	t.Cleanup(func() {
		d.answer()
		_ = near.Close()
		d.mu.Lock()
		for _, conn := range d.far {
			_ = conn.Close()
		}
		d.mu.Unlock()
		d.over.Wait()
	})
	return d
}

// forth carries what clients say.
func (d *Datagrams) forth() {
	buffer := make([]byte, 64<<10)
	for {
		n, from, err := d.near.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		conn, err := d.farOf(from)
		if err != nil {
			continue
		}
		_, _ = conn.Write(d.let(buffer[:n])) // or it is lost, as datagrams are
	}
}

// let is what goes on in place of a datagram: itself, or where it would finish the
// handshake, the first one again. A server sends no more than three times of what came
// before that (RFC 9000, section 8.1), and has to answer.
func (d *Datagrams) let(datagram []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if finishes(datagram) && len(d.flight) > 0 {
		return d.flight[0]
	}
	d.flight = append(d.flight, bytes.Clone(datagram))
	return datagram
}

// farOf is the way on for one client, whose flight begins with it.
func (d *Datagrams) farOf(client *net.UDPAddr) (*net.UDPConn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if conn := d.far[client.String()]; conn != nil {
		return conn, nil
	}
	conn, err := dialUDP(d.to)
	if err != nil {
		return nil, err
	}
	d.far[client.String()], d.flight = conn, nil
	d.over.Go(func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			<-d.asked // a client that has the server's keys sends no more early data
			_, _ = d.near.WriteToUDP(buffer[:n], client)
		}
	})
	return conn, nil
}

func dialUDP(to string) (*net.UDPConn, error) {
	at, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		return nil, err
	}
	return net.DialUDP("udp", nil, at)
}

// Replay sends what the last client sent once more, from elsewhere. A server takes it
// for another connection once it has given up the first, which never came to its
// handshake's end; until then whatever comes only keeps that alive.
func (d *Datagrams) Replay() error {
	d.mu.Lock()
	flight := d.flight
	d.mu.Unlock()
	for range 3 {
		<-time.After(givenUp)
		conn, err := dialUDP(d.to)
		if err != nil {
			return err
		}
		answered := sends(conn, flight)
		if err := conn.Close(); err != nil || answered {
			return err
		}
	}
	return errors.New("the server did not answer what was sent again")
}

// givenUp is a little more than a server waits for a handshake that does not go on.
const givenUp = 6 * time.Second

// sends reports whether the beginning of a connection comes back.
func sends(conn *net.UDPConn, flight [][]byte) bool {
	for _, datagram := range flight {
		if _, err := conn.Write(datagram); err != nil {
			return false
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return false
	}
	for {
		n, err := conn.Read(make([]byte, 64<<10))
		if err != nil || n >= leastFlight {
			return err == nil
		}
	}
}

// leastFlight is the size of a datagram with which a server begins a connection, RFC
// 9000 section 14.1; others, as where it ends an old one, are smaller.
const leastFlight = 1200

// The types of long packets of QUIC, RFC 9000 section 17.2.
const packetInitial, packetHandshake = 0, 2

// finishes reports whether a client's datagram holds a packet of the handshake, by
// which the server would learn that this client has the keys (RFC 9000, section 12.2).
func finishes(datagram []byte) bool {
	for len(datagram) > 7 && datagram[0]&0x80 != 0 {
		kind, rest := datagram[0]>>4&3, datagram[1:]
		if kind == packetHandshake {
			return true
		}
		if binary.BigEndian.Uint32(rest) != 1 {
			return false
		}
		rest = rest[4:]
		for range 2 { // the identifiers of both sides
			if len(rest) == 0 || len(rest) <= int(rest[0]) {
				return false
			}
			rest = rest[1+int(rest[0]):]
		}
		if kind == packetInitial {
			token, n, err := quicvarint.Parse(rest)
			if err != nil || uint64(len(rest)-n) < token {
				return false
			}
			rest = rest[uint64(n)+token:]
		}
		length, n, err := quicvarint.Parse(rest)
		if err != nil || uint64(len(rest)-n) < length {
			return false
		}
		datagram = rest[uint64(n)+length:]
	}
	return false
}
