// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/certmagic"
	"golang.org/x/net/publicsuffix"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// resolveTime bounds one question to a DNS server.
const resolveTime = 5 * time.Second

// facts gathers what the checks go by. The caller calls done at the end.
func (c *consultation) facts(ctx context.Context) (f doctor.Facts, done func() error) {
	f = doctor.Facts{
		Versions: ownVersions(), Descriptors: ownDescriptors(), Addresses: ownAddresses(), Resolver: c.dns(), Asked: c.resolver, SendTo: c.sendTo, URLs: c.urls,
	}
	folder, err := os.MkdirTemp("", "doorcode-doctor-")
	done = func() error { return os.RemoveAll(folder) }
	if err != nil {
		f.Fault = err
		return f, done
	}
	raw, file, adapter, err := caddycmd.LoadConfig(c.config, c.adapter)
	f.Config = orElse(orElse(file, c.config), "configuration")
	switch {
	case err != nil:
		f.Fault, f.Unread = err, true
		c.notRead(&f)
	case len(raw) == 0:
		f.Fault, f.Unread = doctor.ErrNoConfig, true
		if here, err := os.Getwd(); err == nil {
			f.Fault = fmt.Errorf("%w, %s", doctor.ErrNoConfig, here)
		}
	default:
		c.config, c.adapter = file, adapter // also where it was found by itself
		written := readWritten(raw)
		written.fill(&f)
		c.load(folder, written, &f)
	}
	c.askRunning(ctx, &f)
	return f, done
}

// notRead says it in Facts where a configuration was not wrong, but could not be read at
// all. Caddy's loader keeps no error that could be told from others.
func (c *consultation) notRead(f *doctor.Facts) {
	file := c.config
	switch {
	case file == "-", file == "" && c.adapter != "":
		return
	case file == "":
		file = "Caddyfile"
	}
	if whole, err := filepath.Abs(file); err == nil {
		file = whole
	}
	about, err := tryFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Config, f.Fault = file, doctor.ErrNoFile
	case errors.Is(err, fs.ErrPermission):
		f.Config, f.Fault = file, doctor.ErrMayNotRead
	case err == nil && about.IsDir():
		f.Config, f.Fault = file, doctor.ErrFolder
	}
}

// load provisions the configuration, and says what starting it would refuse.
func (c *consultation) load(folder string, written *written, f *doctor.Facts) {
	ctx, err := provision(question{config: c.config, adapter: c.adapter}, folder)
	if err != nil {
		f.Fault = err
		return
	}
	module, err := ctx.AppIfConfigured("doorcode")
	app, ok := module.(*App)
	if err != nil || !ok || len(app.building.gates()) == 0 {
		f.Fault = doctor.ErrNoGate
		return
	}
	served, err := ctx.AppIfConfigured("http")
	http, ok := served.(*caddyhttp.App)
	if err != nil || !ok {
		f.Fault = fmt.Errorf("http app is a %T", served)
		return
	}
	stands, err := app.building.stands()
	if err != nil {
		f.Fault, f.Late = err, true
		return
	}
	f.Fault = refusals(app, stands)
	f.Late = f.Fault != nil
	w := &ward{app: app, http: http, stands: stands, trusting: written.trusting(), facts: f}
	c.loaded = w
	w.sites()
	w.mails()
	w.stores()
	w.places()
	w.secretFiles()
	w.upstreams()
	w.servers()
	w.authority(written)
}

// authority asks the usual authority what time it is, where a site gets its
// certificate there.
func (w *ward) authority(written *written) {
	if len(w.facts.Clocks) > 0 || written.hasOwnAuthority() {
		return
	}
	for _, s := range w.facts.Sites {
		for i, origin := range s.Origins {
			if suffix, public := publicsuffix.PublicSuffix(s.Hosts[i]); strings.HasPrefix(origin, "https:") && public && suffix != s.Hosts[i] {
				w.facts.Clocks = []string{certmagic.LetsEncryptProductionCA}
				return
			}
		}
	}
}

// refusals are what keeps the gates from being opened, found without opening them.
func refusals(app *App, stands map[*entrance]stand) error {
	var faults []error
	for _, e := range app.building.gates() {
		e.neighbours = neighboursOf(e, stands)
		_, err := e.origins(stands[e])
		if err := errors.Join(err, e.refuseExposed(stands[e]), e.refuseDivided()); err != nil {
			faults = append(faults, e.placed(err))
		}
	}
	return errors.Join(faults...)
}

// A ward is a configuration that was loaded, to be looked at.
type ward struct {
	app    *App
	http   *caddyhttp.App
	stands map[*entrance]stand
	// trusting are the servers that trust some proxies. Caddy clears that where it
	// has loaded it.
	trusting map[string]bool
	facts    *doctor.Facts
}

// gates are those that stand somewhere, in the order of their sites.
func (w *ward) gates() []*entrance { return inOrder(w.app) }

// dns asks the servers that the operator has named, else those of the system.
func (c *consultation) dns() doctor.Resolver {
	if c.resolver == "" {
		return &net.Resolver{}
	}
	return chosenDNS{server: c.resolver, dns: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, resolveTime)
		defer cancel()
		return new(net.Dialer).DialContext(ctx, network, c.resolver)
	}}}
}

// places are the databases of the sites, each once.
func (w *ward) places() {
	seen := map[*pooledPlaces]bool{}
	for _, e := range w.gates() {
		if p := e.places; p != nil && !seen[p] {
			seen[p] = true
			w.facts.Places = append(w.facts.Places, doctor.Places{Name: "geoip", Files: p.Files(), Knows: p.Knows(), Locate: p.Locate})
		}
	}
}

// withinTime runs something that knows no context. It is left behind when the
// context ends first.
func withinTime[T any](ctx context.Context, run func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := run()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
