// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// ErrNoLogin means that the mail server offers no way to log in that we know.
var ErrNoLogin = errors.New("mail server offers no log-in that we know")

// A Password cannot be printed.
type Password string

const hiddenPassword = "[password]"

// String hides the password.
func (Password) String() string { return hiddenPassword }

// Format hides the password from every verb of fmt.
func (Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenPassword) }

// LogValue hides the password from structured logs.
func (Password) LogValue() slog.Value { return slog.StringValue(hiddenPassword) }

// MarshalText hides the password from encoders.
func (Password) MarshalText() ([]byte, error) { return []byte(hiddenPassword), nil }

type account struct {
	user     string
	password Password
}

// redact removes the password from an answer: servers that do not understand a
// line send it back.
func (a account) redact(answer string) string {
	if a.password == "" {
		return answer
	}
	clear := string(a.password)
	for _, secret := range []string{"\x00" + a.user + "\x00" + clear, clear} {
		answer = strings.ReplaceAll(answer, base64.StdEncoding.EncodeToString([]byte(secret)), hiddenPassword)
		if bare := base64.RawStdEncoding.EncodeToString([]byte(secret)); len(bare) >= minSecret {
			answer = strings.ReplaceAll(answer, bare, hiddenPassword)
		}
	}
	answer = strings.ReplaceAll(answer, clear, hiddenPassword)
	if cleaned := plain(clear, 4*maxReply); cleaned != "" { // as it stands in an answer that was cleaned
		answer = strings.ReplaceAll(answer, cleaned, hiddenPassword)
	}
	return answer
}

// A login chooses among what the server offers once TLS is up. The library
// would send a password in clear text to a server that is called localhost.
type login struct {
	account
	begun bool
	smtp.Auth
}

// Start begins the exchange (RFC 4954).
func (l *login) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	l.begun = true
	if !server.TLS && !IsLoopback(server.Name) {
		return "", nil, ErrClearPassword
	}
	user, clear := l.user, string(l.password)
	has := func(name string) bool { return slices.Contains(server.Auth, name) }
	switch {
	case has("PLAIN"):
		l.Auth = smtp.PlainAuth("", user, clear, server.Name, true)
	case has("LOGIN"):
		l.Auth = smtp.LoginAuth(user, clear, server.Name, true)
	case has("SCRAM-SHA-256"):
		l.Auth = smtp.ScramSHA256Auth(user, clear)
	case has("CRAM-MD5"):
		l.Auth = smtp.CRAMMD5Auth(user, clear)
	default:
		return "", nil, ErrNoLogin
	}
	return l.Auth.Start(server)
}
