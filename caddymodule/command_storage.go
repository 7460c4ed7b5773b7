// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

func storageCommand() *cobra.Command {
	return gather(&cobra.Command{
		Use:   "storage <command>",
		Short: "Backs up, restores and moves what Doorcode keeps",
	}, backupCommand(), restoredCommand(), copyCommand())
}

func restoredCommand() *cobra.Command {
	return jsonCommand(&cobra.Command{
		Use:   "restored",
		Short: "Ends everything open, after a storage was put back from a copy",
		Long: "Ends every session and every code that is on its way, on all machines, and has each remembered browser enter a\n" +
			"code. A copy knows nothing of what was ended or used after it was made, so that this is needed once a storage was\n" +
			"put back from one. Doorcode notices by itself that its own file was replaced by a copy. It cannot notice that a\n" +
			"whole machine or folder was put back, or that Redis was started from an older snapshot.",
	}, func(c *remote, out io.Writer, _ []string) error {
		return c.show(out, http.MethodPost, restoredPath, order{}, new(restoredAnswer))
	})
}

func (r *restoredAnswer) print(s *sheet) {
	s.line("Everybody signs in again. Sessions and open codes were ended in " + strings.Join(r.Storages, ", ") + ".")
}

func backupCommand() *cobra.Command {
	return remoteCommand(&cobra.Command{
		Use:   "backup <file>",
		Short: "Copies the file of a running Caddy's embedded storage",
		Long: "Writes a copy of the embedded storage as it is at one moment, while Caddy goes on. An existing file is not touched;\n" +
			"'-' is the standard output. Back up the secret as well: without it the copy is worth nothing.",
		Args: takes("the name of a file that does not exist yet, or - for the standard output"),
	}, func(c *remote, out io.Writer, args []string) error {
		if args[0] == "-" {
			_, err := c.fetch(out)
			return err
		}
		n, err := keepNew(args[0], c.fetch)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "Wrote %d bytes to %s. Keep the secret with it: one is worth nothing without the other.\n", n, args[0])
		return err
	})
}

// fetch writes the copy that a running Caddy makes.
func (c *remote) fetch(to io.Writer) (n int64, err error) {
	body, err := c.ask(http.MethodGet, backupPath, order{})
	if err != nil {
		return 0, err
	}
	defer body.Close() //nolint:errcheck // it has been read
	n, err = io.Copy(to, body)
	if err != nil {
		return n, fmt.Errorf("copying the storage, which broke off after %d bytes: %w", n, err)
	}
	return n, nil
}

// keepNew makes a file that nobody else can read. It appears whole, on the disk,
// or not at all. An existing one is refused before anything is written; of two
// commands that make the same file at once, either wins.
func keepNew(path string, write func(to io.Writer) (int64, error)) (n int64, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s exists already; name another file, or move that one away", path)
		}
		return 0, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".doorcode-backup-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // it is gone once it has its name
	n, err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return n, err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return n, err
	}
	return n, syncFolder(filepath.Dir(path))
}

// syncFolder makes the name of a new file survive a loss of power. Windows has
// no such thing.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
