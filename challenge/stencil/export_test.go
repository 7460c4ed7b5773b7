// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package stencil

import (
	"maps"
	"slices"
)

// Escapers are the names of those that are written again here.
func Escapers() []string { return slices.Sorted(maps.Keys(escapers)) }
