// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

// BenchmarkMillion stores 1000 records in each iteration, so that -benchtime 1000x
// is a million, and tells what one costs the server. The names are as long as those
// of people, the sizes those of somebody with one session and one remembered
// browser, and of somebody with many.
func BenchmarkMillion(b *testing.B) {
	for _, size := range []int{700, 2000} {
		b.Run(fmt.Sprint(size, " bytes"), func(b *testing.B) {
			server := redistest.Start(b)
			client := server.Client()
			before := memoryOf(b, client)
			value := make([]byte, size)
			for n := 0; b.Loop(); n++ {
				_, err := client.Pipelined(b.Context(), func(p redis.Pipeliner) error {
					for i := range 1000 {
						p.Set(context.Background(), fmt.Sprintf("doorcode:person/%022d", n*1000+i), value, 360*24*time.Hour)
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(memoryOf(b, client)-before)/float64(b.N*1000), "B/record")
		})
	}
}

func memoryOf(b *testing.B, client *redis.Client) int {
	b.Helper()
	info, err := client.InfoMap(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	used, err := strconv.Atoi(info["Memory"]["used_memory"])
	if err != nil {
		b.Fatal(err)
	}
	return used
}
