// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// overdue is how long a key may sign longer than it should, before somebody should
// look.
const overdue = 7 * 24 * time.Hour

// keys looks at the secrets in files and at the keys in the stores.
func keys(ctx context.Context, f *Facts, n *notes) {
	for _, file := range f.Files {
		file.judge(n)
	}
	each(n, f.Stores, func(s Store, n *notes) { f.storeKeys(ctx, s, n) })
}

// hasModes: elsewhere the permission bits say nothing of who may read a file.
const hasModes = runtime.GOOS != "windows"

func (s SecretFile) judge(n *notes) {
	what := "this password"
	if s.Root || s.Own {
		what = "the secret"
	}
	others, group := hasModes && s.Mode&0o007 != 0, hasModes && s.Mode&0o070 != 0
	switch {
	case s.Missing && s.Own:
		n.ok(s.Path, "the first start makes the secret")
	case s.Missing:
		n.fail(s.Path, what+" is not there, or this user may not read it", "put it there for Caddy's user to read, and run the doctor as that user: 'sudo -u caddy caddy doorcode doctor …'")
	case others:
		fix := "then have a new password or token made where it comes from, since this one may be known"
		if s.Root || s.Own {
			fix = "then make a new secret, since this one may be known: this signs everybody out"
		}
		n.fail(s.Path, fmt.Sprintf("everybody on this machine can read %s (its mode is %04o)", what, s.Mode), "chmod 600 "+s.Path+", with Caddy's user as its owner; "+fix)
	case group && s.Own:
		n.fail(s.Path, fmt.Sprintf("others than Caddy's user can read the secret (its mode is %04o)", s.Mode), "chmod 600 "+s.Path)
	default:
		n.ok(s.Path, fmt.Sprintf("%s is there (mode %04o)", what, s.Mode))
	}
}

// storeKeys looks at the signing keys of a store.
func (f *Facts) storeKeys(ctx context.Context, s Store, n *notes) {
	if r := f.Running.store(s.Name); r != nil {
		f.judgeKeys(s, r.Keys, n)
		return
	}
	records, err := s.Open(ctx)
	switch {
	case errors.Is(err, ErrNoStore):
		n.ok(s.Name, "the first start makes the signing keys")
		return
	case err != nil:
		n.skip(s.Name, "the storage cannot be opened", "see 'storage'")
		return
	}
	defer records.Close() //nolint:errcheck // it was only read
	list, err := records.Keys(ctx)
	switch {
	case errors.Is(err, ErrOtherSecret):
		n.fail(s.Name, err.Error(), "bring the secret back that they were made under; with another one everybody signs in again, and shared storage needs another 'prefix'")
	case err != nil:
		n.skip(s.Name, "the keys cannot be read: "+err.Error(), "see 'storage'")
	case len(list) == 0:
		n.ok(s.Name, "the first start makes the signing keys")
	default:
		f.judgeKeys(s, list, n)
	}
}

func (f *Facts) judgeKeys(s Store, list []Key, n *notes) {
	signing, oldest := 0, time.Time{}
	for _, k := range list {
		if k.Signing {
			signing++
		}
		if k.Signing && (oldest.IsZero() || k.Created.Before(oldest)) {
			oldest = k.Created
		}
	}
	age := f.now().Sub(oldest)
	switch {
	case signing == 0:
		n.fail(s.Name, "there is no key that signs, so nobody can sign in", "look at 'storage', then restart Caddy, which makes keys")
	case s.Rotate > 0 && age > s.Rotate+overdue:
		n.fail(s.Name, fmt.Sprintf("a key has been signing for %s, and should have been replaced after %s", span(age), span(s.Rotate)), "start Caddy, which replaces it within a second; if it runs, look in its log for store_failed")
	default:
		n.ok(s.Name, fmt.Sprintf("%s, of which %d sign; the oldest of these is %s old", count(len(list), "key"), signing, span(age)))
	}
}
