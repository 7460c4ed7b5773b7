// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// A tape is a store whose copy ends with an error, if it has one.
type tape struct {
	content string
	err     error
}

// Backup writes what there is.
func (s tape) Backup(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, s.content)
	return int64(n), errors.Join(err, s.err)
}

func TestACopyThatBreaksOffDoesNotLookWhole(t *testing.T) {
	broken := errors.New("disk is gone")
	for name, tt := range map[string]struct {
		store tape
		whole bool
	}{
		"a good copy":       {tape{strings.Repeat("x", 1<<16), nil}, true},
		"half a copy":       {tape{strings.Repeat("x", 1<<16), broken}, false},
		"the first few":     {tape{"x", broken}, false},
		"an empty good one": {tape{"", nil}, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if err := caddymodule.Stream(w, tt.store); err != nil {
					t.Errorf("Stream = %v", err)
				}
			}))
			defer server.Close()
			answer, err := server.Client().Get(server.URL)
			if err != nil {
				if tt.whole {
					t.Fatal(err)
				}
				return
			}
			defer answer.Body.Close() //nolint:errcheck // it has been read
			content, err := io.ReadAll(answer.Body)
			if (err == nil) != tt.whole || tt.whole && string(content) != tt.store.content {
				t.Errorf("received %d bytes, %v, of %d", len(content), err, len(tt.store.content))
			}
		})
	}
	var refused caddy.APIError
	err := caddymodule.Stream(httptest.NewRecorder(), tape{"", broken})
	if !errors.As(err, &refused) || refused.HTTPStatus != http.StatusServiceUnavailable || !errors.Is(err, broken) && !strings.Contains(refused.Message, "disk is gone") {
		t.Errorf("a copy that never began: %v", err)
	}
}
