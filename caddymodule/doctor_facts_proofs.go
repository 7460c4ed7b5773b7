// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge"
)

// passkeysFor is what a site makes of passkeys. Where all is only observed, nobody is kept
// out who has none.
func (s *Settings) passkeysFor() doctor.Passkeys {
	on, accepts := *s.Passkeys, s.accepts()
	return doctor.Passkeys{
		On: on && accepts != challenge.AcceptCode, Only: accepts == challenge.AcceptPasskey && !s.observesAll(), Idle: on && accepts == challenge.AcceptCode,
	}
}

const (
	// mostAsked bounds how many people of one site the running Caddy is asked about.
	mostAsked = 100
	// proofTime bounds the time that all of it takes.
	proofTime = 10 * time.Second
)

// askProofs asks the running Caddy what the people have whom the lists name, for each site
// that wants it of them. A site of which not all is known has none of it.
func (c *consultation) askProofs(ctx context.Context, f *doctor.Facts) {
	if c.loaded == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	for i, e := range c.loaded.gates() {
		s := &f.Sites[i]
		if !s.Passkeys.Only && !s.KeyRequired {
			continue
		}
		known, err := new(doctor.Known), error(nil)
		listed := e.mayPass(time.Now())
		known.Listed = len(listed)
		for _, address := range listed[:min(len(listed), mostAsked)] {
			if err = c.askProof(ctx, e, s, address, known); err != nil {
				break
			}
		}
		if err == nil {
			s.Known = known
		}
	}
}

// mayPass are those who may pass of the addresses that the lists name one by one.
func (e *entrance) mayPass(now time.Time) []challenge.Email {
	access := e.lists.access.Load()
	return slices.DeleteFunc(e.spelledOut(), func(address challenge.Email) bool { return !access.Judge(address, now).Allowed })
}

// askProof asks about one person.
func (c *consultation) askProof(ctx context.Context, e *entrance, s *doctor.Site, address challenge.Email, known *doctor.Known) error {
	var keys passkeysAnswer
	if err := c.answerTo(ctx, http.MethodPost, passkeysPath, order{Address: string(address)}, &keys); err != nil {
		return err
	}
	here, counts := e.storage.Where(), false
	keys.Passkeys = slices.DeleteFunc(keys.Passkeys, func(k listedPasskey) bool { return k.Storage != here || k.State != passkeyCounts })
	for i := range keys.Passkeys {
		counts = counts || worksAt(s, keys.Passkeys[i].Site)
	}
	switch known.People++; {
	case counts:
		known.Keyed++
	case len(keys.Passkeys) > 0:
		known.Elsewhere++
	}
	var browsers browsersAnswer
	if err := c.answerTo(ctx, http.MethodPost, browsersPath, order{Address: string(address)}, &browsers); err != nil {
		return err
	}
	for i := range browsers.Browsers {
		if b := &browsers.Browsers[i]; b.Storage == here && b.Remembered {
			known.Browsers++
			if b.Bound {
				known.Bound++
			}
		}
	}
	return nil
}

// worksAt reports whether a passkey that is bound to a name works at a site.
func worksAt(s *doctor.Site, name string) bool {
	if s.SingleSignOn != "" {
		return strings.EqualFold(name, s.SingleSignOn)
	}
	return slices.ContainsFunc(s.Hosts, func(host string) bool { return strings.EqualFold(name, host) })
}
