// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tokens

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/spelling"
)

// A Scope is what a token opens.
type Scope struct {
	Host     string // as the site is configured, with a port other than the scheme's
	Path     string // this path and what is below, decoded; "/" is everything
	ReadOnly bool   // nothing that changes anything
}

// A Request is what a scope judges: the request as the visitor sent it, before any
// rewrite, with the method-override headers removed.
type Request struct {
	Host    string // of the site
	Path    string // escaped
	Query   string // raw
	Method  string
	Media   string // the one Content-Type; empty where there is none, or several
	Upgrade bool   // it asks for a connection that carries anything, such as a WebSocket
}

// MaxPath is the longest path of a scope, in bytes.
const MaxPath = 200

// readers are the methods that change nothing (RFC 9110 section 9.2.1, RFC 4918
// section 9.1, RFC 3253 section 3.6).
var readers = []string{"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"}

// The request by which git reads: it is a POST only because what the client has
// already is too long for an address (gitprotocol-http, "Smart Service
// git-upload-pack").
const (
	gitReads      = "/git-upload-pack"
	gitReadsMedia = "application/x-git-upload-pack-request"
)

// Covers reports whether a request is inside the scope, however an app may read its
// path and method.
func (s Scope) Covers(r Request) bool {
	return s.Host == r.Host && s.leadsTo(r.Path) && (!s.ReadOnly || reads(r))
}

// leadsTo compares the path as it stands with its letters, and every other reading
// of it without regard to them: some apps ignore case, and a token for "/Team" opens
// "/Team/x" all the same.
func (s Scope) leadsTo(escapedPath string) bool {
	if s.Path == "/" {
		return true
	}
	if !below(spelling.Fold(escapedPath)[0], s.Path) {
		return false
	}
	prefix := strings.ToLower(s.Path)
	return spelling.All(escapedPath, func(path string) bool { return below(strings.ToLower(path), prefix) })
}

func below(path, prefix string) bool {
	rest, found := strings.CutPrefix(path, prefix)
	return found && (rest == "" || rest[0] == '/')
}

// reads reports whether a request changes nothing, whichever method an app takes it
// for.
func reads(r Request) bool {
	others := spelling.Methods(r.Method, r.Query)
	if r.Upgrade || slices.ContainsFunc(others, func(m string) bool { return !slices.Contains(readers, m) }) {
		return false
	}
	if r.Method == "POST" && r.Media == gitReadsMedia {
		return spelling.All(r.Path, func(path string) bool { return strings.HasSuffix(path, gitReads) })
	}
	return slices.Contains(readers, r.Method)
}

// CleanPath makes the path of a scope from what somebody typed, which may be escaped
// and may lack its first slash; nothing is everything. It reports false for what no
// app could be meant by: steps, empty segments, a query, control characters, what has
// readings that differ in more than letters, and what is longer than MaxPath.
func CleanPath(typed string) (path string, ok bool) {
	typed = strings.TrimSpace(typed)
	if strings.ContainsAny(typed, "?#") || !utf8.ValidString(typed) {
		return "", false
	}
	path, err := url.PathUnescape(typed)
	if err != nil {
		return "", false
	}
	path = "/" + strings.Trim(path, "/")
	if len(path) > MaxPath || strings.ContainsFunc(path, unicode.IsControl) {
		return "", false
	}
	scope := Scope{Path: path}
	return path, scope.leadsTo((&url.URL{Path: path}).EscapedPath())
}
