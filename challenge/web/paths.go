// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/url"
	"strings"
)

// segment is where our endpoints are: as a path segment at any depth, so that
// a gate inside "handle /admin/*" or "handle_path /x/*" serves its own without
// being told where it is.
const segment = ".doorcode"

// maxReturn bounds the address that a check leads back to, in bytes.
const maxReturn = 2 << 10

// endpoint returns which of our endpoints a URL names, if any: what follows the
// segment.
func (d *Door) endpoint(u *url.URL) (name string, own bool) {
	if pinned := d.options.Endpoints; pinned != "" {
		if u.Path == pinned {
			return "", true
		}
		return strings.CutPrefix(u.Path, pinned+"/")
	}
	_, rest, own := cutSegment(u.Path)
	return rest, own
}

func cutSegment(path string) (before, after string, found bool) {
	const inside, last = "/" + segment + "/", "/" + segment
	if !strings.Contains(path, last) {
		return "", "", false // most paths, in one look
	}
	if i := strings.LastIndex(path, inside); i >= 0 {
		return path[:i], path[i+len(inside):], true
	}
	if strings.HasSuffix(path, last) {
		return path[:len(path)-len(last)], "", true
	}
	return "", "", false
}

// pathOf is the path of a URL as it was sent. "OPTIONS *" has none.
func pathOf(u *url.URL) string {
	if path := u.EscapedPath(); strings.HasPrefix(path, "/") {
		return path
	}
	return "/"
}

// endpointsFrom is the relative URL below which the endpoints of a page are:
// below the whole path, so that whatever led to the page leads to them.
func (d *Door) endpointsFrom(u *url.URL) string {
	if d.options.Endpoints != "" {
		return d.options.Endpoints + "/"
	}
	path := pathOf(u)
	if strings.Contains(path, "/"+segment+"/") { // a page of ours
		return "./"
	}
	last := path[strings.LastIndexByte(path, '/')+1:]
	if last == "" || len(last) > maxReturn {
		return "./" + segment + "/"
	}
	return "./" + last + "/" + segment + "/"
}

// endpointsPath is the same place as a path from the root.
func (d *Door) endpointsPath(u *url.URL) string {
	if d.options.Endpoints != "" {
		return d.options.Endpoints + "/"
	}
	path := pathOf(u)
	if before, _, own := cutSegment(path); own {
		path = before
	}
	if len(path) > maxReturn {
		path = ""
	}
	return strings.TrimSuffix(path, "/") + "/" + segment + "/"
}

// backOf is where a person wanted to go: the path and query of a page.
func (d *Door) backOf(u *url.URL) string {
	back := pathOf(u)
	if d.Owns(u) {
		before, _, _ := cutSegment(back) // nothing where the endpoints are pinned
		return safeBack(before)
	}
	if u.RawQuery != "" {
		back += "?" + u.RawQuery
	}
	return safeBack(back)
}

// PageOf is the path of the page below which an endpoint is; of anything else, it
// is the path itself.
func PageOf(u *url.URL) string {
	before, _, own := cutSegment(u.Path)
	switch {
	case !own:
		return u.Path
	case before == "":
		return "/"
	}
	return before
}

// safeBack lets through what leads to this origin only. Two slashes or
// backslashes at the front would name another host to a browser, a control
// character another header to a parser.
func safeBack(back string) string {
	if len(back) > maxReturn {
		back, _, _ = strings.Cut(back, "?")
	}
	path, _, _ := strings.Cut(back, "?")
	if len(back) > maxReturn || isAmbiguous(path) || !strings.HasPrefix(back, "/") {
		return "/"
	}
	for i := range len(back) {
		if back[i] <= ' ' || back[i] >= 0x7f {
			return "/"
		}
	}
	return back
}

// isAmbiguous reports whether a path begins with two slashes or backslashes, raw
// or encoded, or cannot be decoded.
func isAmbiguous(path string) bool {
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return true
	}
	for _, p := range []string{path, decoded} {
		if len(p) > 1 && isSlash(p[0]) && isSlash(p[1]) {
			return true
		}
	}
	return false
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }
