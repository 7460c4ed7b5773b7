// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling

import (
	"net/url"
	"strings"
)

// Methods are the methods, beside the one it is sent with, that some app may take a
// request for: its own in capitals, and each that its query asks for by "_method" or
// the like, also in capitals. Nearly always there is none, which costs no allocation.
// What a body asks for is not seen.
func Methods(method, rawQuery string) (others []string) {
	if upper := strings.ToUpper(method); upper != method {
		others = append(others, upper)
	}
	if !strings.Contains(strings.ToLower(rawQuery), "method") && !strings.Contains(rawQuery, "%") {
		return others
	}
	// By hand: beyond so many parameters url.ParseQuery reads none.
	for pair := range strings.FieldsFuncSeq(rawQuery, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if !isOverride(name) {
			continue
		}
		if other, err := url.QueryUnescape(value); err == nil {
			others = append(others, strings.ToUpper(other))
		}
	}
	return others
}

var foldedByPHP = strings.NewReplacer(".", "_", " ", "_")

// isOverride reports whether a parameter is "_method" to some app. PHP reads
// ".method" and " _method" as that, and no name further than to a zero byte.
func isOverride(name string) bool {
	name, _, _ = strings.Cut(name, "%00")
	name, err := url.QueryUnescape(name)
	name, _, _ = strings.Cut(name, "\x00")
	if err != nil {
		return false
	}
	name = foldedByPHP.Replace(strings.TrimLeft(name, " "))
	return strings.EqualFold(name, "_method") || strings.EqualFold(name, "X-HTTP-Method-Override") || strings.EqualFold(name, "httpMethod")
}
