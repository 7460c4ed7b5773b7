// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "net/http"

// A field is one of a request's header.
type field struct{ name, value string }

// What Chromium 156 of Debian 12 sent on 2026-11-26 over HTTP/2 and TLS, taken down by
// a server on localhost: names and values are its own, but that a browser with a window
// calls itself Chrome, not HeadlessChrome. Over HTTP/1.1 it says Connection in place of
// Priority, and nothing else is different. See fieldsAt for Referer and Origin.
var (
	// alike are fields of every request.
	alike = []field{
		{"sec-ch-ua", `"Not:A-Brand";v="8", "Chromium";v="156"`},
		{"sec-ch-ua-mobile", "?0"},
		{"sec-ch-ua-platform", `"Linux"`},
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"},
		{"Sec-Fetch-Site", "same-origin"},
		{"Accept-Encoding", "gzip, deflate, br, zstd"},
		{"Accept-Language", "en-US,en;q=0.9"},
	}
	// background are those of a fetch() by a page of its own site.
	background = append([]field{
		{"Accept", "*/*"},
		{"Sec-Fetch-Mode", "cors"},
		{"Sec-Fetch-Dest", "empty"},
		{"Priority", "u=1, i"},
	}, alike...)
	// navigation are those of a click on a link within the site.
	navigation = append([]field{
		{"Upgrade-Insecure-Requests", "1"},
		{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"},
		{"Sec-Fetch-Mode", "navigate"},
		{"Sec-Fetch-User", "?1"},
		{"Sec-Fetch-Dest", "document"},
		{"Priority", "u=0, i"},
	}, alike...)
	// submission are what a form that is sent has beside those of a click.
	submission = []field{
		{"Cache-Control", "max-age=0"},
		{"Content-Type", "application/x-www-form-urlencoded"},
	}
)

// fieldsAt are fields as a page of a site sends them.
func fieldsAt(site string, fields []field) []field {
	return append([]field{{"Referer", site + "/"}}, fields...)
}

func setAll(h http.Header, fields []field) {
	for _, f := range fields {
		h.Set(f.name, f.value)
	}
}
