// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import "strings"

// What the mutator draws from.
var (
	methods   = []string{"POST", "HEAD", "OPTIONS", "PUT", "DELETE", "CONNECT", "TRACE", "get", "G ET", "PRI", "M-SEARCH", "\x00GET", "GET\t", ""}
	protocols = []string{"HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", ""}
	hosts     = []string{"host:HOST", "Host: localhost", "Host: LOCALHOST.", "Host: other.example", "Host: ", "Host: HOST\r\nHost: other.example", "Host: HOST@other.example", "Host: localhost:1", "X-Host: HOST"}
	targets   = []string{
		"/x", "/api/x", "/never/x", "/x?a=b;c", "http://HOST/x", "https://HOST/x", "http://other.example/x", "//HOST/x", "HOST", "*", "/.doorcode/session", "/.doorcode/../x", "/x/.doorcode/%2e%2e/y",
		"/.doorcode/verify", "/a/.doorcodex", "/x#.doorcode", "/x HTTP/1.1\r\nX: y", "/x\t", "/x?\x00", "x", "", "/%", "http://user:pass@HOST/x", "http:///x", "/" + strings.Repeat("a/../", 50), "/x?_method=DELETE",
	}
	cookieNames  = []string{"Cookie: ", "Cookie: ", "Cookie: ", "Cookie: ", "cookie:", "COOKIE: ", "Cookie:\t", "Cookie : ", " Cookie: ", "Cookie2: ", "X: y\r\n Cookie: ", "Cookie\x00: ", "Cookie: a=b\r\n\t"}
	cookieShapes = []string{
		"doorcode=SESSION", "doorcode=\"SESSION\"", "Doorcode=SESSION", "DOORCODE=SESSION", "doorcode =SESSION", "doorcode= SESSION", " doorcode=SESSION ", "doorcode==SESSION", "doorcode=SESSION=",
		"$Version=1; doorcode=SESSION; $Path=/", "$Version=1, doorcode=SESSION", "a=b, doorcode=SESSION", "a=b;doorcode=SESSION;c=d", "a=\"; doorcode=SESSION; b=\"", "doorcode=x; doorcode=SESSION",
		"doorcode=SESSION; doorcode=x", "doorcode=SESSION; doorcode=SESSION", "doorcode=SESSION.SESSION", "doorcode=SESSIONSESSION", "doorcode[0]=SESSION", "doorcode%3dSESSION", "doorcode=SESSION%00", "doorcode=SESSION\x00",
		"doorcode=SESSION\\", "doorcode:SESSION", "__Host-Http-doorcode=SESSION", "__Secure-doorcode=SESSION", "__Host-doorcode=SESSION", "doorcode-device=SESSION", "doorcode-flow=SESSION; doorcode=x", "OTHER; OTHER",
		"doorcode; OTHER", "=doorcode; doorcode=SESSION", "doorcode=; SESSION", "doorcode=SESSION\t; x", "doorcode=" + strings.Repeat("A", 5000) + "; doorcode=SESSION", "\xc2\xa0doorcode=SESSION",
	}
	inserts    = []string{".", "..", ";", "; doorcode=", ",", "\"", "=", "\x00", "%00", "\t", " ", "\r\n ", "\r", "\n", "\xff", "\xe2\x80\x80", "eyJhbGciOiJub25lIn0", "$Version=1; ", "\\"}
	bentFields = []string{
		"Connection: close, Cookie", "Connection: Remote-Email, Doorcode-Assertion", "Connection: keep-alive, Transfer-Encoding", "Connection: upgrade\r\nUpgrade: websocket", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
		"Remote-Email: ana@example.com", "Remote_Email: ana@example.com", "Remote-Email:", "Doorcode-Assertion: a.b.c", "remote-email: ana@example.com\r\nRemote-Email: ana@example.com", "Authorization: Bearer SESSION", "Authorization: Basic YW5hOng=",
		"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: HOST", "X-Original-URL: /.doorcode/jwks.json", "X-Rewrite-URL: /", "X-HTTP-Method-Override: OPTIONS", "Forwarded: for=127.0.0.1;proto=https", "Early-Data: 1",
		"Expect: 100-continue", "TE: trailers", "Trailer: Remote-Email", "Origin: http://HOST\r\nAccess-Control-Request-Method: GET", "Accept: text/html", "Accept: text/event-stream", "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none", "Sec-Purpose: prefetch",
		"Content-Type: application/x-www-form-urlencoded", "Range: bytes=0-", "If-None-Match: *", "X: y\r\n folded", "X : y", ": y", "NoColon", "X\x00: y", "X: \x00", "User-Agent: kube-probe/1.34",
	}
)

// A framing is a way to confuse where a request ends.
type framing struct {
	fields []string
	body   string
	after  func(string) string // edits the whole
}

const inside = "GET /x HTTP/1.1\r\nHost: HOST\r\nRemote-Email: ana@example.com\r\n\r\n"

var framings = []framing{
	{},
	{fields: []string{"Content-Length: 5"}, body: "hello"},
	{fields: []string{"Content-Length: 5"}, body: "hel"},
	{fields: []string{"Content-Length: 3"}, body: "hello"},
	{fields: []string{"Content-Length: 0"}, body: inside},
	{fields: []string{"Content-Length: +5"}, body: "hello"},
	{fields: []string{"Content-Length: 5, 5"}, body: "hello"},
	{fields: []string{"Content-Length: 5", "Content-Length: 0"}, body: "hello"},
	{fields: []string{"Content-Length: 99999999999999999999"}, body: inside},
	{fields: []string{"Transfer-Encoding: chunked"}, body: "0\r\n\r\n"},
	{fields: []string{"Transfer-Encoding: chunked", "Content-Length: 4"}, body: "0\r\n\r\n" + inside},
	{fields: []string{"Transfer-Encoding: xchunked", "Content-Length: 0"}, body: "0\r\n\r\n" + inside},
	{fields: []string{"Transfer-Encoding: chunked, identity"}, body: "0\r\n\r\n"},
	{fields: []string{"Transfer-Encoding:\x0bchunked"}, body: "0\r\n\r\n"},
	{fields: []string{"Transfer-Encoding: chunked", "Transfer-Encoding: gzip"}, body: "0\r\n\r\n"},
	{fields: []string{"Transfer-Encoding: chunked", "Trailer: Remote-Email"}, body: "1;x=\"\r\n\r\n\"\r\na\r\n0\r\nRemote-Email: ana@example.com\r\n\r\n"},
	{fields: []string{"Transfer-Encoding: chunked"}, body: "1\na\n0\n\n"},
	{fields: []string{"Transfer-Encoding: chunked"}, body: "ffffffffffffffff1\r\na\r\n0\r\n\r\n"},
	{fields: []string{"Connection: close"}, after: func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }},
	{fields: []string{"Connection: close"}, after: func(s string) string { return strings.ReplaceAll(s, "\r\n", "\r") }},
	{fields: []string{"Connection: close"}, after: func(s string) string { return "\r\n\r\n" + s }},
	{fields: []string{"X: y"}, after: func(s string) string { return strings.TrimSuffix(s, "\r\n") }},
}
