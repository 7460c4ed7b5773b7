// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package redistest starts real Redis servers for tests: one, one with a
// replica, sentinels, a cluster. They listen on 127.0.0.1 only, keep what they
// write in a folder of the test's, and end with the test. Where the program is
// missing the test fails and names the Debian package; it is never skipped.
package redistest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	program = "redis-server"

	// starts is how many ports are tried: between finding one that is free and
	// taking it, another process may come.
	starts = 5

	patience = 30 * time.Second
)

// quick are arguments of every server: no snapshots of its own accord, and no
// wait for more replicas once the first one has come.
var quick = []string{"--save", "", "--repl-diskless-sync-delay", "0"}

// A Server is a process on this machine.
type Server struct {
	Addr string // 127.0.0.1 and its port
	Dir  string // where it keeps its files

	t       testing.TB
	args    []string
	tls     *tls.Config // of its clients; nil for none
	process *exec.Cmd
	ended   chan struct{} // closed when the process has
}

// Start starts a server with these arguments, as on its command line, added to
// a port, a folder, and no snapshots. It returns once the server answers.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, args: slices.Concat(quick, args)}
	s.startAnywhere()
	return s
}

// startAnywhere starts the process on a port that is free.
func (s *Server) startAnywhere() {
	s.t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		s.t.Fatalf("%s is missing: install Debian package redis-server", program)
	}
	s.Dir = s.t.TempDir()
	s.t.Cleanup(s.Kill)
	for range starts {
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(s.t)))
		s.launch()
		if s.answers() {
			return
		}
		s.Kill()
	}
	s.t.Fatalf("%s does not start: %s", program, s.lastWords())
}

// Restart starts the server again after Kill, where it was before and with what
// it finds there.
func (s *Server) Restart() {
	s.t.Helper()
	s.launch()
	if !s.answers() {
		s.t.Fatalf("%s does not start again: %s", program, s.lastWords())
	}
}

// Kill ends the process with no time to write anything, and waits for its end.
// Killing a dead one is nothing.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill() // fails where it has ended by itself
	<-s.ended
}

// Pause stops the process where it is: connections stay open, and nothing is
// answered until Resume.
func (s *Server) Pause() { s.signal("STOP") }

// Resume lets a paused process go on.
func (s *Server) Resume() { s.signal("CONT") }

func (s *Server) signal(name string) {
	s.t.Helper()
	pid := strconv.Itoa(s.process.Process.Pid)
	if out, err := exec.Command("sh", "-c", "kill -"+name+" "+pid).CombinedOutput(); err != nil {
		s.t.Fatalf("sending SIG%s: %v: %s", name, err, out)
	}
}

// Client returns a client of the server as its default user, closed with the
// test. It does not repeat what failed.
func (s *Server) Client() *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: s.Addr, Password: s.argument("--requirepass"), TLSConfig: s.tls,
		MaxRetries: -1, DisableIdentity: true, Protocol: 2,
	})
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Port is the one in Addr.
func (s *Server) Port() string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return port
}

// argument is what follows the last argument of that name.
func (s *Server) argument(name string) (value string) {
	for i, arg := range s.args[:max(0, len(s.args)-1)] {
		if arg == name {
			value = s.args[i+1]
		}
	}
	return value
}

func (s *Server) launch() {
	s.t.Helper()
	port := "--port"
	plain := []string{}
	if s.tls != nil {
		port, plain = "--tls-port", []string{"--port", "0"}
	}
	args := slices.Concat(plain, []string{port, s.Port(), "--bind", "127.0.0.1", "--dir", s.Dir}, s.args)
	if file := s.sentinelFile(); file != "" {
		args = []string{file, "--sentinel", "--port", s.Port(), "--bind", "127.0.0.1", "--dir", s.Dir}
	}
	out, err := os.OpenFile(s.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatalf("opening the server's log: %v", err)
	}
	defer out.Close()
	s.process = exec.Command(program, args...)
	s.process.Stdout, s.process.Stderr, s.process.SysProcAttr = out, out, endWithTest()
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("starting %s: %v", program, err)
	}
	ended, process := make(chan struct{}), s.process
	s.ended = ended
	go func() {
		defer close(ended)
		_ = process.Wait() // it is killed, which is an error
	}()
}

// answers reports whether the server serves before it ends.
func (s *Server) answers() bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); ; {
		select {
		case <-s.ended:
			return false
		case <-limit:
			return false
		case <-tick.C:
			if s.serves() {
				return true
			}
		}
	}
}

// serves reports whether it answers a command. A server that wants a password
// first does, one that still loads its file does not.
func (s *Server) serves() bool {
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if s.tls != nil {
		c = tls.Client(c, s.tls)
	}
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && !strings.HasPrefix(line, "-LOADING")
}

func (s *Server) log() string { return filepath.Join(s.Dir, "log") }

func (s *Server) lastWords() string {
	raw, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Await waits until something is so, and fails the test if it does not come.
func Await(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !is(); {
		select {
		case <-limit:
			t.Fatalf("waited %v in vain: %s", patience, what)
		case <-tick.C:
		}
	}
}

// Info is what the server says of itself under that name, or empty while it
// cannot be asked.
func (s *Server) Info(c *redis.Client, name string) string {
	text, err := c.Info(s.t.Context(), "everything").Result()
	if err != nil {
		return ""
	}
	for line := range linesOf(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return value
		}
	}
	return ""
}

// linesOf are the lines of text without their ends.
func linesOf(text string) iter.Seq[string] { return strings.SplitSeq(text, "\r\n") }

// do is a command that must succeed.
func (s *Server) do(c *redis.Client, args ...any) {
	s.t.Helper()
	if err := c.Do(s.t.Context(), args...).Err(); err != nil {
		s.t.Fatalf("%s to %s: %v", fmt.Sprint(args...), s.Addr, err)
	}
}
