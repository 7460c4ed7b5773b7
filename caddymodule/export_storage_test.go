// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

// What the tests of storages see of them.
var (
	WritesPassword = (*RedisStorage).writesPassword
	Sooner         = sooner
)

// ProvisionRedis provisions a storage and returns what it would connect by.
func ProvisionRedis(s *RedisStorage) (o redisstore.Options, err error) {
	if err = s.provision(caddy.NewReplacer()); err == nil {
		o = s.options()
	}
	return o, err
}

// ParseRedisURL is the address, user, password and database of a URL.
func ParseRedisURL(text string) (address, username, password string, database int, err error) {
	r, err := parseRedisURL(text, redisPort)
	if err != nil {
		return "", "", "", 0, err
	}
	return r.address, r.username, r.password.reveal(), r.database, nil
}

// A Resident is a site that has opened its house.
type Resident struct {
	site  *entrance
	house *pooledHouse
	held  hold
}

// MoveIn opens the house of a storage and a secret for a site.
func MoveIn(ctx context.Context, s Storage, secret string, logger *zap.Logger) (*Resident, error) {
	e := &entrance{
		app: &App{building: &building{logger: logger}}, storage: s,
		secret: &clearText{func() string { return secret }},
	}
	house, held, err := openHouse(ctx, e)
	if err != nil {
		return nil, err
	}
	return &Resident{e, house, held}, nil
}

// MoveOut lets go of the house as a configuration does that is over.
func (r *Resident) MoveOut() {
	r.house.log.Disclaim(r.site)
	r.held.release(zap.NewNop())
}

// SharesHouse reports whether two sites live in one house.
func (r *Resident) SharesHouse(other *Resident) bool { return r.house == other.house }
