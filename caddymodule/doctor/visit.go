// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// maxBody bounds what is read of an answer.
const maxBody = 16 << 10

// An answer is what a visit got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// visit asks for a path of an origin as a program does that has never been there.
// The path is sent as it is, however odd. A certificate is not looked at: that is
// another check's, and one fault should be told once. Nothing secret is sent.
func (f *Facts) visit(ctx context.Context, origin, path string, at netip.Addr) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	target, err := url.Parse(origin)
	if err != nil {
		return answer{}, err
	}
	target.Path = ""
	if strings.HasPrefix(path, "//") {
		target.Path = path
	} else {
		target.Opaque = path
	}
	r := &http.Request{
		Method: http.MethodGet, URL: target, Host: target.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {"Doorcode-Doctor"}, "Accept": {"application/json"}},
	}
	transport := &http.Transport{
		DialContext: f.dialAt(at), DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, ServerName: target.Hostname()}, //nolint:gosec // see above
	}
	response, err := transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return answer{}, bare(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil && len(body) == 0 {
		return answer{}, bare(err)
	}
	return answer{response.StatusCode, response.Header, body}, nil
}

// dialAt connects to a host by what the resolver of the facts says, or to one
// address of it.
func (f *Facts) dialAt(at netip.Addr) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		addresses := []netip.Addr{at}
		if !at.IsValid() {
			if addresses, err = f.lookup(ctx, host); err != nil {
				return nil, err
			}
		}
		var faults []error
		for _, ip := range addresses {
			conn, err := new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
			if err == nil {
				return conn, nil
			}
			faults = append(faults, err)
		}
		return nil, errors.Join(faults...)
	}
}

// lookup finds the addresses of a host. Names of loopback need nobody to ask.
func (f *Facts) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return []netip.Addr{ip}, nil
	}
	if mailer.IsLoopback(host) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	addresses, err := f.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, nil
}

// bare takes the URL out of an error, which Go writes before the cause.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// isDoor reports whether the gate itself has answered.
func (a answer) isDoor() bool {
	if a.header.Get("Doorcode-Reason") != "" || slices.ContainsFunc(a.header.Values("WWW-Authenticate"), func(v string) bool { return strings.HasPrefix(v, "Doorcode ") }) {
		return true
	}
	return strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") && strings.Contains(a.problem().Docs, "/caddy-doorcode/")
}

// asksPassword reports whether what answers wants the browser to ask for a password.
func (a answer) asksPassword() bool {
	return a.status == http.StatusUnauthorized && slices.ContainsFunc(a.header.Values("WWW-Authenticate"), func(v string) bool {
		scheme, _, _ := strings.Cut(v, " ")
		return strings.EqualFold(scheme, "Basic")
	})
}

// A problem is how the gate refuses programs (RFC 9457).
type problem struct{ Type, Title, Docs string }

func (a answer) problem() (p problem) {
	_ = json.Unmarshal(a.body, &p) // what is none stays empty
	return p
}

// isNothing reports whether no handler has answered: Caddy then says 200 and
// nothing else.
func (a answer) isNothing() bool {
	return a.status == http.StatusOK && len(bytes.TrimSpace(a.body)) == 0 && a.header.Get("Content-Type") == ""
}

// String says what answered.
func (a answer) String() string {
	text := fmt.Sprintf("HTTP %d", a.status)
	if server := a.header.Get("Server"); server != "" {
		text += " from " + server
	}
	return text
}

// relays are proxies by what they add to each answer. What is added by many is last.
var relays = []struct{ field, name string }{
	{"Cf-Ray", "Cloudflare"},
	{"X-Amz-Cf-Id", "CloudFront"},
	{"X-Served-By", "Fastly"},
	{"Fly-Request-Id", "Fly.io"},
	{"X-Azure-Ref", "Azure Front Door"},
	{"X-Varnish", "Varnish"},
	{"X-Cache", "a cache"},
}

// relay names the proxy that an answer came through, empty where none shows.
func (a answer) relay() string {
	for _, r := range relays {
		if a.header.Get(r.field) != "" {
			return r.name
		}
	}
	for _, via := range a.header.Values("Via") {
		if !strings.Contains(strings.ToLower(via), "caddy") {
			return "Via " + via
		}
	}
	return ""
}
