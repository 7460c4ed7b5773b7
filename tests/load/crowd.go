// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// telling has wrk say in JSON what it found.
const telling = `
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('LOAD {"requests":%d,"took":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`

// script has wrk take turns among the people of a file. All requests are made before it
// begins.
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
` + telling

// A counted is what wrk counted. Times are in microseconds.
type counted struct {
	Requests int           `json:"requests"`
	Took     int           `json:"took"`
	P50      int           `json:"p50"`
	P99      int           `json:"p99"`
	Errors   int           `json:"errors"`
	Used     time.Duration `json:"-"` // of CPU, by wrk itself
}

func (c counted) perSecond() float64 { return float64(c.Requests) / float64(c.Took) * 1e6 }

// A crowd is people with sessions who send requests: a script of wrk, and what it finds
// in its environment.
type crowd struct {
	script      string
	environment []string
}

// gather writes down the Cookie lines of people, each with the address that they come
// from: a session is asked for a code in an unusual place.
func (s *stage) gather(lines []string) (crowd, error) {
	var all strings.Builder
	for n, line := range lines {
		fmt.Fprintln(&all, networkOf(n), line)
	}
	script, err := s.scripted("turns.lua", script)
	if err != nil {
		return crowd{}, err
	}
	cookies := filepath.Join(s.folder, "cookies")
	return crowd{script, []string{"LOAD_COOKIES=" + cookies}}, os.WriteFile(cookies, []byte(all.String()), 0o600)
}

func (s *stage) scripted(name, script string) (path string, err error) {
	path = filepath.Join(s.folder, name)
	return path, os.WriteFile(path, []byte(script), 0o600)
}

// visit has a crowd send requests to a Caddy for a while.
func (s *stage) visit(ctx context.Context, by crowd, to *server, cores string, span time.Duration) (c counted, err error) {
	args := []string{
		"wrk", "-t", strconv.Itoa(s.threads), "-c", strconv.Itoa(s.connections), "-d", fmt.Sprintf("%ds", int(span.Seconds())), "--timeout", "10s", "--latency",
		"-H", "Host: localhost:" + to.port, "-s", by.script,
	}
	for _, f := range fieldsAt(to.site(), background) {
		args = append(args, "-H", f.name+": "+f.value)
	}
	args = append(args, "http://127.0.0.1:"+to.port+"/x")
	if cores != "" {
		args = append([]string{"taskset", "-c", cores}, args...)
	}
	s.visits++
	wrk := exec.CommandContext(ctx, args[0], args[1:]...)
	wrk.Env = append(append(os.Environ(), "LOAD_VISIT="+strconv.Itoa(s.visits)), by.environment...)
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
	c.Used = wrk.ProcessState.UserTime() + wrk.ProcessState.SystemTime()
	return c, nil
}
