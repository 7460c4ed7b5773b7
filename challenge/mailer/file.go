// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Folder is a Transport that writes each mail to a file of its own, named by
// time and by what nobody can guess, readable by the owner alone. A file is
// complete as soon as it has its name.
type Folder struct {
	// Path is made at the first mail if it does not exist.
	Path string
}

// Deliver writes m.
func (f Folder) Deliver(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return f.fault(err)
	}
	temporary, err := f.create()
	if err != nil {
		return err
	}
	_, err = temporary.Write(m.Raw)
	if err == nil {
		err = temporary.Sync()
	}
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary.Name(), filepath.Join(f.Path, fileName(m)))
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return f.fault(err)
	}
	return nil
}

// Probe finds out whether the folder can be written.
func (f Folder) Probe(_ context.Context, _ Message) error {
	temporary, err := f.create()
	if err != nil {
		return err
	}
	_ = temporary.Close()
	if err := os.Remove(temporary.Name()); err != nil {
		return f.fault(err)
	}
	return nil
}

// create opens a file under a name that readers of the folder pass over.
func (f Folder) create() (*os.File, error) {
	if err := os.MkdirAll(f.Path, 0o700); err != nil {
		return nil, f.fault(err)
	}
	temporary, err := os.CreateTemp(f.Path, ".mail-*.tmp") // 0600
	if err != nil {
		return nil, f.fault(err)
	}
	return temporary, nil
}

func (f Folder) fault(err error) error {
	return &DeliveryError{
		Step: "writing to mail folder " + f.Path,
		err:  fmt.Errorf("%w: give the folder to the user that runs this server", err),
	}
}

// fileName sorts by time. Its random part is the mail's identifier.
func fileName(m Message) string {
	id, _, _ := strings.Cut(m.ID, "@")
	return m.Date.UTC().Format("20060102T150405.000Z") + "-" + id + ".eml"
}

var (
	_ Transport = Folder{}
	_ Prober    = Folder{}
)
