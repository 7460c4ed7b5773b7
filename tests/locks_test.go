// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Requests with a session run on 32 processors at once, all of one person, which is the
// worst case. Whoever waits for a lock is in the profile of the runtime, which is told to
// leave nothing out: there must be no wait for a lock of the gate.
func TestNoSessionWaitsForALock(t *testing.T) {
	s := startBench(t)
	before := runtime.GOMAXPROCS(32)
	fraction := runtime.SetMutexProfileFraction(1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(before)
		runtime.SetMutexProfileFraction(fraction)
	})
	burden := burdensOf(s.session)[0]
	var all sync.WaitGroup
	for range 64 {
		w, r := &nowhere{header: http.Header{}}, plainRequest(s.caddy.Port, "/x")
		all.Go(func() {
			for range 500 {
				if status := w.send(s.gate, r, &burden); status != http.StatusOK {
					t.Errorf("status %d", status)
					return
				}
			}
		})
	}
	all.Wait()
	for _, stack := range waits(t) {
		if strings.Contains(stack, "/caddymodule.(*Handler).ServeHTTP") {
			t.Errorf("a session waited for a lock:\n%s", stack)
		}
	}
}

// waits are the stacks that held a lock while others waited for it. The locks of the
// runtime itself, of which one hands out memory, are not ours to avoid; nor is that of
// pools, which is taken when garbage was collected.
func waits(t *testing.T) (stacks []string) {
	t.Helper()
	n, _ := runtime.MutexProfile(nil)
	records := make([]runtime.BlockProfileRecord, n+1000)
	n, ok := runtime.MutexProfile(records)
	if !ok {
		t.Fatal("the profile has grown by too much")
	}
	for i := range records[:n] {
		var stack strings.Builder
		frames := runtime.CallersFrames(records[i].Stack())
		for frame, more := frames.Next(); ; frame, more = frames.Next() {
			stack.WriteString(frame.Function + "\n")
			if !more {
				break
			}
		}
		if text := stack.String(); strings.HasPrefix(text, "sync.(") && !strings.HasPrefix(text, "sync.(*Pool)") && !strings.Contains(text, "sync.(*Pool).pinSlow") {
			stacks = append(stacks, text)
		}
	}
	return stacks
}
