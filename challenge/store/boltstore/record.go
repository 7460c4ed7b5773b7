// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

const (
	maxKey   = 512     // bytes
	maxValue = 1 << 20 // bytes

	timeSize = 8 // bytes of a stored time
)

// A record is what the file holds under a key: when it ends, as Unix time in
// nanoseconds where zero is never, and then the value.
type record struct {
	expires int64
	value   []byte
}

func (r record) live(now time.Time) bool {
	return r.expires == 0 || now.UnixNano() < r.expires
}

func (r record) encode() []byte {
	raw := make([]byte, 0, timeSize+len(r.value))
	return append(binary.BigEndian.AppendUint64(raw, uint64(r.expires)), r.value...)
}

// decodeRecord reads what encode wrote. The value points into raw.
func decodeRecord(raw []byte) (record, error) {
	if len(raw) < timeSize {
		return record{}, fmt.Errorf("%w: a record of %d bytes", ErrUnreadable, len(raw))
	}
	return record{
		expires: int64(binary.BigEndian.Uint64(raw)),
		value:   raw[timeSize:],
	}, nil
}

// expiryKey is a record's entry in the index of what ends when. Entries sort
// by time: the sign bit is turned so that times before 1970 come first.
func expiryKey(expires int64, key []byte) []byte {
	entry := make([]byte, 0, timeSize+len(key))
	return append(binary.BigEndian.AppendUint64(entry, uint64(expires)^1<<63), key...)
}

// decodeExpiryKey reads what expiryKey wrote. The key points into entry.
func decodeExpiryKey(entry []byte) (expires int64, key []byte, err error) {
	if len(entry) <= timeSize {
		return 0, nil, fmt.Errorf("%w: an index entry of %d bytes", ErrUnreadable, len(entry))
	}
	return int64(binary.BigEndian.Uint64(entry) ^ 1<<63), entry[timeSize:], nil
}

// expiry is when a record with this ttl ends. A ttl that reaches beyond what
// fits, in the year 2262, ends there instead of wrapping into the past.
func expiry(now time.Time, ttl time.Duration) int64 {
	if ttl <= 0 {
		return 0
	}
	if now.UnixNano() > math.MaxInt64-int64(ttl) {
		return math.MaxInt64
	}
	return now.UnixNano() + int64(ttl)
}
