// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TLSMode says how the connection to a mail server is secured.
type TLSMode string

// The modes. Certificates are checked in all of them.
const (
	TLSRequired      TLSMode = "required"      // STARTTLS (RFC 3207), or no mail
	TLSOpportunistic TLSMode = "opportunistic" // STARTTLS where it is offered, else clear text
	TLSImplicit      TLSMode = "implicit"      // TLS from the first byte (RFC 8314)
	TLSOff           TLSMode = "off"           // clear text
)

// SMTPOptions say how to reach a mail server.
type SMTPOptions struct {
	// Address is host:port.
	Address string
	// Username and Password log in, if set. They are sent over TLS only, or in
	// clear text to this machine.
	Username string
	Password Password
	// TLS is implicit on port 465 by default, and required on others.
	TLS TLSMode
	// Timeout bounds connecting, with TLS and log-in, and bounds handing a mail
	// over. Default: 10 seconds.
	Timeout time.Duration
	// HELO is the name to greet with (RFC 5321 section 4.1.1.1). Default: the
	// name of this machine if it is fully qualified, else "localhost".
	HELO string
	// Roots are the authorities to trust. Default: those of the system.
	Roots *x509.CertPool
	// Dialogue is where what is said to the server and what it answers is written,
	// without log-ins, codes, links and mails. Default: nowhere.
	Dialogue io.Writer
}

// Faults of SMTPOptions.
var (
	// ErrAddress means an address that is not host:port.
	ErrAddress = errors.New("not a mail server like smtp.example.com:465")
	// ErrTLSMode means an unknown mode.
	ErrTLSMode = errors.New("tls is required, opportunistic, implicit or off")
	// ErrClearPassword means a password that would cross a network unencrypted.
	ErrClearPassword = errors.New("a password needs TLS")
)

const (
	defaultTimeout = 10 * time.Second
	portSMTPS      = 465

	// refusedPause is how long no log-in is tried after the server refused one.
	// Providers lock accounts that fail again and again.
	refusedPause = 30 * time.Second
)

// SMTP is a Transport that submits mails to a mail server. It keeps a few
// connections for reuse. Printing it shows its address.
type SMTP struct {
	address string
	host    string
	port    int
	mode    TLSMode
	timeout time.Duration
	helo    string
	account account
	roots   *x509.CertPool
	pool    pool
	shown   *dialogue // nil: nobody watches

	mu           sync.Mutex // guards below
	refused      error
	refusedUntil time.Time
}

// NewSMTP checks the options. It dials nothing. Its errors are ErrAddress,
// ErrTLSMode and ErrClearPassword.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	host, portText, err := net.SplitHostPort(o.Address)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil || host == "" || port == 0 {
		return nil, fmt.Errorf("%q: %w", o.Address, ErrAddress)
	}
	s := &SMTP{
		address: o.Address, host: host, port: int(port),
		mode: o.TLS, timeout: o.Timeout, helo: o.HELO, roots: o.Roots,
		account: account{user: o.Username, password: o.Password},
	}
	if o.Dialogue != nil {
		s.shown = &dialogue{account: s.account, to: o.Dialogue}
	}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	if s.helo == "" {
		s.helo = machineName()
	}
	switch s.mode {
	case "":
		s.mode = TLSRequired
		if port == portSMTPS {
			s.mode = TLSImplicit
		}
	case TLSRequired, TLSOpportunistic, TLSImplicit, TLSOff:
	default:
		return nil, fmt.Errorf("%q: %w", o.TLS, ErrTLSMode)
	}
	if s.mode == TLSOff && o.Username != "" && !IsLoopback(host) {
		return nil, ErrClearPassword
	}
	return s, nil
}

// Deliver hands m over.
func (s *SMTP) Deliver(ctx context.Context, m Message) error {
	return s.transact(ctx, m, (*connection).submit)
}

// Probe connects and names the sender, which the server may refuse, and then
// leaves the mail alone.
func (s *SMTP) Probe(ctx context.Context, m Message) error {
	return s.transact(ctx, m, (*connection).offer)
}

// An exchange is what is done with a mail on an open connection.
type exchange func(*connection, Message) error

