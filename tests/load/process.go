// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// A stage is all that runs for a measurement.
type stage struct {
	settings
	folder    string
	processes []*process
	app       *process
	visits    int // of crowds, so far
}

// A process is a server that is measured, or that others need.
type process struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// patience bounds every wait for a server.
const patience = 60 * time.Second

// start runs a program on some of the cores; it ends with the stage, and with this
// program however that ends.
func (s *stage) start(ctx context.Context, name, cores string, args ...string) (*process, error) {
	if cores != "" {
		args = append([]string{"taskset", "-c", cores}, args...)
	}
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...), log: filepath.Join(s.folder, name+".log"), exited: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the process has its own
	home := filepath.Join(s.folder, name)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = log, log, s.folder
	p.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	if s.profile != "" {
		p.cmd.Env = append(p.cmd.Env, "GODEBUG=memprofilerate=65536")
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		// The thread that starts a process must outlive it, or it dies with the thread.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	s.processes = append(s.processes, p)
	return p, nil
}

// stop ends a process as an operator does.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

func (s *stage) close() {
	for _, p := range s.processes {
		p.stop()
	}
	s.processes = nil
}

// lastWords are the ends of all logs, for when something went wrong.
func (s *stage) lastWords() string {
	var all strings.Builder
	for _, p := range s.processes {
		raw, err := os.ReadFile(p.log)
		if err == nil && len(raw) > 0 {
			fmt.Fprintf(&all, "%s:\n%s\n", filepath.Base(p.log), raw[max(0, len(raw)-2000):])
		}
	}
	return all.String()
}

// listens waits until a server does.
func (p *process) listens(ctx context.Context, address string) error {
	return until(ctx, "a server at "+address, func() bool {
		conn, err := net.Dial("tcp", address)
		return err == nil && conn.Close() == nil
	}, p.exited)
}

// until tries until it works, or what it waits for is over.
func until(ctx context.Context, what string, works func() bool, over <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !works() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-over:
			return fmt.Errorf("waiting for %s: the process ended", what)
		case <-tick.C:
		}
	}
	return nil
}

// cpu is the time that a process has used so far, in user mode and in the kernel. Its
// clock counts nanoseconds, /proc/<pid>/stat hundredths of a second; see
// clock_getcpuclockid(3) and CPUCLOCK_SCHED in the kernel's posix-timers for its number.
func (p *process) cpu() (time.Duration, error) {
	const ofScheduler = 2
	var at syscall.Timespec
	clock := ^int64(p.cmd.Process.Pid)<<3 | ofScheduler
	if _, _, fault := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&at)), 0); fault != 0 {
		return 0, fmt.Errorf("reading the clock of a process: %w", fault)
	}
	return time.Duration(at.Nano()), nil
}

// resident is the memory that a process has, in bytes, and what of it is no part of a
// file, as that of the storage is.
func (p *process) resident() (all, private int64, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	var size, pages, shared int64
	if _, err := fmt.Sscan(string(raw), &size, &pages, &shared); err != nil {
		return 0, 0, err
	}
	page := int64(os.Getpagesize())
	return pages * page, (pages - shared) * page, nil
}

// freePort finds a port that nobody listens on.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// appMark in the environment makes this program the app behind the gate.
const appMark = "DOORCODE_LOAD_APP"

// serveApp answers requests with a kilobyte, if this process is the app.
func serveApp() bool {
	address := os.Getenv(appMark)
	if address == "" {
		return false
	}
	body := []byte(strings.Repeat("doorcode", 128))
	err := http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = []string{"text/plain"}
		if r.URL.Path == seenPath {
			_ = r.Header.Write(w)
			return
		}
		_, _ = w.Write(body)
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
	return true
}

// startApp starts it as a process of its own.
func (s *stage) startApp(ctx context.Context, cores string) (address string, err error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	address = "127.0.0.1:" + port
	if s.app, err = s.start(ctx, "app", cores, "env", appMark+"="+address, self); err != nil {
		return "", err
	}
	return address, s.app.listens(ctx, address)
}

// startRedis starts a Redis that keeps nothing when it ends, but syncs as one that does.
func (s *stage) startRedis(ctx context.Context, cores string) (p *process, address string, err error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	p, err = s.start(ctx, "redis", cores, "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", s.folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
	if err != nil {
		return nil, "", err
	}
	address = "127.0.0.1:" + port
	return p, address, p.listens(ctx, address)
}
