// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package upstream decides what the protected app receives and what it may
// answer.
//
// On the way in, on every request that goes on to the app, public ones included:
// [Cleaner] removes what a visitor may not claim, then [Headers] sets what was
// verified. On the way back, [Guard] keeps the app from touching the gate's
// cookies and keeps shared caches from storing what was meant for one person; it
// also hears an app that demands a fresh code ([Guard.Listen]). [Jar] reads the
// gate's own cookies and takes them out.
//
// All of it runs on each request of a person who is signed in, so nothing here
// allocates in the ordinary case. Header values set here are never shared between
// requests: Caddy's header directives replace text in place, which would reach
// into the requests of others.
package upstream
