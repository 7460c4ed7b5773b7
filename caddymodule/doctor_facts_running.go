// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// askTime bounds what a running Caddy may take for one answer.
const askTime = 5 * time.Second

// askRunning fills in what the running Caddy says. A configuration that does not load
// leaves its usual address.
func (c *consultation) askRunning(ctx context.Context, f *doctor.Facts) {
	if f.Unread {
		c.config = ""
	}
	f.NoURLs = "give --url https://app.example.com, or start Caddy"
	var status houseStatus
	if err := c.answer(ctx, statusPath, &status); err != nil {
		f.NotRunning = err.Error()
		return
	}
	address, _ := c.whereToAsk()
	r := &doctor.Running{Address: address, Versions: doctor.Versions{Doorcode: status.Version}}
	for _, s := range status.Sites {
		r.Origins = append(r.Origins, s.Origins...)
	}
	for _, s := range status.Storages {
		r.Stores = append(r.Stores, doctor.RunningStore{Name: s.Storage, Answers: s.Answers, Writes: s.Writes, Error: s.LastError, Keys: keysAt(status.Keys, s.Storage)})
	}
	var v vitals
	if err := c.answer(ctx, vitalsPath, &v); err == nil {
		v.fill(r)
	}
	if f.Running = r; len(f.URLs) == 0 {
		f.URLs, f.NoURLs = r.Origins, "give --url https://app.example.com: the running Caddy knows no address of a site"
	}
	c.askProofs(ctx, f)
}

func keysAt(list []keyStatus, storage string) (keys []doctor.Key) {
	for _, k := range list {
		if k.Storage == storage {
			keys = append(keys, doctor.Key{ID: k.ID, Signing: k.State == string(sessions.KeySigning), Created: k.Created})
		}
	}
	return keys
}

func (v *vitals) fill(r *doctor.Running) {
	r.Versions = doctor.Versions{Doorcode: v.Doorcode, Caddy: v.Caddy, Go: v.Go, Modules: v.Modules}
	r.Descriptors = doctor.Descriptors{Limit: v.Files.Limit, Open: v.Files.Open}
	r.Forwarders = v.Forwarders
	for _, t := range v.Storages {
		i := slices.IndexFunc(r.Stores, func(s doctor.RunningStore) bool { return s.Name == t.Storage })
		if i < 0 {
			continue
		}
		r.Stores[i].Slowest = time.Duration(t.Slowest * float64(time.Second))
		if t.Error != "" {
			r.Stores[i].Answers, r.Stores[i].Error = false, t.Error
		}
	}
}

// answer asks one endpoint.
func (c *consultation) answer(ctx context.Context, path string, into any) error {
	return c.answerTo(ctx, http.MethodGet, path, order{}, into)
}

// answerTo asks one endpoint about something.
func (c *consultation) answerTo(ctx context.Context, method, path string, about order, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	text, err := withinTime(ctx, func() ([]byte, error) {
		body, err := c.ask(method, path, about)
		if err != nil {
			return nil, err
		}
		defer body.Close() //nolint:errcheck // it has been read
		return io.ReadAll(body)
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("what answers is no Caddy with Doorcode: %w", err)
	}
	return nil
}
