// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// certificates looks at the certificate of each site as a browser does.
func certificates(ctx context.Context, f *Facts, n *notes) {
	if len(f.URLs) == 0 {
		n.skip("", "nobody says where people reach the sites", f.NoURLs)
		return
	}
	each(n, origins(f.URLs), func(origin string, n *notes) {
		u, err := url.Parse(origin)
		switch {
		case err != nil || u.Host == "":
			return // 'reach' says so
		case u.Scheme == "http" && mailer.IsLoopback(u.Hostname()):
			n.ok(origin, "http on this machine, where browsers keep the cookies")
		case u.Scheme == "http":
			n.fail(origin, "people come over http: browsers keep none of the cookies, and everybody on the way reads the codes", "write the site's address without 'http://', so that Caddy gets a certificate")
		default:
			f.certificate(ctx, u, n)
		}
	})
}

// origins are those of URLs, each once.
func origins(urls []string) (found []string) {
	seen := map[string]bool{}
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !seen[origin] {
			seen[origin], found = true, append(found, origin)
		}
	}
	return found
}

func (f *Facts) certificate(ctx context.Context, u *url.URL, n *notes) {
	origin := u.Scheme + "://" + u.Host
	chain, err := f.chain(ctx, u)
	switch {
	case errors.Is(err, errNoTLS):
		n.fail(origin, err.Error(), "look in Caddy's log for the certificate of this name, and whether port 80 or 443 is reachable from outside, which getting one needs")
	case err != nil:
		n.fail(origin, "no connection: "+err.Error(), "look whether Caddy runs, and whether a firewall lets port 443 by")
	default:
		f.judgeCertificate(origin, u.Hostname(), chain, n)
	}
}

// errNoTLS reports a handshake that failed.
var errNoTLS = errors.New("no TLS")

// chain is the certificate that a site shows, good or not, before those that it is signed
// by. Its errors are errNoTLS, and those of a connection.
func (f *Facts) chain(ctx context.Context, u *url.URL) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "443")
	}
	raw, err := f.dialAt(nowhere)(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	// What is wrong is looked for by the caller, since a handshake that fails shows no certificate.
	conn := tls.Client(raw, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // see above
	defer conn.Close()                                                                                                     //nolint:errcheck // it was only looked at
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoTLS, err)
	}
	return conn.ConnectionState().PeerCertificates, nil
}

func (f *Facts) judgeCertificate(origin, host string, chain []*x509.Certificate, n *notes) {
	leaf, now := chain[0], f.now()
	left := leaf.NotAfter.Sub(now)
	switch fault := f.verify(host, chain); {
	case now.After(leaf.NotAfter):
		n.fail(origin, "the certificate ended "+day(leaf.NotAfter), "look in Caddy's log why it was not renewed")
	case leaf.VerifyHostname(host) != nil:
		n.fail(origin, "the certificate is for "+orNothing(leaf.DNSNames)+", not for "+host, "write this host into the site's address, or into the certificate that 'tls' loads")
	case fault != nil && mailer.IsLoopback(host):
		n.warn(origin, "this machine does not know the authority of the certificate: "+fault.Error(), "run 'caddy trust', or trust Caddy's root certificate in the browser")
	case fault != nil:
		n.fail(origin, "browsers do not trust the certificate: "+fault.Error(), "use a public certificate, or have every device trust the authority that this one is from")
	case left < leaf.NotAfter.Sub(leaf.NotBefore)/6:
		n.warn(origin, fmt.Sprintf("the certificate ends %s, in %s, and should have been renewed by now", day(leaf.NotAfter), span(left)), "look in Caddy's log why it is not renewed")
	default:
		n.ok(origin, fmt.Sprintf("the certificate is good for %s, until %s", span(left), day(leaf.NotAfter)))
	}
}

// mayBeTrusted reports whether a certificate is one of this machine for itself, and good: a
// browser here may know its authority where the machine does not.
func (f *Facts) mayBeTrusted(host string, leaf *x509.Certificate) bool {
	return mailer.IsLoopback(host) && !f.now().After(leaf.NotAfter) && leaf.VerifyHostname(host) == nil
}

func (f *Facts) verify(host string, chain []*x509.Certificate) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: f.Roots, Intermediates: between, CurrentTime: f.now()})
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return errors.New("it is signed by an unknown authority, " + chain[0].Issuer.String())
	}
	return err
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "no name"
	}
	return strings.Join(names[:min(len(names), 5)], ", ")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// span is a duration for people.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return d.Round(time.Second).String()
}

// How far a clock may be off. Codes, sessions and certificates go by it.
const (
	clockWarn = 5 * time.Second
	clockFail = 60 * time.Second
)

const clockFix = "let the machine set its clock by NTP: 'timedatectl set-ntp true', or run chrony"

// clock compares the clock of this machine with those of others.
func clock(ctx context.Context, f *Facts, n *notes) {
	asked := f.Clocks
	for _, origin := range origins(f.URLs) {
		if u, err := url.Parse(origin); err == nil && !mailer.IsLoopback(u.Hostname()) {
			asked = append(asked[:len(asked):len(asked)], origin)
		}
	}
	if len(asked) == 0 {
		n.skip("", "there is no other machine whose clock could be asked", "give --url, or look at 'timedatectl' or 'chronyc tracking'")
		return
	}
	each(n, asked, func(text string, n *notes) { f.compareClock(ctx, text, n) })
	for _, x := range n.list {
		if x.Level != Skip {
			// One clock is enough; those that did not answer are no news.
			n.list = dropped(n.list, Skip)
			return
		}
	}
}

func dropped(list []Finding, level Level) (kept []Finding) {
	for _, x := range list {
		if x.Level != level {
			kept = append(kept, x)
		}
	}
	return kept
}

func (f *Facts) compareClock(ctx context.Context, text string, n *notes) {
	u, err := url.Parse(text)
	if err != nil {
		n.skip(text, "this is no address", "give --url")
		return
	}
	before := f.now()
	a, err := f.visit(ctx, u.Scheme+"://"+u.Host, orSlash(u.EscapedPath()), nowhere)
	after := f.now()
	if err != nil {
		n.skip(u.Host, "it does not answer: "+err.Error(), "give --url, or look at 'timedatectl' or 'chronyc tracking'")
		return
	}
	theirs, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		n.skip(u.Host, "it does not say what time it is", "give --url, or look at 'timedatectl' or 'chronyc tracking'")
		return
	}
	// A Date has no fractions: half a second is the best guess.
	off := before.Add(after.Sub(before) / 2).Sub(theirs.Add(time.Second / 2)).Round(time.Second)
	judgeClock(n, u.Host, off)
}

// judgeClock says whether this clock is off by too much from another one.
func judgeClock(n *notes, whose string, off time.Duration) {
	text := "this machine and " + whose + " agree about the time"
	if off.Abs() >= time.Second {
		text = fmt.Sprintf("this machine is %s %s %s", off.Abs(), aheadOf(off), whose)
	}
	switch {
	case off.Abs() > clockFail:
		n.fail("clock", text, clockFix)
	case off.Abs() > clockWarn:
		n.warn("clock", text, clockFix)
	default:
		n.ok("clock", text)
	}
}

func aheadOf(off time.Duration) string {
	if off > 0 {
		return "ahead of"
	}
	return "behind"
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
