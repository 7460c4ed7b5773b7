// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

// EncodeRecord and DecodeRecord are the envelope of a stored record.
func EncodeRecord(expires int64, value []byte) []byte { return record{expires, value}.encode() }

func DecodeRecord(raw []byte) (expires int64, value []byte, err error) {
	r, err := decodeRecord(raw)
	return r.expires, r.value, err
}

// ExpiryKey and DecodeExpiryKey are an entry of the index.
var (
	ExpiryKey       = expiryKey
	DecodeExpiryKey = decodeExpiryKey
)
