// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// quiet drops what the library writes to standard error, past the log of the
// program: lines about sentinels, some a second while they are away. They tell
// nothing that an error of a call does not, and nobody has masked passwords in
// them. The library has one logger for a whole process.
type quiet struct{}

// Printf writes nothing.
func (quiet) Printf(context.Context, string, ...any) {}

var hush = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })
