// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A visitor is a browser at a gate.
type visitor struct {
	client *http.Client
	base   string
	from   string // client address
	form   string // the hidden value of the page that it is on
}

// visit opens a browser without cookies, in a network of its own.
func (c *server) visit(n int) (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	dialer := new(net.Dialer)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, "127.0.0.1:"+c.port)
	}}
	return &visitor{
		client: &http.Client{Jar: jar, Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		base:   c.site(),
		from:   networkOf(n),
	}, nil
}

// networkOf is an address in the n-th of many networks.
func networkOf(n int) string { return fmt.Sprintf("%d.%d.%d.1", 20+n>>16&63, n>>8&255, n&255) }

func (v *visitor) close() { v.client.CloseIdleConnections() }

var hiddenForm = regexp.MustCompile(`<input type="hidden" name="flow" value="([^"]*)">`)

// do sends a request, follows where it leads, and keeps the form of the page.
func (v *visitor) do(ctx context.Context, method, path string, fields url.Values) (status int, body string, err error) {
	r, err := v.request(ctx, method, path, fields)
	if err != nil {
		return 0, "", err
	}
	answer, err := v.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, "", err
	}
	if answer.StatusCode == http.StatusSeeOther {
		to, err := url.Parse(answer.Header.Get("Location"))
		if err != nil {
			return 0, "", err
		}
		return v.do(ctx, http.MethodGet, to.RequestURI(), nil)
	}
	if found := hiddenForm.FindSubmatch(raw); found != nil {
		v.form = html.UnescapeString(string(found[1]))
	}
	return answer.StatusCode, string(raw), nil
}

func (v *visitor) request(ctx context.Context, method, path string, fields url.Values) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, v.base+path, strings.NewReader(fields.Encode()))
	if err != nil {
		return nil, err
	}
	setAll(r.Header, fieldsAt(v.base, navigation))
	r.Header.Set("X-Forwarded-For", v.from)
	if method == http.MethodPost {
		setAll(r.Header, submission)
		r.Header.Set("Origin", v.base)
	}
	return r, nil
}

// ask has a code mailed to an address, and returns it.
func (v *visitor) ask(ctx context.Context, mails *post, address string) (code string, err error) {
	if _, _, err := v.do(ctx, http.MethodGet, "/", nil); err != nil {
		return "", err
	}
	wait := mails.expect(address)
	if status, body, err := v.do(ctx, http.MethodPost, "/.doorcode/email", url.Values{"flow": {v.form}, "email": {address}}); err != nil || status != http.StatusUnauthorized {
		return "", fmt.Errorf("asking for a code: status %d, %v\n%.2000s", status, err, body)
	}
	select {
	case code = <-wait:
		return code, nil
	case <-time.After(patience):
		return "", errors.New("no mail came")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// enter enters a code and returns the Cookie line of the session.
func (v *visitor) enter(ctx context.Context, code string) (cookies string, err error) {
	status, body, err := v.do(ctx, http.MethodPost, "/.doorcode/verify", url.Values{"flow": {v.form}, "code": {code}})
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", fmt.Errorf("entering a code: status %d\n%.2000s", status, body)
	}
	return v.cookies()
}

func (v *visitor) cookies() (string, error) {
	base, err := url.Parse(v.base)
	if err != nil {
		return "", err
	}
	var pairs []string
	for _, cookie := range v.client.Jar.Cookies(base) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; "), nil
}

// signIn signs in so many people, several at a time, and returns their Cookie lines.
func (c *server) signIn(ctx context.Context, mails *post, people int) ([]string, error) {
	lines := make([]string, people)
	return lines, eachOf(ctx, people, 8, func(n int) (err error) {
		lines[n], err = c.signInOne(ctx, mails, n)
		return err
	})
}

func (c *server) signInOne(ctx context.Context, mails *post, n int) (string, error) {
	v, err := c.visit(n)
	if err != nil {
		return "", err
	}
	defer v.close()
	code, err := v.ask(ctx, mails, fmt.Sprintf("person%d@example.com", n))
	if err != nil {
		return "", err
	}
	return v.enter(ctx, code)
}

// A post hands out the codes of the mails that come to a folder.
type post struct {
	folder string

	mu    sync.Mutex // guards below
	waits map[string]chan string
}

var (
	mailedTo   = regexp.MustCompile(`(?m)^To: <?([^<>\r\n]+)>?\r?$`)
	mailedCode = regexp.MustCompile(`(?m)^([0-9]{6}) is your `)
)

// collect empties the folder until the context ends.
func collect(ctx context.Context, folder string) *post {
	p := &post{folder: folder, waits: map[string]chan string{}}
	go func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			p.empty()
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return p
}

func (p *post) expect(address string) <-chan string {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := make(chan string, 1)
	p.waits[address] = wait
	return wait
}

func (p *post) empty() {
	files, _ := filepath.Glob(filepath.Join(p.folder, "*.eml"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil || os.Remove(file) != nil {
			continue
		}
		to, code := mailedTo.FindSubmatch(raw), mailedCode.FindSubmatch(raw)
		if to == nil || code == nil {
			continue // it is about something else
		}
		p.mu.Lock()
		if wait := p.waits[string(to[1])]; wait != nil {
			delete(p.waits, string(to[1]))
			wait <- string(code[1])
		}
		p.mu.Unlock()
	}
}
