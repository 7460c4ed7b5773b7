// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

var redisSettings = table[*RedisStorage]{
	"prefix":   line(1, text(func(s *RedisStorage) *string { return &s.Prefix })),
	"username": line(1, live(func(s *RedisStorage) *string { return &s.Username })).as("<name>"),
	"password": line(1, live(func(s *RedisStorage) *Secret { return &s.Password })).as("<secret>"),
	"sentinel": block(func(s *RedisStorage) *RedisSentinel { return &s.Sentinel }, 1, []value[*RedisSentinel]{text(func(s *RedisSentinel) *string { return &s.Master })}, sentinelSettings).as("<master>", "sentinel.master"),
	"cluster":  flag(func(s *RedisStorage) **bool { return &s.Cluster }),
	"tls":      redisTLS,
	"timeout":  line(1, duration(func(s *RedisStorage) *caddy.Duration { return &s.Timeout })),
	"pool":     line(1, count(func(s *RedisStorage) *int { return &s.Pool })),
	"grace":    line(1, durationOrOff(func(s *RedisStorage) **caddy.Duration { return &s.Grace })),
}

var sentinelSettings = table[*RedisSentinel]{
	"username": line(1, live(func(s *RedisSentinel) *string { return &s.Username })).as("<name>"),
	"password": line(1, live(func(s *RedisSentinel) *Secret { return &s.Password })).as("<secret>"),
}

var tlsSettings = table[*RedisTLS]{
	"ca": line(1, live(func(t *RedisTLS) *string { return &t.CA })).as("<file>"),
	"certificate": line(2,
		text(func(t *RedisTLS) *string { return &t.Certificate }),
		text(func(t *RedisTLS) *string { return &t.Key })).as("<file> <key-file>", "certificate", "key"),
	"server_name": line(1, text(func(t *RedisTLS) *string { return &t.ServerName })).as("<name>"),
}

// redisTLS is a word that means something without its block.
var redisTLS = entry[*RedisStorage]{
	inside: tlsSettings.settings(),
	read: func(d *caddyfile.Dispenser, s *RedisStorage) error {
		start := d.Token()
		if n := len(argsOf(d)); n > 0 {
			return d.Errf("'tls' takes no arguments, got %d; write it alone, or with a block; leave it out for none", n)
		}
		s.TLS = &RedisTLS{}
		if _, err := tlsSettings.readBlock(d, start.Text, s.TLS); err != nil {
			return err
		}
		if err := s.TLS.complete(); err != nil {
			return at(start).WrapErr(err)
		}
		return nil
	},
}

// redisURLs are the arguments.
var redisURLs = listOf("; write redis://localhost:6379", func(s *RedisStorage, _, text string) error {
	if text == "" {
		return errRedisURL
	}
	s.URLs = append(s.URLs, Secret(text))
	return nil
}).as("<url...>", "urls")

var redisGrammar = grammar[*RedisStorage]{args: redisURLs, settings: redisSettings}

// UnmarshalCaddyfile reads
//
//	redis <url...> {
//		prefix   <text>
//		username <name>
//		password <secret>
//		sentinel <master> {
//			username <name>
//			password <secret>
//		}
//		cluster  [on|off]
//		tls {
//			ca          <file>
//			certificate <file> <key-file>
//			server_name <name>
//		}
//		timeout  <duration>
//		pool     <n>
//		grace    <duration>|off
//	}
func (s *RedisStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return redisGrammar.unmarshal(d, s)
}

const maxPrefix = 64 // bytes, of every record's name

func (s *RedisStorage) check() error {
	if strings.ContainsFunc(s.Prefix, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`*?[]\^`, c) }) || len(s.Prefix) > maxPrefix {
		return fmt.Errorf("'prefix' takes up to %d visible ASCII characters such as doorcode:, without *?[]\\^", maxPrefix)
	}
	for _, u := range s.URLs {
		if u == "" {
			return errRedisURL
		}
		if err := u.checkPlaceholders("redis"); err != nil {
			return err
		}
	}
	return errors.Join(
		s.Password.checkPlaceholders("password"),
		s.Sentinel.check(),
		s.TLS.check(),
		between("timeout", s.Timeout, 100*time.Millisecond, 10*time.Second),
		within("pool", s.Pool, 1, 1000),
		checkGrace(s.Grace),
	)
}

// complete refuses servers that could not be used.
func (s *RedisStorage) complete() error {
	switch {
	case len(s.URLs) == 0:
		return errors.New("no server: write 'storage redis redis://<host>:6379'")
	case s.Sentinel.named() && s.cluster():
		return errors.New("'sentinel' and 'cluster' exclude each other: a cluster does its own failover")
	}
	if err := errors.Join(s.Sentinel.complete(), s.TLS.complete()); err != nil {
		return err
	}
	urls := make([]string, len(s.URLs))
	for i, u := range s.URLs {
		if !u.literal() {
			return nil // placeholders are replaced when the configuration is loaded
		}
		urls[i] = string(u)
	}
	_, err := s.servers(urls)
	return err
}

// errLonelyUser is said at the line of the user, where there is one.
var errLonelyUser = misfit{"username", "'username' needs 'password'"}

func (s *RedisSentinel) check() error { return s.Password.checkPlaceholders("password") }

func (s *RedisSentinel) complete() error {
	switch {
	case !s.named():
		return nil
	case s.Master == "":
		return errors.New("'sentinel' needs the name of the master, such as 'sentinel mymaster'")
	case s.Username != "" && s.Password == "":
		return errLonelyUser
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*RedisStorage)(nil)
