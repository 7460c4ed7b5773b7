// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// Each request is counted, so cores must not wait for each other here: every holder
// of a Shard counts in that, and what is in all of them is added up when somebody
// asks.

// shards is how many there are. A few more than cores, so that two of them seldom
// share one.
const shards = 64

// cacheLine keeps what one core writes from the lines of others. Processors fetch two
// lines of 64 bytes at once.
const cacheLine = 128

// bounds are the upper bounds of decision_seconds, in nanoseconds.
var bounds = [...]time.Duration{
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
}

type counts struct {
	requests [len(ways) * int(kinds)]atomic.Uint64
	took     [len(bounds) + 1]atomic.Uint64
	total    atomic.Int64 // nanoseconds
}

// A Shard counts requests. It is safe for concurrent use, and meant to be used by one
// core for most of the time.
type Shard struct {
	counts
	_ [cacheLine - (8*(len(ways)*int(kinds)+len(bounds)+2))%cacheLine]byte
}

var (
	sharded [shards]Shard
	taken   atomic.Uint32
)

// NextShard is one of the shards, in turn. Whoever makes objects that are reused by
// one core, as a sync.Pool does, gives each of them one.
func NextShard() *Shard { return &sharded[(taken.Add(1)-1)%shards] }

// ways are the decisions by which requests are counted.
var ways = [...]string{web.DecisionPass, web.DecisionPublic, web.DecisionCheck, web.DecisionDeny, web.DecisionOwn}

// timedPass is of how many requests that pass the time of one is taken: to read the clock
// once more costs as much as to count.
const timedPass = 16

// Count counts one request, and returns for how many of its like its time is to stand,
// see Took; mostly for none, where requests pass. It allocates nothing and waits for
// nobody.
func (s *Shard) Count(decision string, kind Kind) (times int) {
	way := 0
	for way < len(ways)-1 && ways[way] != decision {
		way++
	}
	n := s.requests[way*int(kinds)+int(kind)].Add(1)
	switch {
	case decision != web.DecisionPass:
		return 1
	case n%timedPass == timedPass/2: // in the middle, so that few requests make no more than they are
		return timedPass
	default:
		return 0
	}
}

// Took counts how long a request took, as often as Count said.
func (s *Shard) Took(took time.Duration, times int) {
	bucket := 0
	for bucket < len(bounds) && took > bounds[bucket] {
		bucket++
	}
	s.took[bucket].Add(uint64(times))
	s.total.Add(int64(took) * int64(times))
}

var (
	requestsDesc = prometheus.NewDesc("caddy_doorcode_requests_total",
		"Requests by what became of them (pass, public: no sign-in needed, check: a code is asked for, deny, own: an endpoint of the gate) and by what they wanted.",
		[]string{"decision", "kind"}, nil)
	decisionDesc = prometheus.NewDesc("caddy_doorcode_decision_seconds",
		"How long it took to decide on a request, and to answer it where it was not let through. Of those that pass, one in 16 is timed and counts for all.", nil, nil)
)

// requests shows what the shards have counted.
type requests struct{}

// Describe tells the names of the measures.
func (requests) Describe(to chan<- *prometheus.Desc) {
	to <- requestsDesc
	to <- decisionDesc
}

// Collect adds up the shards.
func (requests) Collect(to chan<- prometheus.Metric) {
	for way, decision := range ways {
		for kind := range kinds {
			if (kind == KindOwn) != (decision == web.DecisionOwn) {
				continue
			}
			sum := uint64(0)
			for i := range sharded {
				sum += sharded[i].requests[way*int(kinds)+int(kind)].Load()
			}
			to <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, float64(sum), decision, kind.String())
		}
	}
	buckets, count, total := make(map[float64]uint64, len(bounds)), uint64(0), time.Duration(0)
	for bucket := range len(bounds) + 1 {
		for i := range sharded {
			count += sharded[i].took[bucket].Load()
		}
		if bucket < len(bounds) {
			buckets[bounds[bucket].Seconds()] = count
		}
	}
	for i := range sharded {
		total += time.Duration(sharded[i].total.Load())
	}
	to <- prometheus.MustNewConstHistogram(decisionDesc, count, total.Seconds(), buckets)
}
