// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// script has wrk take turns among the people of a file, and say in JSON what it found.
// All requests are made before it begins.
const script = `
local made, turn = {}, 0
function init(args)
  for line in io.lines(os.getenv("LOAD_COOKIES")) do
    wrk.headers["X-Forwarded-For"], wrk.headers["Cookie"] = line:match("^(%S+) (.*)$")
    made[#made + 1] = wrk.format("GET", "/x")
  end
end
function request()
  turn = turn % #made + 1
  return made[turn]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('LOAD {"requests":%d,"took":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`

// A counted is what wrk counted. Times are in microseconds.
type counted struct {
	Requests int `json:"requests"`
	Took     int `json:"took"`
	P50      int `json:"p50"`
	P99      int `json:"p99"`
	Errors   int `json:"errors"`
}

func (c counted) perSecond() float64 { return float64(c.Requests) / float64(c.Took) * 1e6 }

// A crowd is people with sessions who send requests.
type crowd struct{ script, cookies string }

// gather writes down the Cookie lines of people, each with the address that they come
// from: a session is asked for a code in an unusual place.
func (s *stage) gather(lines []string) (crowd, error) {
	var all strings.Builder
	for n, line := range lines {
		fmt.Fprintln(&all, networkOf(n), line)
	}
	c := crowd{filepath.Join(s.folder, "load.lua"), filepath.Join(s.folder, "cookies")}
	return c, errors.Join(
		os.WriteFile(c.script, []byte(script), 0o600),
		os.WriteFile(c.cookies, []byte(all.String()), 0o600),
	)
}

// background is what browsers say of a request that a page makes.
var background = map[string]string{
	"Accept": "application/json", "Accept-Encoding": "gzip, deflate, br", "Accept-Language": "en", "User-Agent": navigation["User-Agent"],
	"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty",
}

// visit has a crowd send requests to a Caddy for a while.
func (s *stage) visit(ctx context.Context, by crowd, to *server, cores string, span time.Duration) (c counted, err error) {
	args := []string{
		"wrk", "-t", strconv.Itoa(s.threads), "-c", strconv.Itoa(s.connections), "-d", fmt.Sprintf("%ds", int(span.Seconds())), "--timeout", "10s", "--latency",
		"-H", "Host: localhost:" + to.port, "-s", by.script,
	}
	for name, value := range background {
		args = append(args, "-H", name+": "+value)
	}
	args = append(args, "http://127.0.0.1:"+to.port+"/x")
	if cores != "" {
		args = append([]string{"taskset", "-c", cores}, args...)
	}
	wrk := exec.CommandContext(ctx, args[0], args[1:]...)
	wrk.Env = append(os.Environ(), "LOAD_COOKIES="+by.cookies)
	said, err := wrk.CombinedOutput()
	if err != nil {
		return c, fmt.Errorf("running wrk: %w\n%s", err, said)
	}
	_, line, _ := strings.Cut(string(said), "LOAD ")
	line, _, _ = strings.Cut(line, "\n")
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		return c, fmt.Errorf("reading what wrk says: %w\n%s", err, said)
	}
	if c.Errors > 0 || c.Requests == 0 {
		return c, fmt.Errorf("%d of %d requests to %s failed", c.Errors, c.Requests, to.name)
	}
	return c, nil
}
