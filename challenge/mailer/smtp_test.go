// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestSMTPDelivers(t *testing.T) {
	for name, tt := range map[string]struct {
		sink   *sink
		mode   mailer.TLSMode
		secure bool
	}{
		"over STARTTLS":                       {&sink{}, "", true},
		"over implicit TLS":                   {&sink{implicit: true}, mailer.TLSImplicit, true},
		"over STARTTLS where it is offered":   {&sink{}, mailer.TLSOpportunistic, true},
		"in clear text where it is not":       {&sink{noTLS: true}, mailer.TLSOpportunistic, false},
		"in clear text if told so":            {&sink{}, mailer.TLSOff, false},
		"after a log-in with PLAIN":           {&sink{user: "u", pass: "p\"w", login: "PLAIN"}, "", true},
		"after a log-in with LOGIN":           {&sink{user: "u", pass: "p w", login: "LOGIN"}, "", true},
		"after a clear log-in to the machine": {&sink{user: "u", pass: "pw", login: "PLAIN"}, mailer.TLSOff, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.sink.open(t)
			m := render(t, letter())
			transport := s.client(t, mailer.SMTPOptions{TLS: tt.mode, Username: s.user, Password: mailer.Password(s.pass)})
			if err := transport.Deliver(t.Context(), m); err != nil {
				t.Fatalf("Deliver: %v", err)
			}
			seen := s.seen()
			if got := fmt.Sprint(seen.froms, seen.rcpts); got != "[login@example.com] [ana@example.com]" {
				t.Errorf("envelope is %s", got)
			}
			if len(seen.bodies) != 1 || !bytes.Equal(seen.bodies[0], m.Raw) {
				t.Errorf("mail did not arrive as it was: %q", seen.bodies)
			}
			if seen.secure != tt.secure {
				t.Errorf("over TLS: %v, want %v", seen.secure, tt.secure)
			}
		})
	}
}

func TestML07NothingIsSentWhereTLSFails(t *testing.T) {
	for name, tt := range map[string]struct {
		sink *sink
		opts mailer.SMTPOptions
		want string
	}{
		"without STARTTLS":                          {&sink{noTLS: true}, mailer.SMTPOptions{}, "STARTTLS"},
		"with a certificate for another name":       {&sink{name: "other.example"}, mailer.SMTPOptions{}, "certificate"},
		"with an unknown authority":                 {&sink{}, mailer.SMTPOptions{Roots: x509.NewCertPool()}, "certificate"},
		"implicitly, with another name":             {&sink{name: "other.example", implicit: true}, mailer.SMTPOptions{TLS: mailer.TLSImplicit}, "certificate"},
		"opportunistically, with another name":      {&sink{name: "other.example"}, mailer.SMTPOptions{TLS: mailer.TLSOpportunistic}, "certificate"},
		"implicitly, where the server speaks clear": {&sink{noTLS: true}, mailer.SMTPOptions{TLS: mailer.TLSImplicit}, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.sink.open(t)
			err := s.client(t, tt.opts).Deliver(t.Context(), render(t, letter()))
			failure := failureOf(t, err)
			if failure.Mailbox || failure.Permanent || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Deliver = %+v, want a failing transport and %q", failure, tt.want)
			}
			if seen := s.seen(); len(seen.froms)+len(seen.rcpts)+len(seen.bodies) != 0 {
				t.Errorf("sink saw %+v", seen)
			}
		})
	}
}

func failureOf(t *testing.T, err error) *mailer.DeliveryError {
	t.Helper()
	var failure *mailer.DeliveryError
	if !errors.As(err, &failure) {
		t.Fatalf("error is %v, want a DeliveryError", err)
	}
	return failure
}

func TestNewSMTPRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		opts mailer.SMTPOptions
		want error
	}{
		"an address without a port":        {mailer.SMTPOptions{Address: "smtp.example.com"}, mailer.ErrAddress},
		"a port that is none":              {mailer.SMTPOptions{Address: "smtp.example.com:0"}, mailer.ErrAddress},
		"a port without a host":            {mailer.SMTPOptions{Address: ":25"}, mailer.ErrAddress},
		"an unknown mode":                  {mailer.SMTPOptions{Address: "a.example:25", TLS: "on"}, mailer.ErrTLSMode},
		"a clear password on the network":  {mailer.SMTPOptions{Address: "a.example:25", TLS: "off", Username: "u"}, mailer.ErrClearPassword},
		"a password to what may be a name": {mailer.SMTPOptions{Address: "localhost.example:25", TLS: "off", Username: "u"}, mailer.ErrClearPassword},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := mailer.NewSMTP(tt.opts); !errors.Is(err, tt.want) {
				t.Errorf("NewSMTP = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestML07APasswordNeverCrossesANetworkInClearText(t *testing.T) {
	for _, name := range []string{"mail.example.com", "192.0.2.1", "localhost.example.com"} {
		if _, err := mailer.StartLogin(name, false, "PLAIN", "LOGIN", "CRAM-MD5"); !errors.Is(err, mailer.ErrClearPassword) {
			t.Errorf("log-in to %s without TLS: %v, want ErrClearPassword", name, err)
		}
		if mechanism, err := mailer.StartLogin(name, true, "CRAM-MD5", "LOGIN", "PLAIN"); mechanism != "PLAIN" || err != nil {
			t.Errorf("log-in to %s over TLS: %q, %v", name, mechanism, err)
		}
	}
	for _, offered := range []string{"CRAM-MD5", "SCRAM-SHA-256", "LOGIN"} {
		if mechanism, err := mailer.StartLogin("a.example", true, "GSSAPI", offered); mechanism != offered || err != nil {
			t.Errorf("log-in where %s is offered: %q, %v", offered, mechanism, err)
		}
	}
	if _, err := mailer.StartLogin("a.example", true, "GSSAPI"); !errors.Is(err, mailer.ErrNoLogin) {
		t.Errorf("log-in where nothing is offered: %v, want ErrNoLogin", err)
	}
}

func TestSMTPFailures(t *testing.T) {
	say := func(code int, text string) func(int, *smtp.Conn) error {
		return func(int, *smtp.Conn) error { return answer(code, text) }
	}
	drop := func(_ int, c *smtp.Conn) error { return c.Conn().Close() }
	for name, tt := range map[string]struct {
		sink                     *sink
		mailbox, permanent, late bool
		want                     string
	}{
		"sender refused":                {&sink{onMail: say(550, "who")}, false, false, false, "naming sender: 550 5.1.1 who"},
		"sender refused for now":        {&sink{onMail: say(451, "later")}, false, false, false, "naming sender: 451"},
		"mailbox unknown":               {&sink{onRcpt: say(550, "unknown")}, true, true, true, "naming recipient: 550 5.1.1 unknown"},
		"greylisted":                    {&sink{onRcpt: say(451, "later")}, true, false, true, "naming recipient: 451"},
		"server closing":                {&sink{onRcpt: say(421, "bye")}, false, false, true, "naming recipient: 421"},
		"mail refused":                  {&sink{onData: say(554, "spam")}, true, true, true, "handing over mail: 554"},
		"mail refused for now":          {&sink{onData: say(452, "full")}, true, false, true, "handing over mail: 452"},
		"dropped before the body":       {&sink{onBody: drop}, false, false, true, "handing over mail: "},
		"dropped after it was accepted": {&sink{onData: drop}, false, false, true, "handing over mail: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.sink.open(t)
			err := s.client(t, mailer.SMTPOptions{}).Deliver(t.Context(), render(t, letter()))
			got := failureOf(t, err)
			if got.Mailbox != tt.mailbox || got.Permanent != tt.permanent || got.Late != tt.late {
				t.Errorf("Deliver = mailbox %v, permanent %v, late %v", got.Mailbox, got.Permanent, got.Late)
			}
			if !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error is %q, want %q", err, tt.want)
			}
			if seen := s.seen(); seen.sessions != 1 {
				t.Errorf("%d sessions: a fresh connection was not to be tried again", seen.sessions)
			}
		})
	}
}

