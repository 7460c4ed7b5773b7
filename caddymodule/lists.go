// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// lists are who may pass and how users are called, as settings and files say.
// The files are read again when they change; one that has become wrong is
// reported, and what it said before stays.
type lists struct {
	settings Settings
	access   atomic.Pointer[challenge.Access]
	said     atomic.Pointer[listed]
	users    atomic.Pointer[map[string]challenge.Email] // of map_file
	seen     []fileState

	fault string // of the last reading

	// What each file said when it was last right.
	allowed []string
	people  []challenge.Member
	mapped  map[string]challenge.Email
}

// listed is what settings and files said together when they were last right. It is never
// changed, so that others may read it while files are read again.
type listed struct {
	allowed []string // of allow_file
	people  []challenge.Member
	groups  map[string][]string
}

// fileState tells whether a file is the one that was read.
type fileState struct {
	size     int64
	modified time.Time
}

// listsEvery is how often files are looked at.
const listsEvery = 2 * time.Second

// maxList bounds what is read of a list file, in bytes.
const maxList = 16 << 20

func newLists(s Settings) (*lists, error) {
	l := &lists{settings: s}
	l.seen = l.states()
	return l, l.read()
}

func (l *lists) files() []string {
	files := []string{l.settings.AllowFile, l.settings.PeopleFile}
	if l.settings.Identity != nil {
		files = append(files, l.settings.Identity.MapFile)
	}
	return slices.DeleteFunc(files, func(f string) bool { return f == "" })
}

func (l *lists) states() []fileState {
	var states []fileState
	for _, file := range l.files() {
		state := fileState{}
		if info, err := os.Stat(file); err == nil {
			state = fileState{info.Size(), info.ModTime()}
		}
		states = append(states, state)
	}
	return states
}

// watch reads the files again whenever they have changed, until the
// configuration ends.
func (l *lists) watch(ctx caddy.Context, logger *zap.Logger, use func(*challenge.Access)) {
	if len(l.files()) == 0 {
		return
	}
	go func() {
		tick := time.NewTicker(listsEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.refresh(logger, use)
			}
		}
	}()
}

func (l *lists) refresh(logger *zap.Logger, use func(*challenge.Access)) {
	now := l.states()
	if slices.Equal(now, l.seen) && l.fault == "" {
		return
	}
	changed := !slices.Equal(now, l.seen)
	l.seen = now
	err := l.read()
	before := l.fault
	if l.fault = ""; err != nil { // it is tried again until it is right, and said once
		l.fault = err.Error()
	}
	if err != nil && (changed || before != l.fault) {
		logger.Error("list was not read again; what it said before stays, the other lists are in force", zap.Error(err))
	}
	use(l.access.Load())
	if err == nil {
		logger.Info("lists read again", zap.Strings("files", l.files()))
	}
}

// read reads every file anew. One that is wrong keeps what it said before, so
// that it does not hold up what another one takes away.
func (l *lists) read() error {
	s, faults := l.settings, []error(nil)
	if s.AllowFile != "" {
		faults = append(faults, reread(&l.allowed, s.AllowFile, readAllowFile))
	}
	if s.PeopleFile != "" {
		faults = append(faults, reread(&l.people, s.PeopleFile, readPeopleFile))
	}
	if s.Identity != nil && s.Identity.MapFile != "" {
		faults = append(faults, reread(&l.mapped, s.Identity.MapFile, readMapFile))
	}
	access, err := challenge.NewAccess(challenge.AccessOptions{
		Allow: slices.Concat(s.Allow, l.allowed), Deny: s.Deny, Groups: l.groups(), People: l.people,
		NoPlus: !*s.Plus, Open: !s.Identity.asks() && s.AllowFile == "" && s.PeopleFile == "",
	})
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	users := l.mapped
	l.users.Store(&users)
	l.said.Store(&listed{l.allowed, l.people, l.groups()})
	l.access.Store(access)
	return errors.Join(faults...)
}

func reread[T any](kept *T, path string, read func(string) (T, error)) error {
	fresh, err := read(path)
	if err == nil {
		*kept = fresh
	}
	return err
}

