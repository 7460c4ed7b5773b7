// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"

	"github.com/wneessen/go-mail/log"
	"github.com/wneessen/go-mail/smtp"
)

// A dialogue writes down what is said to a mail server and what it answers, for an
// operator's eyes: "C:" is this side, "S:" the server, "--" what is no line of either.
// Log-ins, codes and links are not in it, nor is the mail. A nil one writes nothing.
type dialogue struct {
	account account

	mu   sync.Mutex // guards below
	to   io.Writer
	code string
	stop string
	last string // line
}

// redacted is what the library says instead of a line of a log-in.
const redacted = "<SMTP auth data redacted>"

// about tells which secrets the answers of a server may quote from now on.
func (d *dialogue) about(m Message) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.code, d.stop = m.code, m.stop
}

// write adds lines of one side. Like all that another machine says, they are cleaned
// before they reach a terminal.
func (d *dialogue) write(side, text string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for line := range strings.Lines(text) {
		line = plain(strings.ReplaceAll(line, redacted, "[log-in]"), 4*maxReply)
		line = side + " " + plain(conceal(d.account.redact(line), d.code, d.stop), maxReply)
		if side == "S:" && line == d.last { // told by the library and by failed
			continue
		}
		d.last = line
		_, _ = fmt.Fprintln(d.to, line)
	}
}

// connected tells to which machine.
func (d *dialogue) connected(c net.Conn) {
	if d != nil {
		d.write("--", "connected to "+c.RemoteAddr().String())
	}
}

// opened tells how the connection is secured.
func (d *dialogue) opened(c *smtp.Client, host string) {
	if d == nil {
		return
	}
	state, secure := c.TLSConnectionState()
	if !secure {
		d.write("--", "the connection is in clear text")
		return
	}
	d.write("--", fmt.Sprintf("the connection is encrypted: %s, certificate for %s", tls.VersionName(state.Version), host))
}

// handed tells what became of the mail itself, which the library does not.
func (d *dialogue) handed(size int, w io.WriteCloser, err error) {
	if d == nil {
		return
	}
	d.write("C:", fmt.Sprintf("[the mail, %d bytes]", size))
	if took, ok := w.(*smtp.DataCloser); ok && err == nil {
		d.write("S:", "250 "+took.ServerResponse())
	}
}

// failed tells how it broke off. The library does not tell of most answers that say no.
func (d *dialogue) failed(err error) {
	var answer *textproto.Error
	switch {
	case d == nil || err == nil:
	case errors.As(err, &answer):
		d.write("S:", fmt.Sprintf("%d %s", answer.Code, answer.Msg))
	default:
		d.write("--", "broken off: "+err.Error())
	}
}

// Debugf takes a line from the library.
func (d *dialogue) Debugf(l log.Log) {
	side := "S:"
	if l.Direction == log.DirClientToServer {
		side = "C:"
	}
	d.write(side, fmt.Sprintf(l.Format, l.Messages...))
}

// Infof is Debugf.
func (d *dialogue) Infof(l log.Log) { d.Debugf(l) }

// Warnf is Debugf.
func (d *dialogue) Warnf(l log.Log) { d.Debugf(l) }

// Errorf is Debugf.
func (d *dialogue) Errorf(l log.Log) { d.Debugf(l) }

var _ log.Logger = (*dialogue)(nil)