func TestAnAnswerIsCleaned(t *testing.T) {
	s := (&sink{onData: func(int, *smtp.Conn) error {
		return answer(554, "Subject: 482917 is\x1b[2J your code\u202e 4 8 2 9 1 7 "+stop+" "+strings.Repeat("x", 1500))
	}}).open(t)
	err := s.client(t, mailer.SMTPOptions{}).Deliver(t.Context(), render(t, located(challenge.SignInCode)))
	got := failureOf(t, err).Error()
	if strings.ContainsAny(got, "\x1b\n\u202e") || len(got) > 400 {
		t.Errorf("error is %q", got)
	}
	if strings.Contains(got, secret) || strings.Contains(got, "4 8 2") || strings.Count(got, "[code]") != 2 {
		t.Errorf("error tells the code: %q", got)
	}
	if strings.Contains(got, "Yk3nT0") || !strings.Contains(got, "/no/[link] x") {
		t.Errorf("error tells the link: %q", got)
	}
	if printed := fmt.Sprintf("%+v %#v", err, err); strings.Contains(printed, secret) {
		t.Errorf("error prints the code: %s", printed)
	}
}

// The mail server is asked once, not with every mail: providers lock accounts.
func TestARefusedLoginIsNotTriedAgainAtOnce(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "LOGIN"} {
		t.Run(mechanism, func(t *testing.T) {
			const wrong = "correct horse"
			s := (&sink{user: "u", pass: "right", login: mechanism}).open(t)
			transport := s.client(t, mailer.SMTPOptions{Username: "u", Password: wrong})
			for range 3 {
				err := transport.Deliver(t.Context(), render(t, letter()))
				got := failureOf(t, err)
				if got.Mailbox || got.Permanent || !strings.HasPrefix(err.Error(), "logging in to mail server: 535") {
					t.Errorf("Deliver = %v", err)
				}
				if strings.Contains(err.Error(), wrong) {
					t.Errorf("error tells the password: %v", err)
				}
			}
			if seen := s.seen(); seen.logins != 1 || len(seen.froms) != 0 {
				t.Errorf("sink saw %d log-ins and senders %q", seen.logins, seen.froms)
			}
		})
	}
}

func TestTheServerIsAskedAgainAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, err := mailer.NewSMTP(mailer.SMTPOptions{Address: "a.example:25"})
		if err != nil {
			t.Fatal(err)
		}
		refused := &mailer.DeliveryError{Step: "logging in to mail server", Reply: "535 no"}
		transport.Remember(refused)
		if got := transport.Pause(); got != refused {
			t.Errorf("right after a refusal: %v, want the refusal", got)
		}
		time.Sleep(31 * time.Second)
		if got := transport.Pause(); got != nil {
			t.Errorf("31 seconds after a refusal: %v, want nil", got)
		}
	})
}

// The library ignores the context once TCP is connected; see bounded.
func TestSMTPObeysContextAndTimeout(t *testing.T) {
	slowly := func(conn net.Conn) {
		for ticker := time.NewTicker(time.Millisecond); ; <-ticker.C {
			if _, err := conn.Write([]byte("2")); err != nil {
				ticker.Stop()
				return
			}
		}
	}
	hang := func(c *smtp.Conn) error {
		silence(c.Conn())
		return nil
	}
	stuckAt := func(change func(*sink, func(int, *smtp.Conn) error)) func(*testing.T) (string, *x509.CertPool) {
		return func(t *testing.T) (string, *x509.CertPool) {
			s := &sink{}
			change(s, func(_ int, c *smtp.Conn) error { return hang(c) })
			s.open(t)
			return s.addr, s.roots
		}
	}
	bare := func(serve func(net.Conn)) func(*testing.T) (string, *x509.CertPool) {
		return func(t *testing.T) (string, *x509.CertPool) { return listen(t, serve), nil }
	}
	for name, open := range map[string]func(*testing.T) (string, *x509.CertPool){
		"a server that accepts and stays silent": bare(silence),
		"a banner that never ends":               bare(slowly),
		"a sender that is never answered":        stuckAt(func(s *sink, f func(int, *smtp.Conn) error) { s.onMail = f }),
		"a recipient that is never answered":     stuckAt(func(s *sink, f func(int, *smtp.Conn) error) { s.onRcpt = f }),
		"a mail that is never acknowledged":      stuckAt(func(s *sink, f func(int, *smtp.Conn) error) { s.onData = f }),
	} {
		for _, mode := range []mailer.TLSMode{mailer.TLSRequired, mailer.TLSImplicit} {
			if mode == mailer.TLSImplicit && !strings.HasPrefix(name, "a server") {
				continue
			}
			t.Run(name+", "+string(mode), func(t *testing.T) {
				addr, roots := open(t)
				patient := newSMTP(t, mailer.SMTPOptions{Address: addr, Roots: roots, Timeout: time.Hour, TLS: mode})
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if err := patient.Deliver(ctx, render(t, letter())); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("with a context that ends: %v", err)
				}
				hasty := newSMTP(t, mailer.SMTPOptions{Address: addr, Roots: roots, Timeout: 100 * time.Millisecond, TLS: mode})
				err := hasty.Deliver(context.Background(), render(t, letter()))
				if got := failureOf(t, err); got.Mailbox || got.Permanent {
					t.Errorf("with a timeout: %+v, want a failing transport", got)
				}
			})
		}
	}
}

