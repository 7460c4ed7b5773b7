// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A Storage is a guest module in the namespace doorcode.storage. It says where
// people, codes and counters are kept. Provision must neither open nor connect
// to anything: "caddy validate" provisions beside a running server.
//
// A Storage that keeps its records in a file of this machine also has a method
// File, which returns the absolute path: sites that would serve it are refused.
type Storage interface {
	// ID tells open stores apart. Storages with the same ID share one, also
	// over reloads, so it covers every setting that the open store depends on.
	// No secret can be read from it.
	ID() string

	// Where says for people where the records are, without secrets. Storages
	// that keep the same records say the same.
	Where() string

	// OpenStore opens the records. An error keeps the configuration from being
	// loaded, so a server that does not answer is none: its store answers with
	// errors until it does. Whoever opened the store closes it by its Close, if
	// it has one. The logger goes on with the configurations that follow.
	OpenStore(ctx context.Context, logger *zap.Logger) (challenge.Store, error)

	// GracePeriod is how long live sessions go on while the store does not
	// answer. Zero: not at all.
	GracePeriod() time.Duration

	// Shared reports whether other machines keep their records there too, so
	// that `secret` is required. It is also asked before Provision.
	Shared() bool
}

// filed is a storage in a file of this machine.
type filed interface{ File() string }

// loadStorage loads the guest module that keeps the records.
func loadStorage(ctx caddy.Context, settings *Settings) (Storage, error) {
	module, err := ctx.LoadModule(settings, "StorageRaw")
	if err != nil {
		return nil, fmt.Errorf("loading storage: %w", err)
	}
	storage, ok := module.(Storage)
	if !ok {
		return nil, fmt.Errorf("loading storage: %T keeps no records", module)
	}
	return storage, nil
}

// refuseUnshared refuses a storage of many machines without a secret: each
// machine would make one of its own, and none could read what others wrote.
func (s Settings) refuseUnshared() error {
	if s.Secret != "" || len(s.StorageRaw) == 0 {
		return nil
	}
	var named struct{ Backend string }
	if err := json.Unmarshal(s.StorageRaw, &named); err != nil {
		return nil //nolint:nilerr // said when the module is loaded
	}
	info, err := caddy.GetModule("doorcode.storage." + named.Backend)
	if err != nil {
		return nil //nolint:nilerr // likewise
	}
	module := info.New()
	// What does not fit the module is refused when it is loaded.
	_ = json.Unmarshal(s.StorageRaw, module)
	if storage, ok := module.(Storage); ok && storage.Shared() {
		return misfit{"storage", "storage " + named.Backend +
			" needs 'secret': run 'caddy doorcode secret' once and give the same to every machine"}
	}
	return nil
}

// refuseDivided refuses two secrets for the same records, which would sign
// everybody out in turn, and two storages for one site, whose lines could not
// know each other's sessions.
func (e *entrance) refuseDivided() error {
	for _, other := range e.app.building.gates() {
		alike := other.secret == nil && e.secret == nil ||
			other.secret != nil && e.secret != nil && other.secret.reveal() == e.secret.reveal()
		if other.storage.Where() == e.storage.Where() && !alike {
			return fmt.Errorf("two sites share the storage %s but not the 'secret'; give both the same, best in the global doorcode option", e.storage.Where())
		}
	}
	for _, other := range e.neighbours {
		if other.storage.ID() != e.storage.ID() {
			return errors.New("the doorcode lines of one site need one 'storage'; give it in the global doorcode option")
		}
	}
	return nil
}

// refuseExposed refuses to keep secrets where a site would serve them, or where
// Caddy falls back to when it has no home.
func (e *entrance) refuseExposed(p stand) error {
	kept := map[string]string{}
	if f, ok := e.storage.(filed); ok {
		kept["storage"] = f.File()
	}
	if e.secret == nil {
		kept["secret"] = dataFolder()
	}
	if !filepath.IsAbs(caddy.AppDataDir()) && (e.secret == nil || liesUnder(kept["storage"], dataFolder())) {
		return fmt.Errorf("no data folder: Caddy would use %q in the working directory; set HOME or XDG_DATA_HOME", caddy.AppDataDir())
	}
	for _, m := range e.mails {
		if file, ok := m.(*FileMail); ok {
			kept["mail folder"] = file.folder
		}
	}
	for what, path := range kept {
		for _, root := range p.roots {
			if liesUnder(path, root) {
				return fmt.Errorf("%s %s lies under %s, which a site serves as files; keep it elsewhere", what, path, root)
			}
		}
	}
	return nil
}

// liesUnder reports whether a path is inside a folder, by its name or where links
// lead: a file server follows them. Nothing lies anywhere.
func liesUnder(path, root string) bool {
	if path == "" {
		return false
	}
	path, err1 := caddy.FastAbs(path)
	root, err2 := caddy.FastAbs(root)
	if err1 != nil || err2 != nil {
		return true
	}
	return isInside(path, root) || isInside(followed(path), followed(root))
}

func isInside(path, root string) bool {
	inside, err := filepath.Rel(root, path)
	return err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator))
}

// followed is where a path leads, as far as there is something yet.
func followed(path string) string {
	at, rest := path, ""
	for at != filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest)
	}
	return path
}

// checkGrace refuses a grace that is out of bounds.
func checkGrace(grace *caddy.Duration) error {
	if grace == nil {
		return nil
	}
	if *grace < 0 {
		return errors.New("'grace' must be 0 or longer")
	}
	return between("grace", *grace, time.Second, day)
}

// graceOf is the grace that is set, else the usual one.
func graceOf(grace *caddy.Duration) time.Duration {
	if grace == nil {
		return 10 * time.Minute
	}
	return time.Duration(*grace)
}
