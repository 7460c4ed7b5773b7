// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// A mint makes people with a session after the pattern of one who has signed in, many
// times faster than they could sign in: with the keys of the storage, as the gate does.
type mint struct {
	ring   *keyring.Ring
	issuer *sessions.Issuer
	like   sessions.Session
	token  string
	line   string // the Cookie line that the token is in
	record []byte // of the person
}

// What the gate calls its keys and records; a gate that called them otherwise would not
// let in anybody who is minted, and measuring would end there.
const (
	labelKeys    keyring.Label = "signing keys"
	labelSession keyring.Label = "session id"
	labelClaims  keyring.Label = "session claims"
	labelPerson  keyring.Label = "person"
	personPrefix               = "person/"
)

// openMint learns from the one person of a storage, who is at a site with a Cookie line.
func openMint(ctx context.Context, store *boltstore.Store, site, line string) (*mint, error) {
	root, err := keyring.ParseSecret(secret)
	if err != nil {
		return nil, err
	}
	m := &mint{line: line}
	if m.ring, err = keyring.New(root); err != nil {
		return nil, err
	}
	sealed, err := store.Get(ctx, "keys")
	if err != nil {
		return nil, err
	}
	plain, err := m.ring.Open(labelKeys, sealed, nil)
	if err != nil {
		return nil, err
	}
	keys, err := sessions.ParseKeys(plain)
	if err != nil {
		return nil, err
	}
	if m.issuer, err = sessions.NewIssuer(sessions.IssuerOptions{
		Keys: keys, MAC: m.mac,
		Seal: func(plain, bound []byte) []byte { return m.ring.Seal(labelClaims, plain, bound) },
		Open: func(sealed, bound []byte) ([]byte, error) { return m.ring.Open(labelClaims, sealed, bound) },
	}); err != nil {
		return nil, err
	}
	if m.token, err = tokenIn(line); err != nil {
		return nil, err
	}
	if m.like, err = m.issuer.Check(m.token, site, time.Now()); err != nil {
		return nil, err
	}
	m.record, err = store.Get(ctx, m.key(m.like.Email))
	return m, err
}

// tokenIn finds the session cookie of a Cookie line.
func tokenIn(line string) (string, error) {
	cookies, err := http.ParseCookie(line)
	if err != nil {
		return "", err
	}
	for _, c := range cookies {
		if c.Name == "doorcode" {
			return c.Value, nil
		}
	}
	return "", errors.New("there is no session in the Cookie line")
}

func (m *mint) mac(parts ...[]byte) [32]byte { return m.ring.MAC(labelSession, parts...) }

// key names the record of a person.
func (m *mint) key(address string) string {
	name := m.ring.MAC(labelPerson, []byte(challenge.Email(address).Canonical()))
	return personPrefix + base64.RawURLEncoding.EncodeToString(name[:16])
}

// address is that of the n-th person; all are of the same length.
func address(n int) string { return fmt.Sprintf("minted%07d@example.com", n) }

// session is a new one of the n-th person, and their record with it.
func (m *mint) session(n int) (s sessions.Session, record []byte) {
	var subject [16]byte
	_, _ = rand.Read(subject[:]) // never fails
	s = m.like
	s.ID, s.Email, s.Subject = sessions.NewID(m.mac), address(n), base64.RawURLEncoding.EncodeToString(subject[:])
	return s, bytes.ReplaceAll(m.record, []byte(m.like.ID.String()), []byte(s.ID.String()))
}

// cookies is the Cookie line of a session.
func (m *mint) cookies(s sessions.Session) (string, error) {
	token, err := m.issuer.Sign(s)
	return strings.Replace(m.line, m.token, token, 1), err
}

// A newcomer is who is to be minted.
type newcomer struct {
	key string
	n   int
}

// newcomers come in the order in which the storage keeps them, so that few pages of its
// file are written again and again.
func (m *mint) newcomers(people int) []newcomer {
	all := make([]newcomer, people)
	for n := range all {
		all[n] = newcomer{m.key(address(n)), n}
	}
	slices.SortFunc(all, func(a, b newcomer) int { return cmp.Compare(a.key, b.key) })
	return all
}

// atOnce is how many updates the storage takes into one transaction.
const atOnce = 512

// populate writes so many more people with a session into a storage in which there is
// one, who is at a site with a Cookie line, and the Cookie lines of the others to a file,
// if there is one. The lines are of one size, in bytes, and nothing lies between them.
func populate(ctx context.Context, file, site, line string, people int, to io.WriterAt) (size int, err error) {
	store, err := boltstore.Open(boltstore.Options{Path: file})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	m, err := openMint(ctx, store, site, line)
	if err != nil {
		return 0, fmt.Errorf("finding a person in the storage: %w", err)
	}
	first, _ := m.session(0)
	pattern, err := m.cookies(first)
	if err != nil {
		return 0, err
	}
	all := m.newcomers(people)
	return len(pattern), eachOf(ctx, people, atOnce, func(i int) error {
		s, record := m.session(all[i].n)
		if to != nil {
			cookies, err := m.cookies(s)
			if err == nil && len(cookies) != len(pattern) {
				err = fmt.Errorf("making a Cookie line: it has %d bytes, others %d", len(cookies), len(pattern))
			}
			if err == nil {
				_, err = to.WriteAt([]byte(cookies), int64(all[i].n)*int64(len(pattern)))
			}
			if err != nil {
				return err
			}
		}
		return store.Update(ctx, all[i].key, func([]byte, time.Time) ([]byte, time.Duration, error) { return record, 12 * time.Hour, nil })
	})
}
