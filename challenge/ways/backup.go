// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// BackupCodeLength is how many characters a backup code has, without hyphens.
// With five bits each they are 80 bits: more than anybody can try, so that no
// slow hash is needed to keep them.
const BackupCodeLength = 16

// crockford is Douglas Crockford's base32: no I, L, O, which look like digits,
// and no U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var backup = base32.NewEncoding(crockford).WithPadding(base32.NoPadding)

// NewBackupCode draws a backup code: BackupCodeLength characters, no hyphens.
func NewBackupCode() string {
	var drawn [BackupCodeLength * 5 / 8]byte
	_, _ = rand.Read(drawn[:]) // has no error: without randomness it ends the process
	return backup.EncodeToString(drawn[:])
}

// ShowBackupCode groups a backup code to be read and copied, as in
// XXXX-XXXX-XXXX-XXXX.
func ShowBackupCode(code string) string { return groups(code, "-") }

// ReadBackupCode reads a backup code that a person typed or pasted, and returns
// it as NewBackupCode does. Case, white space, dashes and invisible marks do not
// count; full-width letters and digits of any script do; O is read as 0, I and L
// as 1. ok is false for text over 256 bytes, and for everything that has another
// character or another number of them: a line with other words is not searched.
func ReadBackupCode(typed string) (code string, ok bool) {
	code = strings.Map(func(r rune) rune {
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, plain(typed))
	if len(code) != BackupCodeLength || strings.Trim(code, crockford) != "" {
		return "", false
	}
	return code, true
}
