// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Sample is a screen of somebody who does not exist, under the name that its picture
// or file has. The names are ordered as a person meets the screens.
type Sample struct {
	Name string
	Page Page
}

// Samples are every screen in every state, for whoever wants to look at them all, or to
// know that each can be rendered. Each call makes them anew.
func Samples() []Sample {
	return slices.Concat(doorSamples(), deadSamples(), waySamples(), plainSamples(), placeSamples(), heldSamples(), stopSamples(),
		passkeySamples(), codesSamples(), waysSamples(), accountPasskeySamples(), overviewSamples(), accountSamples(), tokensSamples(), activitySamples())
}

// What the samples have in common. Nothing of it opens anything.
const (
	sampleEndpoints = "./reports/.doorcode/"
	sampleFlow      = "c2VhbGVkLXZhbHVlLW9mLXRoZS1mbG93"
	sampleHeld      = "c2VhbGVkLWZvcm0tb2YtdGhlLWFwcA"
	sampleNonce     = "bm9uY2Utb2YtdGhlLXBhZ2U"
	sampleToken     = "dct_aebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4qcc44itmfbqmo2wmctx4np"
	sampleCredit    = "IP geolocation by DB-IP (db-ip.com)"
)

var (
	sampleNow      = time.Date(2026, 11, 22, 12, 34, 0, 0, time.UTC)
	sampleTomorrow = sampleNow.Add(24 * time.Hour)
	sampleMade     = time.Date(2026, 5, 3, 10, 12, 0, 0, time.UTC)

	sampleLisbon = words.Spot{City: "Lisbon", Country: "PT", Radius: 20}
	samplePorto  = words.Spot{City: "Porto", Country: "PT", Radius: 20}

	// sampleOffers is what a gate offers unless its operator says otherwise.
	sampleOffers = WayOffers{Backup: true, App: true, Second: true}

	sampleBackupCodes = []string{
		"7KQX-9M2F-VB3T-0HJN", "YC8D-4RZE-6WPA-GS15", "M3NK-T7VX-2QJB-8FHD", "0ZSE-W6RY-C4PG-9A1K", "XJ5T-BQ8N-HD3M-7VFW",
		"2PRA-6GYE-KZ0C-S9T4", "F1WH-J8XQ-5BNV-D3M7", "9ATC-0KPG-R2ZY-6ESX", "BV4N-M7DF-8HTJ-WQ3K", "S6YP-5CRE-ZA1G-2X9M",
	}
)
