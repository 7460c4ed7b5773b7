// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"net"

	"github.com/wneessen/go-mail/smtp"
)

func (s *SMTP) Remember(err error) { s.remember(err) }
func (s *SMTP) Pause() error       { return s.pause() }

func (s *SMTP) Keep(c *smtp.Client, raw net.Conn) { s.pool.put(&connection{client: c, raw: raw}) }

func StartLogin(server string, tls bool, offered ...string) (string, error) {
	l := &login{account: account{user: "u", password: "p"}}
	mechanism, _, err := l.Start(&smtp.ServerInfo{Name: server, TLS: tls, Auth: offered})
	return mechanism, err
}
