// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Merge adds the keys of another set to ours. What either signed verifies
// afterwards. Our keys go on signing, so that the machines which use them notice
// nothing; theirs only verify, from the next [Rotate] on until what they signed
// has run out. A kind of keys that we lack comes as it is. Nil or empty is a set
// without keys.
//
// If changed is true, out must be stored, encrypted; else out is ours. Merging
// the same once more changes nothing. It returns [ErrKeys], or [ErrFull] if the
// two have too many keys.
func Merge(ours, theirs []byte) (out []byte, changed bool, err error) {
	d, err := newDraft(ours)
	if err != nil {
		return nil, false, fmt.Errorf("reading our keys: %w", err)
	}
	other, err := newDraft(theirs)
	if err != nil {
		return nil, false, fmt.Errorf("reading their keys: %w", err)
	}
	own := map[kind]bool{}
	for _, k := range kinds {
		own[k] = lasting(d.keys, k)
	}
	for n, k := range other.keys {
		if err := d.take(k, other.raw[n], own[k.kind]); err != nil {
			return nil, false, fmt.Errorf("merging key %d: %w", n+1, err)
		}
	}
	return d.finish()
}

// take adds one of their keys. If we have it already, both have signed with it,
// and the later end counts.
func (d *draft) take(theirs *key, raw json.RawMessage, verifyOnly bool) error {
	mine := d.find(theirs.id)
	if mine == nil {
		if err := d.add(raw); err != nil {
			return fmt.Errorf("%w: %w", ErrKeys, err)
		}
		if verifyOnly && !theirs.merged {
			return d.put(d.find(theirs.id), "merged", "true")
		}
		return nil
	}
	if mine.kind != theirs.kind || privateOf(d.encoded(mine)) != privateOf(raw) {
		return fmt.Errorf("%w: %w", ErrKeys, errors.New("its id is not its own"))
	}
	if mine.until > 0 && (theirs.until == 0 || theirs.until > mine.until) {
		return d.putTime(mine, "until", theirs.until)
	}
	return nil
}

// privateOf returns the private part of a key that was decoded before. It has
// only one spelling.
func privateOf(raw json.RawMessage) string {
	var s storedKey
	_ = json.Unmarshal(raw, &s)
	return s.Private
}
