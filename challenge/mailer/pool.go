// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"net"
	"sync"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

const (
	// idleLimit is how long a connection is kept. Firewalls and servers drop
	// quiet ones after some minutes, and a dead one costs a whole timeout.
	idleLimit = 30 * time.Second
	// useLimit is how many mails go through one connection: servers have limits
	// of their own, and are rude about them.
	useLimit = 50
	// keepLimit is how many connections are kept.
	keepLimit = 4
	// goodbye is how long a server may take to answer QUIT.
	goodbye = time.Second
)

// The steps of a delivery, as errors name them.
const (
	stepConnect   = "connecting to mail server"
	stepLogin     = "logging in to mail server"
	stepSender    = "naming sender"
	stepRecipient = "naming recipient"
	stepContent   = "handing over mail"
)

// A stepError remembers where an exchange broke.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// A connection is one open exchange with a mail server. It has one user at a
// time.
type connection struct {
	client *smtp.Client
	raw    net.Conn
	shown  *dialogue
	uses   int
	since  time.Time // when it was put back
}

// submit hands m over. It returns nil once the server has accepted it.
func (c *connection) submit(m Message) error {
	if err := c.client.Mail("<" + m.From + ">"); err != nil {
		return &stepError{stepSender, err}
	}
	if err := c.client.Rcpt("<" + m.To + ">"); err != nil {
		return &stepError{stepRecipient, err}
	}
	w, err := c.client.Data()
	if err != nil {
		return &stepError{stepContent, err}
	}
	if _, err = w.Write(m.Raw); err == nil {
		err = w.Close()
	}
	if c.shown.handed(len(m.Raw), w, err); err != nil {
		return &stepError{stepContent, err}
	}
	return nil
}

// offer names the sender and takes it back.
func (c *connection) offer(m Message) error {
	if err := c.client.Mail("<" + m.From + ">"); err != nil {
		return &stepError{stepSender, err}
	}
	if err := c.client.Reset(); err != nil {
		return &stepError{stepSender, err}
	}
	return nil
}

// sever closes the connection under whatever waits on it.
func (c *connection) sever() { _ = c.raw.Close() }

// leave ends the exchange politely, by the deadline.
func (c *connection) leave(deadline time.Time) {
	if c.raw.SetDeadline(deadline) == nil {
		_ = c.client.Quit()
	}
	c.sever()
}

// A pool keeps connections that idle. Its timer closes them in time; the zero
// value is ready.
type pool struct {
	mu    sync.Mutex // guards below
	idle  []*connection
	timer *time.Timer
}

// take returns the connection that was used last, or nil.
func (p *pool) take() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || time.Since(p.idle[last].since) >= idleLimit {
		return nil
	}
	c := p.idle[last]
	p.idle = p.idle[:last]
	return c
}

// put keeps c for the next delivery, if there is place and c is not worn out.
func (p *pool) put(c *connection) {
	c.uses++
	c.since = time.Now()
	p.mu.Lock()
	keep := c.uses < useLimit && len(p.idle) < keepLimit
	if keep {
		p.idle = append(p.idle, c)
		p.watch()
	}
	p.mu.Unlock()
	if !keep {
		c.leave(time.Now().Add(goodbye))
	}
}

// watch sets the timer for the oldest connection. The caller holds mu.
func (p *pool) watch() {
	if p.timer == nil && len(p.idle) > 0 {
		p.timer = time.AfterFunc(time.Until(p.idle[0].since.Add(idleLimit)), p.sweep)
	}
}

// sweep closes what has idled for too long. The oldest are first.
func (p *pool) sweep() {
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].since) >= idleLimit {
		n++
	}
	old := append([]*connection(nil), p.idle[:n]...)
	p.idle = append([]*connection(nil), p.idle[n:]...)
	p.timer = nil
	p.watch()
	p.mu.Unlock()
	leaveAll(old)
}

// clear closes everything that idles.
func (p *pool) clear() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mu.Unlock()
	leaveAll(idle)
}

// leaveAll shares one deadline, however many connections there are.
func leaveAll(connections []*connection) {
	deadline := time.Now().Add(goodbye)
	for _, c := range connections {
		c.leave(deadline)
	}
}
