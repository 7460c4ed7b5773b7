// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/geo"
)

// A House is what all gates of one storage share, as far as it is measured.
type House interface {
	Health() challenge.Health
	KeyList(now time.Time) []sessions.KeyInfo
}

// A Queue holds mails that wait.
type Queue interface{ Pending() int }

// A Configuration is what one configuration of Caddy uses, and is measured when
// somebody asks. It is safe for concurrent use. The methods that add may be called on
// nil.
type Configuration struct {
	version string

	mu        sync.Mutex // guards below
	houses    []housed
	databases []func() []geo.File
}

type housed struct {
	house House
	queue Queue
}

// NewConfiguration makes the measures of a configuration and makes them known, with
// those of the process, to its registry. version is that of Doorcode.
func NewConfiguration(version string, registry *prometheus.Registry) (*Configuration, error) {
	c := &Configuration{version: strings.ToValidUTF8(version, "")}
	return c, register(registry, append(lasting(), c)...)
}

// AddHouse adds a house with its mail queue, once.
func (c *Configuration) AddHouse(house House, queue Queue) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.houses, func(h housed) bool { return h.house == house }) {
		c.houses = append(c.houses, housed{house, queue})
	}
}

// AddDatabases adds databases of places.
func (c *Configuration) AddDatabases(files func() []geo.File) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.databases = append(c.databases, files)
}

var (
	infoDesc = prometheus.NewDesc("caddy_doorcode_build_info",
		"Always 1; version is which Doorcode this Caddy was built with.", []string{"version"}, nil)
	queueDesc = prometheus.NewDesc("caddy_doorcode_mail_queue",
		"Mails that wait to be handed over.", nil, nil)
	sessionsDesc = prometheus.NewDesc("caddy_doorcode_sessions",
		"Sessions that this machine knows without asking the storage, at most as many as 'session { cache }' says. Some may have ended without a request since.", nil, nil)
	keyAgeDesc = prometheus.NewDesc("caddy_doorcode_key_age_seconds",
		"For how long each key that signs at the moment has done so.", []string{"kid"}, nil)
	builtDesc = prometheus.NewDesc("caddy_doorcode_geoip_build_timestamp_seconds",
		"When the database of places that is in use was built, in Unix seconds; of several of one type, the oldest.", []string{"db"}, nil)
)

// Describe tells the names of the measures.
func (c *Configuration) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{infoDesc, queueDesc, sessionsDesc, keyAgeDesc, builtDesc} {
		to <- desc
	}
}

// Collect measures.
func (c *Configuration) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	houses, databases := slices.Clone(c.houses), slices.Clone(c.databases)
	c.mu.Unlock()
	now := time.Now()
	waiting, known, ages := 0, 0, map[string]float64{}
	for _, h := range houses {
		waiting += h.queue.Pending()
		known += h.house.Health().Sessions
		for _, k := range h.house.KeyList(now) {
			if k.State == sessions.KeySigning {
				ages[k.ID] = max(0, now.Sub(k.From).Seconds())
			}
		}
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(infoDesc, 1, c.version)
	gauge(queueDesc, float64(waiting))
	gauge(sessionsDesc, float64(known))
	for kid, age := range ages {
		gauge(keyAgeDesc, age, kid)
	}
	for name, built := range oldest(databases) {
		gauge(builtDesc, float64(built.Unix()), name)
	}
}

// oldest is the age of each type of database. A file is named by what it calls itself,
// never by its path.
func oldest(databases []func() []geo.File) map[string]time.Time {
	ages := map[string]time.Time{}
	for _, files := range databases {
		for _, file := range files() {
			name := strings.ToValidUTF8(file.Type, "")
			if built, known := ages[name]; !known || file.Built.Before(built) {
				ages[name] = file.Built
			}
		}
	}
	return ages
}
