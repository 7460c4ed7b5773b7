// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// wanderers are so many people that their requests would not fit into wrk: a file with
// their Cookie lines, of one size and one after the other.
type wanderers struct {
	file  string
	size  int // bytes of one
	count int
}

// wandering has wrk read the Cookie line of a random person for each request. Nothing is
// buffered, or one person's line would be read from memory, and a million's would not.
const wandering = `
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
local file, size, count, before, after
function init(args)
  file, size, count = assert(io.open(os.getenv("LOAD_COOKIES"), "rb")), tonumber(os.getenv("LOAD_SIZE")), tonumber(os.getenv("LOAD_COUNT"))
  file:setvbuf("no")
  wrk.headers["X-Forwarded-For"], wrk.headers["Cookie"] = os.getenv("LOAD_FROM"), "@"
  before, after = wrk.format("GET", "/x"):match("^(.*Cookie: )@(.*)$")
  math.randomseed(tonumber(os.getenv("LOAD_VISIT")) * 1000 + number)
end
function request()
  file:seek("set", math.random(0, count - 1) * size)
  return before .. file:read(size) .. after
end
` + telling

// wander makes a crowd of them. All come from the network of the one who signed in.
func (s *stage) wander(w *wanderers) (crowd, error) {
	script, err := s.scripted("wander.lua", wandering)
	return crowd{script, []string{
		"LOAD_COOKIES=" + w.file, "LOAD_SIZE=" + strconv.Itoa(w.size), "LOAD_COUNT=" + strconv.Itoa(w.count), "LOAD_FROM=" + networkOf(0),
	}}, err
}

// longestWarming bounds how long a Caddy gets to know its people.
const longestWarming = 20 * time.Minute

// callOnce has each of them send one request, several at a time.
func (w *wanderers) callOnce(ctx context.Context, c *server, atOnce int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, longestWarming, errors.New("it took too long"))
	defer cancel()
	file, err := os.Open(w.file)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	var head strings.Builder
	fmt.Fprintf(&head, "GET /x HTTP/1.1\r\nHost: localhost:%s\r\nX-Forwarded-For: %s\r\n", c.port, networkOf(0))
	for _, f := range fieldsAt(c.site(), background) {
		fmt.Fprintf(&head, "%s: %s\r\n", f.name, f.value)
	}
	head.WriteString("Cookie: ")
	atOnce = min(atOnce, w.count)
	err = eachOf(ctx, atOnce, atOnce, func(first int) error { return w.call(ctx, file, c, head.String(), first, atOnce) })
	if err != nil {
		return fmt.Errorf("letting %d people in once: %w", w.count, err)
	}
	return nil
}

// call sends the request of every so many-th over one connection.
func (w *wanderers) call(ctx context.Context, file io.ReaderAt, c *server, head string, first, step int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+c.port)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nobody waits for it
	answers := bufio.NewReader(conn)
	request := make([]byte, len(head)+w.size, len(head)+w.size+4)
	copy(request, head)
	for n := first; n < w.count && ctx.Err() == nil; n += step {
		if _, err := file.ReadAt(request[len(head):], int64(n)*int64(w.size)); err != nil {
			return err
		}
		if _, err := conn.Write(append(request, "\r\n\r\n"...)); err != nil {
			return err
		}
		if err := answered(answers, http.StatusOK); err != nil {
			return fmt.Errorf("asking as person %d: %w", n, err)
		}
	}
	return nil
}
