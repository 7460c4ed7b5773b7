// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
	"github.com/doorcode/caddy-doorcode/challenge/store/boltstore"
)

// A copying is what storage copy is asked to do.
type copying struct {
	config, adapter, site string
	from                  []string // files, into the storage of the configuration
	to                    string   // a file, out of it
	asJSON                bool
}

// stopFirst is said before and after a copy.
const stopFirst = "Stop every Caddy that uses the other storage first: what is ended there after the copy is not in it."

func copyCommand() *cobra.Command {
	var c copying
	cmd := &cobra.Command{
		Use:   "copy --config <file> (--from <file>... | --to <file>)",
		Short: "Copies what is kept between files and the storage of a configuration",
		Long: "Copies people, keys and counters from the files of embedded storages into the storage of a configuration, or out\n" +
			"of it into a file. What is there already stays and is joined with what comes: the files of several machines can be\n" +
			"brought together, and a copy that was interrupted is run again. Nobody is signed out. Codes that are on their way\n" +
			"end, and nothing that was ended or used up becomes good again.\n\n" +
			stopFirst + "\nAll records must be of one secret, the one of the configuration.",
		Args:         flagsOnly,
		SilenceUsage: true,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		answer, err := c.run(ctx)
		if answer == nil {
			return err
		}
		return errors.Join(answer.write(cmd.OutOrStdout(), c.asJSON), err)
	}
	flags := cmd.Flags()
	flags.StringVarP(&c.config, "config", "c", "", "configuration file (default: the Caddyfile in this folder)")
	flags.StringVarP(&c.adapter, "adapter", "a", "", "name of the config adapter")
	flags.StringArrayVar(&c.from, "from", nil, "file of an embedded storage to copy from; may be repeated")
	flags.StringVar(&c.to, "to", "", "file of an embedded storage to copy to; it is made if there is none")
	flags.StringVar(&c.site, "site", "", "host of a site, where the sites keep their records in several storages")
	flags.BoolVar(&c.asJSON, "json", false, "print JSON")
	return cmd
}

// run copies. After an error the answer, if there is one, tells what was copied
// before it.
func (c *copying) run(ctx context.Context) (*copyAnswer, error) {
	if (len(c.from) == 0) == (c.to == "") {
		return nil, errors.New("storage copy takes either --from <file>, once or more, or --to <file>")
	}
	folder, err := os.MkdirTemp("", "doorcode-copy-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // of certificates that nobody uses
	app, err := provisionedApp(c.config, c.adapter, folder)
	if err != nil {
		return nil, err
	}
	e, err := app.oneStorage(c.site)
	if err != nil {
		return nil, err
	}
	if err := c.refuseSame(e); err != nil {
		return nil, err
	}
	ring, err := e.presentRing()
	if err != nil {
		return nil, err
	}
	return c.copy(ctx, e, ring)
}

// oneStorage is a gate of the storage that is meant: the only one of the
// configuration, or that of a site.
func (a *App) oneStorage(site string) (*entrance, error) {
	gates, err := a.gatesAt(site)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(gates, func(e *entrance) bool { return e.storage.ID() != gates[0].storage.ID() }) {
		return nil, fmt.Errorf("there are several storages; name a site of the one that is meant, with --site: %s", strings.Join(a.hosts(), ", "))
	}
	return gates[0], gates[0].refuseDivided()
}

// refuseSame refuses to copy a file into itself, which would wait for its own
// lock.
func (c *copying) refuseSame(e *entrance) error {
	kept, ok := e.storage.(filed)
	if !ok {
		return nil
	}
	for _, path := range append(c.from, c.to) {
		if sameFile(path, kept.File()) {
			return fmt.Errorf("%s is the storage of this configuration itself; give the configuration that is to have the records", path)
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	if a == "" {
		return false
	}
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	if err1 == nil && err2 == nil {
		return os.SameFile(one, other)
	}
	a, err1 = filepath.Abs(a)
	return err1 == nil && a == b
}

// presentRing derives the keys from the secret that there is. A copy makes none:
// records that are kept under another one cannot be read by it.
func (e *entrance) presentRing() (*keyring.Ring, error) {
	if e.secret == nil {
		own := filepath.Join(dataFolder(), "secret")
		if _, err := os.Stat(own); err != nil {
			return nil, fmt.Errorf("there is no secret to read the records with: %w; run this as the user that Caddy runs as, or write "+
				"'secret {file./path}' with the secret that the records are kept under", err)
		}
	}
	return openRing(e.secret)
}

// copy opens the storage, and takes one file after the other.
func (c *copying) copy(ctx context.Context, e *entrance, ring *keyring.Ring) (answer *copyAnswer, err error) {
	for _, path := range c.from {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("there is nothing to copy: %w", err)
		}
	}
	kept, err := e.storage.OpenStore(ctx, e.app.building.logger)
	if err != nil {
		return nil, explainCopying(e.storage.Where(), err)
	}
	if c, ok := kept.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	answer = &copyAnswer{Copied: []copied{}, into: e}
	files := c.from
	if c.to != "" {
		files, answer.out = []string{c.to}, true
	}
	for _, path := range files {
		one, err := answer.exchange(ctx, path, kept, ring)
		if err != nil {
			return answer, err
		}
		answer.Copied = append(answer.Copied, one)
	}
	return answer, nil
}

// exchange copies between one file and the storage.
func (a *copyAnswer) exchange(ctx context.Context, path string, kept challenge.Store, ring *keyring.Ring) (one copied, err error) {
	if info, err := os.Stat(path); err == nil && info.Size() == 0 && !a.out {
		return one, explainCopying(path, boltstore.ErrUnreadable) // opening it would make a new one
	}
	file, err := boltstore.Open(boltstore.Options{Path: path})
	if err != nil {
		return one, explainCopying(path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	from, to := challenge.Store(file), kept
	fromName, toName := path, a.into.storage.Where()
	if a.out {
		from, to, fromName, toName = to, from, toName, fromName
	}
	moved, err := challenge.Move(ctx, from, to, ring)
	return describeMove(fromName, toName, moved), explainCopying(path, err)
}

// explainCopying says what to do about an error with one side.
func explainCopying(where string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, boltstore.ErrInUse):
		return fmt.Errorf("%s is in use by a running Caddy: stop it first, or copy from a backup ('caddy doorcode storage backup')", where)
	case errors.Is(err, boltstore.ErrUnreadable):
		// What the server says would sign everybody out, and a copy need not.
		_, detail, _ := strings.Cut(err.Error(), boltstore.ErrUnreadable.Error())
		return fmt.Errorf("%s is damaged, or not a Doorcode store%s; name the doorcode.db of a machine, or a copy of it that "+
			"'caddy doorcode storage backup' made", where, detail)
	case errors.Is(err, challenge.ErrOtherSecret):
		return fmt.Errorf("copying %s: %w; its own is in the 'secret' of the configuration that it was used with, or else in the file "+
			"doorcode/secret of that machine's data folder (here %s): put the same into the 'secret' of this configuration", where, err, dataFolder())
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("copying %s: stopped in the middle; run the same command again to complete it", where)
	}
	return fmt.Errorf("copying %s: %w", where, err)
}
