// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// pins divides the cores: the Caddy that is measured has one half to itself, so that
// what the flood and wrk take is not taken from it.
func pins() (caddy, others string) {
	n := runtime.NumCPU()
	if n < 2 {
		return "", ""
	}
	return fmt.Sprintf("0-%d", n/2-1), fmt.Sprintf("%d-%d", n/2, n-1)
}

// measureStrangers compares people with sessions while a flood of strangers comes to the
// gate with the same people while a flood of equal cost comes to a site beside it that
// says 401 to everything. What is left is what strangers at the gate cost beyond their
// CPU time: waiting for locks, for the storage, or for memory.
func measureStrangers(ctx context.Context, s *stage) ([]report, error) {
	caddy, others := pins()
	app, err := s.startApp(ctx, others)
	if err != nil {
		return nil, err
	}
	city, err := s.writeCity()
	if err != nil {
		return nil, err
	}
	mails := collect(ctx, s.mail())
	var reports []report
	for _, name := range s.storages() {
		redis := ""
		if name == "redis" {
			if _, redis, err = s.startRedis(ctx, others); err != nil {
				return nil, err
			}
		}
		c, err := s.startCaddy(ctx, name, caddy, gatedSite, "APP", app, "CITY", city, "STORAGE", s.storage(name, redis), "LIMITS", "send_address 6/1h", "PAGE", strings.Repeat("x", 8<<10))
		if err != nil {
			return nil, err
		}
		r, err := s.flooded(ctx, c, mails, others)
		if err != nil {
			return nil, err
		}
		r.Title += ", " + name + " storage"
		reports = append(reports, r)
		c.stop()
	}
	return reports, nil
}

// flooded measures on one storage.
func (s *stage) flooded(ctx context.Context, c *server, mails *post, others string) (report, error) {
	lines, err := c.signIn(ctx, mails, min(s.sessions, 20)) // strangers' half of the usual limits
	if err != nil {
		return report{}, err
	}
	people, err := s.gather(lines)
	if err != nil {
		return report{}, err
	}
	gate, err := c.strangers(ctx, mails)
	if err != nil {
		return report{}, err
	}
	silent, err := c.silent(ctx)
	if err != nil {
		return report{}, err
	}
	costs := [2]float64{}
	for i, f := range []*flood{gate, silent} {
		for range 2 { // the first time warms up, and uses up the limits
			if costs[i], err = s.costOf(ctx, c, f); err != nil {
				return report{}, err
			}
		}
	}
	rate := float64(s.rate)
	var found [3]series
	for range s.rounds {
		for i, one := range []struct {
			flood *flood
			rate  float64
		}{{silent, 0}, {silent, rate * costs[0] / costs[1]}, {gate, rate}} {
			if err := s.visitFlooded(ctx, c, people, others, one.flood, one.rate, &found[i]); err != nil {
				return report{}, err
			}
		}
	}
	calm, beside, at := found[0], found[1], found[2]
	return report{
		Title: "### People while strangers come", Columns: []string{"no strangers", "strangers beside", "strangers at the gate"},
		About: fmt.Sprintf("%d strangers a second at the gate, a third each for the page, for a mail, and with a wrong code, from as many networks; %.1f µs of CPU each. Beside it: as many requests for a static 401 as take the same CPU, %.1f µs each. The ratio is between those two. Caddy has half of the cores to itself.", s.rate, costs[0], costs[1]),
		Rows: []row{
			compared("requests of people a second", 1, calm.requests, beside.requests, at.requests),
			compared("50 % answered within (µs)", 1, calm.p50, beside.p50, at.p50),
			compared("99 % answered within (µs)", 1, calm.p99, beside.p99, at.p99),
			compared("CPU of Caddy (ms a second)", 1, calm.cpu, beside.cpu, at.cpu),
			compared("strangers answered a second", 1, calm.strangers, beside.strangers, at.strangers),
		},
	}, nil
}

// costOf is what one request of a flood costs, in microseconds of CPU.
func (s *stage) costOf(ctx context.Context, c *server, f *flood) (float64, error) {
	before, err := c.cpu()
	if err != nil {
		return 0, err
	}
	while, cancel := context.WithTimeout(ctx, s.span)
	defer cancel()
	n := f.run(while, float64(s.rate))
	after, err := c.cpu()
	if err == nil && (n == 0 || after <= before || f.broken.Load() > 0) {
		err = errors.New("strangers were not answered as they should be")
	}
	return float64((after - before).Microseconds()) / float64(max(n, 1)), err
}

// visitFlooded adds one round to a series.
func (s *stage) visitFlooded(ctx context.Context, c *server, people crowd, others string, f *flood, rate float64, to *series) error {
	before, err := c.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	while, stop := context.WithCancel(ctx)
	var flooding sync.WaitGroup
	came := 0
	flooding.Go(func() { came = f.run(while, rate) })
	n, err := s.visit(ctx, people, c, others, s.span)
	stop()
	flooding.Wait()
	if err == nil && f.broken.Load() > 0 {
		err = errors.New("strangers were not answered as they should be")
	}
	if err != nil {
		return err
	}
	after, err := c.cpu()
	took := time.Since(began).Seconds()
	to.cpu, to.strangers = append(to.cpu, float64((after-before).Milliseconds())/took), append(to.strangers, float64(came)/took)
	to.requests = append(to.requests, n.perSecond())
	to.p50, to.p99 = append(to.p50, float64(n.P50)), append(to.p99, float64(n.P99))
	return err
}
