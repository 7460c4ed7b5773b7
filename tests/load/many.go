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
	"strconv"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// measureMany compares a gate that has few people with sessions with one that has very
// many, each request by a random one of them, and both with bare Caddy, whose caches are
// as cold after as many different requests. Each gate is a process of its own, since
// memory and what collecting garbage costs are the process's.
func measureMany(ctx context.Context, s *stage) ([]report, error) {
	app, city, err := s.scenery(ctx, "")
	if err != nil {
		return nil, err
	}
	bare, err := s.startCaddy(ctx, "bare", "", bareSite, "APP", app, "FIELDS", "")
	if err != nil {
		return nil, err
	}
	mails := collect(ctx, s.mail())
	var towns []*town
	for _, people := range s.counts() {
		t, err := s.startTown(ctx, people, mails, "APP", app, "CITY", city)
		if err != nil {
			return nil, err
		}
		towns = append(towns, t)
	}
	flat, err := s.compareTowns(ctx, bare, towns)
	if err != nil {
		return nil, err
	}
	largest := towns[len(towns)-1]
	missed, err := s.measureMisses(ctx, bare, largest)
	if err != nil {
		return nil, err
	}
	signed, err := s.measureAssertions(ctx, bare, largest)
	return []report{flat, missed, signed}, err
}

// counts are how many people there are in turn.
func (s *stage) counts() (all []int) {
	for _, n := range []int{1, 1_000, challenge.DefaultCache} {
		if n < s.people {
			all = append(all, n)
		}
	}
	return append(all, s.people)
}

// A town is a gate that knows all of its people.
type town struct {
	*wanderers
	gate *server
}

// room is how many sessions are kept in memory: all, with some to spare.
func room(people int) int { return max(100, people+people/10) }

func caching(sessions int) string { return fmt.Sprintf("session {\n\t\t\tcache %d\n\t\t}", sessions) }

// silently has the gate send no assertion; where nothing is said, it sends one.
const silently = "assertion off"

// startTown starts a gate, fills its storage with people, and lets each of them in once.
func (s *stage) startTown(ctx context.Context, people int, mails *post, replace ...string) (*town, error) {
	name := "gated" + strconv.Itoa(people)
	site := strings.Replace(gatedSite, asserts, silently+"\n\t\t"+caching(room(people)), 1)
	c, err := s.startCaddy(ctx, name, "", site, append(replace, "STORAGE", s.storage(name, ""), "LIMITS", roomy)...)
	if err != nil {
		return nil, err
	}
	lines, err := c.signIn(ctx, mails, 1)
	if err != nil {
		return nil, err
	}
	c.stop()
	t := &town{&wanderers{file: filepath.Join(s.folder, name+".cookies"), count: people}, c}
	file, err := os.Create(t.file)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // what is missing in it is found when it is read
	if t.size, err = populate(ctx, filepath.Join(s.folder, name+".db"), c.site(), lines[0], people, file); err != nil {
		return nil, err
	}
	if err := s.rerun(ctx, c, ""); err != nil {
		return nil, err
	}
	return t, t.callOnce(ctx, c, s.connections)
}

// compareTowns measures each gate and, just before it, bare Caddy with the requests of
// the same people.
func (s *stage) compareTowns(ctx context.Context, bare *server, towns []*town) (report, error) {
	var lanes []lane
	for _, t := range towns {
		crowd, err := s.wander(t.wanderers)
		if err != nil {
			return report{}, err
		}
		lanes = append(lanes, lane{bare, crowd}, lane{t.gate, crowd})
	}
	found, err := s.race(ctx, lanes, upAndDown(len(towns)))
	if err != nil {
		return report{}, err
	}
	var without, with []series
	for i := range towns {
		without, with = append(without, found[2*i]), append(with, found[2*i+1])
	}
	r := report{
		Title: "### From one session to many",
		About: fmt.Sprintf("Each request is one of a random session; all are kept in memory by a gate with places, sensitive rules, metrics and access log, without assertion. Bare Caddy gets the same requests, %d turns of %s for each. \"All turns together\" has all that is done now and then, such as collecting garbage.", s.rounds, s.span),
	}
	for i, t := range towns {
		r.Columns = append(r.Columns, strconv.Itoa(t.count))
		if i > 0 {
			r.Pairs = append(r.Pairs, pair{i, 0})
		}
	}
	r.compareBoth("CPU per request (µs)", without, with, func(o series) []float64 { return o.cpu })
	r.compareBoth("CPU per request, all turns together (µs)", without, with, func(o series) []float64 { return []float64{o.overall()} })
	r.compareBoth("requests a second", without, with, func(o series) []float64 { return o.perSecond })
	r.compareBoth("99 % answered within (µs)", without, with, func(o series) []float64 { return o.p99 })
	r.compareBoth("allocations per request", without, with, func(o series) []float64 { return o.allocs })
	r.compareBoth("CPU of wrk per request (µs)", without, with, func(o series) []float64 { return o.wrk })
	r.compare(collectionsRow+", with Doorcode", columns(with, series.collected)...)
	r.compare("the same, bare Caddy", columns(without, series.collected)...)
	return r, r.weigh(ctx, towns)
}

// upAndDown are the orders in which bare Caddy and the gates of towns take turns: bare
// Caddy before each, so that nobody's turn follows their own.
func upAndDown(towns int) [][]int {
	var up, down []int
	for i := range towns {
		up, down = append(up, 2*i, 2*i+1), append(down, 2*(towns-1-i), 2*(towns-1-i)+1)
	}
	return [][]int{up, down}
}

