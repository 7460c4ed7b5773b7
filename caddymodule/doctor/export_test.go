// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import "context"

// Only makes one check.
func Only(ctx context.Context, id string, f Facts) (r Report) {
	for _, c := range checks {
		if c.ID == id {
			r.Findings = c.run(ctx, &f)
		}
	}
	return r
}
