// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
)

// A passkey is one that a person has. Times are Unix seconds.
type passkey struct {
	ID     id     `json:"i"` // keyed hash of the credential's own
	Sealed string `json:"x"` // passkeyTerms
	Made   int64  `json:"t"`
	Used   int64  `json:"u,omitempty"`
	Count  uint32 `json:"n,omitempty"` // of the last signature
	Asked  string `json:"a"`           // who added it, sealed, see sealAsked
	// Suspended: it counts for nothing until it is made anew. Cloned: its count did not
	// rise.
	Suspended bool `json:"s,omitempty"`
	Cloned    bool `json:"c,omitempty"`
}

// passkeyTerms are what is sealed of a passkey. The address is among them since the
// name of the record is of the address without its "+tag".
type passkeyTerms struct {
	Email      Email  `json:"e"`
	Name       string `json:"n"`
	Credential []byte `json:"c"` // see [passkeys.Parse]
}

// A spentAsk is a challenge that has let somebody in, remembered until it would be
// over anyway.
type spentAsk struct {
	ID    id    `json:"i"`
	Until int64 `json:"t"` // Unix seconds
}

// maxSpentAsks bounds them. Where they are all taken, the next has to wait: one that was
// forgotten could be used again.
const maxSpentAsks = 8

const (
	labelPasskey     keyring.Label = "passkey"
	labelPasskeyName keyring.Label = "passkey name"
)

// passkeyID is how records and forms name a credential.
func (h *House) passkeyID(credential []byte) id { return cut(h.ring.MAC(labelPasskeyName, credential)) }

func (h *House) sealPasskey(t passkeyTerms, who, name id) string {
	plain, err := json.Marshal(t)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return h.ring.SealString(labelPasskey, plain, append(who[:], name[:]...))
}

var errNoPasskey = errors.New("no such passkey")

// openPasskey reads a passkey of a person.
func (h *House) openPasskey(k *passkey, who id) (t passkeyTerms, c passkeys.Credential, err error) {
	plain, err := h.ring.OpenString(labelPasskey, k.Sealed, append(who[:], k.ID[:]...))
	if err == nil {
		err = json.Unmarshal(plain, &t)
	}
	if err == nil {
		c, err = passkeys.Parse(t.Credential)
	}
	if err == nil && h.personID(t.Email) != who {
		err = errNoPasskey
	}
	c.SignCount = k.Count
	return t, c, err
}

// passkey finds one by its name; nil where there is none.
func (b *belongings) passkey(name id) *passkey {
	for i := range b.Passkeys {
		if b.Passkeys[i].ID == name {
			return &b.Passkeys[i]
		}
	}
	return nil
}

// passkeyNamed finds the passkey that a form names; nil where there is none.
func (b *belongings) passkeyNamed(name string) *passkey {
	var of id
	if of.UnmarshalText([]byte(name)) != nil {
		return nil
	}
	return b.passkey(of)
}

// eachPasskey calls do for those that a person has, and those that are to become some.
func (b *belongings) eachPasskey(do func(k *passkey)) {
	for i := range b.Passkeys {
		do(&b.Passkeys[i])
	}
	for i := range b.Changes {
		if k := b.Changes[i].Passkey; k != nil {
			do(k)
		}
	}
}

// counts reports whether a passkey lets its person in at the moment.
func (k *passkey) counts() bool { return !k.Suspended && !k.Cloned }

// spendAsk notes that a challenge has been answered. It reports false where it was
// before, and until when there is no room.
func (b *belongings) spendAsk(ask *passkeyAsk, now time.Time) (fresh bool, full time.Time) {
	if slices.ContainsFunc(b.Spent, func(s spentAsk) bool { return s.ID == ask.ID }) {
		return false, time.Time{}
	}
	if len(b.Spent) >= maxSpentAsks {
		first := slices.MinFunc(b.Spent, func(x, y spentAsk) int { return int(x.Until - y.Until) })
		return false, time.Unix(first.Until, 0)
	}
	b.Spent = append(b.Spent, spentAsk{ask.ID, time.Unix(ask.At, 0).Add(askLife + time.Minute).Unix()})
	return true, time.Time{}
}

// dropPasskey takes one away that is no newer than the change that removes it.
func (b *belongings) dropPasskey(name id, before int64) {
	b.Passkeys = slices.DeleteFunc(b.Passkeys, func(k passkey) bool { return k.ID == name && k.Made <= before })
}

func joinPasskey(k, o *passkey) {
	if o.Made > k.Made { // its name was changed, or it was made anew
		k.Sealed, k.Asked, k.Made = o.Sealed, o.Asked, o.Made
	}
	k.Used, k.Count = max(k.Used, o.Used), max(k.Count, o.Count)
	k.Suspended, k.Cloned = k.Suspended || o.Suspended, k.Cloned || o.Cloned
}
