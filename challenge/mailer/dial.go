// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// dial connects, secures and logs in.
func (s *SMTP) dial(ctx context.Context) (*connection, error) {
	if err := s.pause(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c := &connection{shown: s.shown}
	release := func() bool { return true }
	login := &login{account: s.account}
	client, err := s.client(login, func(dialCtx context.Context, _, _ string) (net.Conn, error) {
		raw, err := connect(dialCtx, "tcp", s.address)
		if err != nil {
			return nil, err
		}
		c.raw = raw
		s.shown.connected(raw)
		// The context of the library ends with its dial, ours with the timeout.
		release = context.AfterFunc(ctx, c.sever)
		return s.secure(dialCtx, raw)
	})
	if err != nil {
		return nil, s.explain(ctx, Message{}, err)
	}
	c.client, err = client.DialToSMTPClientWithContext(ctx)
	held := release()
	if err == nil && held {
		s.shown.opened(c.client, s.host)
		return c, nil
	}
	if c.raw != nil {
		c.sever()
	}
	s.shown.failed(err)
	if login.begun {
		err = &stepError{step: stepLogin, err: err}
	}
	err = s.explain(ctx, Message{}, errors.Join(err, ctx.Err()))
	s.remember(err)
	return nil, err
}

// client sets the library up. Its own default field and its own choice of log-in
// are not used.
func (s *SMTP) client(login *login, dial gomail.DialContextFunc) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.port),
		gomail.WithTimeout(s.timeout),
		gomail.WithHELO(s.helo),
		gomail.WithTLSConfig(s.tlsConfig()),
		gomail.WithDialContextFunc(dial),
		gomail.WithoutSMTPUTF8(), // addresses are ASCII, and some servers refuse the word
	}
	switch s.mode {
	case TLSImplicit:
		options = append(options, gomail.WithSSL())
	case TLSRequired:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLSOpportunistic:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case TLSOff:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.account.user != "" {
		options = append(options, gomail.WithSMTPAuthCustom(login))
	}
	if s.shown != nil {
		options = append(options, gomail.WithLogger(s.shown), gomail.WithDebugLog())
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing connection: %w", err)
	}
	return client, nil
}

// secure wraps raw in TLS where that comes first.
func (s *SMTP) secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	if s.mode != TLSImplicit {
		return raw, nil
	}
	conn := tls.Client(raw, s.tlsConfig())
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return conn, nil
}

// pause returns the last refusal while no log-in is to be tried.
func (s *SMTP) pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.refusedUntil) {
		return s.refused
	}
	return nil
}

// remember starts a pause if err is a refused log-in.
func (s *SMTP) remember(err error) {
	var failure *DeliveryError
	if !errors.As(err, &failure) || failure.Step != stepLogin || !strings.HasPrefix(failure.Reply, "5") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused, s.refusedUntil = err, time.Now().Add(refusedPause)
}

func machineName() string {
	name, err := os.Hostname()
	if err != nil || !strings.Contains(name, ".") {
		return "localhost"
	}
	return name
}
