// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

// A server is a Caddy that is measured.
type server struct {
	*process
	name   string
	port   string
	still  string // port of a site that says 401 to everything
	admin  string // host:port
	config string
	served int // requests that it was measured by
}

// secret is the root of all keys of a measurement, and of nothing else.
const secret = "measured-and-thrown-away-0123456789abcdef"

// options are the global options of every Caddy that is measured. The access log goes
// to a file that keeps nothing, since a log that is discarded costs nothing.
const options = `{
	admin ADMIN
	default_bind 127.0.0.1
	persist_config off
	auto_https off
	metrics
	grace_period 1s
	servers {
		trusted_proxies static 127.0.0.1/32
		trusted_proxies_strict
	}
	log {
		level ERROR
	}
}
`

const accessLog = `	log {
		output file /dev/null {
			roll_disabled
		}
	}
`

// bareSite is what the gate is compared with. FIELDS are directives that change headers.
const bareSite = "http://localhost:PORT {\n" + accessLog + "FIELDS\treverse_proxy APP\n}\n" + stillSite

// stillSite is told of in the access log as well: what is compared is a page with a page.
const stillSite = "http://localhost:STILL {\n" + accessLog + "\trespond " + emptyPage + " 401\n}\n"

// gatedSite has everything switched on.
const gatedSite = `http://localhost:PORT {
` + accessLog + `	@pay {
		path /pay/*
		method POST
	}
	doorcode *@example.com {
		storage STORAGE
		secret ` + secret + `
		mail file MAIL
		geoip CITY
		public /public/*
		sensitive /admin/*
		sensitive @pay 5m
		networks office 198.51.100.0/24
		page_status 200 /web/*
		` + asserts + `
		limits {
			LIMITS
		}
	}
	reverse_proxy APP
}
` + stillSite

// asserts has the gate send the app signed statements of who is there.
const asserts = "assertion Doorcode-Assertion"

// emptyPage is what the site beside the gate says until it is told how long its page is.
const emptyPage = `""`

// roomy are limits that do not get in the way of people who are measured.
const roomy = "send_address 900/1h\n\t\t\tsend_ip 900/1h\n\t\t\tsend_total 30000/1h\n\t\t\ttry_address 900/1h\n\t\t\ttry_ip 900/1h"

// site is the origin of the site that is measured.
func (c *server) site() string { return "http://localhost:" + c.port }

// startCaddy starts a Caddy with a site.
func (s *stage) startCaddy(ctx context.Context, name, cores, site string, replace ...string) (*server, error) {
	var ports [3]string
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	c := &server{name: name, port: ports[0], still: ports[1], admin: "127.0.0.1:" + ports[2], config: filepath.Join(s.folder, name+".Caddyfile")}
	replace = append(replace, "ADMIN", c.admin, "PORT", c.port, "STILL", c.still, "MAIL", s.mail())
	if err := os.WriteFile(c.config, []byte(strings.NewReplacer(replace...).Replace(options+site)), 0o600); err != nil {
		return nil, err
	}
	return c, s.rerun(ctx, c, cores)
}

// rerun starts a Caddy that is not running.
func (s *stage) rerun(ctx context.Context, c *server, cores string) (err error) {
	if c.process, err = s.start(ctx, c.name, cores, s.caddy, "run", "--adapter", "caddyfile", "--config", c.config); err != nil {
		return err
	}
	return c.listens(ctx, "127.0.0.1:"+c.port)
}

func (s *stage) mail() string { return filepath.Join(s.folder, "mail") }

// storage is the line of a storage in a Caddyfile.
func (s *stage) storage(name, redis string) string {
	if redis != "" {
		return "redis redis://" + redis
	}
	return "embedded " + filepath.Join(s.folder, name+".db")
}

// scenery is what stands around the gate wherever it is measured: an app behind it, on
// some of the cores, and a database of places.
func (s *stage) scenery(ctx context.Context, cores string) (app, city string, err error) {
	if app, err = s.startApp(ctx, cores); err != nil {
		return "", "", err
	}
	city, err = s.writeCity()
	return app, city, err
}

// writeCity makes a small database of places.
func (s *stage) writeCity() (path string, err error) {
	t := &noTest{folder: s.folder}
	defer func() {
		if t.fault != "" {
			recover() //nolint:errcheck // it is what Fatalf has thrown
			err = fmt.Errorf("writing a database: %s", t.fault)
		}
	}()
	places := map[string]geo.Place{"81.2.69.0/24": {Country: "PT", City: "Lisbon", Point: geo.Point{Latitude: 38.7, Longitude: -9.1}, Located: true}}
	return geotest.City(t, s.folder, "city.mmdb", places), nil
}

// A noTest stands in for the test that a database is usually written for.
type noTest struct {
	testing.TB
	folder, fault string
}

func (*noTest) Helper() {}

// Fatal ends the writing.
func (n *noTest) Fatal(args ...any) { n.fault = fmt.Sprint(args...); panic(n) }

// Fatalf ends the writing.
func (n *noTest) Fatalf(format string, args ...any) {
	n.fault = fmt.Sprintf(format, args...)
	panic(n)
}

// get fetches what is at a URL.
func get(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("fetching %s: status %d", url, answer.StatusCode)
	}
	return raw, err
}

// Names of metrics that count since the start of a Caddy.
const (
	allocations = "go_memstats_mallocs_total"
	collections = "go_gc_duration_seconds_count" // of garbage
)

// metrics reads some numbers of a Caddy's metrics, all of one moment.
func (c *server) metrics(ctx context.Context, names ...string) ([]float64, error) {
	raw, err := get(ctx, "http://"+c.admin+"/metrics")
	if err != nil {
		return nil, err
	}
	numbers := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		numbers[name] = number
	}
	values := make([]float64, len(names))
	for i, name := range names {
		if numbers[name] == "" {
			return nil, fmt.Errorf("reading metrics of %s: there is no %s", c.name, name)
		}
		if values[i], err = strconv.ParseFloat(numbers[name], 64); err != nil {
			return nil, fmt.Errorf("reading metrics of %s: %w", c.name, err)
		}
	}
	return values, nil
}

// metric reads one of them.
func (c *server) metric(ctx context.Context, name string) (float64, error) {
	values, err := c.metrics(ctx, name)
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

// live is how many bytes the heap of a Caddy has after garbage was collected.
func (c *server) live(ctx context.Context) (float64, error) {
	// The metrics are those of the last collection but for what was made since.
	if err := c.collectGarbage(ctx); err != nil {
		return 0, err
	}
	return c.metric(ctx, "go_memstats_heap_alloc_bytes")
}

func (c *server) collectGarbage(ctx context.Context) error {
	_, err := get(ctx, "http://"+c.admin+"/debug/pprof/heap?gc=1")
	return err
}
