// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling

import (
	"regexp"
	"strings"
)

// scripts are the endings of files that a server runs, handing them the rest of
// the path (RFC 3875 section 4.1.5).
var scripts = []string{".php", ".cgi", ".asp", ".aspx"}

// dotted reports whether path may end in the name of a script. It is asked of every
// folder of every path, so it is cheap.
func dotted(path string) bool {
	n := len(path)
	return n > 4 && (path[n-4] == '.' || path[n-5] == '.')
}

// isScript reports whether path, which is dotted, ends in the name of a script.
func isScript(path string) bool {
	for _, ending := range scripts {
		if len(path) > len(ending) && strings.EqualFold(path[len(path)-len(ending):], ending) {
			return true
		}
	}
	return false
}

// cutPathInfo ends the path at a script: "/login.php/a.css" runs /login.php.
func cutPathInfo(path string) string {
	if i := scriptEnd(path); i > 0 {
		return path[:i]
	}
	return path
}

// dropScript leaves a script out: a framework behind one reads
// "/app/index.php/admin" as it reads /app/admin.
func dropScript(path string) string {
	i := scriptEnd(path)
	if i == 0 {
		return path
	}
	return path[:strings.LastIndexByte(path[:i], '/')] + path[i:]
}

// scriptEnd returns the length of path up to the end of the first script that more
// of it follows, or zero.
func scriptEnd(path string) int {
	if !strings.Contains(path, ".") {
		return 0
	}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' && dotted(path[:i]) && isScript(path[:i]) {
			return i
		}
	}
	return 0
}

// ticket is where ASP.NET puts what else would be in cookies: "/(S(x)F(y))/admin"
// is /admin, and so was "/ad/(S(x))min" (CVE-2023-36899).
var ticket = regexp.MustCompile(`/\((?:[A-Za-z]\([^/()]*\))+\)`)

func dropTicket(path string) string {
	if !strings.Contains(path, "/(") {
		return path
	}
	return ticket.ReplaceAllLiteralString(path, "")
}
