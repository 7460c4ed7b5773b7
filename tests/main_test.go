// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
