// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A beginning is what each start found.
type beginning struct{ start, first, reload, memory, heap []float64 }

// measureStart compares start and reload of a Caddy whose storage is all but empty with
// those of the same Caddy when there are very many people in it, each with a session.
func measureStart(ctx context.Context, s *stage) ([]report, error) {
	app, city, err := s.scenery(ctx, "")
	if err != nil {
		return nil, err
	}
	c, err := s.startCaddy(ctx, "embedded", "", gatedSite, "APP", app, "CITY", city, "STORAGE", s.storage("embedded", ""), "LIMITS", roomy)
	if err != nil {
		return nil, err
	}
	lines, err := c.signIn(ctx, collect(ctx, s.mail()), 1)
	if err != nil {
		return nil, err
	}
	c.stop()
	file := filepath.Join(s.folder, "embedded.db")
	var few, many beginning
	for range s.rounds {
		if err := s.begin(ctx, c, lines[0], &few); err != nil {
			return nil, err
		}
	}
	small, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if _, err := populate(ctx, file, c.site(), lines[0], s.people-1, nil); err != nil {
		return nil, err
	}
	for range s.rounds {
		if err := s.begin(ctx, c, lines[0], &many); err != nil {
			return nil, err
		}
	}
	large, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	r := report{
		Title: "### Start and reload, embedded storage", Columns: []string{"one person", fmt.Sprintf("%d people", s.people)}, Pairs: []pair{{1, 0}},
		About: "From the start of the process until it answers; then one request with a session, and a reload with a changed configuration.",
	}
	r.compare("start (ms)", few.start, many.start)
	r.compare("first request with a session (ms)", few.first, many.first)
	r.compare("reload (ms)", few.reload, many.reload)
	r.compare("memory of the process (MB)", few.memory, many.memory)
	r.compare("heap in use (MB)", few.heap, many.heap)
	r.compare("file (MB)", []float64{megabytes(float64(small.Size()))}, []float64{megabytes(float64(large.Size()))})
	return []report{r}, nil
}

func megabytes(bytes float64) float64 { return bytes / 1e6 }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// begin adds one start to a series.
func (s *stage) begin(ctx context.Context, c *server, cookies string, to *beginning) error {
	began := time.Now()
	if err := s.rerun(ctx, c, ""); err != nil {
		return err
	}
	defer c.stop()
	to.start = append(to.start, milliseconds(time.Since(began)))
	began = time.Now()
	if err := c.admits(ctx, cookies); err != nil {
		return err
	}
	to.first = append(to.first, milliseconds(time.Since(began)))
	began = time.Now()
	if err := c.reload(ctx, "sensitive /admin/*", "sensitive /admins/*"); err != nil {
		return err
	}
	to.reload = append(to.reload, milliseconds(time.Since(began)))
	// A connection that the old servers had not yet read from ends with them.
	if err := until(ctx, "a session after the reload", func() bool { return c.admits(ctx, cookies) == nil }, c.exited); err != nil {
		return err
	}
	memory, _, err := c.resident()
	if err != nil {
		return err
	}
	heap, err := c.metric(ctx, "go_memstats_heap_inuse_bytes")
	to.memory, to.heap = append(to.memory, megabytes(float64(memory))), append(to.heap, megabytes(heap))
	return err
}

// admits sends one request with a session.
func (c *server) admits(ctx context.Context, cookies string) error {
	v, err := c.visit(0)
	if err != nil {
		return err
	}
	defer v.close()
	r, err := v.request(ctx, http.MethodGet, "/x", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Cookie", cookies)
	answer, err := v.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it is not read
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("a session was answered %d", answer.StatusCode)
	}
	return nil
}

// reload has Caddy load its configuration with a change.
func (c *server) reload(ctx context.Context, from, to string) error {
	config, err := os.ReadFile(c.config)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(config), from, to, 1)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.admin+"/load", strings.NewReader(changed))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/caddyfile")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // read below
	if answer.StatusCode != http.StatusOK {
		var said bytes.Buffer
		_, _ = said.ReadFrom(answer.Body)
		return fmt.Errorf("reloading: status %d: %.1000s", answer.StatusCode, said.String())
	}
	return nil
}
