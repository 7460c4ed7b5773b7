// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCK05TrailersAreFiltered: what comes after the body must not bring a cookie to
// who merges trailers into the header.
func TestCK05TrailersAreFiltered(t *testing.T) {
	server, _ := guarded(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "abc")
		w.Header().Set("X-Sum", "7")
		w.Header().Set(http.TrailerPrefix+"Set-Cookie", sessionCookie+"=evil")
		w.Header().Set(http.TrailerPrefix+"X-Late", "8")
	})
	response := send(t, server, plainGet)
	_, _ = io.Copy(io.Discard, response.Body)
	if diff := cmp.Diff(http.Header{"X-Sum": {"7"}, "X-Late": {"8"}}, response.Trailer); diff != "" {
		t.Errorf("trailers (-want +got):\n%s", diff)
	}
}

// TestCK05AnAnnouncedTrailerIsFiltered: at first trailers were only looked at where
// the header had grown. An app that announced Set-Cookie and already had a cookie
// in its header got ours out with it.
func TestCK05AnAnnouncedTrailerIsFiltered(t *testing.T) {
	server, _ := guarded(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Set-Cookie")
		w.Header().Set("Set-Cookie", "a=1")
		_, _ = io.WriteString(w, "abc")
		w.Header().Set("Set-Cookie", sessionCookie+"=evil")
	})
	response := send(t, server, plainGet)
	_, _ = io.Copy(io.Discard, response.Body)
	if len(response.Trailer["Set-Cookie"]) > 0 {
		t.Errorf("trailers %v", response.Trailer)
	}
}
