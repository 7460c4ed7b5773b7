// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// ErrMailAPI means HTTPOptions that cannot work.
var ErrMailAPI = errors.New("mail API cannot be used")

// HTTPOptions say how a mail API is spoken to.
type HTTPOptions struct {
	// URL takes the mails: https, or http on this machine.
	URL string
	// Method of the requests. Default: POST.
	Method string
	// Header holds further fields, such as Authorization. They are secrets.
	Header map[string]Password
	// Body is what is sent, see NewHTTP.
	Body string
	// Values are further placeholders of the body by name. They are secrets.
	Values map[string]Password
	// OK are the statuses of an API that has taken the mail. Default: 200 to 299.
	OK []int
	// RetryOn are those after which a later try may fare better; any other that is not
	// taken is then the last word. Default: 408, 425, 429 and 500 to 599, which may pass
	// by themselves, and redirects, 401, 403, 404 and 405, which an operator may mend.
	RetryOn []int
	// Timeout of a delivery. Default: 10 seconds.
	Timeout time.Duration
	// Refused reports whether an answer blames the mailbox alone. Default: none does.
	Refused func(status int, body []byte) bool
	// Once is a header field by whose value, the Message-ID, the API takes a mail only
	// once. Default: none.
	Once string
	// Harmless is the path of a call that sends nothing and refuses a wrong token, for
	// Check. Default: none is known.
	Harmless string
	// Dialogue is where it is written what was asked of which host, and what it
	// answered, without secrets. Default: nowhere.
	Dialogue io.Writer
}

// HTTP hands mails to a managed mail service by its API.
type HTTP struct {
	o      HTTPOptions
	url    *url.URL
	body   requestBody
	client *http.Client
}

const (
	usualTimeout = 10 * time.Second
	// maxAnswer bounds how much of an answer is read, in bytes.
	maxAnswer = 64 << 10
	// idleTime is how long a connection is kept for the next mail.
	idleTime = time.Minute
)

// NewHTTP checks everything that can be checked without a network. Its errors are
// ErrMailAPI. The body is JSON, or a form such as "from={from}&to={to}". The texts in
// it have placeholders for what a mail says:
//
//	{from}       the sender with its name, as in the header field
//	{from_mailbox} {from_name} {to} {reply_to} {subject} {text} {html}
//	{id}         of the Message-ID field, without angle brackets
//	{raw}        the whole mail in base64, signed by DKIM if it is
//	{headers}    as the whole text of a JSON value: an object of further fields
//	{header_list} likewise: an array of objects with Name and Value
//
// They are filled in after the body was parsed, so that nothing in a mail can change
// what else the body says. What consists of an empty placeholder alone is left out.
func NewHTTP(o HTTPOptions) (*HTTP, error) {
	h := &HTTP{o: o}
	var err error
	if h.url, err = apiURL(o.URL); err != nil {
		return nil, err
	}
	if o.Method == "" {
		h.o.Method = http.MethodPost
	}
	if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, h.o.Method) {
		return nil, fmt.Errorf("%w: the method is POST, PUT or PATCH, got %q", ErrMailAPI, o.Method)
	}
	for name, value := range o.Header {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(string(value)) {
			return nil, fmt.Errorf("%w: header field %q cannot be sent", ErrMailAPI, name)
		}
	}
	for _, status := range slices.Concat(o.OK, o.RetryOn) {
		if status < 200 || status > 599 {
			return nil, fmt.Errorf("%w: %d is no status from 200 to 599", ErrMailAPI, status)
		}
	}
	if h.body, err = parseBody(o.Body, o.Values); err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		h.o.Timeout = usualTimeout
	}
	h.client = &http.Client{
		// A redirect would take the mail and the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: proxyFor, DialContext: connect, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 4, IdleConnTimeout: idleTime,
			MaxResponseHeaderBytes: maxAnswer,
		},
	}
	return h, nil
}

// apiURL refuses to send codes over a network in clear text.
func apiURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("%w: write a URL such as https://api.example.com/send, without a user name", ErrMailAPI)
	}
	if u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname()) {
		return u, nil
	}
	return nil, fmt.Errorf("%w: %s would get codes in clear text; write https://", ErrMailAPI, u.Host)
}

// Host is that of the API.
func (h *HTTP) Host() string { return h.url.Host }

// Deliver sends one request. It does not repeat it.
func (h *HTTP) Deliver(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	body, kind := h.body.fill(m)
	r, err := http.NewRequestWithContext(ctx, h.o.Method, h.url.String(), bytes.NewReader(body))
	if err != nil {
		return &DeliveryError{Step: "asking mail API", err: bare(err)}
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Doorcode")
	if h.o.Once != "" {
		r.Header.Set(h.o.Once, m.ID)
	}
	for name, value := range h.o.Header {
		r.Header.Set(name, string(value))
	}
	var late atomic.Bool // a probe gets an answer, and is told nothing of mails
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { late.Store(true) }}))
	h.say("C: %s to %s, %d bytes of %s", h.o.Method, h.url.Host, len(body), kind)
	response, err := h.client.Do(r)
	if err != nil {
		return &DeliveryError{Step: "asking mail API", Late: late.Load(), err: errors.Join(bare(err), ctx.Err())}
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	h.say("S: HTTP %d %s %s", response.StatusCode, http.StatusText(response.StatusCode), plain(h.clean(answer, m), maxReply))
	if err != nil && !h.took(response.StatusCode) {
		return &DeliveryError{Step: "reading answer of mail API", Late: true, err: bare(err)}
	}
	return h.judge(response.StatusCode, answer, m)
}

