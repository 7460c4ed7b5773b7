// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// pins divides the cores: the Caddy that is measured has one half to itself, so that
// what the app, wrk, Redis and this program take is not taken from it.
func pins() (caddy, others string) {
	n := runtime.NumCPU()
	if n < 2 {
		return "", ""
	}
	return fmt.Sprintf("0-%d", n/2-1), fmt.Sprintf("%d-%d", n/2, n-1)
}

// stand moves this program, which sends the floods, to some of the cores.
func stand(ctx context.Context, cores string) error {
	if cores == "" {
		return nil
	}
	said, err := exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", cores, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("moving to cores %s: %w\n%s", cores, err, said)
	}
	return nil
}

// measureStrangers compares people with sessions while a flood of strangers comes to the
// gate with the same people while as many come to a site beside it, which says 401 to
// everything with as many bytes. What is left is what the gate costs beyond answering.
func measureStrangers(ctx context.Context, s *stage) ([]report, error) {
	caddy, others := pins()
	if err := stand(ctx, others); err != nil {
		return nil, err
	}
	app, city, err := s.scenery(ctx, others)
	if err != nil {
		return nil, err
	}
	mails := collect(ctx, s.mail())
	var reports []report
	for _, name := range s.stores {
		var store *process
		redis := ""
		if name == "redis" {
			if store, redis, err = s.startRedis(ctx, others); err != nil {
				return nil, err
			}
		}
		c, err := s.startCaddy(ctx, name, caddy, gatedSite, "APP", app, "CITY", city, "STORAGE", s.storage(name, redis), "LIMITS", "send_address 6/1h")
		if err != nil {
			return nil, err
		}
		r, err := s.flooded(ctx, c, store, mails, others)
		if err != nil {
			return nil, err
		}
		r.Title += ", " + name + " storage"
		reports = append(reports, r)
		c.stop()
	}
	return reports, nil
}

// floods are the strangers that are compared: at a site that says 401, at the gate for
// its page, and at the gate for all sorts of things.
func (s *stage) floods(ctx context.Context, c *server, mails *post) (all [3]*flood, err error) {
	gate, err := c.strangers(ctx, mails)
	if err != nil {
		return all, err
	}
	// Answers of the two sites are to have the same length, with their headers.
	silent, err := c.silent(ctx)
	if err != nil {
		return all, err
	}
	page, err := gate.length(ctx)
	if err != nil {
		return all, err
	}
	bare, err := silent.length(ctx)
	if err != nil {
		return all, err
	}
	if err := c.reload(ctx, emptyPage, strconv.Quote(fmt.Sprintf("%0*d", page-bare, 0))); err != nil {
		return all, err
	}
	all = [3]*flood{silent, {address: gate.address, requests: gate.requests[:1]}, gate}
	for _, f := range all { // warms up, and uses up the limits
		while, cancel := context.WithTimeout(ctx, s.span)
		f.run(while, float64(s.rate))
		cancel()
	}
	return all, nil
}

// flooded measures on one storage.
func (s *stage) flooded(ctx context.Context, c *server, store *process, mails *post, others string) (report, error) {
	lines, err := c.signIn(ctx, mails, min(s.sessions, 20)) // strangers' half of the usual limits
	if err != nil {
		return report{}, err
	}
	people, err := s.gather(lines)
	if err != nil {
		return report{}, err
	}
	floods, err := s.floods(ctx, c, mails)
	if err != nil {
		return report{}, err
	}
	found := make([]series, 1+len(floods))
	for round := range s.rounds {
		turn := []int{0, 2, 1, 3} // what is static comes between those that are compared with it
		if round%2 == 1 {
			slices.Reverse(turn)
		}
		for _, i := range turn {
			f, rate := floods[0], 0.0
			if i > 0 {
				f, rate = floods[i-1], float64(s.rate)
			}
			if err := s.visitFlooded(ctx, c, store, people, others, f, rate, &found[i]); err != nil {
				return report{}, err
			}
		}
	}
	r := report{
		Title: "### People while strangers come", Columns: []string{"no strangers", "static 401", "page of the gate", "page, mail and code"}, Pairs: []pair{{1, 0}, {2, 1}, {3, 1}},
		About: fmt.Sprintf("%d strangers a second, each from another network: at a site of the same Caddy that says 401 with as many bytes as the page has, at the gate for its page, and a third each for the page, for a mail to an address that had all it may have, and with a wrong code whose tries are used up. Caddy has half of the cores to itself.", s.rate),
	}
	r.compare("requests of people per second of Caddy's CPU", columns(found, func(o series) []float64 { return o.afforded })...)
	r.compare("requests of people a second", columns(found, func(o series) []float64 { return o.perSecond })...)
	r.compare("50 % answered within (µs)", columns(found, func(o series) []float64 { return o.p50 })...)
	r.compare("99 % answered within (µs)", columns(found, func(o series) []float64 { return o.p99 })...)
	r.compare("CPU of Caddy (ms a second)", columns(found, func(o series) []float64 { return o.cpu })...)
	r.compare("CPU of the storage's server (ms a second)", columns(found, func(o series) []float64 { return o.storage })...)
	r.compare("strangers answered a second", columns(found, func(o series) []float64 { return o.strangers })...)
	return r, nil
}

// visitFlooded adds one round to a series.
func (s *stage) visitFlooded(ctx context.Context, c *server, store *process, people crowd, others string, f *flood, rate float64, to *series) error {
	before, err := bothUsed(c.process, store)
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
	took := time.Since(began).Seconds()
	after, err := bothUsed(c.process, store)
	used := func(i int) float64 { return float64((after[i] - before[i]).Milliseconds()) / took }
	to.afforded = append(to.afforded, n.perSecond()/used(0)*1e3)
	to.cpu, to.storage, to.strangers = append(to.cpu, used(0)), append(to.storage, used(1)), append(to.strangers, float64(came)/took)
	to.perSecond = append(to.perSecond, n.perSecond())
	to.p50, to.p99 = append(to.p50, float64(n.P50)), append(to.p99, float64(n.P99))
	return err
}
