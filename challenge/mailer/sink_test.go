// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A sink is a mail server with faults. Its hooks run with the number of calls
// so far, from one; nil hooks do nothing.
type sink struct {
	name     string // in the certificate; "127.0.0.1" by default
	noTLS    bool
	implicit bool
	user     string // with pass, a log-in is offered
	pass     string
	login    string // the mechanism: PLAIN or LOGIN
	onMail   func(n int, c *smtp.Conn) error
	onRcpt   func(n int, c *smtp.Conn) error
	onBody   func(n int, c *smtp.Conn) error // before the body is read
	onData   func(n int, c *smtp.Conn) error // after it

	addr  string
	roots *x509.CertPool

	mu     sync.Mutex // guards below
	conns  []*smtp.Conn
	froms  []string
	rcpts  []string
	bodies [][]byte
	logins int
	secure bool // the last mail came through TLS
}

// open starts the sink on a free port until the test ends.
func (s *sink) open(t *testing.T) *sink {
	t.Helper()
	if s.name == "" {
		s.name = "127.0.0.1"
	}
	config := s.certify(t)
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Contains(s.conns, c) { // a session begins anew after STARTTLS
			s.conns = append(s.conns, c)
		}
		base := &sinkSession{s, c}
		if s.user != "" {
			return sinkLogin{base}, nil
		}
		return base, nil
	}))
	server.Domain = "sink.example"
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.AllowInsecureAuth = true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	switch {
	case s.implicit:
		listener = tls.NewListener(listener, config)
	case !s.noTLS:
		server.TLSConfig = config
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

// certify makes a certificate for the sink's name, and what trusts it.
func (s *sink) certify(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "sink"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(s.name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{s.name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// client makes a transport to the sink that ends with the test.
func (s *sink) client(t *testing.T, o mailer.SMTPOptions) *mailer.SMTP {
	t.Helper()
	o.Address = s.addr
	if o.Roots == nil {
		o.Roots = s.roots
	}
	return newSMTP(t, o)
}

func newSMTP(t *testing.T, o mailer.SMTPOptions) *mailer.SMTP {
	t.Helper()
	transport, err := mailer.NewSMTP(o)
	if err != nil {
		t.Fatalf("NewSMTP: %v", err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// A record is what a sink has seen.
type record struct {
	sessions, logins int
	froms, rcpts     []string
	bodies           [][]byte
	secure           bool
}

func (s *sink) seen() record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return record{len(s.conns), s.logins, slices.Clone(s.froms), slices.Clone(s.rcpts), slices.Clone(s.bodies), s.secure}
}

// hangUp closes all connections under their clients.
func (s *sink) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Conn().Close()
	}
}

type sinkSession struct {
	*sink
	conn *smtp.Conn
}

func (s *sinkSession) Reset()        {}
func (s *sinkSession) Logout() error { return nil }

// note runs change under the lock and the hook outside it.
func (s *sinkSession) note(hook func(int, *smtp.Conn) error, change func() int) error {
	s.mu.Lock()
	n := change()
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(n, s.conn)
}

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	return s.note(s.onMail, func() int { s.froms = append(s.froms, from); return len(s.froms) })
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	return s.note(s.onRcpt, func() int { s.rcpts = append(s.rcpts, to); return len(s.rcpts) })
}

func (s *sinkSession) Data(r io.Reader) error {
	if err := s.note(s.onBody, func() int { return len(s.bodies) + 1 }); err != nil {
		return err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, secure := s.conn.TLSConnectionState()
	return s.note(s.onData, func() int {
		s.secure = secure
		s.bodies = append(s.bodies, bytes.Clone(body))
		return len(s.bodies)
	})
}

// sinkLogin is a session that asks for a log-in.
type sinkLogin struct{ *sinkSession }

func (s sinkLogin) AuthMechanisms() []string { return []string{s.login} }

func (s sinkLogin) Auth(string) (sasl.Server, error) {
	check := func(user, pass string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.logins++
		if user != s.user || pass != s.pass {
			// Some servers say more than they should.
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no such password: " + pass}
		}
		return nil
	}
	if s.login == "PLAIN" {
		return sasl.NewPlainServer(func(_, user, pass string) error { return check(user, pass) }), nil
	}
	return &loginServer{check: check}, nil
}

// loginServer asks for a name and a password, as Microsoft's servers do.
type loginServer struct {
	check func(user, pass string) error
	step  int
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(l.user, string(response))
	}
}

// answer is an SMTP reply as a hook returns it.
func answer(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: text}
}

// listen runs serve on each connection to a free port until the test ends, and
// returns the address. serve must return once its connection is closed.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

// silence reads until the client gives up.
func silence(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
