// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
)

func TestTheThreeAreTreatedAlike(t *testing.T) {
	places, follows := map[[2]int]int{}, map[[2]int]int{}
	last := fair[len(fair)-1][2]
	for _, order := range fair {
		for place, i := range order {
			places[[2]int{place, i}]++
			follows[[2]int{last, i}]++
			last = i
		}
	}
	for i := range 3 {
		for j := range 3 {
			if n := places[[2]int{i, j}]; n != 2 {
				t.Errorf("%d is %d times at place %d, want 2", j, n, i)
			}
			want := 3
			if i == j {
				want = 0
			}
			if n := follows[[2]int{i, j}]; n != want {
				t.Errorf("%d follows %d %d times, want %d", j, i, n, want)
			}
		}
	}
}

func TestBareCaddyComesBeforeEachGate(t *testing.T) {
	want := [][]int{{0, 1, 2, 3, 4, 5}, {4, 5, 2, 3, 0, 1}}
	if diff := cmp.Diff(want, upAndDown(3)); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
}

func TestHowManyPeopleThereAreInTurn(t *testing.T) {
	for most, want := range map[int][]int{
		1: {1}, 1_000: {1, 1_000}, 5_000: {1, 1_000, 5_000},
		1_000_000: {1, 1_000, challenge.DefaultCache, 1_000_000},
	} {
		got := (&stage{settings: settings{people: most}}).counts()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("up to %d (-want +got):\n%s", most, diff)
		}
	}
}

// The gates of measurements differ in lines of one site, which are exchanged.
func TestTheLinesThatAreExchangedAreThere(t *testing.T) {
	for name, line := range map[string]string{"the assertion": asserts, "a sensitive rule": "sensitive /admin/*", "the empty page": emptyPage} {
		if n := strings.Count(gatedSite, line); n != 1 {
			t.Errorf("%s is there %d times", name, n)
		}
	}
	if !strings.HasSuffix(gatedSite, stillSite) || !strings.HasSuffix(bareSite, stillSite) {
		t.Error("one of the Caddys has a site more than the other")
	}
}

// Caddy writes an entry of its log with each field, in a buffer that grows at a
// kilobyte: with fewer fields than browsers send, the gate's alone would be the ones
// that make it grow.
func TestARequestIsAsLargeAsABrowsers(t *testing.T) {
	size := len("GET /x HTTP/1.1\r\nHost: localhost:40000\r\n\r\n")
	for _, f := range fieldsAt("http://localhost:40000", background) {
		size += len(f.name) + len(f.value) + len(": \r\n")
	}
	const cookie = 600 // about as long as that of a session
	if size += cookie; size < 1000 || size > 1400 {
		t.Errorf("a request has %d bytes, want about a kilobyte", size)
	}
}
