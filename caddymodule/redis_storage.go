// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

func init() {
	caddy.RegisterModule(RedisStorage{})
}

// RedisStorage keeps everything in Redis, for many machines that act as one
// door. They need the same `secret`.
type RedisStorage struct {
	// The servers: `redis://10.0.0.5:6379/0`, `rediss://…` for TLS, or
	// `unix:///run/redis.sock`. Several are the sentinels, or nodes of the
	// cluster. Placeholders are replaced. Required, no default.
	URLs []Secret `json:"urls,omitempty"`

	// What the names of all records begin with. With a part in braces, such as
	// `{doorcode}:`, one node of a cluster keeps them all. Default: doorcode:.
	Prefix string `json:"prefix,omitempty"`

	// The ACL user; placeholders are replaced. Default: the default user.
	Username string `json:"username,omitempty"`

	// The password; write a placeholder such as `{env.REDIS_PASSWORD}` or
	// `{file./run/secrets/redis}`. Default: none.
	Password Secret `json:"password,omitempty"`

	// How Redis Sentinel is asked for the server. Default: it is not.
	Sentinel RedisSentinel `json:"sentinel,omitzero"`

	// Whether the servers are a Redis Cluster. Default: false.
	Cluster *bool `json:"cluster,omitempty"`

	// How the connection is encrypted. Default: not at all; with `rediss://`,
	// checked against the authorities of the system.
	TLS *RedisTLS `json:"tls,omitempty"`

	// How long each answer may take, 100ms to 10s. Default: 1s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many connections to each server there are at most, 1 to 1000.
	// Default: 10 for each processor.
	Pool int `json:"pool,omitempty"`

	// How long live sessions go on while Redis does not answer, up to 24h; 0
	// is not at all. Default: 10m.
	Grace *caddy.Duration `json:"grace,omitempty"`

	id, where string
	// options may hold passwords, and fmt cannot look into a function.
	options func() redisstore.Options
}

// A RedisSentinel is how Redis Sentinel is asked for the server.
type RedisSentinel struct {
	// The name that the sentinels have for the master. Required, no default.
	Master string `json:"master,omitempty"`

	// The ACL user at the sentinels; placeholders are replaced. Default: the
	// default user.
	Username string `json:"username,omitempty"`

	// The password at the sentinels; write a placeholder. Default: none.
	Password Secret `json:"password,omitempty"`
}

// CaddyModule names the module.
func (RedisStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "doorcode.storage.redis",
		New: func() caddy.Module { return new(RedisStorage) },
	}
}

// Provision replaces placeholders, reads the certificates and checks the
// outcome. It connects to nothing, so that a configuration can be validated
// while Redis is down.
func (s *RedisStorage) Provision(ctx caddy.Context) error {
	if err := s.provision(caddy.NewReplacer()); err != nil {
		return fmt.Errorf("storage redis: %w", err)
	}
	if s.writesPassword() {
		ctx.Logger().Warn("a password is written in the configuration, where the admin API shows it; use {env.X} or {file.…}")
	}
	return nil
}

func (s *RedisStorage) provision(repl *caddy.Replacer) error {
	if err := s.check(); err != nil {
		return err
	}
	if err := s.complete(); err != nil {
		return err
	}
	urls := make([]string, len(s.URLs))
	for i, u := range s.URLs {
		var err error
		if urls[i], err = expanded(repl, string(u)); err != nil {
			return err
		}
	}
	servers, err := s.servers(urls)
	if err != nil {
		return err
	}
	o, err := s.connection(repl, servers)
	if err != nil {
		return err
	}
	material, err := s.encrypt(repl, &o, servers[0].tls)
	if err != nil {
		return err
	}
	s.name(o, material)
	s.options = func() redisstore.Options { return o }
	return nil
}

