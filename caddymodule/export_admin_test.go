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
	Gather, HasNew               = gather, hasNew
)

// NewRecorder writes events to a log.
func NewRecorder(logger *zap.Logger) challenge.Recorder { return recorder{logger} }

// ShowStorage is how a storage is shown whose house stands so.
func ShowStorage(name string, h challenge.Health) (answers string, asJSON []byte, fault error) {
	s := storageStatus{Storage: name}
	s.fill(h, time.Time{})
	status := houseStatus{Storages: []storageStatus{s}}
	asJSON, err := json.Marshal(s)
	return s.answers(), asJSON, errors.Join(err, status.fault())
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

// ReadOrder is the site and the address of an order.
func ReadOrder(body io.Reader) (site, address string, err error) {
	o, err := readOrder(body)
	return o.Site, o.Address, err
}

// Stream sends a copy of a store.
func Stream(w http.ResponseWriter, store interface {
	Backup(w io.Writer) (int64, error)
},
) error {
	return stream(w, store, zap.NewNop())
}