// overall is the CPU time for each request of all turns, in microseconds. It relies on
// turns of one length: only then do requests a second weigh as much as requests.
func (o series) overall() float64 {
	var used, requests float64
	for i, each := range o.cpu {
		used, requests = used+each*o.perSecond[i], requests+o.perSecond[i]
	}
	return used / requests
}

// collectionsRow tells how many collections are in what was measured: where it says
// none, the CPU beside it is without what collecting costs.
const collectionsRow = "garbage collections a second, all turns together"

// collected are the collections a second of all turns, which are of one length: most
// turns may have none.
func (o series) collected() []float64 {
	var all float64
	for _, each := range o.collections {
		all += each
	}
	return []float64{all / float64(len(o.collections))}
}

// compareBoth adds three rows: of the gate, of bare Caddy, and of one divided by the
// other in the same round.
func (r *report) compareBoth(name string, without, with []series, quantity func(series) []float64) {
	gated, bare := columns(with, quantity), columns(without, quantity)
	var ratios [][]float64
	for i := range gated {
		ratio := make([]float64, len(gated[i]))
		for n := range ratio {
			ratio[n] = gated[i][n] / bare[i][n]
		}
		ratios = append(ratios, ratio)
	}
	r.compare(name+", with Doorcode", gated...)
	r.compare("the same, bare Caddy", bare...)
	r.compare("the same, with Doorcode : bare Caddy", ratios...)
}

// weigh adds the memory of the gates.
func (r *report) weigh(ctx context.Context, towns []*town) error {
	var gates []*server
	for _, t := range towns {
		gates = append(gates, t.gate)
	}
	heaps, err := r.weighAll(ctx, gates...)
	if err != nil {
		return err
	}
	each := [][]float64{{0}}
	for i, t := range towns[1:] {
		each = append(each, []float64{(heaps[i+1] - heaps[0]) * 1e3 / float64(t.count-towns[0].count)})
	}
	r.compare("of which for each session more than one (kB)", each...)
	return nil
}

// weighAll adds the memory of several Caddys, and returns how large their heaps are, in
// megabytes.
func (r *report) weighAll(ctx context.Context, all ...*server) (heaps []float64, err error) {
	var memory, heap [][]float64
	for _, c := range all {
		_, private, err := c.resident()
		if err != nil {
			return nil, err
		}
		kept, err := c.live(ctx)
		if err != nil {
			return nil, err
		}
		heaps = append(heaps, megabytes(kept))
		memory, heap = append(memory, []float64{megabytes(float64(private))}), append(heap, []float64{megabytes(kept)})
	}
	r.compare("memory of the process but for files (MB)", memory...)
	r.compare("heap after garbage was collected (MB)", heap...)
	return heaps, nil
}

// measureMisses has the gate of a town keep as few sessions as by default, or half of them
// where that would be all, and measures that.
func (s *stage) measureMisses(ctx context.Context, bare *server, t *town) (report, error) {
	few := min(challenge.DefaultCache, max(100, t.count/2))
	if err := s.restart(ctx, t.gate, caching(room(t.count)), caching(few)); err != nil {
		return report{}, err
	}
	r, err := s.compareOne(ctx, bare, t)
	r.Title = fmt.Sprintf("### %d sessions of which %d are kept", t.count, min(few, t.count))
	r.About = fmt.Sprintf("As in the first table, %d turns of %s. A session that is not kept costs one read of the storage and one check of a signature.", s.rounds, s.span)
	return r, err
}

// measureAssertions has the gate of a town send the app assertions, and measures that.
func (s *stage) measureAssertions(ctx context.Context, bare *server, t *town) (report, error) {
	if err := s.restart(ctx, t.gate, silently, asserts); err != nil {
		return report{}, err
	}
	if err := t.callOnce(ctx, t.gate, s.connections); err != nil {
		return report{}, err
	}
	r, err := s.compareOne(ctx, bare, t)
	r.Title = fmt.Sprintf("### %d sessions, with an assertion", t.count)
	r.About = fmt.Sprintf("As in the first table, %d turns of %s. An assertion is signed anew when the last one of its session is half a minute old: the more sessions share the requests, the more of these need one.", s.rounds, s.span)
	return r, err
}

// restart starts a Caddy again with one thing changed, and with what was at first there
// in place of the last change: a reload would leave behind what the old one remembers.
func (s *stage) restart(ctx context.Context, c *server, from, to string) error {
	c.stop()
	first, err := os.ReadFile(c.config)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(first), from, to, 1)
	if changed == string(first) {
		return fmt.Errorf("changing the configuration of %s: there is no %q", c.name, from)
	}
	if err := os.WriteFile(c.config, []byte(changed), 0o600); err != nil {
		return err
	}
	return errors.Join(s.rerun(ctx, c, ""), os.WriteFile(c.config, first, 0o600))
}

// compareOne measures the gate of a town beside bare Caddy.
func (s *stage) compareOne(ctx context.Context, bare *server, t *town) (report, error) {
	crowd, err := s.wander(t.wanderers)
	if err != nil {
		return report{}, err
	}
	found, err := s.race(ctx, []lane{{bare, crowd}, {t.gate, crowd}}, upAndDown(1))
	if err != nil {
		return report{}, err
	}
	r := report{Columns: []string{"bare Caddy", "with Doorcode"}, Pairs: []pair{{1, 0}}}
	r.compareAll(found)
	r.compare(collectionsRow, columns(found, series.collected)...)
	_, err = r.weighAll(ctx, bare, t.gate)
	return r, err
}