// transact runs one exchange on a kept connection or a new one. Servers close
// connections that idle: where a kept one turns out to be dead before the mail
// itself was sent, a new one is tried, once.
func (s *SMTP) transact(ctx context.Context, m Message, do exchange) error {
	s.shown.about(m)
	if c := s.pool.take(); c != nil {
		err := s.bounded(ctx, c, m, do)
		if !isStale(err) || ctx.Err() != nil {
			return err
		}
		s.pool.clear() // the others are as old
	}
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	return s.bounded(ctx, c, m, do)
}

// bounded runs an exchange until it is done, the timeout is over or ctx ends.
// The library waits for a silent server whatever the context says: only closing
// the connection under it makes it return.
func (s *SMTP) bounded(ctx context.Context, c *connection, m Message, do exchange) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	release := context.AfterFunc(ctx, c.sever)
	err := c.client.UpdateDeadline(s.timeout)
	if err == nil {
		err = do(c, m)
	}
	s.shown.failed(err)
	held := release()
	if err == nil && held {
		s.pool.put(c)
		return nil
	}
	var answer *textproto.Error
	if held && errors.As(err, &answer) {
		c.leave(time.Now().Add(goodbye))
	}
	c.sever()
	return s.explain(ctx, m, err)
}

// explain makes a DeliveryError of what the library returned, and tells a
// timeout by its name where closing the connection caused the error.
func (s *SMTP) explain(ctx context.Context, m Message, err error) error {
	if err == nil {
		return nil
	}
	failure := &DeliveryError{Step: stepConnect, err: err}
	var at *stepError
	if errors.As(err, &at) {
		failure.Step, failure.err = at.step, at.err
	}
	failure.Late = failure.Step == stepRecipient || failure.Step == stepContent
	var answer *textproto.Error
	if errors.As(err, &answer) {
		failure.err = nil // it holds the answer as it came
		failure.Reply = s.clean(fmt.Sprintf("%d %s", answer.Code, answer.Msg), m)
		// 421 closes the whole channel, whatever was asked (RFC 5321 section 3.8).
		failure.Mailbox = failure.Late && answer.Code != codeClosing
		failure.Permanent = failure.Mailbox && answer.Code >= 500
		failure.Anybody = answer.Code == codeClosing
		failure.Elsewhere = failure.Mailbox && besideMailbox.MatchString(answer.Msg)
		return failure
	}
	if ctx.Err() != nil {
		failure.err = ctx.Err()
	}
	return failure
}

// besideMailbox finds the enhanced status of an answer that speaks of the mail system, the
// network, the protocol, the content or a policy, and so of this relay (RFC 3463 section
// 2: x.3 to x.7). x.1 and x.2 speak of the mailbox.
var besideMailbox = regexp.MustCompile(`^[45]\.[3-7]\.\d`)

// clean makes an answer fit for a log. It is cut last: half a code helps to
// guess the other half.
func (s *SMTP) clean(answer string, m Message) string {
	answer = plain(answer, 4*maxReply)
	return plain(conceal(s.account.redact(answer), m.code, m.stop), maxReply)
}

// codeClosing is 421, service not available, closing.
const codeClosing = 421

// isStale says whether err may come from a connection that was dead already,
// with no mail sent through it.
func isStale(err error) bool {
	var failure *DeliveryError
	if !errors.As(err, &failure) || failure.Step == stepContent {
		return false
	}
	return failure.Reply == "" || strings.HasPrefix(failure.Reply, strconv.Itoa(codeClosing))
}

// CloseIdleConnections says goodbye on connections that are not in use. It
// waits a second at most.
func (s *SMTP) CloseIdleConnections() { s.pool.clear() }

// identity tells settings apart without telling them: a password that was replaced
// makes another transport of which nothing is known.
func (s *SMTP) identity() string {
	h := sha256.New()
	for _, part := range []string{s.address, string(s.mode), s.account.user, string(s.account.password)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// String is the address of the server.
func (s *SMTP) String() string { return "smtp " + s.address }

// Format keeps the password from every verb of fmt.
func (s *SMTP) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

func (s *SMTP) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

var (
	_ Transport = (*SMTP)(nil)
	_ Prober    = (*SMTP)(nil)
	_ idler     = (*SMTP)(nil)

	_ identified = (*SMTP)(nil)
)
