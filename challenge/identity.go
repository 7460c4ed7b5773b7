// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "slices"

// An Identity is whom a request speaks for.
type Identity struct {
	// Source names the earlier step that signed the user in, such as
	// "http.auth.user.id". It is empty when the visitor typed an address. Users
	// of two sources are never the same, whatever they are called.
	Source string
	// User is what the earlier step calls the user.
	User string
	// Email is the address that belongs to the user, or that was typed.
	Email Email
	// Name and Groups are passed on to the app.
	Name   string
	Groups []string
}

// same reports whether a proof made for one identity counts for the other.
func (i Identity) same(other Identity) bool {
	return i.Source == other.Source && i.User == other.User && i.Email == other.Email
}

// equal compares everything that the app is told.
func (i Identity) equal(other Identity) bool {
	return i.same(other) && i.Name == other.Name && slices.Equal(i.Groups, other.Groups)
}
