// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// measureCodes tells how many right codes a second each storage takes, and what one
// costs, with 32 people at once.
func measureCodes(ctx context.Context, s *stage) ([]report, error) {
	app, city, err := s.scenery(ctx, "")
	if err != nil {
		return nil, err
	}
	mails := collect(ctx, s.mail())
	r := report{
		Title: "### Right codes", About: fmt.Sprintf("%d people, 32 of them at once: each code is spent, kept on the disk, and answered with a session and the page behind it.", s.codes),
		Rows: []row{{Name: "codes a second"}, {Name: "CPU of Caddy for each (µs)"}, {Name: "CPU of Redis for each (µs)"}},
	}
	for _, name := range s.stores {
		var store *process
		redis := ""
		if name == "redis" {
			if store, redis, err = s.startRedis(ctx, ""); err != nil {
				return nil, err
			}
		}
		c, err := s.startCaddy(ctx, name, "", gatedSite, "APP", app, "CITY", city, "STORAGE", s.storage(name, redis), "LIMITS", roomy)
		if err != nil {
			return nil, err
		}
		figures, err := s.enterCodes(ctx, c, store, mails)
		if err != nil {
			return nil, err
		}
		r.Columns = append(r.Columns, name)
		for i, figure := range figures {
			r.Rows[i].Values = append(r.Rows[i].Values, figure)
		}
		c.stop()
	}
	return []report{r}, nil
}

// enterCodes has people enter their codes who have only that to do.
func (s *stage) enterCodes(ctx context.Context, c *server, store *process, mails *post) (figures [3]float64, err error) {
	people, codes := make([]*visitor, s.codes), make([]string, s.codes)
	if err := eachOf(ctx, s.codes, 8, func(n int) (err error) {
		if people[n], err = c.visit(n); err == nil {
			codes[n], err = people[n].ask(ctx, mails, fmt.Sprintf("person%d@example.com", n))
		}
		return err
	}); err != nil {
		return figures, err
	}
	before, err := bothUsed(c.process, store)
	if err != nil {
		return figures, err
	}
	began := time.Now()
	if err := eachOf(ctx, s.codes, 32, func(n int) error {
		defer people[n].close()
		cookies, err := people[n].enter(ctx, codes[n])
		if err == nil && !strings.Contains("; "+cookies, "; doorcode=") {
			err = fmt.Errorf("entering a code: no session, only %q", cookies)
		}
		return err
	}); err != nil {
		return figures, err
	}
	took := time.Since(began)
	after, err := bothUsed(c.process, store)
	each := float64(s.codes)
	return [3]float64{each / took.Seconds(), float64((after[0] - before[0]).Microseconds()) / each, float64((after[1] - before[1]).Microseconds()) / each}, err
}

func bothUsed(caddy, store *process) (used [2]time.Duration, err error) {
	if used[0], err = caddy.cpu(); err == nil && store != nil {
		used[1], err = store.cpu()
	}
	return used, err
}

// eachOf does something n times, several at once, until one fails.
func eachOf(ctx context.Context, n, atOnce int, do func(n int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for w := range atOnce {
		all.Go(func() {
			for i := w; i < n && ctx.Err() == nil; i += atOnce {
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
