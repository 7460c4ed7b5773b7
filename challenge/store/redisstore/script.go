// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrUnreadable reports a value that no store of Doorcode wrote.
var ErrUnreadable = errors.New("something else is under this key: give Doorcode a prefix or a database of its own")

const (
	maxKey   = 512     // bytes, without the prefix
	maxValue = 1 << 20 // bytes

	// A nonce stands before each record and tells which write made it.
	nonceSize = 8 // bytes
)

// A script runs on the server without anything in between.
type script struct{ source, hash string }

func newScript(source string) *script {
	return &script{source: source, hash: redis.NewScript(source).Hash()}
}

// nameRun is the part of both scripts that names the run. The replication id
// is renewed whenever a server starts or takes over, and when one that had to
// give way takes over again, which its run_id would not show.
const nameRun = `
local function name_run()
  local i = redis.call('INFO', 'replication')
  return string.match(i, 'role:master') and string.match(i, 'master_replid:(%x+)') or ''
end
`

// lookScript shows a record, the server's time and, where ARGV[1] is 1, its run.
var lookScript = newScript(nameRun + `
local t = redis.call('TIME')
return {t[1], t[2], ARGV[1] == '1' and name_run() or '', redis.call('GET', KEYS[1])}
`)

// writeScript puts a record in the place of the one that was seen, and returns
// 1, or else what there is now. Its arguments are
//
//	1  the nonce of what was seen, empty where there was nothing
//	2  the new nonce and record
//	3  milliseconds to live, 0 for ever, -1 to remove
//	4  the last microsecond, of the server's time, at which it may happen:
//	   what a network has held back must not happen long after it failed
//	5  the run that was seen, or empty where it does not matter
//	6  1 if this write was sent before and got no answer
//
// The nonce shows a write that is sent again that it has happened. Only of a
// record that was to be made can it not tell: somebody may have removed it since.
var writeScript = newScript(nameRun + `
local is = redis.call('GETRANGE', KEYS[1], 0, 7)
if is == string.sub(ARGV[2], 1, 8) then return 1 end
local t = redis.call('TIME')
local run = ARGV[5] ~= '' and name_run() or ''
if is == ARGV[1] and run == ARGV[5] and t[1] * 1000000 + t[2] <= tonumber(ARGV[4]) and
    (is ~= '' or ARGV[6] == '0') then
  if ARGV[3] == '-1' then redis.call('DEL', KEYS[1])
  elseif ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
  else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
  return 1
end
return {t[1], t[2], run, redis.call('GET', KEYS[1])}
`)

// A sight is a record as a server showed it.
type sight struct {
	raw []byte    // nonce and record; nil where there is none
	at  time.Time // the server's
	run string    // empty where it was not asked for
}

// parseSight reads the answer of a script.
func parseSight(answer any) (sight, error) {
	parts, ok := answer.([]any)
	if !ok || len(parts) != 4 {
		return sight{}, fmt.Errorf("asking redis: it answered %T", answer)
	}
	var text [3]string
	for i := range text {
		text[i], _ = parts[i].(string)
	}
	seconds, err1 := strconv.ParseInt(text[0], 10, 64)
	micros, err2 := strconv.ParseInt(text[1], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return sight{}, fmt.Errorf("asking redis for its time: %w", err)
	}
	s := sight{at: time.Unix(seconds, micros*1000), run: text[2]}
	if raw, ok := parts[3].(string); ok {
		s.raw = []byte(raw)
		if _, err := record(s.raw); err != nil {
			return sight{}, err
		}
	}
	return s, nil
}

// record is what follows the nonce.
func record(raw []byte) ([]byte, error) {
	if len(raw) < nonceSize {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrUnreadable, len(raw))
	}
	return raw[nonceSize:], nil
}

func (s sight) nonce() []byte { return s.raw[:min(nonceSize, len(s.raw))] }

// old is the record as edit is given it: nil where there is none.
func (s sight) old() []byte {
	if s.raw == nil {
		return nil
	}
	return s.raw[nonceSize:]
}

// A write is the wish to put a record in the place of one that was seen.
type write struct {
	seen  []byte // nonce
	value []byte // nonce and record
	px    int64
	until int64 // microseconds of the server's time
	run   string
}

// forever and removal stand for a time to live.
const (
	forever int64 = 0
	removal int64 = -1
)

// newWrite is the wish to have value, for so long, where s was seen.
func newWrite(s sight, value []byte, ttl, patience time.Duration) write {
	w := write{
		seen:  bytes.Clone(s.nonce()),
		value: make([]byte, nonceSize, nonceSize+len(value)),
		px:    milliseconds(ttl),
		until: s.at.Add(patience).UnixMicro(),
		run:   s.run,
	}
	_, _ = rand.Read(w.value) // never fails, see there
	if value == nil {
		w.px = removal
	}
	w.value = append(w.value, value...)
	return w
}

// untouched reports whether what is there now shows that w did not happen and,
// since it came too late or to another run, will not.
func (w write) untouched(now sight) bool {
	return len(w.seen) > 0 && bytes.Equal(w.seen, now.nonce())
}

func (w write) arguments(again bool) []any {
	before := 0
	if again {
		before = 1
	}
	return []any{w.seen, w.value, w.px, w.until, w.run, before}
}

// milliseconds rounds up, so that no record ends before its time.
func milliseconds(ttl time.Duration) int64 {
	if ttl <= 0 {
		return forever
	}
	ms := int64(ttl / time.Millisecond)
	if ttl%time.Millisecond > 0 {
		ms++
	}
	return ms
}
