// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
)

// Here are the records as the version before knew them. They never change with the
// code: what they do not read, a machine that was not updated yet does not read.

// frozen is what the version before reads in a record.
func frozen[T any](raw []byte) (string, error) {
	var record T
	err := json.Unmarshal(raw, &record)
	text, marshal := json.MarshalIndent(record, "", " ")
	return string(text), errors.Join(err, marshal)
}

type olderID [16]byte

func (i *olderID) UnmarshalText(text []byte) error {
	if base64.RawURLEncoding.DecodedLen(len(text)) != len(i) {
		return errors.New("not an id")
	}
	_, err := base64.RawURLEncoding.Strict().Decode(i[:], text)
	return err
}

type olderBucket struct {
	Tries []int64 `json:"tries"`
	Mails []int64 `json:"mails"`
	Locks int     `json:"locks"`
	Until int64   `json:"until"`
}

type olderSeed struct {
	ID    olderID `json:"id"`
	Seed  olderID `json:"seed"`
	Shape struct {
		Length   int
		Alphabet string
	} `json:"shape"`
}

type olderPending struct {
	olderSeed
	Flow    olderID    `json:"flow"`
	Own     bool       `json:"own"`
	Office  bool       `json:"office"`
	Ref     string     `json:"ref"`
	Made    int64      `json:"made"`
	Ends    int64      `json:"ends"`
	Mailed  int64      `json:"mailed"`
	Mails   int        `json:"mails"`
	Tries   int        `json:"tries"`
	Given   int        `json:"given"`
	Wrong   []olderID  `json:"wrong"`
	Earlier *olderSeed `json:"earlier"`
	Network olderID    `json:"net"`
	Asked   string     `json:"asked"`
	Void    bool       `json:"void"`
	Stopped olderID    `json:"stopped"`
	Asker   *struct {
		Person  olderID `json:"p"`
		Session string  `json:"s"`
		Browser string  `json:"b"`
	} `json:"asker"`
	Known bool `json:"known"`
	Named bool `json:"named"`
}

type olderDoor struct {
	Version  int            `json:"v"`
	Own      olderBucket    `json:"own"`
	Stranger olderBucket    `json:"stranger"`
	Office   olderBucket    `json:"office"`
	Pending  []olderPending `json:"pending"`
	Starts   []struct {
		Network olderID `json:"net"`
		At      int64   `json:"at"`
		Office  bool    `json:"office"`
	} `json:"starts"`
	Blocks []struct {
		Network olderID `json:"net"`
		Mark    olderID `json:"mark"`
		At      int64   `json:"at"`
	} `json:"blocks"`
	Spent []struct {
		Mark    olderID `json:"m"`
		Earlier olderID `json:"e"`
		Person  olderID `json:"p"`
		At      int64   `json:"t"`
	} `json:"spent"`
	Warned int64 `json:"warned"`
	Keep   int64 `json:"keep"`
}

type olderTrace struct {
	Weight float64 `json:"w"`
	Day    int64   `json:"d"`
	First  int64   `json:"t"`
	By     string  `json:"b"`
}

type olderPlaces struct {
	Since int64 `json:"since"`
	Areas []struct {
		Kind    uint8  `json:"k"`
		Country string `json:"c"`
		Cell    uint32 `json:"l"`
		Radius  uint16 `json:"r"`
		ASN     uint32 `json:"a"`
		Net     string `json:"n"`
		olderTrace
	} `json:"areas"`
	Networks []struct {
		ASN uint32 `json:"a"`
		Net string `json:"n"`
		olderTrace
	} `json:"nets"`
	Sightings []struct {
		By     string `json:"b"`
		Cell   uint32 `json:"l"`
		Radius uint16 `json:"r"`
		At     int64  `json:"t"`
		V6     bool   `json:"6"`
	} `json:"seen"`
}

type olderPerson struct {
	Version  int `json:"v"`
	Sessions []struct {
		ID     string `json:"id"`
		Device string `json:"device"`
		Made   int64  `json:"made"`
		Ends   int64  `json:"ends"`
	} `json:"sessions"`
	Devices []struct {
		ID         string `json:"id"`
		Generation int    `json:"gen"`
		Presented  int64  `json:"presented"`
		Made       int64  `json:"made"`
		Used       int64  `json:"used"`
		Coded      int64  `json:"coded"`
		Ended      bool   `json:"ended"`
		Session    string `json:"session"`
	} `json:"devices"`
	Codes   []int64     `json:"codes"`
	Last    int64       `json:"last"`
	Places  olderPlaces `json:"places"`
	Door    olderID     `json:"door"`
	Entries []struct {
		ID      olderID `json:"id"`
		Code    olderID `json:"c"`
		Notice  olderID `json:"o"`
		Session string  `json:"s"`
		Browser string  `json:"b"`
		Before  string  `json:"f"`
		Network olderID `json:"n"`
		At      int64   `json:"t"`
		Asked   string  `json:"a"`
		Named   bool    `json:"p"`
	} `json:"entries"`
	Told []struct {
		Key   olderID `json:"k"`
		Entry olderID `json:"e"`
		At    int64   `json:"t"`
	} `json:"told"`
}

type olderNetwork struct {
	Mails []int64 `json:"mails"`
	Tries []int64 `json:"tries"`
	Keep  int64   `json:"keep"`
}

type olderEnds struct {
	Last uint64 `json:"last"`
	Ring []struct {
		Session string `json:"s"`
		Expires int64  `json:"e"`
		Next    string `json:"n"`
		Browser string `json:"b"`
	} `json:"ring"`
}

type olderKeys struct {
	Version int `json:"version"`
	Keys    []struct {
		ID        string `json:"kid"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
		Created   int64  `json:"created"`
		Private   string `json:"private"`
	} `json:"keys"`
}
