// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// A series is what each round found of one Caddy.
type series struct {
	cpu, perSecond, p50, p99, allocs, app, wrk []float64 // of each turn; perSecond are requests

	collections []float64 // of garbage, a second

	strangers, storage, afforded []float64 // under a flood
}

// columns take one quantity out of several series.
func columns(of []series, quantity func(series) []float64) (all [][]float64) {
	for _, one := range of {
		all = append(all, quantity(one))
	}
	return all
}

// compareAll adds a row for each quantity of a turn.
func (r *report) compareAll(found []series) {
	r.compare("CPU per request (µs)", columns(found, func(o series) []float64 { return o.cpu })...)
	r.compare("requests a second", columns(found, func(o series) []float64 { return o.perSecond })...)
	r.compare("50 % answered within (µs)", columns(found, func(o series) []float64 { return o.p50 })...)
	r.compare("99 % answered within (µs)", columns(found, func(o series) []float64 { return o.p99 })...)
	r.compare("allocations per request", columns(found, func(o series) []float64 { return o.allocs })...)
	r.compare("CPU of the app per request (µs)", columns(found, func(o series) []float64 { return o.app })...)
	r.compare("CPU of wrk per request (µs)", columns(found, func(o series) []float64 { return o.wrk })...)
}

// measureSessions compares requests of people with sessions with the same requests to
// two Caddys without the gate, which take turns with it. One of them tells the app as
// much as the gate does, the same for everybody: any gate that says who is there costs
// that.
func measureSessions(ctx context.Context, s *stage) ([]report, error) {
	servers, people, told, err := s.setSessions(ctx)
	if err != nil {
		return nil, err
	}
	profiled := s.profileAll(ctx, servers)
	lanes := make([]lane, len(servers))
	for i, c := range servers {
		lanes[i] = lane{server: c, people: people}
	}
	found, err := s.race(ctx, lanes, fair)
	if err != nil {
		return nil, err
	}
	r := report{
		Title: "### Requests with a session", Columns: []string{"bare Caddy", "bare Caddy that sends the same headers", "with Doorcode"}, Pairs: []pair{{2, 0}, {2, 1}},
		About: fmt.Sprintf("One kilobyte through `reverse_proxy`, %s in turn, with places, sensitive rules, assertion, metrics and access log. The same requests go to all three, in %s of %s each.", many(s.sessions, "session"), many(s.rounds, "turn"), s.span),
	}
	r.compareAll(found)
	r.compare("bytes of header that the app is sent", told...)
	return []report{r}, profiled()
}

// fair are the orders in which three take turns: each is as often at each place of a
// round, each follows each of the others as often, and none itself, whose turn would
// find the processor's caches as it has left them.
var fair = [][]int{{0, 1, 2}, {0, 2, 1}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}}

// A lane is a Caddy, and who visits it.
type lane struct {
	server *server
	people crowd
}

// race has all take turns round by round, in one order after the other. The first round
// is there until caches are warm, and does not count.
func (s *stage) race(ctx context.Context, lanes []lane, orders [][]int) ([]series, error) {
	found := make([]series, len(lanes))
	for round := range s.rounds + 1 {
		for _, i := range orders[round%len(orders)] {
			if err := s.measure(ctx, lanes[i].people, lanes[i].server, &found[i]); err != nil {
				return nil, err
			}
		}
		if round == 0 {
			clear(found)
		}
	}
	return found, nil
}

// setSessions starts the Caddys that take turns: bare, bare with the same headers, and
// with the gate. told is how many bytes of header the app gets from each.
func (s *stage) setSessions(ctx context.Context) (servers []*server, people crowd, told [][]float64, err error) {
	app, city, err := s.scenery(ctx, "")
	if err != nil {
		return nil, people, nil, err
	}
	bare, err := s.startCaddy(ctx, "bare", "", bareSite, "APP", app, "FIELDS", "")
	if err != nil {
		return nil, people, nil, err
	}
	gated, err := s.startCaddy(ctx, "gated", "", gatedSite, "APP", app, "CITY", city, "STORAGE", s.storage("gated", ""), "LIMITS", roomy)
	if err != nil {
		return nil, people, nil, err
	}
	lines, err := gated.signIn(ctx, collect(ctx, s.mail()), s.sessions)
	if err != nil {
		return nil, people, nil, err
	}
	if people, err = s.gather(lines); err != nil {
		return nil, people, nil, err
	}
	fields, err := fieldsOf(ctx, bare, gated, lines[0])
	if err != nil {
		return nil, people, nil, err
	}
	same, err := s.startCaddy(ctx, "same", "", bareSite, "APP", app, "FIELDS", fields)
	if err != nil {
		return nil, people, nil, err
	}
	servers = []*server{bare, same, gated}
	for _, c := range servers {
		sent, _, err := c.exchange(ctx, lines[0])
		if err != nil {
			return nil, people, nil, err
		}
		told = append(told, []float64{float64(sizeOf(sent))})
	}
	return servers, people, told, nil
}

// measure adds one round to a series.
func (s *stage) measure(ctx context.Context, people crowd, c *server, to *series) error {
	// Telling how much was allocated allocates too.
	asked, err := c.metric(ctx, allocations)
	if err != nil {
		return err
	}
	began, err := c.metrics(ctx, allocations, collections)
	if err != nil {
		return err
	}
	before, err := bothUsed(c.process, s.app)
	if err != nil {
		return err
	}
	n, err := s.visit(ctx, people, c, "", s.span)
	if err != nil {
		return err
	}
	after, err := bothUsed(c.process, s.app)
	if err != nil {
		return err
	}
	ended, err := c.metrics(ctx, allocations, collections)
	if err != nil {
		return err
	}
	each := func(d time.Duration) float64 { return float64(d) / 1e3 / float64(n.Requests) }
	to.cpu, to.app = append(to.cpu, each(after[0]-before[0])), append(to.app, each(after[1]-before[1]))
	to.perSecond = append(to.perSecond, n.perSecond())
	to.p50, to.p99 = append(to.p50, float64(n.P50)), append(to.p99, float64(n.P99))
	to.allocs = append(to.allocs, (ended[0]-began[0]-(began[0]-asked))/float64(n.Requests))
	to.collections = append(to.collections, (ended[1]-began[1])/float64(n.Took)*1e6)
	to.wrk = append(to.wrk, each(n.Used))
	c.served += n.Requests
	return nil
}
