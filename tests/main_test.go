// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// surroundings are what the tests were started in, before they have a home of their own:
// there, Go would have to fetch and build everything again.
var surroundings = os.Environ()

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
