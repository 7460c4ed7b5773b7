// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// ErrRefused reports that the servers do not let this user in, or do not let
// it do what a store does.
var ErrRefused = errors.New("redis refuses")

// A question is a command about one key, sent a second time where the first
// one got no answer because the connection broke.
type question struct {
	key       string // with the prefix
	script    *script
	arguments func(again bool) []any

	// patient says that it is also sent again when the first one timed out.
	patient bool
}

// ask sends a question to the server that keeps the key. unsure says that a
// command got no answer and may have been obeyed nevertheless.
func (s *Store) ask(ctx context.Context, q question) (answer any, unsure bool, err error) {
	server, err := s.find(ctx, q.key)
	if err != nil {
		return nil, false, err
	}
	for again := false; ; again = true {
		began := time.Now()
		answer, err = s.send(ctx, q, unsure)
		fault := s.faultOf(ctx, err)
		unsure = unsure || fault == lost || fault == late
		if again || !fault.deservesAnother(q.patient, err, began) {
			s.noteFault(ctx, server, fault, err)
			return answer, unsure, s.explain(fault, err)
		}
	}
}

// find names the server that keeps the key, if it may be asked.
func (s *Store) find(ctx context.Context, key string) (server string, err error) {
	server = s.servers.name
	if s.servers.cluster != nil {
		node, err := s.findInCluster(ctx, key)
		if err != nil {
			return "", err
		}
		server = node.Options().Addr
	}
	return server, s.outages.admit(server, time.Now())
}

// findInCluster asks the cluster, once, who keeps which keys.
func (s *Store) findInCluster(ctx context.Context, key string) (*redis.Client, error) {
	if err := s.outages.admit(s.servers.name, time.Now()); err != nil {
		return nil, err
	}
	node, err := s.servers.cluster.MasterForKey(ctx, key)
	fault := s.faultOf(ctx, err)
	s.noteFault(ctx, s.servers.name, fault, err)
	if err != nil {
		return nil, s.explain(fault, err)
	}
	return node, nil
}

func (s *Store) send(ctx context.Context, q question, again bool) (any, error) {
	if q.script == nil {
		return s.sendOnce(ctx, "get", q.key)
	}
	rest := append([]any{1, q.key}, q.arguments(again)...)
	answer, err := s.sendOnce(ctx, append([]any{"evalsha", q.script.hash}, rest...)...)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return s.sendOnce(ctx, append([]any{"eval", q.script.source}, rest...)...)
	}
	return answer, err
}

func (s *Store) sendOnce(ctx context.Context, args ...any) (any, error) {
	return sendTo(ctx, s.servers.process, args...)
}

func sendTo(ctx context.Context, process func(context.Context, redis.Cmder) error, args ...any) (any, error) {
	cmd := redis.NewCmd(ctx, args...)
	err := process(ctx, once{cmd})
	return cmd.Val(), err
}

// once is a command that the library must not repeat by itself: whether that
// can do harm is known here, and how often it was sent must be.
type once struct{ *redis.Cmd }

func (once) NoRetry() bool { return true }

// A fault is what kept a command from being answered as it should.
type fault int

const (
	none     fault = iota
	replied        // the server answered that it does not do this
	gaveUp         // the caller did, before the command was sent
	closed         // the store was
	excluded       // the server does not let us in
	unsent         // there was no connection to send it on
	lost           // the connection broke before the answer
	late           // there was no answer in time
)

func (s *Store) faultOf(ctx context.Context, err error) fault {
	var reply redis.Error
	var dial *dialError
	var timeout net.Error
	switch {
	case err == nil:
		return none
	case redis.IsAuthError(err) || redis.IsMaxClientsError(err):
		return excluded
	case errors.As(err, &reply):
		return replied
	case errors.Is(err, redis.ErrClosed):
		return closed
	case errors.As(err, &dial) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted):
		return unsent
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return gaveUp
	case errors.As(err, &timeout) && timeout.Timeout():
		return late
	}
	return lost
}

// deservesAnother reports whether a command that began then is sent again. A
// dial that failed before it began says nothing of now: the pool can hand on
// what was made for a call that gave up.
func (f fault) deservesAnother(patient bool, err error, began time.Time) bool {
	var dial *dialError
	return f == lost || f == late && patient || errors.As(err, &dial) && dial.began.Before(began)
}

// noteFault remembers whether the server is away. What the server itself
// replied shows that it is not.
func (s *Store) noteFault(ctx context.Context, server string, f fault, err error) {
	switch f {
	case none, replied:
		s.outages.note(server, nil, time.Now())
		if redis.IsClusterDownError(err) && s.servers.cluster != nil {
			s.servers.cluster.ReloadState(ctx)
		}
	case excluded, unsent, lost, late:
		s.outages.note(server, s.plain(err), time.Now())
		if s.servers.cluster != nil {
			s.servers.cluster.ReloadState(ctx) // another may have taken over
		}
	case gaveUp, closed: // nothing is known of the server
	}
}

// explain says what an error means and what to do about it.
func (s *Store) explain(f fault, err error) error {
	switch {
	case err == nil || errors.Is(err, redis.Nil) || f == gaveUp:
		return err
	case f == closed:
		return challenge.ErrClosed
	case redis.HasErrorPrefix(err, "NOAUTH"):
		return fmt.Errorf("%w to answer without a password: give the username and password of one of its users (%w)", ErrRefused, s.plain(err))
	case redis.IsAuthError(err):
		return fmt.Errorf("%w this username or password: give those of a user that its ACL LIST shows (%w)", ErrRefused, s.plain(err))
	case redis.IsPermissionError(err) || strings.Contains(err.Error(), "The user executing the script can't"):
		return fmt.Errorf("%w its user a command or key: grant what the documentation lists (%w)", ErrRefused, s.plain(err))
	case f == replied:
		return fmt.Errorf("asking redis: %w", s.plain(err))
	}
	return fmt.Errorf("%w: %w", ErrAway, s.plain(err))
}

// plain is err without the passwords: what is no Redis, or an old one, quotes
// the line it did not understand.
func (s *Store) plain(err error) error {
	text := err.Error()
	for _, password := range s.passwords {
		if password != "" {
			text = strings.ReplaceAll(text, string(password), hiddenPassword)
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
