// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package doorcode links Doorcode's modules into a Caddy build.
//
// It registers nothing itself: Caddy's documentation generator wants each
// module registered in the package that declares it.
package doorcode

import _ "github.com/doorcode/caddy-doorcode/caddymodule"
