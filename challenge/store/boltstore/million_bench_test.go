// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

const thousand = 1_000

// BenchmarkMillion stores a thousand people in each iteration and tells what
// each takes on the disk: in use, and with what the file has in reserve. Run
// it with -benchtime 1000x for a million of them.
//
// Measured with a million, on a virtual machine of two cores under other load:
//
//	record     in use    file      to store one, 512 at once
//	400 B       735 B     754 B    0.08 ms
//	2000 B     3195 B    3223 B    0.19 ms
//
// Keys are hashes and come in no order, which leaves pages two thirds full.
func BenchmarkMillion(b *testing.B) {
	for _, size := range []int{400, 2_000} {
		b.Run(fmt.Sprintf("record=%dB", size), func(b *testing.B) {
			path := newPath(b)
			s := open(b, boltstore.Options{Path: path})
			n := 0
			for b.Loop() {
				storeThousand(b, s, n, size, 0)
				n += thousand
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/record")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(inUse(b, path))/float64(n), "B/record")
			b.ReportMetric(float64(fileSize(b, path))/float64(n), "file-B/record")
		})
	}
}

// BenchmarkSweep sweeps a thousand expired records in each iteration: 43 ms
// where BenchmarkMillion had the times above.
func BenchmarkSweep(b *testing.B) {
	c := newClock()
	o := boltstore.Options{Path: newPath(b), Now: c.now}
	s := open(b, o)
	for i := range b.N {
		storeThousand(b, s, i*thousand, 400, time.Duration(1+i)*time.Minute)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	idle, err := boltstore.OpenIdle(o)
	if err != nil {
		b.Fatal(err)
	}
	defer idle.Close()
	b.ResetTimer()
	for range b.N {
		c.advance(time.Minute)
		idle.Sweep()
	}
	b.StopTimer()
	if keys, err := idle.List(b.Context(), "", "", 1); err != nil || len(keys) > 0 {
		b.Errorf("List = %q, %v, want nothing left", keys, err)
	}
}

// storeThousand stores records under keys as the door hashes them, from as
// many visitors at once as one transaction takes.
func storeThousand(b *testing.B, s *boltstore.Store, from, size int, ttl time.Duration) {
	b.Helper()
	const visitors = 512
	var all sync.WaitGroup
	for v := range visitors {
		all.Go(func() {
			for i := v; i < thousand; i += visitors {
				sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(from+i)))
				put(b, s, "person/"+base64.RawURLEncoding.EncodeToString(sum[:]), string(make([]byte, size)), ttl)
			}
		})
	}
	all.Wait()
}

// inUse is how much of a closed store's file holds something.
func inUse(b *testing.B, path string) (bytes int64) {
	b.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		b.Fatal(err)
	}
	err = db.View(func(tx *bolt.Tx) error {
		bytes = tx.Size() - int64(db.Stats().FreePageN)*int64(db.Info().PageSize)
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		b.Fatal(err)
	}
	return bytes
}
