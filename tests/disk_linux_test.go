// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/binary"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	bolt "go.etcd.io/bbolt"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// fill lets a machine write nothing more, as on a full disk. It needs no privilege
// and disturbs no other process. empty ends that.
func fill(t *testing.T, m *harness.Machine) (empty func()) {
	t.Helper()
	limit := func(cur uint64) syscall.Rlimit {
		t.Helper()
		to, before := syscall.Rlimit{Cur: cur, Max: ^uint64(0)}, syscall.Rlimit{}
		_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(m.PID()), syscall.RLIMIT_FSIZE,
			uintptr(unsafe.Pointer(&to)), uintptr(unsafe.Pointer(&before)), 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		return before
	}
	before := limit(1)
	return func() { limit(before.Cur) }
}

// F-13: on a full disk nobody gets in by a code that could not be spent, and nothing
// is mailed; who is in stays in. With room again everything goes on, with the same
// code too.
func TestF13AFullDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	f := harness.NewFleet(t, oneDoor(embedded, generous("")))
	m := f.Run(t, filepath.Join(t.TempDir(), "doorcode.db"))[0]
	in, remembered, waiting, late := signedIn(t, m.Caddy, ana), m.Browser(t), from(t, m.Caddy, 1), from(t, m.Caddy, 2)
	remembered.SignIn(t, m.Caddy, "/", ana, true)
	code := ask(t, m.Caddy, waiting, "/", ben)
	late.Open(t, "/")
	right := form(t, waiting, code)

	empty := fill(t, m)
	mails, reached := len(m.Mailbox.All(t)), len(m.App.Seen())
	for range 3 {
		page := waiting.Do(t, http.MethodPost, "/.doorcode/verify", right, harness.Scripted)
		wantStatus(t, "a right code", page, http.StatusServiceUnavailable)
		wantStatus(t, "a new check", late.AJAX(t, "email", url.Values{"email": {"cara@example.com"}}), http.StatusServiceUnavailable)
	}
	m.App.Untouched(t, reached)
	wantStatus(t, "who is in", in.Fetch(t, "/"), http.StatusOK)
	if now := len(m.Mailbox.All(t)); now != mails {
		t.Errorf("%d mails, of %d before", now, mails)
	}

	empty()
	wantStatus(t, "the same code, with room again", enter(t, waiting, code), http.StatusOK)
	remembered.Drop(t, "doorcode")
	wantStatus(t, "a remembered browser", remembered.Fetch(t, "/"), http.StatusOK)
	m.Kill()
	m.Run(t)
	for what, b := range map[string]*harness.Browser{"who was in": in, "who came in since": waiting, "who was remembered": remembered} {
		wantStatus(t, what+", after a kill", b.Fetch(t, "/"), http.StatusOK)
	}
}

// F-19: a file of a later version is not guessed at. Caddy does not start, says why,
// and leaves the file as it is.
func TestF19AFileOfALaterVersionStopsTheStart(t *testing.T) {
	t.Parallel()
	f := harness.NewFleet(t, oneDoor(embedded, generous("")))
	file := filepath.Join(t.TempDir(), "doorcode.db")
	m := f.Run(t, file)[0]
	b := signedIn(t, m.Caddy, ana)
	m.Stop(t)
	format := func(n uint32) {
		t.Helper()
		db, err := bolt.Open(file, 0o600, &bolt.Options{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close() //nolint:errcheck // the update is what counts
		err = db.Update(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("format"), binary.BigEndian.AppendUint32(nil, n))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	format(2)
	m.Begin(t, "run")
	select {
	case <-m.Exited():
	case <-time.After(20 * time.Second):
		t.Fatal("it runs")
	}
	if log := m.Log(t); m.Code() == 0 || !strings.Contains(log, "newer version") {
		t.Errorf("exit code %d:\n%s", m.Code(), log)
	}
	format(1)
	m.Run(t)
	wantStatus(t, "the session", b.Fetch(t, "/"), http.StatusOK)
}
