// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// A DNS is what a server of the DNS knows, by names without the last dot. What is in
// none of them does not exist.
type DNS struct {
	Hosts map[string][]string // IPv4 addresses
	Texts map[string][]string
	Mails map[string][]string // servers
}

// Serve answers by UDP on loopback until the test ends, and returns where.
func (d DNS) Serve(t testing.TB) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		question := make([]byte, 1<<12)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			if reply, err := d.reply(question[:n]); err == nil {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func (d DNS) reply(raw []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(raw); err != nil || len(m.Questions) == 0 {
		return nil, err
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}, Questions: m.Questions[:1]}
	for _, body := range d.find(q.Type, name) {
		reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: body})
	}
	if d.Hosts[name] == nil && d.Texts[name] == nil && d.Mails[name] == nil {
		reply.RCode = dnsmessage.RCodeNameError
	}
	return reply.Pack()
}

func (d DNS) find(kind dnsmessage.Type, name string) (found []dnsmessage.ResourceBody) {
	switch kind {
	case dnsmessage.TypeA:
		for _, text := range d.Hosts[name] {
			found = append(found, &dnsmessage.AResource{A: netip.MustParseAddr(text).As4()})
		}
	case dnsmessage.TypeTXT:
		for _, text := range d.Texts[name] {
			found = append(found, &dnsmessage.TXTResource{TXT: []string{text}})
		}
	case dnsmessage.TypeMX:
		for _, server := range d.Mails[name] {
			found = append(found, &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(server + ".")})
		}
	default:
	}
	return found
}
