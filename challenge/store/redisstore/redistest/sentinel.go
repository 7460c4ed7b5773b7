// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

// MasterName is what the sentinels of a test call the server they watch.
const MasterName = "doorcode-master"

const sentinelArgument = "--sentinel-of"

// Replica starts a server that follows another one, and waits until it has
// what that one has.
func Replica(t testing.TB, of *Server, args ...string) *Server {
	t.Helper()
	s := Start(t, append([]string{"--replicaof", "127.0.0.1 " + of.Port()}, args...)...)
	c := s.Client()
	Await(t, "a replica follows", func() bool { return s.Info(c, "master_link_status") == "up" })
	return s
}

// Sentinels starts n sentinels that watch a server, which must have its
// replicas, and waits until all of them know of each other and of those. They
// take a server for dead after 300 ms.
func Sentinels(t testing.TB, master *Server, n int) []*Server {
	t.Helper()
	all := make([]*Server, n)
	for i := range all {
		all[i] = &Server{t: t, args: []string{sentinelArgument, master.Port(), strconv.Itoa(n/2 + 1)}}
		all[i].startAnywhere()
	}
	for _, s := range all {
		c := redis.NewSentinelClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DisableIdentity: true, Protocol: 2})
		t.Cleanup(func() { _ = c.Close() })
		Await(t, "sentinels know of all", func() bool {
			seen, err := c.Master(t.Context(), MasterName).Result()
			return err == nil && seen["num-other-sentinels"] == strconv.Itoa(n-1) && seen["num-slaves"] != "0"
		})
	}
	return all
}

// Addrs are where servers listen.
func Addrs(servers []*Server) (addrs []string) {
	for _, s := range servers {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// sentinelFile writes what a sentinel is started with, which it changes as it
// goes. It is empty for a server that is none.
func (s *Server) sentinelFile() string {
	port := s.argument(sentinelArgument)
	if port == "" {
		return ""
	}
	file := filepath.Join(s.Dir, "sentinel.conf")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	text := fmt.Sprintf(`sentinel monitor %[1]s 127.0.0.1 %[2]s %[3]s
sentinel down-after-milliseconds %[1]s 300
sentinel failover-timeout %[1]s 2000
sentinel parallel-syncs %[1]s 1
`, MasterName, port, s.args[len(s.args)-1])
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatalf("setting up a sentinel: %v", err)
	}
	return file
}
