// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command load measures what Doorcode costs, on one machine and over real connections:
//
//	go run ./tests/load                  # requests with a session, beside bare Caddy
//	go run ./tests/load -what many       # from one session to a million
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
	"syscall"
)

func main() {
	if serveApp() {
		return
	}
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		help(os.Stdout)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	}
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
	"sessions": measureSessions, "many": measureMany, "strangers": measureStrangers, "codes": measureCodes, "start": measureStart,
}

func run(ctx context.Context, out io.Writer, s settings) (err error) {
	if err := s.prepare(); err != nil {
		return err
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
	reports, err := measurements[s.what](ctx, st)
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
