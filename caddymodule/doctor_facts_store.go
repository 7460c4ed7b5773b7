// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

// stores are the storages of all sites, each once.
func (w *ward) stores() {
	seen := map[string]bool{}
	for _, e := range w.gates() {
		if seen[e.storage.ID()] {
			continue
		}
		seen[e.storage.ID()] = true
		s := doctor.Store{Name: e.storage.Where(), Shared: e.storage.Shared(), Grace: e.storage.GracePeriod(), Rotate: time.Duration(*e.settings.Keys.Rotate)}
		switch storage := e.storage.(type) {
		case filed:
			s.Path = storage.File()
			s.FileSystem, s.Disk = fileSystem(filepath.Dir(s.Path)), diskOf(s.Path)
			s.Open = func(context.Context) (doctor.Records, error) { return openFile(e, s.Path) }
		case *RedisStorage:
			o := storage.options()
			s.Servers, s.Encrypted = o.Addrs, o.TLS != nil
			s.Open = func(context.Context) (doctor.Records, error) { return openRedis(e, storage) }
		default:
			s.Open = func(ctx context.Context) (doctor.Records, error) {
				store, err := e.storage.OpenStore(ctx, zap.NewNop())
				return &chart{entrance: e, Store: store}, err
			}
		}
		w.facts.Stores = append(w.facts.Stores, s)
	}
}

// diskOf looks at the room that a file of records has.
func diskOf(path string) (d doctor.Disk) {
	d.Free, d.Known = freeSpace(filepath.Dir(path))
	if info, err := os.Stat(path); err == nil {
		d.Used = uint64(info.Size()) //nolint:gosec // no size is negative
	}
	return d
}

func openFile(e *entrance, path string) (doctor.Records, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, doctor.ErrNoStore
	}
	store, err := boltstore.Open(boltstore.Options{Path: path, ReadOnly: true})
	if errors.Is(err, boltstore.ErrInUse) {
		return nil, doctor.ErrInUse
	}
	if err != nil {
		return nil, err
	}
	return &chart{entrance: e, Store: store}, nil
}

func openRedis(e *entrance, s *RedisStorage) (doctor.Records, error) {
	o, c := s.options(), &chart{entrance: e}
	o.Report = c.note
	store, err := redisstore.Open(o)
	c.Store = store
	return c, err
}

// A chart is an open store, as the doctor looks at it.
type chart struct {
	challenge.Store
	entrance *entrance

	mu      sync.Mutex // guards below
	notices []doctor.Notice
}

// note takes what a server says of how it is set up.
func (c *chart) note(n redisstore.Notice) {
	text, fix, found := strings.Cut(n.Text, ": set ")
	if found {
		fix = "set " + fix + " in redis.conf, and with 'redis-cli config set'"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notices = append(c.notices, doctor.Notice{Grave: n.Kind == redisstore.Evicts, Text: text, Fix: fix})
}

// Notices are what the servers say of how they are set up.
func (c *chart) Notices() []doctor.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notices
}

