// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A Reason says why a check is needed.
type Reason = risk.Reason

// A Page is how fresh a code a page asks for.
type Page = risk.Page

// LongestAge is how old a code may be for a page that wants a fresh one.
const LongestAge = 24 * time.Hour

// The reasons; package risk says what each means.
const (
	Travel     = risk.Travel
	NewPlace   = risk.NewPlace
	Operator   = risk.Operator
	Ended      = risk.Ended
	Expired    = risk.Expired
	NewBrowser = risk.NewBrowser
	NewNetwork = risk.NewNetwork
	Always     = risk.Always
	Sensitive  = risk.Sensitive
)

// The reasons that no rule about places or browsers gives.
const (
	// Unproved: the browser has a key that it did not prove, as a copy of its cookies
	// cannot.
	Unproved Reason = "unproved"
	// Keyless: the gate requires a key, and the browser has none.
	Keyless Reason = "keyless"
)
