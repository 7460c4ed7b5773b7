// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A Relay is a mail server with faults, which asks for STARTTLS.
type Relay struct {
	Address string // host:port, the same whenever it is up

	config *tls.Config
	users  map[string]string
	server *smtp.Server
	done   chan struct{}

	mu      sync.Mutex // guards below
	fault   error
	got     []string // mails as they came
	rcpts   []string
	dials   int
	secured bool
}

// NewRelay makes a relay that is down.
func NewRelay(t testing.TB) *Relay {
	t.Helper()
	return &Relay{
		Address: "127.0.0.1:" + FreePort(t),
		config:  &tls.Config{Certificates: []tls.Certificate{authority.Server(t)}, MinVersion: tls.VersionTLS12},
	}
}

// NewImpostor makes a relay whose certificate nobody trusts.
func NewImpostor(t testing.TB) *Relay {
	t.Helper()
	r := NewRelay(t)
	r.config.Certificates = []tls.Certificate{NewAuthority(t).Server(t)}
	return r
}

// Login makes the relay know a user, and offer to log in. It is called before
// the relay is up.
func (r *Relay) Login(user, password string) { r.users = map[string]string{user: password} }

// Up starts the relay; it ends with the test.
func (r *Relay) Up(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", r.Address)
	if err != nil {
		t.Fatal(err)
	}
	r.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.dials++
		session := &relaySession{r, c}
		if r.users != nil {
			return relayLogin{session}, nil
		}
		return session, nil
	}))
	r.server.Domain, r.server.TLSConfig, r.server.ErrorLog = "relay.example", r.config, log.New(io.Discard, "", 0)
	server, done := r.server, make(chan struct{})
	r.done = done
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() { _ = server.Close(); <-done })
}

// Down stops the relay.
func (r *Relay) Down() {
	_ = r.server.Close()
	<-r.done
}

// Refuse makes the relay answer every recipient with a fault; nil ends that.
func (r *Relay) Refuse(fault error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// Recipients are all whom mail was offered for, in order.
func (r *Relay) Recipients() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.rcpts...)
}

// Dials is how many sessions were begun.
func (r *Relay) Dials() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dials
}

// Secured reports whether all mail came through TLS.
func (r *Relay) Secured() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.secured
}

// Wait returns the n-th mail to an address, counted from one.
func (r *Relay) Wait(t testing.TB, address string, n int) Mail {
	t.Helper()
	var mails []Mail
	Eventually(t, "mail to "+address+" at the relay", func() bool {
		mails = r.Mails(t, address)
		return len(mails) >= n
	})
	return mails[n-1]
}

// Mails are all mails to an address, the oldest first.
func (r *Relay) Mails(t testing.TB, address string) (mails []Mail) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, raw := range r.got {
		if one := parseMail(t, raw); strings.EqualFold(strings.Trim(one.Header.Get("To"), "<>"), address) {
			mails = append(mails, one)
		}
	}
	return mails
}

type relaySession struct {
	*Relay
	conn *smtp.Conn
}

func (s *relaySession) Reset()        {}
func (s *relaySession) Logout() error { return nil }

func (s *relaySession) Mail(string, *smtp.MailOptions) error { return nil }

func (s *relaySession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpts = append(s.rcpts, to)
	return s.fault
}

func (s *relaySession) Data(body io.Reader) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	_, secured := s.conn.TLSConnectionState()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secured = secured && (s.secured || len(s.got) == 0)
	s.got = append(s.got, string(raw))
	return nil
}

// relayLogin is a session that offers to log in.
type relayLogin struct{ *relaySession }

func (relayLogin) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s relayLogin) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if known, ok := s.users[user]; !ok || known != password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong password " + password}
		}
		return nil
	}), nil
}