// connection says where and as whom to connect.
func (s *RedisStorage) connection(repl *caddy.Replacer, servers []redisServer) (redisstore.Options, error) {
	o := redisstore.Options{
		DB: servers[0].database, Cluster: s.cluster(), Prefix: s.prefix(), Timeout: time.Duration(s.Timeout), PoolSize: s.Pool,
		Username: servers[0].username, Password: redisstore.Password(servers[0].password.reveal()),
	}
	for _, server := range servers {
		o.Addrs = append(o.Addrs, server.address)
	}
	if err := openLogin(repl, s.Username, s.Password, &o.Username, &o.Password); err != nil {
		return o, err
	}
	o.MasterName = s.Sentinel.Master
	if s.Sentinel.named() {
		if err := openLogin(repl, s.Sentinel.Username, s.Sentinel.Password, &o.SentinelUsername, &o.SentinelPassword); err != nil {
			return o, fmt.Errorf("sentinel: %w", err)
		}
	}
	return o, nil
}

// openLogin reads a name and a password where they are set.
func openLogin(repl *caddy.Replacer, name string, secret Secret, username *string, password *redisstore.Password) error {
	var err error
	if name != "" {
		if *username, err = expanded(repl, name); err != nil {
			return err
		}
	}
	if secret == "" {
		return nil
	}
	opened, err := secret.open(repl)
	if err != nil {
		return err
	}
	*password = redisstore.Password(opened.reveal())
	return nil
}

// idKey makes an ID useless for trying out passwords: it is another one in each
// process.
var idKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	rand.Read(key) //nolint:errcheck // never fails
	return key
})

// name makes the ID, of everything that the connections depend on, and the
// place, of what the records do.
func (s *RedisStorage) name(o redisstore.Options, material []byte) {
	addresses := slices.Sorted(slices.Values(o.Addrs))
	described, _ := json.Marshal([]any{
		addresses, o.MasterName, o.Cluster, o.DB, o.Prefix, o.Username, string(o.Password),
		o.SentinelUsername, string(o.SentinelPassword), o.Timeout, o.PoolSize, o.TLS != nil, material,
	})
	sum := hmac.New(sha256.New, idKey())
	sum.Write(described)
	s.id = "redis " + hex.EncodeToString(sum.Sum(nil)[:16])
	place := fmt.Sprintf("%s/%d", strings.Join(addresses, ","), o.DB)
	switch {
	case o.Cluster:
		place = "cluster at " + strings.Join(addresses, ",")
	case o.MasterName != "":
		place = fmt.Sprintf("%s/%d by the sentinels at %s", o.MasterName, o.DB, strings.Join(addresses, ","))
	}
	s.where = "redis " + place + ", prefix " + o.Prefix
}

// ID names servers, prefix, user and password, without telling them.
func (s *RedisStorage) ID() string { return s.id }

// Where names servers and prefix.
func (s *RedisStorage) Where() string { return s.where }

// GracePeriod is how long live sessions go on while Redis does not answer.
func (s *RedisStorage) GracePeriod() time.Duration { return graceOf(s.Grace) }

// Shared reports that other machines keep their records there too.
func (*RedisStorage) Shared() bool { return true }

// OpenStore makes a store that connects when it is asked.
func (s *RedisStorage) OpenStore(_ context.Context, logger *zap.Logger) (challenge.Store, error) {
	o := s.options()
	o.Report = func(n redisstore.Notice) {
		logger.Warn(n.Text, zap.String("event", "storage_"+string(n.Kind)), zap.String("server", n.Server))
	}
	store, err := redisstore.Open(o)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", s.where, err)
	}
	return store, nil
}

// named reports whether there are sentinels.
func (s *RedisSentinel) named() bool { return *s != RedisSentinel{} }

func (s *RedisStorage) cluster() bool { return s.Cluster != nil && *s.Cluster }

func (s *RedisStorage) prefix() string { return cmp.Or(s.Prefix, redisstore.DefaultPrefix) }

var (
	_ Storage           = (*RedisStorage)(nil)
	_ caddy.Provisioner = (*RedisStorage)(nil)
)