func (h *HTTP) say(format string, args ...any) {
	if h.o.Dialogue != nil {
		_, _ = fmt.Fprintln(h.o.Dialogue, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (h *HTTP) took(status int) bool {
	if len(h.o.OK) > 0 {
		return slices.Contains(h.o.OK, status)
	}
	return status >= 200 && status < 300
}

func (h *HTTP) mayRetry(status int) bool {
	if len(h.o.RetryOn) > 0 {
		return slices.Contains(h.o.RetryOn, status)
	}
	return status >= 500 || slices.Contains([]int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}, status)
}

// ours are statuses that speak of the token or the URL, and so of each mail alike. They
// are tried again: an operator may be about to mend it.
var ours = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed}

// judge says what an answer means.
func (h *HTTP) judge(status int, answer []byte, m Message) error {
	if h.took(status) {
		return nil
	}
	reply := fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))
	if said := h.clean(answer, m); said != "" {
		reply += ": " + said
	}
	failure := &DeliveryError{Step: "handing mail to its API", Reply: plain(reply, maxReply), Late: true}
	switch {
	case h.blames(status, answer):
		// Another service may take it, where this one has it on a list of its own.
		failure.Mailbox, failure.Permanent, failure.Elsewhere = true, true, true
	case h.mayRetry(status):
		failure.Anybody = true
	default:
		failure.Anybody, failure.Permanent = true, len(h.o.RetryOn) > 0 || status >= 400 && !slices.Contains(ours, status)
	}
	return failure
}

// blames says whether an answer is about the mail or its mailbox. A service that is not
// known refuses whatever it refuses for that: strangers choose mailboxes, and must not be
// able to make everybody believe that no mail goes out.
func (h *HTTP) blames(status int, answer []byte) bool {
	if h.mayRetry(status) || slices.Contains(ours, status) {
		return false
	}
	if h.o.Refused != nil {
		return h.o.Refused(status, answer)
	}
	return status >= 400 && status < 500
}

// clean makes what an API says fit for a log. It may quote the mail, and it may be
// asked with secrets.
func (h *HTTP) clean(answer []byte, m Message) string {
	said := plain(string(answer), 4*maxReply)
	for _, secret := range h.secrets() {
		said = strings.ReplaceAll(said, secret, "[secret]")
	}
	return conceal(said, m.code, m.stop)
}

// secrets are those of each request, and the words of them, the longest first: of
// "Bearer x", a service may quote x.
func (h *HTTP) secrets() []string {
	var found []string
	for _, secret := range slices.AppendSeq(slices.Collect(maps.Values(h.o.Header)), maps.Values(h.o.Values)) {
		found = append(found, string(secret))
		found = append(found, strings.Fields(string(secret))...)
	}
	found = append(found, h.url.RequestURI(), h.url.RawQuery)
	found = append(found, strings.Split(h.url.EscapedPath(), "/")...)
	for _, values := range h.url.Query() {
		found = append(found, values...)
	}
	found = slices.DeleteFunc(found, func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return found
}

// identity tells settings apart without telling them, as that of SMTP.
func (h *HTTP) identity() string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%q %q", h.url, h.o.Body)
	for _, secrets := range []map[string]Password{h.o.Header, h.o.Values} {
		for _, name := range slices.Sorted(maps.Keys(secrets)) {
			_, _ = fmt.Fprintf(sum, " %q=%q", name, string(secrets[name]))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Probe goes the way of a delivery, through a proxy if there is one, and asks for
// nothing: any answer will do.
func (h *HTTP) Probe(ctx context.Context, _ Message) error {
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, h.url.Scheme+"://"+h.url.Host+"/", nil)
	if err != nil {
		return &DeliveryError{Step: "asking mail API", err: bare(err)}
	}
	r.Header.Set("User-Agent", "Doorcode")
	response, err := h.client.Do(r)
	if err != nil {
		return &DeliveryError{Step: "asking mail API", err: bare(err)}
	}
	return response.Body.Close()
}

// CloseIdleConnections ends the connections that no delivery uses.
func (h *HTTP) CloseIdleConnections() { h.client.CloseIdleConnections() }

// String hides the token.
func (h *HTTP) String() string { return "[mail API " + h.url.Host + "]" }

// Format hides the token from every verb of fmt.
func (h *HTTP) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.String()) }

// bare takes the URL out of an error: it may hold a key of an API.
func bare(err error) error {
	if fault, ok := errors.AsType[*url.Error](err); ok {
		return fault.Err
	}
	return err
}

var (
	_ Transport = (*HTTP)(nil)
	_ Prober    = (*HTTP)(nil)
	_ idler     = (*HTTP)(nil)
)
