// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import "errors"

// CheckPasskeys is what a start says of passkeys, and of keys that browsers make, at an
// origin. It needs settings with defaults.
func CheckPasskeys(s Settings, origin string) error {
	e := &entrance{settings: s}
	return errors.Join(e.checkPasskeys(origin), e.checkKeys(origin))
}
