// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A relay is a mail server that has its faults.
type relay struct {
	login   bool
	refuses error // to name this sender
}

func (r relay) NewSession(*smtp.Conn) (smtp.Session, error) {
	if r.login {
		return relayLogin{r}, nil
	}
	return r, nil
}
func (r relay) Reset()                               {}
func (r relay) Logout() error                        { return nil }
func (r relay) Mail(string, *smtp.MailOptions) error { return r.refuses }
func (r relay) Rcpt(string, *smtp.RcptOptions) error {
	return errors.New("nobody asked for a recipient")
}
func (r relay) Data(io.Reader) error { return errors.New("nobody asked for a mail") }

type relayLogin struct{ relay }

func (relayLogin) AuthMechanisms() []string { return []string{sasl.Plain} }

func (relayLogin) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password == "right" {
			return nil
		}
		return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no " + user + " " + password}
	}), nil
}

// up starts a relay and returns its port.
func (r relay) up(t *testing.T, config *tls.Config, implicit bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(r)
	server.Domain, server.TLSConfig, server.ErrorLog = "relay.example", config, quiet
	if implicit {
		listener = tls.NewListener(listener, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() { _ = server.Close(); <-done })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func TestWhatAMailServerHasAgainstUsIsExplained(t *testing.T) {
	site := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1 and example.com
	t.Cleanup(site.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(site.Certificate())
	config := &tls.Config{Certificates: site.TLS.Certificates, MinVersion: tls.VersionTLS12}
	tests := map[string]struct {
		relay    relay
		tls      *tls.Config
		implicit bool
		options  mailer.SMTPOptions
		host     string
		want     wants
	}{
		"nothing":                       {tls: config, options: mailer.SMTPOptions{Roots: trusted}, want: wants{"mail", doctor.OK, "takes mail from login@example.com", ""}},
		"nothing, after a log-in":       {relay: relay{login: true}, tls: config, options: mailer.SMTPOptions{Roots: trusted, Username: "u", Password: "right"}, want: wants{"mail", doctor.OK, "takes mail", ""}},
		"the certificate's name":        {tls: config, host: "localhost", options: mailer.SMTPOptions{Roots: trusted}, want: wants{"mail", doctor.Fail, "is for example.com", "name that its certificate has"}},
		"the certificate's name at 465": {tls: config, implicit: true, host: "localhost", options: mailer.SMTPOptions{Roots: trusted, TLS: mailer.TLSImplicit}, want: wants{"mail", doctor.Fail, "not for localhost", "name that its certificate has"}},
		"the certificate's authority":   {tls: config, want: wants{"mail", doctor.Fail, "unknown authority", "public certificate"}},
		"the password":                  {relay: relay{login: true}, tls: config, options: mailer.SMTPOptions{Roots: trusted, Username: "u", Password: "hunter2"}, want: wants{"mail", doctor.Fail, "535", "'username' and 'password'"}},
		"a log-in at all":               {tls: config, options: mailer.SMTPOptions{Roots: trusted, Username: "u", Password: "hunter2"}, want: wants{"mail", doctor.Fail, "no log-in that we know", "none of PLAIN"}},
		"the sender":                    {relay: relay{refuses: &smtp.SMTPError{Code: 553, Message: "not yours"}}, tls: config, options: mailer.SMTPOptions{Roots: trusted}, want: wants{"mail", doctor.Fail, "553", "login@example.com"}},
		"the hour":                      {relay: relay{refuses: &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "greylisted"}}, tls: config, options: mailer.SMTPOptions{Roots: trusted}, want: wants{"mail", doctor.Fail, "450", "it says 'later' (4xx): Doorcode tries again by itself; run this once more in ten minutes"}},
		"STARTTLS":                      {want: wants{"mail", doctor.Fail, "STARTTLS", "'tls off' without a password"}},
		"TLS from the first byte":       {tls: config, options: mailer.SMTPOptions{Roots: trusted, TLS: mailer.TLSImplicit}, want: wants{"mail", doctor.Fail, "does not speak TLS", "tls required"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			host := test.host
			if host == "" {
				host = "127.0.0.1"
			}
			test.options.Address = net.JoinHostPort(host, test.relay.up(t, test.tls, test.implicit))
			transport, err := mailer.NewSMTP(test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer transport.CloseIdleConnections()
			h.Mails[0].Address = test.options.Address
			h.Mails[0].Try = func(ctx context.Context) error {
				return transport.Probe(ctx, mailer.Message{From: "login@example.com"})
			}
			report := h.look(t, "mail")
			test.want.in(t, report)
			for _, f := range report.Findings {
				if strings.Contains(f.Text+f.Fix, "hunter2") {
					t.Errorf("the password is printed: %+v", f)
				}
			}
		})
	}
}

func TestAServerThatDoesNotGreetIsExplained(t *testing.T) {
	for name, says := range map[string]func(net.Conn){
		"it waits":    func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"it hangs up": func(net.Conn) {},
		"it speaks HTTP": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")
		},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			serving.Go(func() {
				for {
					c, err := listener.Accept()
					if err != nil {
						return
					}
					serving.Go(func() { says(c); _ = c.Close() })
				}
			})
			t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
			transport, err := mailer.NewSMTP(mailer.SMTPOptions{Address: listener.Addr().String(), Timeout: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			h := newHouse(t)
			h.Mails[0].Address = listener.Addr().String()
			h.Mails[0].Try = func(ctx context.Context) error {
				return transport.Probe(ctx, mailer.Message{From: "login@example.com"})
			}
			wants{"mail", doctor.Fail, "it took the connection and did not greet", "port 465 wants 'tls implicit', 587 does not; or this is no mail server"}.in(t, h.look(t, "mail"))
		})
	}
}

func TestAServerThatSaysNothingIsExplained(t *testing.T) {
	h := newHouse(t)
	h.Mails[0].Try = func(context.Context) error { return context.DeadlineExceeded }
	wants{"mail", doctor.Fail, "deadline", "465 wants implicit"}.in(t, h.look(t, "mail"))
	h.Mails[0].API, h.Mails[0].Try = true, func(context.Context) error { return errors.New("refuses the token (HTTP 401)") }
	wants{"mail", doctor.Fail, "HTTP 401", "the token"}.in(t, h.look(t, "mail"))
}
