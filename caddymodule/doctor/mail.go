// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// slowMail is how long a transport may take to be ready for a mail. People wait for
// it.
const slowMail = 3 * time.Second

// mail goes as far with each transport as a delivery goes, and sends a test mail
// where one is asked for.
func mail(ctx context.Context, f *Facts, n *notes) {
	if len(f.Mails) == 0 {
		n.fail("", "there is no mail transport", "write 'mail smtp <host>:<port> { … }' into the global doorcode option")
		return
	}
	each(n, f.Mails, func(m Mail, n *notes) {
		if f.tryMail(ctx, m, n) {
			f.sendMail(ctx, m, n)
		}
	})
}

// tryMail reports whether it makes sense to send something.
func (f *Facts) tryMail(ctx context.Context, m Mail, n *notes) bool {
	if m.Local {
		n.warn(m.Name, "no mail leaves this machine: codes reach nobody but who looks here", "write 'mail smtp <host>:<port> { … }' before others use the site")
		return true
	}
	if !f.findMail(ctx, m, n) {
		return false
	}
	if m.Clear {
		n.warn(m.Name, "mails may travel unencrypted, with their codes", "leave 'tls' out, or write 'tls required'")
	}
	if m.Try == nil {
		n.ok(m.Name, "it can be reached")
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 2*stepTime)
	defer cancel()
	began := time.Now()
	err := m.Try(ctx)
	took := time.Since(began)
	proves := m.Proves
	if proves == "" {
		proves = "it takes mail from " + m.From
	}
	switch {
	case err != nil:
		text, fix := explainMail(m, err)
		n.fail(m.Name, text, fix)
		return false
	case took > slowMail:
		n.warn(m.Name, fmt.Sprintf("%s, after %.1f s", proves, took.Seconds()), "people wait for that: ask its operator why it is slow, or use another")
	default:
		n.ok(m.Name, fmt.Sprintf("%s (%d ms)", proves, took.Milliseconds()))
	}
	return true
}

// findMail looks for the server in the DNS and connects to it.
func (f *Facts) findMail(ctx context.Context, m Mail, n *notes) bool {
	host, _, err := net.SplitHostPort(m.Address)
	if err != nil {
		n.fail(m.Name, "'"+m.Address+"' is no host and port", "write 'mail smtp <host>:<port>'")
		return false
	}
	if _, err := f.lookup(ctx, host); err != nil {
		n.fail(m.Name, "the name "+host+" is not found: "+err.Error(), "look for a typing error, and "+f.dnsFix())
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	conn, err := f.dialAt(nowhere)(ctx, "tcp", m.Address)
	if err != nil {
		n.fail(m.Name, "no connection: "+err.Error(), connectFix(m.Address))
		return false
	}
	_ = conn.Close()
	return true
}

func connectFix(address string) string {
	if strings.HasSuffix(address, ":25") {
		return "many providers close port 25: use 587 or 465 with a name and a password"
	}
	return "look whether the port is right (465 and 587 are usual), whether the server runs, and whether a firewall lets this machine out"
}

// explainMail says in an operator's words what a transport has against a mail.
func explainMail(m Mail, err error) (text, fix string) {
	text = err.Error()
	if text, fix := explainTLS(m, err); fix != "" {
		return text, fix
	}
	var failure *mailer.DeliveryError
	if !errors.As(err, &failure) {
		failure = &mailer.DeliveryError{Step: text}
	}
	switch {
	case !m.API && strings.HasPrefix(failure.Step, connecting) && isNoGreeting(failure):
		return "it took the connection and did not greet: " + text, "port 465 wants 'tls implicit', 587 does not; or this is no mail server"
	case strings.HasPrefix(failure.Reply, "4"):
		return text, "it says 'later' (4xx): Doorcode tries again by itself; run this once more in ten minutes"
	case errors.Is(err, mailer.ErrNoLogin):
		return text, "the server offers none of PLAIN, LOGIN, SCRAM-SHA-256 and CRAM-MD5: use a password for programs if it has such, or another server"
	case errors.Is(err, mailer.ErrClearPassword):
		return text, "write 'tls required' or 'tls implicit'"
	case strings.Contains(failure.Step, "logging in"):
		return text, "look at 'username' and 'password' of this transport; many providers want a password made for programs, not that of the account"
	case strings.Contains(failure.Step, "naming sender"):
		return text, fmt.Sprintf("the server does not let this account send as %s: have that address allowed there, or write another 'from'", m.From)
	case strings.Contains(text, "STARTTLS"):
		fix := "the server offers no STARTTLS on this port: use its port 465 with 'tls implicit', or another server"
		if host, _, _ := net.SplitHostPort(m.Address); mailer.IsLoopback(host) {
			fix += ", or 'tls off' without a password, since it is on this machine"
		}
		return text, fix
	case errors.Is(err, context.DeadlineExceeded):
		return text, "it does not answer in time: look at 'tls' (465 wants implicit, 587 required) and at the server"
	case m.API:
		return text, "look at the URL and the token, at what the mail service says of them, and whether 'from' is a sender that it knows"
	}
	return text, "look at the answer above, and at the log of the mail server"
}

// connecting is the step of a delivery in which a server greets.
const connecting = "connecting to mail server"

// isNoGreeting reports whether a server said nothing, or what no mail server says. That it
// can be reached is known by then.
func isNoGreeting(failure *mailer.DeliveryError) bool {
	var foreign textproto.ProtocolError
	return failure.Reply == "" && (errors.As(failure, &foreign) || errors.Is(failure, io.EOF) || errors.Is(failure, io.ErrUnexpectedEOF) ||
		errors.Is(failure, context.DeadlineExceeded) || errors.Is(failure, os.ErrDeadlineExceeded))
}

// explainTLS is about the encryption, with no fix where that is not the cause.
func explainTLS(m Mail, err error) (text, fix string) {
	host, _, _ := net.SplitHostPort(m.Address)
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("its certificate is for %s, not for %s", orNothing(append(name.Certificate.DNSNames, addressesOf(name.Certificate)...)), host),
			"write the server by a name that its certificate has"
	case errors.As(err, &unknown):
		return "its certificate is signed by an unknown authority", "use a server with a public certificate, or add its authority to those that this machine trusts"
	case errors.As(err, &invalid):
		return "its certificate is not valid: " + invalid.Error(), "have its operator renew the certificate, and look at the clock of this machine"
	case errors.As(err, &plain):
		return "it does not speak TLS from the first byte", "write 'tls required' for STARTTLS, which is usual on port 587, or use port 465"
	}
	return "", ""
}

func addressesOf(c *x509.Certificate) (texts []string) {
	for _, ip := range c.IPAddresses {
		texts = append(texts, ip.String())
	}
	return texts
}

func (f *Facts) sendMail(ctx context.Context, m Mail, n *notes) {
	if f.SendTo == "" {
		return
	}
	if m.Send == nil {
		n.skip(m.Name, "it sends no test mails", "try it with a code")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*stepTime)
	defer cancel()
	if err := m.Send(ctx, f.SendTo); err != nil {
		text, fix := explainMail(m, err)
		n.fail(m.Name, "the test mail to "+f.SendTo+" was not taken: "+text, fix)
		return
	}
	n.ok(m.Name, "the test mail to "+f.SendTo+" was taken; look whether it arrives, and that its Authentication-Results say pass for spf, dkim and dmarc")
}
