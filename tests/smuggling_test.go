// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// stowaway is a request that hides in another one. It has no cookie of its own.
const stowaway = "GET /stowaway HTTP/1.1\r\nHost: HOST\r\nRemote-Email: ana@example.com\r\nX-Pad: "

// A disguise is a request of which two servers may see different ends.
type disguise struct {
	name   string
	fields string // each with its line end
	body   string
}

// disguises are all that are tried.
func disguises() (all []disguise) {
	long := "Content-Length: 94\r\n"
	for _, encoding := range []string{
		"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding:\tchunked\r\n", "Transfer-Encoding:\x0bchunked\r\n", "Transfer-Encoding: \x00chunked\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-encoding: chunked\r\n", "X: y\nTransfer-Encoding: chunked\r\n",
		"X: y\rTransfer-Encoding: chunked\r\n", "Transfer-Encoding\r\n : chunked\r\n", "X: y\r\n Transfer-Encoding: chunked\r\n", "Transfer-Encoding:\r\n chunked\r\n", "Transfer_Encoding: chunked\r\n", "Transfer.Encoding: chunked\r\n",
		"TRANSFER-ENCODING: CHUNKED\r\n", "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: \"chunked\"\r\n",
		"Transfer-Encoding: chunked;x=y\r\n", "Transfer-Encoding:\r\n", "Transfer-Encoding: chun\xc4\xb8ed\r\n", "\x00Transfer-Encoding: chunked\r\n", "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n",
	} {
		all = append(
			all, disguise{"both, long", long + encoding, "0\r\n\r\n" + stowaway}, disguise{"both, short", "Content-Length: 4\r\n" + encoding, "5c\r\n" + stowaway + "\r\n0\r\n\r\n"},
			disguise{"both, none", encoding + "Content-Length: 0\r\n", stowaway}, disguise{"alone", encoding, "0\r\n\r\n" + stowaway},
		)
	}
	for _, length := range []string{
		"Content-Length: 5\r\nContent-Length: 0\r\n", "Content-Length: 0\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n", "Content-Length: 0, 94\r\n", "Content-Length: +5\r\n", "Content-Length: -5\r\n",
		"Content-Length: 0x5\r\n", "Content-Length: 05\r\n", "Content-Length: 5 5\r\n", "Content-Length: 5\x00\r\n", "Content-Length: 5;x\r\n", "Content-Length:\r\n", "Content-Length: 1e1\r\n", "Content-Length: 5.0\r\n", "Content-Length : 5\r\n", "Content_Length: 94\r\n",
		"Content-Length:\r\n 5\r\n", "X: y\r\n Content-Length: 94\r\n", "Content-Length: 18446744073709551621\r\n", "Connection: Content-Length\r\nContent-Length: 5\r\n", "Connection: close, Content-Length, Host\r\nContent-Length: 94\r\n", "Content-Length: \xd9\xa5\r\n",
		"Expect: 100-continue\r\nContent-Length: 5\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5\r\n", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 0\r\n", "X: y\r\r\n", "X: y\n\r\n", "\n", "", "Sec-WebSocket-Key1: 5\r\n",
	} {
		all = append(all, disguise{"length", length, "hello" + stowaway}, disguise{"length", length, stowaway})
	}
	for _, chunks := range []string{
		"5;x=y\r\nhello\r\n0\r\n\r\n", "5;\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-1\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\n",
		"10000000000000005\r\nhello\r\n0\r\n\r\n", "5;x=\"\r\nhello\r\n\"\r\n0\r\n\r\n", "0\r\nContent-Length: 94\r\nRemote-Email: ana@example.com\r\n\r\n", "0\r\n X: y\r\n\r\n", "0;x=" + strings.Repeat("y", 5000) + "\r\n\r\n", "00000\r\n\r\n", "\r\n0\r\n\r\n", "0\n\r\n", "0\r\n\n", "5\rhello\r0\r\r", "_5\r\nhello\r\n0\r\n\r\n",
	} {
		all = append(all, disguise{"chunks", "Transfer-Encoding: chunked\r\n", chunks + stowaway})
	}
	return all
}

// strictHead is a request as nobody can misread it: one line for each field, and no
// control characters.
var (
	strictHead  = regexp.MustCompile(`^[A-Za-z]+ /[!-~]* HTTP/1\.1\r\n([!#$%&'*+.^_|~0-9A-Za-z` + "`" + `-]+:[\t -~\x80-\xff]*\r\n)*\r\n$`)
	lengthField = regexp.MustCompile(`(?i)\r\ncontent-length: ?[0-9]+\r\n`)
	anyLength   = regexp.MustCompile(`(?i)\r\n[^:\r\n]*length[^:\r\n]*:`)
	codingField = regexp.MustCompile(`(?i)\r\ntransfer-encoding:`)
)

// wantStrict fails when a request on the wire before the app can be read in two ways,
// or when the app sees one that nobody may send.
func wantStrict(t *testing.T, what, head string) {
	t.Helper()
	lengths, codings := len(lengthField.FindAllString(head, -1)), len(codingField.FindAllString(head, -1))
	if !strictHead.MatchString(head) || lengths+codings > 1 || len(anyLength.FindAllString(head, -1)) != lengths {
		t.Errorf("%s: on the wire before the app is\n%q", what, head)
	}
	if codings == 1 && !strings.Contains(head, "\r\nTransfer-Encoding: chunked\r\n") {
		t.Errorf("%s: a coding that is not chunked:\n%q", what, head)
	}
	if strings.HasPrefix(head, "GET /stowaway") {
		t.Errorf("%s: the hidden request reached the app:\n%q", what, head)
	}
	own := strings.Contains(head, " /public/") == !strings.Contains(head, "\r\nRemote-Email: ana@example.com\r\n")
	if !own || strings.Count(strings.ToLower(head), "remote-email") > 1 {
		t.Errorf("%s: somebody's identity is lost or lent:\n%q", what, head)
	}
}

// HDR-04, PTH-01: whichever way a request is bent to have another one hide in it, the
// app gets whole requests, each admitted by itself. The one that hides has no session.
func TestPTH01NoRequestHidesInAnother(t *testing.T) {
	tap := harness.NewTap(t)
	c := harness.Start(t, "http://localhost:PORT {\n"+gate("*@example.com", "public /public/*")+"\n\treverse_proxy "+tap.Address+"\n}\n")
	b := signedIn(t, c, ana)
	session, begun := "Cookie: "+cookies(t, b)+"\r\n", len(tap.Heads())
	good := 0
	for _, s := range disguises() {
		for line, cookie := range map[string]string{"POST /public/x HTTP/1.1": "", "POST /x HTTP/1.1": session, "GET /x HTTP/1.1": session, "POST /x HTTP/1.0": session} {
			what := s.name + ": " + line + "\r\n" + s.fields + s.body
			before := len(tap.Heads())
			passOn(t, c, line+"\r\nHost: HOST\r\nSec-Fetch-Site: same-origin\r\n"+cookie+s.fields+"\r\n"+s.body+"\r\n\r\n")
			heads := tap.Heads()[before:]
			for _, head := range heads {
				wantStrict(t, what, head)
			}
			good += len(heads)
		}
	}
	t.Logf("%d of them reached the app", good)
	if good < 100 || begun == 0 {
		t.Errorf("%d requests reached the app, so this shows little", good)
	}
}

// passOn sends bytes, ends its side, and reads until the server has ended its own, by
// when all has reached the app that ever will.
func passOn(t *testing.T, c *harness.Caddy, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", c.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // read to its end
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "HOST", "localhost:"+c.Port)); err != nil {
		return
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
}
