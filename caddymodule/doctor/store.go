// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// How long the slowest of some updates may take. A visitor waits for several.
const (
	slowStore  = 100 * time.Millisecond
	rounds     = 50 // of writing and reading
	trialLife  = time.Minute
	trialKey   = "doctor/"
	trialValue = "Doorcode's doctor was here; this goes away by itself."
)

// storage uses each store as a visitor would.
func storage(ctx context.Context, f *Facts, n *notes) {
	each(n, f.Stores, func(s Store, n *notes) {
		if s.Path != "" {
			f.fileStore(ctx, s, n)
			return
		}
		s.encryption(n)
		f.tryStore(ctx, s, n)
	})
}

// fileStore looks at a store in a file. The running Caddy holds it, and is asked.
func (f *Facts) fileStore(ctx context.Context, s Store, n *notes) {
	s.folder(n)
	s.room(n)
	if running := f.Running.store(s.Name); running != nil {
		running.report(n)
		return
	}
	if f.Running != nil {
		n.fail(s.Name, "the running Caddy keeps its records elsewhere than this configuration says", "'caddy reload' it with this configuration, or give the doctor the one that it runs with")
		return
	}
	records, err := s.Open(ctx)
	switch {
	case errors.Is(err, ErrNoStore):
		n.ok(s.Name, "it is not there yet; the first start makes it")
		return
	case errors.Is(err, ErrInUse):
		n.skip(s.Name, "another process holds it, Caddy most likely, which was not asked", f.NotRunning)
		return
	case err != nil:
		n.fail(s.Name, err.Error(), "a damaged file is put back from a backup ('caddy doorcode storage backup' makes them); run the doctor as Caddy's user, who may read it")
		return
	}
	defer records.Close() //nolint:errcheck // it was only read
	if _, err := records.Get(ctx, trialKey); err != nil {
		n.fail(s.Name, "it cannot be read: "+err.Error(), "look at the disk, and put the file back from a backup")
		return
	}
	n.ok(s.Name, "it can be read; Caddy does not run, so nothing was written")
}

// report says what a running Caddy says of a store.
func (r *RunningStore) report(n *notes) {
	const fix = "look at the disk: whether it is full, or mounted read-only ('df', 'mount'), and whether Caddy's user owns the file"
	switch {
	case !r.Answers:
		n.fail(r.Name, "the running Caddy cannot read it: "+orUnknown(r.Error), fix)
	case !r.Writes:
		n.fail(r.Name, "the running Caddy can read it, and not write to it: "+orUnknown(r.Error), fix)
	case r.Slowest > slowStore:
		n.warn(r.Name, fmt.Sprintf("the running Caddy reads and writes it, slowly: the slowest of %d reads took %d ms", rounds, r.Slowest.Milliseconds()), "put it on a faster disk, that no other program keeps busy")
	default:
		n.ok(r.Name, fmt.Sprintf("the running Caddy reads and writes it (slowest of %d reads: %.1f ms)", rounds, milliseconds(r.Slowest)))
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "it does not say why"
	}
	return text
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// remote are file systems whose locks do not hold what they promise.
var remote = []string{"nfs", "cifs", "smb", "9p", "fuse", "afs", "ceph"}

// folder looks at the file and where it lies.
func (s Store) folder(n *notes) {
	if slices.Contains(remote, s.FileSystem) {
		n.fail(s.Name, "it lies on a network file system ("+s.FileSystem+"), whose locks are not to be relied on", "write 'storage embedded /var/lib/…' with a folder on a local disk, or use 'storage redis'")
	}
	for _, path := range []string{s.Path, s.Path + ".witness"} {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if mode := info.Mode().Perm(); hasModes && mode&0o077 != 0 {
			n.fail(path, fmt.Sprintf("others than Caddy's user may open it (its mode is %04o)", mode), "chmod 600 "+path)
		}
	}
	folder := filepath.Dir(s.Path)
	if info, err := os.Stat(folder); err == nil && hasModes && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		n.fail(folder, "everybody on this machine may put another file in the place of the storage", "chmod o-w "+folder)
	}
}

// leastFree is how much room a store in a file needs, in bytes. It grows by steps of
// up to this.
const leastFree = 16 << 20

