// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// seenPath is where the app answers with the header that it was sent.
const seenPath = "/seen"

// exchange sends a request of a person as wrk does, and returns the header that the app
// was sent and the one that the person got.
func (c *server) exchange(ctx context.Context, cookies string) (sent, got http.Header, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+c.port+seenPath, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Host = "localhost:" + c.port
	setAll(r.Header, fieldsAt(c.site(), background))
	r.Header.Set("X-Forwarded-For", networkOf(0))
	r.Header.Set("Cookie", cookies)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("asking what the app is sent: status %d\n%.2000s", answer.StatusCode, raw)
	}
	fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(string(raw) + "\r\n"))).ReadMIMEHeader()
	return http.Header(fields), answer.Header, err
}

// fieldsOf are directives by which one Caddy changes headers on the way as another
// does.
func fieldsOf(ctx context.Context, of, as *server, cookies string) (string, error) {
	sentByOne, gotFromOne, err := of.exchange(ctx, cookies)
	if err != nil {
		return "", err
	}
	sentByOther, gotFromOther, err := as.exchange(ctx, cookies)
	if err != nil {
		return "", err
	}
	return changes("request_header", sentByOne, sentByOther) + changes("header", gotFromOne, gotFromOther), nil
}

// own are fields that each server writes for itself.
var own = []string{"Date", "Content-Length", "X-Forwarded-Host"}

// changes turns one header into another.
func changes(directive string, from, to http.Header) string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if to[name] == nil && !slices.Contains(own, name) {
			fmt.Fprintf(&all, "\t%s -%s\n", directive, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if !slices.Equal(from[name], to[name]) && !slices.Contains(own, name) {
			fmt.Fprintf(&all, "\t%s %s %q\n", directive, name, strings.Join(to[name], ", "))
		}
	}
	return all.String()
}

// sizeOf is how many bytes a header takes in HTTP/1.1.
func sizeOf(h http.Header) int {
	var all strings.Builder
	_ = h.Write(&all) // cannot fail
	return all.Len()
}
