// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// An operator who names the variable, as in a log field, prints nobody's cookies.
func TestWhatGatesHandOnIsNotPrinted(t *testing.T) {
	repl := caddy.NewReplacer()
	repl.Set("http.vars.doorcode.baton", caddymodule.ABaton("doorcode=secret"))
	if said := repl.ReplaceAll("{http.vars.doorcode.baton}", ""); strings.Contains(said, "secret") || said == "" {
		t.Errorf("it prints %q", said)
	}
}
