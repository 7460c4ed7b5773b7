// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

// RedisTLS is how the connection to Redis is encrypted. The files are read when
// the configuration is loaded.
type RedisTLS struct {
	// A PEM file with the authorities that the servers' certificates may be
	// from. Default: those of the system.
	CA string `json:"ca,omitempty"`

	// A PEM file with the certificate that is shown to the servers. Default:
	// none.
	Certificate string `json:"certificate,omitempty"`

	// A PEM file with the key of that certificate. Default: none.
	Key string `json:"key,omitempty"`

	// The name that the servers' certificates must have. Default: the host of
	// the URL.
	ServerName string `json:"server_name,omitempty"`
}

func (t *RedisTLS) check() error {
	if t == nil || t.ServerName == "" || isServerName(t.ServerName) {
		return nil
	}
	return fmt.Errorf("'server_name' takes the name of a host, got '%s'", t.ServerName)
}

func (t *RedisTLS) complete() error {
	if t != nil && (t.Certificate == "") != (t.Key == "") {
		return errors.New("'certificate' takes the files of the certificate and of its key")
	}
	return nil
}

// encrypt adds TLS where the URL or the block asks for it. It returns what was
// read from the files, so that other content makes another connection.
func (s *RedisStorage) encrypt(repl *caddy.Replacer, o *redisstore.Options, byURL bool) (material []byte, err error) {
	if s.TLS == nil && !byURL {
		return nil, nil
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLS == nil {
		return nil, nil
	}
	o.TLS.ServerName = s.TLS.ServerName
	authorities, err := readPEM(repl, "ca", s.TLS.CA)
	if err != nil {
		return nil, err
	}
	if authorities != nil {
		o.TLS.RootCAs = x509.NewCertPool()
		if !o.TLS.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("tls: no certificate in the 'ca' file %s", s.TLS.CA)
		}
	}
	certificate, err := readPEM(repl, "certificate", s.TLS.Certificate)
	if err != nil {
		return nil, err
	}
	key, err := readPEM(repl, "key", s.TLS.Key)
	if err != nil {
		return nil, err
	}
	if certificate != nil {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("tls: certificate %s with key %s: %w", s.TLS.Certificate, s.TLS.Key, err)
		}
		o.TLS.Certificates = []tls.Certificate{pair}
	}
	return slices.Concat([]byte(s.TLS.ServerName+"\n"), authorities, certificate, key), nil
}

// readPEM reads a file, nil if none is set.
func readPEM(repl *caddy.Replacer, word, name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	path, err := expanded(repl, name)
	if err != nil {
		return nil, fmt.Errorf("tls: %s: %w", word, err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tls: %s: %w", word, err)
	}
	return content, nil
}
