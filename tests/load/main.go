// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command load measures what Doorcode costs, on one machine and over real connections:
//
//	go run ./tests/load                  # requests with a session, beside bare Caddy
//	go run ./tests/load -what strangers  # while a flood of strangers comes in
//	go run ./tests/load -what codes      # right codes per second on each storage
//	go run ./tests/load -what start      # start and reload with a million people
//
// It builds cmd/caddy, starts everything on loopback with free ports in a temporary
// folder, and prints a table in Markdown. It needs wrk, and redis-server where Redis is
// measured. Nothing of it is left when it ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// settings are what the flags say.
type settings struct {
	caddy       string
	what        string
	rounds      int
	span        time.Duration
	connections int
	threads     int
	sessions    int
	rate        int
	codes       int
	people      int
	stores      string
	profile     string
	json        bool
}

func main() {
	if serveApp() {
		return
	}
	var s settings
	flag.StringVar(&s.what, "what", "sessions", "what to measure: sessions, strangers, codes or start")
	flag.StringVar(&s.caddy, "caddy", "", "the Caddy to measure; without it, cmd/caddy is built")
	flag.IntVar(&s.rounds, "rounds", 40, "how often each is measured, in turn")
	flag.DurationVar(&s.span, "span", time.Second, "how long each is measured in a round, in whole seconds")
	flag.IntVar(&s.connections, "connections", 32, "connections at once")
	flag.IntVar(&s.threads, "threads", 1, "threads of wrk")
	flag.IntVar(&s.sessions, "sessions", 1, "people who take turns, 1 to 10000")
	flag.IntVar(&s.rate, "rate", 500, "strangers a second")
	flag.IntVar(&s.codes, "codes", 500, "codes that are entered")
	flag.IntVar(&s.people, "people", 1_000_000, "people with a session in the storage")
	flag.StringVar(&s.stores, "stores", "embedded redis", "the storages to measure strangers and codes on")
	flag.StringVar(&s.profile, "profile", "", "a folder for profiles of each Caddy; only of sessions, whose figures they disturb")
	flag.BoolVar(&s.json, "json", false, "print JSON in place of a table")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		stop()
		os.Exit(1)
	}
}

// measurements are what can be measured.
var measurements = map[string]func(ctx context.Context, s *stage) ([]report, error){
	"sessions": measureSessions, "strangers": measureStrangers, "codes": measureCodes, "start": measureStart,
}

func run(ctx context.Context, out io.Writer, s settings) (err error) {
	measure, ok := measurements[s.what]
	if !ok || s.rounds < 1 || s.span < time.Second || s.sessions < 1 || s.sessions > 10_000 || s.rate < 1 || s.codes < 1 || s.people < 1 || flag.NArg() > 0 {
		return errors.New("flags that make no sense; see -help")
	}
	folder, err := os.MkdirTemp("", "doorcode-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if s.caddy == "" {
		if s.caddy, err = buildCaddy(ctx, folder); err != nil {
			return err
		}
	}
	st := &stage{settings: s, folder: folder}
	defer st.close()
	reports, err := measure(ctx, st)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, st.lastWords())
	}
	machine := st.describe(ctx)
	if s.json {
		return json.NewEncoder(out).Encode(map[string]any{"machine": machine, "reports": reports})
	}
	fmt.Fprintln(out, machine)
	for _, r := range reports {
		r.print(out)
	}
	return nil
}

// buildCaddy builds as the releases are built.
func buildCaddy(ctx context.Context, folder string) (string, error) {
	binary := filepath.Join(folder, "caddy")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "nobadger,nomysql,nopgx", "-ldflags", "-s -w", "-o", binary,
		"github.com/doorcode/caddy-doorcode/cmd/caddy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building cmd/caddy: %w\n%s", err, said)
	}
	return binary, nil
}

func (s settings) storages() []string { return strings.Fields(s.stores) }
