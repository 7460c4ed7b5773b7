// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// adminOf is a Caddy of which there is no more than an admin endpoint.
func adminOf(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	endpoint := httptest.NewServer(answer)
	t.Cleanup(endpoint.Close)
	return &server{name: "fake", admin: strings.TrimPrefix(endpoint.URL, "http://")}
}

// somePage answers with metrics, and says of all else that it is not there.
func somePage(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/metrics" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, "# TYPE a counter\na 1.5e+06\na_total{code=\"2 0\"} 7\nb 2\nc many\ngo_memstats_heap_alloc_bytes 3\n")
}

func TestSeveralMetricsAreReadFromOnePage(t *testing.T) {
	c := adminOf(t, somePage)
	got, err := c.metrics(t.Context(), "b", "a")
	if diff := cmp.Diff([]float64{2, 1.5e6}, got); diff != "" || err != nil {
		t.Errorf("metrics (-want +got), %v:\n%s", err, diff)
	}
	for name, want := range map[string]string{"gone": "there is no gone", "c": "invalid syntax"} {
		if _, err := c.metric(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestNoHeapIsMeasuredThatWasNotCollected(t *testing.T) {
	if heap, err := adminOf(t, somePage).live(t.Context()); err == nil {
		t.Errorf("a heap of %v bytes, where nothing collects garbage", heap)
	}
}

func TestAProfileThatIsNoneIsNotSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpu")
	err := fetch(t.Context(), "http://"+adminOf(t, somePage).admin+"/debug/pprof/profile", file)
	if err == nil || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("fetching: %v", err)
	}
	if found, _ := filepath.Glob(file); found != nil {
		t.Error("it was saved")
	}
}
