// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"encoding/json"
	"net/netip"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

// An asked is who asked for something, in words that can be shown: a browser
// from a fixed vocabulary, an approximate place, and a network.
type asked struct {
	Browser string `json:"b"`
	City    string `json:"y,omitempty"`
	Country string `json:"c,omitempty"`
	Radius  int    `json:"r,omitempty"` // kilometres
	Private bool   `json:"p,omitempty"`
	Credit  string `json:"l,omitempty"`
	Network string `json:"n,omitempty"` // IPv4 /24 or IPv6 /48
	At      int64  `json:"t,omitempty"` // Unix seconds
	Person  id     `json:"w,omitzero"`  // whose address was asked for; a keyed hash
	Gate    string `json:"g,omitempty"` // at which, of a code
}

func askedBy(v *Visit, s spot) asked {
	a := asked{
		Browser: devices.Describe(v.Agent), City: s.place.City, Country: s.place.Country, Radius: s.place.Radius, Private: s.place.Private,
		Credit: s.place.Credit, At: v.Now.Unix(),
	}
	if v.IP.IsValid() {
		a.Network = Surroundings(v.IP).String()
	}
	return a
}

// Surroundings is the network that an address counts as a part of where people
// are told of it: /24 and /48.
func Surroundings(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(ip, bits).Masked()
}

// toldKey tells kinds of entries apart of which people are told once a day.
func (h *House) toldKey(a asked) id {
	return cut(h.ring.MAC(labelTold, []byte(a.Browser), []byte(a.Country), []byte(a.City), []byte(a.placeless())))
}

// placeless is the network where no place is known.
func (a asked) placeless() string {
	if a.Country != "" {
		return ""
	}
	return a.Network
}

// sealAsked makes what is stored of it: a copy of the store shall not tell who
// asked from where. It opens for the one thing that it was made for.
func (h *House) sealAsked(a asked, about id) string {
	plain, err := json.Marshal(a)
	if err != nil {
		panic("challenge: encoding plain data: " + err.Error())
	}
	return h.ring.SealString(labelAsked, plain, about[:])
}

// openAsked reads what sealAsked made. What cannot be read says nothing.
func (h *House) openAsked(sealed string, about id) (a asked) {
	plain, err := h.ring.OpenString(labelAsked, sealed, about[:])
	if err != nil || json.Unmarshal(plain, &a) != nil {
		return asked{}
	}
	return a
}
