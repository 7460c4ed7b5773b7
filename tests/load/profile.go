// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// profiles are what is kept of each Caddy, by file name: where its CPU time went, and
// what it allocated, while it was measured.
var profiles = map[string]string{"cpu": "profile", "allocs": "allocs"}

// profileAll begins to profile servers, if that is asked for. A server that has no turn
// does nothing that would show. The profiles are in the folder once the function that
// is returned has been called, beside a file that says by how many requests to divide.
func (s *stage) profileAll(ctx context.Context, servers []*server) (done func() error) {
	if s.profile == "" {
		return func() error { return nil }
	}
	span := s.span * time.Duration((s.rounds+1)*len(servers))
	results, waiting := make(chan error), 0
	for _, c := range servers {
		for kind, endpoint := range profiles {
			waiting++
			go func() {
				url := fmt.Sprintf("http://%s/debug/pprof/%s?seconds=%d", c.admin, endpoint, int(span.Seconds()))
				results <- fetch(ctx, url, filepath.Join(s.profile, c.name+"."+kind))
			}()
		}
	}
	return func() error {
		var faults []error
		for range waiting {
			faults = append(faults, <-results)
		}
		for _, c := range servers {
			faults = append(faults, os.WriteFile(filepath.Join(s.profile, c.name+".requests"), fmt.Appendln(nil, c.served), 0o600))
		}
		return errors.Join(faults...)
	}
}

// fetch saves what is at a URL.
func fetch(ctx context.Context, url, file string) error {
	raw, err := get(ctx, url)
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o600)
}
