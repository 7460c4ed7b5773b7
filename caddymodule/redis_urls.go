// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// A redisServer is what one URL says.
type redisServer struct {
	address  string // host and port, or the path of a socket
	socket   bool
	tls      bool
	username string
	password *clearText
	database int
}

// What is wrong with a URL is said without showing any of it: whatever it was
// meant to be, a part may be a password.
var (
	errRedisURL = errors.New("'redis' takes URLs such as redis://localhost:6379/0, rediss://redis.example.com:6379 or unix:///run/redis.sock; " +
		"write the password in 'password', best as {file./run/secrets/redis}")
	errRedisQuery    = errors.New("a redis URL takes nothing after '?'; write 'timeout', 'pool' and 'tls' in the block of 'storage redis'")
	errRedisDatabase = errors.New("a redis URL ends in the number of the database, such as redis://localhost:6379/0")
)

const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// parseRedisURL reads one URL, with the port that is meant where none is
// written.
func parseRedisURL(text, port string) (redisServer, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Fragment != "" || strings.HasSuffix(text, "#") {
		return redisServer{}, errRedisURL
	}
	password, _ := u.User.Password()
	server := redisServer{tls: u.Scheme == "rediss", username: u.User.Username(), password: &clearText{func() string { return password }}}
	switch u.Scheme {
	case "redis", "rediss":
		err = server.network(u, port)
	case "unix":
		err = server.local(u)
	default:
		err = errRedisURL
	}
	if err != nil {
		return redisServer{}, err
	}
	return server, nil
}

// network reads host, port and database.
func (r *redisServer) network(u *url.URL, port string) error {
	if u.Port() != "" {
		port = u.Port()
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 || !isServerName(u.Hostname()) {
		return errRedisURL
	}
	if u.RawQuery != "" || u.ForceQuery {
		return behindPassword(errRedisQuery, u.RawQuery)
	}
	r.address = net.JoinHostPort(u.Hostname(), port)
	return behindPassword(r.number(strings.TrimPrefix(u.Path, "/")), u.Path)
}

// behindPassword adds to an error what to do if a password holds the '/' or '?'
// at which the host seems to end: then the '@' is behind it.
func behindPassword(err error, rest string) error {
	if err == nil || !strings.Contains(rest, "@") {
		return err
	}
	return fmt.Errorf("%w; percent-encode a password in a URL, or better write it in 'password'", err)
}

// isServerName reports whether a text can be a host's name or address.
func isServerName(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune(".-_:%", c)
	})
}

// local reads the path of a socket; the database comes as ?db=1.
func (r *redisServer) local(u *url.URL) error {
	if u.Host != "" || !path.IsAbs(u.Path) || u.Path == "/" {
		return errRedisURL
	}
	database, found := strings.CutPrefix(u.RawQuery, "db=")
	if u.RawQuery != "" && !found {
		return errRedisQuery
	}
	r.address, r.socket = u.Path, true
	return r.number(database)
}

func (r *redisServer) number(text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return errRedisDatabase
	}
	r.database = int(n)
	return nil
}

// servers reads all URLs, which must fit together and to the other settings.
func (s *RedisStorage) servers(urls []string) ([]redisServer, error) {
	port := redisPort
	if s.Sentinel.named() {
		port = sentinelPort
	}
	servers := make([]redisServer, len(urls))
	for i, text := range urls {
		var err error
		if servers[i], err = parseRedisURL(text, port); err != nil {
			return nil, err
		}
		if !servers[i].like(servers[0]) {
			return nil, errors.New("the URLs of one storage need the same scheme, user, password and database")
		}
	}
	if err := s.fitServers(servers); err != nil {
		return nil, err
	}
	return servers, s.fitLogin(servers[0])
}

// like reports whether two servers differ in their address alone.
func (r redisServer) like(other redisServer) bool {
	return r.socket == other.socket && r.tls == other.tls && r.username == other.username &&
		r.password.reveal() == other.password.reveal() && r.database == other.database
}

func (s *RedisStorage) fitServers(servers []redisServer) error {
	first, alone := servers[0], !s.Sentinel.named() && !s.cluster()
	switch {
	case len(servers) > 1 && alone:
		return errors.New("several URLs are those of sentinels or of a cluster: add 'sentinel <master>' or 'cluster'")
	case first.socket && (!alone || s.TLS != nil):
		return errors.New("a unix:// socket goes without 'sentinel', 'cluster' and 'tls'")
	case s.cluster() && first.database != 0:
		return fmt.Errorf("a cluster has the database 0 alone; leave /%d out of the URL", first.database)
	}
	return nil
}

// fitLogin refuses a user or password that is said twice, or to nobody knows
// whom.
func (s *RedisStorage) fitLogin(server redisServer) error {
	password := server.password.reveal()
	switch {
	case s.Sentinel.named() && (server.username != "" || password != ""):
		return errors.New("with 'sentinel' a URL has no user and password: write them in the block of 'storage redis' for the server, in that of 'sentinel' for the sentinels")
	case server.username != "" && s.Username != "":
		return errors.New("the user is written in the URL and in 'username'; write it once")
	case password != "" && s.Password != "":
		return errors.New("the password is written in the URL and in 'password'; write it once")
	case server.username+s.Username != "" && password == "" && s.Password == "":
		return errLonelyUser
	}
	return nil
}

// writesPassword reports whether a password stands in the configuration itself.
func (s *RedisStorage) writesPassword() bool {
	if s.Password.literal() || s.Sentinel.Password.literal() {
		return true
	}
	for _, u := range s.URLs {
		_, rest, _ := strings.Cut(string(u), "://")
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			if _, password, _ := strings.Cut(rest[:i], ":"); Secret(password).literal() {
				return true
			}
		}
	}
	return false
}
