// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// BenchmarkUpdate compares this store with the two ways to write that the
// database itself has, which do the same edit with less bookkeeping: a
// transaction for each Update, and Batch, which waits a while for company.
//
// Time of one Update as a multiple of this store's, on a virtual machine of
// two cores whose disk syncs in 0.1 ms (a slower sync makes the delay matter
// less and the sharing more):
//
//	parallel  keys       each   Batch 0   Batch 1 ms   Batch 2 ms
//	1         different   0.9       1.0          6.6         13
//	1         same        0.9       1.0          6.4         12
//	8         different   4.0       4.1          3.1          5.7
//	8         same        3.7       4.1          3.0          5.5
//	64        different  21        26            2.3          3.8
//	64        same       29        80            3.1          5.7
//
// So waiting for company costs a single visitor many times the Update itself,
// and not waiting loses the shared sync. The store does neither: what arrives
// while the disk works is the next transaction.
func BenchmarkUpdate(b *testing.B) {
	for _, parallel := range []int{1, 8, 64} {
		for _, keys := range []string{"different", "same"} {
			name := fmt.Sprintf("parallel=%d/keys=%s", parallel, keys)
			b.Run(name+"/way=store", func(b *testing.B) {
				s := open(b, boltstore.Options{Path: newPath(b)})
				update := func(key string) error { return s.Update(b.Context(), key, grow) }
				spread(b, parallel, keys == "same", update)
			})
			b.Run(name+"/way=each", func(b *testing.B) {
				db := openPlain(b, 0)
				spread(b, parallel, keys == "same", func(key string) error {
					return db.Update(func(tx *bolt.Tx) error { return growPlain(tx, key) })
				})
			})
			for _, delay := range []time.Duration{0, time.Millisecond, 2 * time.Millisecond} {
				b.Run(name+"/way=batch/delay="+delay.String(), func(b *testing.B) {
					db := openPlain(b, delay)
					spread(b, parallel, keys == "same", func(key string) error {
						return db.Batch(func(tx *bolt.Tx) error { return growPlain(tx, key) })
					})
				})
			}
		}
	}
}

// spread makes b.N calls of update from so many goroutines.
func spread(b *testing.B, parallel int, sameKey bool, update func(key string) error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for i := range parallel {
		key := "door/same"
		if !sameKey {
			key = "door/" + strconv.Itoa(i)
		}
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := update(key); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// grow changes a record of about the size of an address's counters.
func grow(old []byte, _ time.Time) ([]byte, time.Duration, error) {
	return grown(old), time.Hour, nil
}

func grown(old []byte) []byte {
	if len(old) == 0 {
		return make([]byte, 600)
	}
	old[0]++
	return old
}

func growPlain(tx *bolt.Tx, key string) error {
	records := tx.Bucket([]byte("records"))
	return records.Put([]byte(key), grown(append([]byte(nil), records.Get([]byte(key))...)))
}

func openPlain(b *testing.B, delay time.Duration) *bolt.DB {
	b.Helper()
	db, err := bolt.Open(b.TempDir()+"/plain.db", 0o600, &bolt.Options{NoStatistics: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.MaxBatchDelay = delay
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("records"))
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return db
}

func BenchmarkGet(b *testing.B) {
	for _, records := range []int{1, 10_000} {
		b.Run("records="+strconv.Itoa(records), func(b *testing.B) {
			s := open(b, boltstore.Options{Path: newPath(b)})
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					for k := i; k < records; k += 64 {
						put(b, s, "door/"+strconv.Itoa(k), "x", time.Hour)
					}
				})
			}
			wg.Wait()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Get(b.Context(), "door/"+strconv.Itoa(i%records)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
