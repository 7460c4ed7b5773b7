// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// openRing derives the keys from the operator's secret, or from the file in
// Caddy's data folder, which the first start makes.
func openRing(secret *clearText) (*keyring.Ring, error) {
	if secret != nil {
		root, err := keyring.ParseSecret(secret.reveal())
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		return keyring.New(root)
	}
	text, err := ownSecret(filepath.Join(dataFolder(), "secret"))
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	root, err := keyring.ParseSecret(text)
	if err != nil {
		return nil, fmt.Errorf("secret in %s: %w", dataFolder(), err)
	}
	return keyring.New(root)
}

// dataFolder is where Doorcode keeps its own files.
func dataFolder() string { return filepath.Join(caddy.AppDataDir(), "doorcode") }

// ownSecret reads a secret file, or makes it. The file appears whole or not at
// all: a secret that is half written would be another one after the next start.
func ownSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return trimmed(text), err
	}
	fresh, err := keyring.NewSecret()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := placeNew(path, fresh+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err = os.ReadFile(path)
	return trimmed(text), err
}

// placeNew puts a file in place unless there is one: the first of two processes
// that start at once wins.
func placeNew(path, content string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // a leftover is harmless
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}

func trimmed(text []byte) string { return strings.TrimSpace(string(text)) }
