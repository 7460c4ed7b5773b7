// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// JWT-06: the name of a file is no secret, however long it is.
func TestJWT06TheNameOfAFileIsNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "the-root-secret-of-this-installation")
	if err := os.WriteFile(path, []byte("0123456789abcdef0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := adapt(site("secret " + path))
	if err == nil || !strings.Contains(err.Error(), "{file./path/file}") || strings.Contains(err.Error(), path) {
		t.Errorf("error = %v, want one that says what to write, without the value", err)
	}
}
