// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// Whoever may not send is told of before somebody needs a code, and nothing is sent.
func TestAnAPIIsCheckedWithoutSendingAnything(t *testing.T) {
	for name, tt := range map[string]struct {
		harmless     string
		answer       http.HandlerFunc
		method, path string
		token        string
		want         error
	}{
		"it knows the token":           {"/domains", says(http.StatusOK, "{}"), http.MethodGet, "/domains", "Bearer " + string(apiToken), nil},
		"it refuses the token":         {"/domains", says(http.StatusUnauthorized, "{}"), http.MethodGet, "/domains", "Bearer " + string(apiToken), mailer.ErrToken},
		"it forbids the token to look": {"/domains", says(http.StatusForbidden, `{"name":"restricted_api_key"}`), http.MethodGet, "/domains", "Bearer " + string(apiToken), nil},
		"it fails":                     {"/domains", says(http.StatusBadGateway, ""), http.MethodGet, "/domains", "Bearer " + string(apiToken), nil},
		"it is not known":              {"", says(http.StatusUnauthorized, ""), http.MethodOptions, "/send?key=1", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, tt.answer)
			h := open(t, mailer.HTTPOptions{
				URL: a.URL + "/send?key=1", Header: map[string]mailer.Password{"Authorization": "Bearer " + apiToken}, Body: plainBody, Harmless: tt.harmless,
			})
			if err := h.Check(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("Check = %v, want %v", err, tt.want)
			}
			r := a.got[0]
			if got := r.Header.Get("Authorization"); r.Method != tt.method || r.URL.RequestURI() != tt.path || got != tt.token || a.bodies[0] != "" {
				t.Errorf("request is %s %s with %q and %q", r.Method, r.URL.RequestURI(), got, a.bodies[0])
			}
		})
	}
	gone := newAPI(t, says(http.StatusOK, ""))
	gone.Close()
	err := open(t, mailer.HTTPOptions{URL: gone.URL + "/?key=" + string(apiToken), Body: plainBody}).Check(t.Context())
	if err == nil || strings.Contains(err.Error(), string(apiToken)) {
		t.Errorf("Check of nobody = %v", err)
	}
}
