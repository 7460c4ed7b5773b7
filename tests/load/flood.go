// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// A flood is requests of strangers, as many a second as it is told, each from another
// network.
type flood struct {
	address  string
	requests []stranger
	next     atomic.Int64
	sent     atomic.Int64
	broken   atomic.Int64
}

// A stranger is a request in two parts, between which the client address belongs, and
// the answer that it gets.
type stranger struct {
	before, after []byte
	status        int
}

const placeOfAddress = "192.0.2.123"

// floodConnections are enough for each to have its answer before its next turn. Where
// the machine cannot keep up even so, fewer strangers come, which the results tell.
const floodConnections = 256

// write makes a request that can be sent from any address.
func (v *visitor) write(ctx context.Context, status int, method, path string, fields url.Values) (stranger, error) {
	v.from = placeOfAddress
	r, err := v.request(ctx, method, path, fields)
	if err != nil {
		return stranger{}, err
	}
	cookies, err := v.cookies()
	if err != nil {
		return stranger{}, err
	}
	if cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	raw, err := httputil.DumpRequestOut(r, true)
	if err != nil {
		return stranger{}, err
	}
	before, after, found := bytes.Cut(raw, []byte(placeOfAddress))
	if !found {
		return stranger{}, fmt.Errorf("writing a request: there is no address in it")
	}
	return stranger{before, after, status}, nil
}

// strangers are requests of people who are not in: for the page, for a mail, and with a
// wrong code. The last two are always the same, so that the address soon has all mails that
// it may have, and the tries at the code are used up: what goes on for hours is that.
func (c *server) strangers(ctx context.Context, mails *post) (*flood, error) {
	v, err := c.visit(0)
	if err != nil {
		return nil, err
	}
	defer v.close()
	f := &flood{address: "127.0.0.1:" + c.port}
	page, err := v.write(ctx, http.StatusUnauthorized, http.MethodGet, "/x", nil)
	if err != nil {
		return nil, err
	}
	if _, _, err := v.do(ctx, http.MethodGet, "/x", nil); err != nil {
		return nil, err
	}
	mail, err := v.write(ctx, http.StatusSeeOther, http.MethodPost, "/.doorcode/email", url.Values{"flow": {v.form}, "email": {"flooded@example.com"}})
	if err != nil {
		return nil, err
	}
	if _, err := v.ask(ctx, mails, "guessed@example.com"); err != nil {
		return nil, err
	}
	code, err := v.write(ctx, http.StatusSeeOther, http.MethodPost, "/.doorcode/verify", url.Values{"flow": {v.form}, "code": {"000000"}})
	f.requests = []stranger{page, mail, code}
	return f, err
}

// silent are requests to a site that says 401 to everything.
func (c *server) silent(ctx context.Context) (*flood, error) {
	site := *c
	site.port = c.still
	v, err := site.visit(0)
	if err != nil {
		return nil, err
	}
	defer v.close()
	page, err := v.write(ctx, http.StatusUnauthorized, http.MethodGet, "/x", nil)
	return &flood{address: "127.0.0.1:" + c.still, requests: []stranger{page}}, err
}

// length is how long the answer to the first of the requests is, in bytes.
func (f *flood) length(ctx context.Context) (int, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // nobody waits for it
	if _, err := conn.Write(f.requests[0].from(0)); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	raw, err := httputil.DumpResponse(answer, true)
	return len(raw), err
}

// from is the request of the n-th network.
func (one stranger) from(n int) []byte {
	return append(append(bytes.Clone(one.before), networkOf(n)...), one.after...)
}

// run sends so many requests a second until the context ends, and returns how many were
// answered.
func (f *flood) run(ctx context.Context, rate float64) int {
	if rate <= 0 {
		<-ctx.Done()
		return 0
	}
	f.sent.Store(0)
	turn := time.Duration(float64(floodConnections) / rate * float64(time.Second))
	var all sync.WaitGroup
	for i := range floodConnections {
		first := turn * time.Duration(i) / floodConnections // one after the other, not all at once
		all.Go(func() {
			if f.send(ctx, first, turn) != nil && ctx.Err() == nil {
				f.broken.Add(1)
			}
		})
	}
	all.Wait()
	return int(f.sent.Load())
}

// send sends a request over one connection after a while, and then one each turn.
func (f *flood) send(ctx context.Context, first, turn time.Duration) error {
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nobody waits for it
	answers := bufio.NewReader(conn)
	due := time.NewTimer(first)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-due.C:
			due.Reset(turn)
		}
		n := f.next.Add(1)
		one := f.requests[int(n)%len(f.requests)]
		if _, err := conn.Write(one.from(int(n))); err != nil {
			return err
		}
		if err := answered(answers, one.status); err != nil {
			return err
		}
		f.sent.Add(1)
	}
}

// answered reads an answer to its end, which is to have a status.
func answered(answers *bufio.Reader, status int) error {
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != status {
		return fmt.Errorf("the answer has status %d, want %d", answer.StatusCode, status)
	}
	return nil
}
