// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package caddymodule makes Doorcode a part of Caddy. It is the only package
// that knows Caddy.
//
// The module http.handlers.doorcode ([Handler]) stands in front of a site, the
// app doorcode ([App]) holds what sites share. Settings become an entrance when
// they are provisioned, which reads and checks; the entrance opens its gate when
// the app starts, or when the first request is faster, which is when files are
// opened and keys are made.
package caddymodule
