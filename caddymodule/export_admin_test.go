// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// What the tests of commands see of them.
var (
	ExplainFault, ExplainCopying = explainFault, explainCopying
	Gather, HasNew, FlagsOnly    = gather, hasNew, flagsOnly
	ConfirmForget                = confirmForget
)

// ShowStorage is how a storage is shown whose house stands so.
func ShowStorage(name string, h challenge.Health) (answers string, asJSON []byte, fault error) {
	s := storageStatus{Storage: name}
	s.fill(h, time.Time{})
	status := houseStatus{Storages: []storageStatus{s}}
	asJSON, err := json.Marshal(s)
	return s.answers(), asJSON, errors.Join(err, status.fault())
}

// PrintStatus prints the answer of the status endpoint.
func PrintStatus(answer string) (string, error) {
	var status houseStatus
	if err := json.Unmarshal([]byte(answer), &status); err != nil {
		return "", err
	}
	var out bytes.Buffer
	s := newSheet(&out)
	status.print(s)
	err := errors.Join(s.err, s.Flush())
	return out.String(), err
}

// PrintRotation prints the answer to a rotation.
func PrintRotation(answer string) (string, error) {
	var r rotation
	if err := json.Unmarshal([]byte(answer), &r); err != nil {
		return "", err
	}
	var out bytes.Buffer
	s := newSheet(&out)
	r.print(s)
	err := errors.Join(s.err, s.Flush())
	return out.String(), err
}

// ReadOrder reads an order, and writes what it says.
func ReadOrder(body io.Reader) (said []string, written []byte, err error) {
	o, err := readOrder(body)
	said = []string{o.Site, o.Address, o.For, o.Why, o.Session, o.Browser}
	if err != nil {
		return said, nil, err
	}
	written, err = json.Marshal(o)
	return said, written, err
}

// ReadLetting reads what an order says of somebody who is to be let in.
func ReadLetting(address, lasts, why string) (to challenge.Email, d time.Duration, reason string, err error) {
	l, err := order{Address: address, For: lasts, Why: why}.letting()
	return l.to, l.lasts, l.why, err
}

// ProxyCaddyfile is the configuration of a one-liner, and the password in it.
func ProxyCaddyfile(from, to, allow, mail string) (text, password string, err error) {
	o := oneLiner{from: from, to: to, allow: []string{allow}, mail: mail}
	text, secret, err := o.caddyfile()
	return text, secret.given, err
}

// Stream sends a copy of a store.
func Stream(w http.ResponseWriter, store interface {
	Backup(w io.Writer) (int64, error)
},
) error {
	return stream(w, store, zap.NewNop())
}