// room looks whether the disk is full. A store may still take small updates then, and
// refuse those of a sign-in.
func (s Store) room(n *notes) {
	if !s.Disk.Known {
		return
	}
	folder := filepath.Dir(s.Path)
	switch {
	case s.Disk.Free < leastFree:
		n.fail(s.Name, fmt.Sprintf("%d bytes are free on its disk, so nobody can be sent a code once they are used up", s.Disk.Free), "make room on "+folder+"; sign-ins go on by themselves")
	case s.Disk.Free < 2*s.Disk.Used:
		n.warn(s.Name, fmt.Sprintf("%d MB are free on its disk, less than twice what the storage has (%d MB)", s.Disk.Free>>20, s.Disk.Used>>20), "make room on "+folder+": on a full disk nobody can be sent a code")
	}
}

// encryption looks at who can listen between this machine and a store.
func (s Store) encryption(n *notes) {
	if s.Encrypted {
		return
	}
	for _, server := range s.Servers {
		host, _, err := net.SplitHostPort(server)
		if err != nil || mailer.IsLoopback(host) {
			continue // a socket, or this machine
		}
		const text, fix = "the way to %s is not encrypted: who is on it reads the password, and can let anybody in", "write rediss:// and 'tls' in the block of storage redis, or lead the way through a VPN"
		if ip, err := netip.ParseAddr(host); err == nil && isPublic(ip) {
			n.fail(s.Name, fmt.Sprintf(text, server), fix)
			return
		}
		n.warn(s.Name, fmt.Sprintf(text, server), fix)
		return
	}
}

// tryStore writes, reads and removes records of its own.
func (f *Facts) tryStore(ctx context.Context, s Store, n *notes) {
	fix := "look whether the server runs, whether a firewall lets this machine by, and at 'username', 'password' and 'tls' in the block of storage redis; what its user must be allowed to do is in docs/operating.md"
	records, err := s.Open(ctx)
	var t trial
	if err == nil {
		defer records.Close() //nolint:errcheck // nothing is kept in it
		t, err = use(ctx, records)
	}
	if err != nil {
		if strings.Contains(err.Error(), "NOAUTH") {
			fix = "the server wants a password: write 'username' and 'password' in the block of storage redis"
		}
		n.fail(s.Name, err.Error(), fix)
		return
	}
	f.judgeTime(s, t, n)
	for _, notice := range records.Notices() {
		if notice.Grave {
			n.fail(s.Name, notice.Text, notice.Fix)
		} else {
			n.warn(s.Name, notice.Text, notice.Fix)
		}
	}
	if t.slowest > slowStore {
		n.warn(s.Name, fmt.Sprintf("it keeps what it is given, slowly: the slowest of %d updates took %d ms, and a visitor waits for several", rounds, t.slowest.Milliseconds()),
			"bring it nearer to this machine, and give it a disk of its own")
		return
	}
	n.ok(s.Name, fmt.Sprintf("it keeps what it is given (slowest of %d updates: %.1f ms)", rounds, milliseconds(t.slowest)))
}

// A trial is how a store did.
type trial struct {
	slowest time.Duration
	ahead   time.Duration // how far this machine's clock is ahead of the store's
}

// use writes and reads a record that nobody else has, many times.
func use(ctx context.Context, records Records) (t trial, err error) {
	key := trialKey + rand.Text()
	for range rounds {
		began := time.Now()
		theirs, err := records.Put(ctx, key, []byte(trialValue), trialLife)
		if err != nil {
			return t, fmt.Errorf("writing: %w", err)
		}
		took := time.Since(began)
		t.slowest = max(t.slowest, took)
		t.ahead = began.Add(took / 2).Sub(theirs)
		value, err := records.Get(ctx, key)
		if err != nil {
			return t, fmt.Errorf("reading: %w", err)
		}
		if string(value) != trialValue {
			return t, errors.New("it does not give back what was written: something removes records")
		}
	}
	if _, err := records.Put(ctx, key, nil, 0); err != nil {
		return t, fmt.Errorf("removing: %w", err)
	}
	if value, err := records.Get(ctx, key); err != nil || len(value) > 0 {
		return t, errors.Join(errors.New("it does not remove what was removed"), err)
	}
	return t, nil
}

// judgeTime compares the clocks: the lives of codes and locks go by the store's.
func (f *Facts) judgeTime(s Store, t trial, n *notes) {
	if t.ahead.Abs() > clockWarn {
		judgeClock(n, strings.SplitN(s.Name, ",", 2)[0], t.ahead.Round(time.Second))
	}
}
