// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Child is a Caddy in a process of its own, as "caddy run" makes it. It can
// be killed and started again on the same files.
type Child struct {
	*Caddy
	config  string
	log     string
	process *exec.Cmd
	exited  chan struct{}
}

// PrepareChild writes the configuration of a child that is not started yet.
func PrepareChild(t testing.TB, site string) *Child {
	t.Helper()
	c := newCaddy(t)
	child := &Child{Caddy: c, config: filepath.Join(c.Folder, "Caddyfile"), log: filepath.Join(c.Folder, "log")}
	if err := os.WriteFile(child.config, []byte(c.Fill(t, site)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(child.Kill)
	return child
}

// Twin is a second process with the same configuration, on another port.
func (c *Child) Twin(t testing.TB) *Child {
	t.Helper()
	config, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	server := *c.Caddy
	server.Port = FreePort(t)
	twin := &Child{Caddy: &server, config: filepath.Join(c.Folder, "twin.Caddyfile"), log: filepath.Join(c.Folder, "twin.log")}
	text := strings.ReplaceAll(string(config), ":"+c.Port, ":"+server.Port)
	if err := os.WriteFile(twin.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(twin.Kill)
	return twin
}

// Begin runs one of Caddy's commands with the child's configuration.
func (c *Child) Begin(t testing.TB, command string) {
	t.Helper()
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // the child has its own
	c.process = exec.Command(os.Args[0], command, "--adapter", "caddyfile", "--config", c.config)
	c.process.Stdout, c.process.Stderr = log, log
	c.process.Env = append(os.Environ(), childMark+"=1", "XDG_DATA_HOME="+c.Folder, "XDG_CONFIG_HOME="+c.Folder, "HOME="+c.Folder)
	if err := c.process.Start(); err != nil {
		t.Fatal(err)
	}
	process, exited := c.process, make(chan struct{})
	c.exited = exited
	go func() {
		defer close(exited)
		_ = process.Wait()
	}()
}

// Run starts the child and waits until it listens.
func (c *Child) Run(t testing.TB) {
	t.Helper()
	c.Begin(t, "run")
	c.WaitUp(t)
}

// WaitUp waits until a child that was begun listens.
func (c *Child) WaitUp(t testing.TB) {
	t.Helper()
	Eventually(t, "child that listens", func() bool {
		conn, err := net.Dial("tcp", c.Address())
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// Exited is closed when the process is over.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Code is the exit code of a process that is over.
func (c *Child) Code() int { return c.process.ProcessState.ExitCode() }

// PID is the number of the process that was begun last.
func (c *Child) PID() int { return c.process.Process.Pid }

// Log is what the child has written so far.
func (c *Child) Log(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(c.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Kill ends the process as kill -9 does, in the middle of whatever it is doing.
func (c *Child) Kill() {
	if c.process == nil || c.process.Process == nil {
		return
	}
	_ = c.process.Process.Kill()
	<-c.exited
}

// Command is one of Caddy's commands in a process of its own, with everything
// that it writes in a folder.
func Command(folder string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childMark+"=1", "TMPDIR="+folder, "HOME="+folder, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=")
	return cmd
}
