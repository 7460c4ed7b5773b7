// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"errors"
	"net"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// What the tests see of the samples.
var SampleLetter, SampleFrom = sampleLetter, sampleFrom

func (s *SMTP) Remember(err error) { s.remember(err) }
func (s *SMTP) Pause() error       { return s.pause() }

func (s *SMTP) Keep(c *smtp.Client, raw net.Conn) { s.pool.put(&connection{client: c, raw: raw}) }

func StartLogin(server string, tls bool, offered ...string) (string, error) {
	l := &login{account: account{user: "u", password: "p"}}
	mechanism, _, err := l.Start(&smtp.ServerInfo{Name: server, TLS: tls, Auth: offered})
	return mechanism, err
}

// Fill writes the body of a request.
func (h *HTTP) Fill(m Message) (body []byte, kind string) { return h.body.fill(m) }

// Overheard is what a dialogue shows of an answer.
func Overheard(user string, password Password, m Message, answer string) string {
	var shown strings.Builder
	d := &dialogue{account: account{user, password}, to: &shown}
	d.about(m)
	d.write("S:", answer)
	return shown.String()
}

// Identity is what health is kept by.
func (h *HTTP) Identity() string { return h.identity() }

// RefusesMailbox are what tell an answer about a mailbox from one about the service.
var RefusesMailbox = map[string]func(status int, body []byte) bool{"postmark": refusedByPostmark, "resend": refusedByResend, "sendgrid": refusedBySendGrid}

// Both are the parts of a mail as their stencils print them, and as the templates do;
// fits is false where a stencil cannot.
func (l Letter) Both() (printed, executed [2]string, fits bool, err error) {
	b := l.compose()
	fits = true
	for i, form := range []builtIn{textForm, htmlForm} {
		cut, fault := form.cut()
		var one, other bytes.Buffer
		fits = cut.Print(&one, form.name, &b) && fits
		err = errors.Join(err, fault, form.Execute(&other, &b))
		printed[i], executed[i] = one.String(), other.String()
	}
	return printed, executed, fits, err
}