func TestSMTPReusesConnections(t *testing.T) {
	s := (&sink{}).open(t)
	transport := s.client(t, mailer.SMTPOptions{})
	for range 60 {
		if err := transport.Deliver(t.Context(), render(t, letter())); err != nil {
			t.Fatalf("Deliver: %v", err)
		}
	}
	if seen := s.seen(); len(seen.bodies) != 60 || seen.sessions != 2 {
		t.Errorf("%d mails in %d sessions, want 60 in 2: one wears out after 50", len(seen.bodies), seen.sessions)
	}
}

func TestADeadConnectionIsReplacedOnce(t *testing.T) {
	s := (&sink{}).open(t)
	transport := s.client(t, mailer.SMTPOptions{})
	for range 3 {
		if err := transport.Deliver(t.Context(), render(t, letter())); err != nil {
			t.Fatalf("Deliver: %v", err)
		}
		s.hangUp()
	}
	if seen := s.seen(); len(seen.bodies) != 3 || seen.sessions != 3 {
		t.Errorf("%d mails in %d sessions, want 3 in 3", len(seen.bodies), seen.sessions)
	}
}

// A kept connection that breaks once the mail is under way is no reason to send
// it again here: the server may have taken it.
func TestML10AMailUnderWayIsNotSentAgainAtOnce(t *testing.T) {
	s := (&sink{onData: func(n int, c *smtp.Conn) error {
		if n == 2 {
			return c.Conn().Close()
		}
		return nil
	}}).open(t)
	transport := s.client(t, mailer.SMTPOptions{})
	if err := transport.Deliver(t.Context(), render(t, letter())); err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	if err := transport.Deliver(t.Context(), render(t, letter())); err == nil {
		t.Error("Deliver = nil though the server never answered")
	}
	if seen := s.seen(); len(seen.bodies) != 2 || seen.sessions != 1 {
		t.Errorf("%d mails in %d sessions, want 2 in 1", len(seen.bodies), seen.sessions)
	}
}

func TestAProbeSendsNothing(t *testing.T) {
	s := (&sink{}).open(t)
	transport := s.client(t, mailer.SMTPOptions{})
	for range 2 {
		if err := transport.Probe(t.Context(), render(t, letter())); err != nil {
			t.Fatalf("Probe: %v", err)
		}
	}
	if err := transport.Deliver(t.Context(), render(t, letter())); err != nil {
		t.Fatalf("Deliver after probes: %v", err)
	}
	if seen := s.seen(); len(seen.froms) != 3 || len(seen.rcpts) != 1 || len(seen.bodies) != 1 || seen.sessions != 1 {
		t.Errorf("sink saw %d senders, %d recipients, %d mails in %d sessions", len(seen.froms), len(seen.rcpts), len(seen.bodies), seen.sessions)
	}
	refusing := (&sink{onMail: func(int, *smtp.Conn) error { return answer(550, "no") }}).open(t)
	err := refusing.client(t, mailer.SMTPOptions{}).Probe(t.Context(), render(t, letter()))
	if got := failureOf(t, err); got.Mailbox || got.Late {
		t.Errorf("Probe of a server that refuses the sender = %+v", got)
	}
}