// Get reads a record, nil where there is none.
func (c *chart) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := c.Store.Get(ctx, key)
	if errors.Is(err, challenge.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

// Put writes or removes a record.
func (c *chart) Put(ctx context.Context, key string, value []byte, life time.Duration) (at time.Time, err error) {
	err = c.Update(ctx, key, func(_ []byte, now time.Time) ([]byte, time.Duration, error) {
		at = now
		return value, life, nil
	})
	return at, err
}

// The records of signs of life and of signing keys, as the domain calls them.
const (
	machineRecords = "machine/"
	keysRecord     = "keys"
)

// mostMachines bounds how many signs of life are counted.
const mostMachines = 1000

// Machines counts the signs of life.
func (c *chart) Machines(ctx context.Context) (int, error) {
	lister, ok := c.Store.(challenge.Lister)
	if !ok {
		return 0, nil
	}
	names, err := lister.List(ctx, machineRecords, "", mostMachines)
	return len(names), err
}

// Close closes the store.
func (c *chart) Close() error {
	if closer, ok := c.Store.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Keys opens the signing keys with the secret of the configuration, in a house that
// keeps what it would change to itself.
func (c *chart) Keys(ctx context.Context) ([]doctor.Key, error) {
	if sealed, err := c.Get(ctx, keysRecord); err != nil || sealed == nil {
		return nil, err
	}
	ring, err := existingRing(c.entrance.secret)
	if err != nil {
		return nil, err
	}
	house, err := challenge.OpenHouse(ctx, challenge.HouseOptions{Store: &shadow{Store: c.Store, kept: map[string][]byte{}}, Ring: ring, Shared: true})
	if err != nil {
		return nil, err
	}
	defer house.Close()
	_, err = house.NewGate(ctx, challenge.GateOptions{ID: "doctor", Algorithm: sessions.Algorithm(c.entrance.settings.Keys.Algorithm), Access: c.entrance.lists.access.Load()})
	if errors.Is(err, challenge.ErrOtherSecret) {
		return nil, doctor.ErrOtherSecret
	}
	return keysFor(house.KeyList(time.Now())), err
}

func keysFor(list []sessions.KeyInfo) (keys []doctor.Key) {
	for _, k := range list {
		keys = append(keys, doctor.Key{ID: k.ID, Signing: k.State == sessions.KeySigning, Created: k.Created})
	}
	return keys
}

// existingRing derives the keys from the secret. It makes none where there is none.
func existingRing(secret *clearText) (*keyring.Ring, error) {
	if _, err := os.Stat(ownSecretFile()); secret == nil && err != nil {
		return nil, fmt.Errorf("the secret is missing: %w", err)
	}
	return openRing(secret)
}

func ownSecretFile() string { return filepath.Join(dataFolder(), "secret") }

// A shadow is a store whose updates stay in memory.
type shadow struct {
	challenge.Store

	mu   sync.Mutex // guards below
	kept map[string][]byte
}

// Get reads what was updated here, else what is stored.
func (s *shadow) Get(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	value, known := s.kept[key]
	s.mu.Unlock()
	switch {
	case !known:
		return s.Store.Get(ctx, key)
	case value == nil:
		return nil, challenge.ErrNotFound
	}
	return value, nil
}

// Update changes what is read here alone.
func (s *shadow) Update(ctx context.Context, key string, edit func(old []byte, now time.Time) ([]byte, time.Duration, error)) error {
	old, err := s.Get(ctx, key)
	if err != nil && !errors.Is(err, challenge.ErrNotFound) {
		return err
	}
	fresh, _, err := edit(old, time.Now())
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[key] = fresh
	return nil
}

// filePlaceholder finds the file that a secret is read from.
var filePlaceholder = regexp.MustCompile(`\{file\.([^{}]+)\}`)

// secretFiles are those of the root secret, and of what else the gates are given.
func (w *ward) secretFiles() {
	seen := map[string]bool{}
	add := func(f doctor.SecretFile) {
		if !seen[f.Path] {
			seen[f.Path] = true
			w.facts.Files = append(w.facts.Files, lookAtFile(f))
		}
	}
	for _, e := range w.gates() {
		if e.secret == nil {
			add(doctor.SecretFile{Path: ownSecretFile(), Own: true, Root: true})
		}
		for i, secret := range e.secrets() {
			for _, match := range filePlaceholder.FindAllStringSubmatch(string(secret), -1) {
				add(doctor.SecretFile{Path: match[1], Root: i == 0})
			}
		}
	}
}

// secrets are that of the gate, then those of its mail and its storage, as they are
// written.
func (e *entrance) secrets() []Secret {
	found := []Secret{e.settings.Secret}
	for _, module := range e.mails {
		switch m := module.(type) {
		case *SMTPMail:
			found = append(found, m.Password)
		case *HTTPMail:
			for _, value := range m.RequestHeader {
				found = append(found, value)
			}
		case Mail:
			found = append(found, tokenOf(m))
		}
	}
	if r, ok := e.storage.(*RedisStorage); ok {
		found = append(append(found, r.Password, r.Sentinel.Password), r.URLs...)
	}
	return found
}

// tokenOf is the token of a mail service.
func tokenOf(m Mail) Secret {
	switch m := m.(type) {
	case *PostmarkMail:
		return m.Token
	case *ResendMail:
		return m.Token
	case *SendGridMail:
		return m.Token
	}
	return ""
}

func lookAtFile(f doctor.SecretFile) doctor.SecretFile {
	info, err := os.Stat(f.Path)
	if f.Missing = err != nil; f.Missing {
		return f
	}
	f.Mode = uint32(info.Mode().Perm())
	return f
}
