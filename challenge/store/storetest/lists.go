// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

var listClauses = []clause{
	{"a list has the live keys of a prefix in order", lists},
	{"a list can be read page by page", listsInPages},
}

func lists(ctx context.Context, s subject) error {
	l, ok := s.Store.(challenge.Lister)
	if !ok {
		return nil
	}
	if err := errors.Join(
		s.put(ctx, "p/b", "x", 0), s.put(ctx, "p/", "x", 0), s.put(ctx, "p/a\xff", "x", time.Hour),
		s.put(ctx, "p/a", "x", 0), s.put(ctx, "p/B", "x", 0), s.put(ctx, "o/z", "x", 0),
		s.put(ctx, "p0", "x", 0), s.put(ctx, "p/gone", "x", time.Minute), s.put(ctx, "p/removed", "x", 0),
		s.remove(ctx, "p/removed"),
	); err != nil {
		return err
	}
	s.Advance(time.Minute)
	everything := []string{"o/z", "p/", "p/B", "p/a", "p/a\xff", "p/b", "p0"}
	for _, c := range []struct {
		prefix, after string
		n             int
		want          []string
	}{
		{"", "", 100, everything},
		{"p/", "", 100, everything[1:6]},
		{"p/", "", 2, everything[1:3]},
		{"p/", "p/", 2, everything[2:4]},
		{"p/", "p/a", 100, everything[4:6]},
		{"p/", "p/aa", 100, everything[4:6]},
		{"p/", "a", 100, everything[1:6]},
		{"p/", "p/b", 100, nil},
		{"p/", "q", 100, nil},
		{"none", "", 100, nil},
		{"p/", "", 0, nil},
		{"p/", "", -1, nil},
	} {
		got, err := l.List(ctx, c.prefix, c.after, c.n)
		if err != nil || !slices.Equal(got, c.want) {
			return fmt.Errorf("List(%q, %q, %d) = %q, %v, want %q", c.prefix, c.after, c.n, got, err, c.want)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.List(cancelled, "", "", 1); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("list: got %v, want context.Canceled", err)
	}
	return nil
}

func listsInPages(ctx context.Context, s subject) error {
	l, ok := s.Store.(challenge.Lister)
	if !ok {
		return nil
	}
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("page/%02d", i)
		want = append(want, key)
		if err := s.put(ctx, key, "x", 0); err != nil {
			return err
		}
	}
	var got []string
	for after := ""; len(got) < len(want); after = got[len(got)-1] {
		keys, err := l.List(ctx, "page/", after, 7)
		if err != nil || len(keys) == 0 {
			return fmt.Errorf("a list after %q = %q, %v, want more", after, keys, err)
		}
		got = append(got, keys...)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("pages have %q, want %q", got, want)
	}
	return nil
}
