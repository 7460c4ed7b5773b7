// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import "context"

// Report is what the clause of that name has to say about a store.
func Report(ctx context.Context, name string, o Opener) error {
	for _, c := range contract() {
		if c.name == name {
			return c.run(ctx, newSubject(o))
		}
	}
	panic("no clause is named " + name)
}
