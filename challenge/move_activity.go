// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/activity"
)

// moveActivity copies a record of what happened to somebody. What both stores have
// of it stays, each row once; pages that only one has keep their names.
func (m *mover) moveActivity(ctx context.Context, key string) error {
	if isActivityPage(key) {
		theirs, err := find[activityPage](ctx, m.from, key)
		if err != nil || theirs.raw == nil {
			return err
		}
		return change(ctx, m.to, key, func(ours *activityPage, _ time.Time) error {
			other, err := theirs.record()
			if err == nil {
				ours.Version = activityVersion
				ours.Take(activity.Page{Rows: other.Rows})
			}
			return err
		})
	}
	theirs, err := find[activityNow](ctx, m.from, key)
	if err != nil || theirs.raw == nil {
		return err
	}
	return change(ctx, m.to, key, func(ours *activityNow, _ time.Time) error {
		other, err := theirs.record()
		if err == nil {
			ours.Version = activityVersion
			ours.Join(other.Current)
		}
		return err
	})
}

// isActivityPage tells the key of a full page from that of a current record.
func isActivityPage(key string) bool {
	return strings.Contains(strings.TrimPrefix(key, keyActivity), "/")
}

// readableActivity is readable for either kind of record.
func readableActivity(ctx context.Context, m *mover, key string) error {
	if isActivityPage(key) {
		return readable[activityPage](ctx, m, key)
	}
	return readable[activityNow](ctx, m, key)
}
