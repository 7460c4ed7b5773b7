// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// numChoices bounds what a catalogue remembers. Browsers send few different headers.
const numChoices = 256

// choices are what was chosen lately for an Accept-Language header, since to parse one
// takes as long as to print a page. Each header has one place, in which it is followed
// by the next that belongs there: whatever strangers send, no more is kept, and what
// browsers send is soon back.
type choices struct {
	seed   maphash.Seed // so that nobody can tell which headers share a place
	places [numChoices]atomic.Pointer[choice]
}

type choice struct {
	accept string
	of     *volume
}

func newChoices() *choices { return &choices{seed: maphash.MakeSeed()} }

// of is what choose finds, or has found.
func (c *choices) of(accept string, choose func(string) *volume) *volume {
	place := &c.places[maphash.String(c.seed, accept)%numChoices]
	if known := place.Load(); known != nil && known.accept == accept {
		return known.of
	}
	v := choose(accept)
	place.Store(&choice{strings.Clone(accept), v}) // all that came with the header need not be kept
	return v
}
