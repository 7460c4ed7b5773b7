// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/geo"
	"github.com/doorcode/caddy-doorcode/geo/geotest"
)

func TestF14AFileThatCannotBeUsedIsRefusedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	good := content(t, geotest.City(t, dir, "good.mmdb", world))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(good); err != nil || z.Close() != nil {
		t.Fatal("packing")
	}
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar")
	write := func(name string, data []byte) string { overwrite(t, path(name), data); return path(name) }
	domains := geotest.Database{Type: "GeoIP2-Domain"}.Records(t, dir, "domain.mmdb", map[string]map[string]any{"1.0.0.0/8": {"domain": "example.com"}})

	tests := map[string]struct {
		path string
		is   error
		text string
	}{
		"missing":              {path("none.mmdb"), geo.ErrMissing, "geoip: open " + path("none.mmdb") + ": no such file; download it (see docs/geoip.md) or remove 'geoip': place checks are then off"},
		"in a missing folder":  {path("no/none.mmdb"), geo.ErrMissing, "no such file; download it"},
		"a folder":             {dir, geo.ErrDamaged, "name the .mmdb file itself"},
		"a device":             {"/dev/null", geo.ErrDamaged, "name the .mmdb file itself"},
		"empty":                {write("empty", nil), geo.ErrDamaged, "download it again"},
		"text":                 {write("text", []byte("<html>Sign in to download</html>")), geo.ErrDamaged, "download it again"},
		"garbage":              {write("garbage", bytes.Repeat([]byte("\xfe\x01"), 5000)), geo.ErrDamaged, "download it again"},
		"only the end mark":    {write("mark", []byte("\xab\xcd\xefMaxMind.com")), geo.ErrDamaged, "download it again"},
		"gzip":                 {write("gzip", zipped.Bytes()), geo.ErrDamaged, "unpack it first"},
		"tar":                  {write("tar", tar), geo.ErrDamaged, "unpack it first"},
		"half":                 {write("half", good[:len(good)/2]), geo.ErrDamaged, "download it again"},
		"the second half":      {write("second", good[len(good)/2:]), geo.ErrDamaged, "download it again"},
		"a wrong record size":  {write("size", bytes.Replace(good, []byte("record_size\xa1\x1c"), []byte("record_size\xa1\x1d"), 1)), geo.ErrDamaged, "download it again"},
		"another record size":  {write("size32", bytes.Replace(good, []byte("record_size\xa1\x1c"), []byte("record_size\xa1\x20"), 1)), geo.ErrDamaged, "download it again"},
		"of another use":       {domains, geo.ErrUseless, `a "GeoIP2-Domain" database tells nothing of places, networks or anonymisers; give a City`},
		"without any networks": {geotest.City(t, dir, "none", nil), geo.ErrUseless, `a "GeoLite2-City" database tells nothing`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := geo.Open(geo.Options{Files: []string{path("good.mmdb"), tt.path}, Refresh: -1})
			if !errors.Is(err, tt.is) {
				t.Fatalf("Open = %v, want %v", err, tt.is)
			}
			if text := err.Error(); !strings.HasPrefix(text, "geoip: ") || !strings.Contains(text, tt.path) || !strings.Contains(text, tt.text) {
				t.Errorf("Open = %q, want %q and the path", text, tt.text)
			}
		})
	}
}

// Root may read everything, so the error is made here.
func TestAFileThatMayNotBeReadIsRefused(t *testing.T) {
	err := geo.Unopened("/x.mmdb", &fs.PathError{Op: "open", Path: "/x.mmdb", Err: fs.ErrPermission})
	const want = "geoip: open /x.mmdb: permission denied; let the user that Caddy runs as read it"
	if !errors.Is(err, fs.ErrPermission) || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// small is a database whose every byte can be tried.
func small(t testing.TB) []byte {
	t.Helper()
	return content(t, geotest.City(t, t.TempDir(), "small.mmdb", map[string]geo.Place{"81.0.0.0/8": london, "2001:218::/32": tokyo}))
}

// ask looks up addresses all over a database, which must give an answer.
func ask(t testing.TB, db *geo.DB) {
	t.Helper()
	for _, a := range []string{"0.0.0.1", "1.1.1.1", "81.1.1.1", "81.255.0.0", "200.0.0.1", "2001:218::1", "2a00::1", "3ffe::1"} {
		if db.Locate(ip(a)) == nil {
			t.Fatalf("Locate(%s) = nil", a)
		}
	}
}

func TestF14NoCutFileIsTaken(t *testing.T) {
	data := small(t)
	for n := range data {
		if _, err := geo.OpenBytes(bytes.Clone(data[:n])); !errors.Is(err, geo.ErrDamaged) {
			t.Errorf("the first %d of %d bytes: %v, want ErrDamaged", n, len(data), err)
		}
	}
}

// A flipped bit may leave a database that is whole and tells something else.
// It must not crash or hang, now or at a lookup.
func TestF14FlippedBitsAreRefusedOrHarmless(t *testing.T) {
	data := small(t)
	refused := 0
	for at := range data {
		for _, bits := range []byte{0x01, 0x10, 0x80, 0xff} {
			flipped := bytes.Clone(data)
			flipped[at] ^= bits
			db, err := geo.OpenBytes(flipped)
			if err != nil {
				refused++
				continue
			}
			ask(t, db)
		}
	}
	if refused == 0 {
		t.Error("no flipped bit was noticed")
	}
}

// folded writes a database whose tree has 2^depth leaves in depth nodes, since
// both sides of each node are the same next one. Each leaf is a record without
// a meaning, or empty.
func folded(depth int, empty bool) []byte {
	var b []byte
	for i := range depth {
		next := uint32(i + 1) // depth itself: no data
		if i == depth-1 && !empty {
			next = uint32(depth + 16) // the first record
		}
		for range 2 {
			b = append(b, byte(next>>16), byte(next>>8), byte(next))
		}
	}
	b = append(b, make([]byte, 16)...)
	text := func(s string) { b = append(append(b, byte(0x40|len(s))), s...) }
	number := func(name string, n uint16) {
		text(name)
		b = binary.BigEndian.AppendUint16(append(b, 0xa2), n)
	}
	if !empty {
		b = append(b, 0xe1)
		text("domain")
		text("example.com")
	}
	b = append(b, "\xab\xcd\xefMaxMind.com\xe9"...)
	number("binary_format_major_version", 2)
	number("binary_format_minor_version", 0)
	text("build_epoch")
	b = append(b, 1, 2, 1) // a uint64
	text("database_type")
	text("Folded")
	text("description")
	b = append(b, 0xe1)
	text("en")
	text("folded")
	number("ip_version", 6)
	text("languages")
	b = append(b, 0, 4) // an empty array
	number("node_count", uint16(depth))
	number("record_size", 24)
	return b
}

// Before the look at a file was bounded, a file of 1 kB kept Caddy from
// starting for ever.
func TestF14AFoldedTreeDoesNotHang(t *testing.T) {
	for _, empty := range []bool{true, false} {
		if _, err := geo.OpenBytes(folded(120, empty)); !errors.Is(err, geo.ErrUseless) {
			t.Errorf("empty %t: %v, want ErrUseless", empty, err)
		}
	}
}
