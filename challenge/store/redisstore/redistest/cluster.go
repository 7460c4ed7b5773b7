// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"slices"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

// slots is how many parts the keys of a cluster are divided into.
const slots = 16384

// Cluster starts a cluster of that many masters, each with a replica if
// replicas is set, and waits until it serves. The replicas are the second half.
// A server is taken for dead after half a second.
func Cluster(t testing.TB, masters int, replicas bool, args ...string) []*Server {
	t.Helper()
	n := masters
	if replicas {
		n *= 2
	}
	all, clients := make([]*Server, n), make([]*redis.Client, n)
	for i := range all {
		all[i] = Start(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-node-timeout", "500",
			"--cluster-port", strconv.Itoa(freePort(t)),
		}, args...)...)
		clients[i] = all[i].Client()
	}
	for i, s := range all {
		s.do(clients[i], "cluster", "set-config-epoch", i+1)
		if i > 0 {
			all[0].do(clients[0], "cluster", "meet", "127.0.0.1", s.Port(), s.argument("--cluster-port"))
		}
		if i < masters {
			s.do(clients[i], "cluster", "addslotsrange", i*slots/masters, (i+1)*slots/masters-1)
		}
	}
	awaitState(t, clients, n)
	for i := masters; i < n; i++ {
		follow(t, all[i], clients[i], clients[i-masters])
	}
	return all
}

// awaitState waits until each server knows of all others and serves.
func awaitState(t testing.TB, clients []*redis.Client, n int) {
	t.Helper()
	for _, c := range clients {
		Await(t, "a cluster comes together", func() bool {
			text, err := c.ClusterInfo(t.Context()).Result()
			lines := slices.Collect(linesOf(text))
			return err == nil && slices.Contains(lines, "cluster_state:ok") &&
				slices.Contains(lines, "cluster_known_nodes:"+strconv.Itoa(n))
		})
	}
}

// follow makes s a replica of a master.
func follow(t testing.TB, s *Server, c, master *redis.Client) {
	t.Helper()
	id, err := master.Do(t.Context(), "cluster", "myid").Text()
	if err != nil {
		t.Fatalf("asking a server for its name: %v", err)
	}
	Await(t, "a server becomes a replica", func() bool {
		return c.ClusterReplicate(t.Context(), id).Err() == nil
	})
	Await(t, "a replica follows", func() bool { return s.Info(c, "master_link_status") == "up" })
	Await(t, "a master knows its replica", func() bool {
		others, err := master.Do(t.Context(), "cluster", "replicas", id).Slice()
		return err == nil && len(others) > 0
	})
}