// groups are the operator's, with those of the people file, which may lose its
// last member without being an error.
func (l *lists) groups() map[string][]string {
	all := map[string][]string{}
	for name, members := range l.settings.Group {
		all[name] = slices.Clone(members)
	}
	if l.settings.PeopleFile != "" {
		for _, entry := range slices.Concat(l.settings.Allow, l.settings.Deny, l.allowed) {
			if name, ok := strings.CutPrefix(entry, groupPrefix); ok {
				all[name] = slices.Clone(all[name])
			}
		}
	}
	people := l.people
	for _, p := range people {
		for _, name := range p.Groups {
			all[name] = append(all[name], p.Mailbox)
		}
	}
	return all
}

// eachLine reads a file of lines; "#" starts a comment.
func eachLine(path string, use func(line string) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read from
	lines := bufio.NewScanner(io.LimitReader(file, maxList))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := use(line); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	return lines.Err()
}

func readAllowFile(path string) ([]string, error) {
	var entries []string
	err := eachLine(path, func(line string) error {
		entries = append(entries, line)
		return checkAllowed("allow_file", line)
	})
	if err != nil {
		return nil, fmt.Errorf("allow_file: %w", err)
	}
	return entries, nil
}

func readMapFile(path string) (map[string]challenge.Email, error) {
	users := map[string]challenge.Email{}
	err := eachLine(path, func(line string) error {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return errors.New("want a user and an address")
		}
		email, err := challenge.ParseEmail(fields[1])
		users[fields[0]] = email
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("map_file: %w", err)
	}
	return users, nil
}

// The columns of the people file.
const (
	columnAddress = iota
	columnUser
	columnName
	columnGroups
	columnUntil
	columns
)

func readPeopleFile(path string) ([]challenge.Member, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("people_file: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read from
	text := bufio.NewReader(io.LimitReader(file, maxList))
	if mark, err := text.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		_, _ = text.Discard(len(byteOrderMark)) // spreadsheets write one
	}
	reader := csv.NewReader(text)
	reader.Comment, reader.FieldsPerRecord, reader.TrimLeadingSpace = '#', -1, true
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("people_file: %s: %w", path, err)
	}
	var people []challenge.Member
	for i, row := range rows {
		if i == 0 && strings.EqualFold(strings.TrimSpace(row[0]), "address") {
			if err := checkHeading(row); err != nil {
				return nil, fmt.Errorf("people_file: %s: row 1: %w", path, err)
			}
			continue
		}
		member, err := readMember(row)
		if err != nil {
			return nil, fmt.Errorf("people_file: %s: row %d: %w", path, i+1, err)
		}
		people = append(people, member)
	}
	return people, nil
}

// heading is the first row of a people file, which may be left out.
var heading = []string{"address", "user", "name", "groups", "until"}

const byteOrderMark = "\ufeff"

// checkHeading refuses columns in another order: they would be read as others.
func checkHeading(row []string) error {
	for i, cell := range row {
		if i >= len(heading) || !strings.EqualFold(strings.TrimSpace(cell), heading[i]) {
			return fmt.Errorf("want the columns %s, in this order", strings.Join(heading, ","))
		}
	}
	return nil
}

func readMember(row []string) (challenge.Member, error) {
	if len(row) > columns {
		return challenge.Member{}, errors.New("want address,user,name,groups,until; groups are separated by spaces")
	}
	full := make([]string, columns)
	for i, cell := range row {
		full[i] = strings.TrimSpace(cell)
	}
	if !isAddress(full[columnAddress]) {
		return challenge.Member{}, fmt.Errorf("%q is not an address; want address,user,name,groups,until, separated by commas", full[columnAddress])
	}
	m := challenge.Member{
		Mailbox: full[columnAddress], User: full[columnUser], Name: full[columnName],
		Groups: strings.FieldsFunc(full[columnGroups], func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '|' }),
	}
	for _, name := range m.Groups {
		if err := checkGroupName(name); err != nil {
			return challenge.Member{}, err
		}
	}
	if until := full[columnUntil]; until != "" {
		day, err := time.Parse(time.DateOnly, until)
		if err != nil {
			return challenge.Member{}, fmt.Errorf("until %q: want a date such as 2027-01-31", until)
		}
		m.Until = day.AddDate(0, 0, 1) // through the whole day, UTC
	}
	return m, nil
}
