// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

// CheckPasskeys is what a start says of passkeys at an origin. It needs settings with
// defaults.
func CheckPasskeys(s Settings, origin string) error {
	return (&entrance{settings: s}).checkPasskeys(origin)
}
