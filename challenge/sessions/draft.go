// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

type storedKeys struct {
	Version int               `json:"version"`
	Keys    []json.RawMessage `json:"keys"`
}

// A storedKey without From signs already, and one without Until is not retired:
// so read the sets of the version that knew neither.
//
// That version may share the store. It signs with the key that was created
// last, hence with a successor before its turn, or with a merged key. Nobody is
// refused for that while one version takes over from the other: whoever reads
// the set verifies what any key of it signed, and the machine that signs out of
// turn also publishes what it signs with. Only an app with an older copy of the
// published keys has to ask for them again.
type storedKey struct {
	ID        string    `json:"kid"`
	Use       use       `json:"use"`
	Algorithm Algorithm `json:"alg"`
	Created   int64     `json:"created"`
	From      int64     `json:"from,omitempty"`
	Until     int64     `json:"until,omitempty"`
	Merged    bool      `json:"merged,omitempty"`
	Private   string    `json:"private"`
}

// A draft is a stored set while it is read and changed. All but the fields that
// change stays encoded, so that what a later version added outlives this one.
type draft struct {
	redacted
	plain   []byte
	members map[string]json.RawMessage // the set's own, without version and keys
	keys    []*key
	raw     []json.RawMessage // of keys
	changed bool
}

// newDraft reads a set; nothing is a set without keys. It returns ErrKeys.
func newDraft(plain []byte) (*draft, error) {
	d := &draft{plain: plain, members: map[string]json.RawMessage{}}
	if len(plain) == 0 {
		return d, nil
	}
	var stored storedKeys
	// The decoder's error might quote what it stumbled on.
	if len(plain) > maxKeySet || json.Unmarshal(plain, &stored) != nil || json.Unmarshal(plain, &d.members) != nil {
		return nil, ErrKeys
	}
	if stored.Version != keysVersion {
		return nil, fmt.Errorf("%w: version %d is not %d", ErrKeys, stored.Version, keysVersion)
	}
	if len(stored.Keys) > maxKeys {
		return nil, fmt.Errorf("%w: %d keys are too many", ErrKeys, len(stored.Keys))
	}
	// The decoder takes other spellings of these names too.
	maps.DeleteFunc(d.members, func(name string, _ json.RawMessage) bool {
		return strings.EqualFold(name, "version") || strings.EqualFold(name, "keys")
	})
	for n, raw := range stored.Keys {
		if err := d.add(raw); err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrKeys, n+1, err)
		}
	}
	d.changed = false
	return d, nil
}

// find returns the key with an id, or nil.
func (d *draft) find(id string) *key {
	for _, k := range d.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// encoded is k as it is stored.
func (d *draft) encoded(k *key) json.RawMessage { return d.raw[slices.Index(d.keys, k)] }

func (d *draft) add(raw json.RawMessage) error {
	k, err := decodeKey(raw)
	if err != nil {
		return err
	}
	if d.find(k.id) != nil {
		return errors.New("its id is not its own")
	}
	d.keys, d.raw, d.changed = append(d.keys, k), append(d.raw, raw), true
	return nil
}

// draw adds a new key that begins to sign at from, or at once if that is zero.
func (d *draft) draw(of kind, now time.Time, from int64) error {
	raw, err := drawKey(of, now, from)
	if err == nil {
		err = d.add(raw)
	}
	if err != nil {
		return fmt.Errorf("making a signing key: %w", err)
	}
	return nil
}

// drop removes the keys that verify nothing any more.
func (d *draft) drop(now int64) {
	for n := len(d.keys) - 1; n >= 0; n-- {
		if d.keys[n].over(now) {
			d.keys, d.raw, d.changed = slices.Delete(d.keys, n, n+1), slices.Delete(d.raw, n, n+1), true
		}
	}
}

// put changes one field of k. It returns ErrKeys.
func (d *draft) put(k *key, field, value string) error {
	n := slices.Index(d.keys, k)
	members := map[string]json.RawMessage{}
	if json.Unmarshal(d.raw[n], &members) != nil {
		return ErrKeys
	}
	members[field] = json.RawMessage(value)
	raw, err := json.Marshal(members)
	if err != nil {
		return ErrKeys
	}
	// With a name in two spellings, another of them would count from now on.
	after, err := decodeKey(raw)
	if err != nil || after.id != k.id || after.kind != k.kind {
		return fmt.Errorf("%w: key %d: a field twice", ErrKeys, n+1)
	}
	*k, d.raw[n], d.changed = *after, raw, true
	return nil
}

func (d *draft) putTime(k *key, field string, seconds int64) error {
	return d.put(k, field, strconv.FormatInt(seconds, 10))
}

// finish returns the set if it has changed, and else what it was read from. No
// set leaves that could not be read again: it returns ErrFull instead.
func (d *draft) finish() (out []byte, changed bool, err error) {
	if !d.changed {
		return d.plain, false, nil
	}
	keys, err := json.Marshal(append([]json.RawMessage{}, d.raw...))
	if err != nil {
		return nil, false, fmt.Errorf("encoding signing keys: %w", err)
	}
	d.members["version"] = json.RawMessage(strconv.Itoa(keysVersion))
	d.members["keys"] = keys
	if out, err = json.Marshal(d.members); err != nil {
		return nil, false, fmt.Errorf("encoding signing keys: %w", err)
	}
	if len(d.keys) > maxKeys || len(out) > maxKeySet {
		return nil, false, ErrFull
	}
	return out, true, nil
}
