// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

func TestWhichHostsAreThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "localhost:8080": true, "app.localhost": true, "App.LOCALHOST.:443": true,
		"127.0.0.1": true, "127.8.8.8": true, "127.0.0.1:25": true, "::1": true, "[::1]": true, "[::1]:25": true,
		"::ffff:127.0.0.1": true, "[::ffff:127.0.0.1]:25": true,
		"": false, ".": false, "localhost.example": false, "xlocalhost": false, "127.0.0.1.": false, "127.0.0.1.example": false,
		"10.0.0.1": false, "0.0.0.0": false, "::": false, "::ffff:10.0.0.1": false, "[::1]x": false,
	} {
		if got := mailer.IsLoopback(host); got != want {
			t.Errorf("IsLoopback(%q) = %v", host, got)
		}
	}
}

// What may go unencrypted to a name below localhost stays here, whatever the DNS and the
// settings of a proxy say.
func TestANameBelowLocalhostIsThisMachine(t *testing.T) {
	a := newAPI(t, says(http.StatusOK, ""))
	_, port, err := net.SplitHostPort(strings.TrimPrefix(a.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"api.localhost", "localhost.", "Localhost"} {
		h := open(t, mailer.HTTPOptions{URL: "http://" + host + ":" + port + "/send", Body: plainBody})
		if err := h.Deliver(t.Context(), render(t, letter())); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if len(a.got) != 3 {
		t.Errorf("%d mails came", len(a.got))
	}
}
