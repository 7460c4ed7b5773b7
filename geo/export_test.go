// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

// OpenBytes is Open of a file with these bytes that is never looked at again.
func OpenBytes(data []byte) (*DB, error) {
	s, err := newSource("test.mmdb", data)
	if err != nil {
		return nil, err
	}
	db := &DB{watched: []*watched{{source: s}}}
	db.swap()
	return db, nil
}

// Listed are the networks that are known without a database.
func Listed() (hostingASN, roamingASN []uint32) { return hosting[:], roaming[:] }

// Unopened is the error of a file that the file system does not give.
var Unopened = unopened
