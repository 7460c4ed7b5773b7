// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// polite answers whatever is said, and tells when it is left.
func polite(conn net.Conn, left chan<- time.Time) {
	defer conn.Close()
	fmt.Fprint(conn, "220 hello\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "QUIT") {
			left <- time.Now()
			fmt.Fprint(conn, "221 bye\r\n")
			return
		}
		fmt.Fprint(conn, "250 ok\r\n")
	}
}

func TestIdleConnectionsAreLeftInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := newSMTP(t, mailer.SMTPOptions{Address: "a.example:25"})
		keep := func() <-chan time.Time {
			ours, theirs := net.Pipe()
			left := make(chan time.Time, 1)
			go polite(theirs, left)
			client, err := smtp.NewClient(ours, "a.example")
			if err != nil {
				t.Fatal(err)
			}
			transport.Keep(client, ours)
			return left
		}
		began := time.Now()
		one := keep()
		time.Sleep(20 * time.Second)
		two := keep()
		if got := (<-one).Sub(began); got != 30*time.Second {
			t.Errorf("the first was left after %v, want 30s", got)
		}
		if got := (<-two).Sub(began); got != 50*time.Second {
			t.Errorf("the second was left after %v, want 50s", got)
		}
		three := keep()
		transport.CloseIdleConnections()
		if got := (<-three).Sub(began); got != 50*time.Second {
			t.Errorf("the third was left after %v, want at once", got)
		}
	})
}
