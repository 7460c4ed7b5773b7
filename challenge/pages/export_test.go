// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

// What the tests see of the samples.
const (
	SampleEndpoints, SampleFlow, SampleHeld = sampleEndpoints, sampleFlow, sampleHeld
	SampleNonce, SampleToken, SampleCredit  = sampleNonce, sampleToken, sampleCredit
)

// The parts that tests change.
var (
	SampleNow, SampleTomorrow, SampleMade, SampleLisbon, SamplePorto = sampleNow, sampleTomorrow, sampleMade, sampleLisbon, samplePorto
	SampleCode, SampleKnown, SampleConfirm, SampleChange             = sampleCode, sampleKnown, sampleConfirm, sampleChange
	SampleFrame, SampleAtCodes, SampleBrowsers, SampleDeeds          = sampleFrame, sampleAtCodes, sampleBrowsers, sampleDeeds
	SampleActivity, SampleMadeCodes, SampleMadeToken, SampleAtWays   = sampleActivity, sampleMadeCodes, sampleMadeToken, sampleAtWays
)
