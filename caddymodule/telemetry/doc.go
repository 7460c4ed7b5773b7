// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package telemetry takes what happens at the gates to where operators look:
// Caddy's logs, its metrics and its events.
//
// A [Recorder] takes each event of the domain to exactly one logger: what a person or
// an operator did, and what was decided, to the audit log; faults to the log of the
// gate, which also has, on level DEBUG, the line explained for each decision. It counts
// the event, and hands some to an [Emitter], for subscribers.
//
// Counters live as long as the process, and are made known to the registry of each
// configuration. What describes one configuration, a [Configuration] measures when
// it is asked.
//
// No label of a metric may hold what a visitor can choose, nor anything about a
// person. No line and no event holds a code, a cookie or a token.
package telemetry
