// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	caddy       string
	what        string
	rounds      int
	span        time.Duration
	connections int
	threads     int
	sessions    int
	rate        int
	codes       int
	people      int
	stores      []string
	profile     string
	json        bool
}

const mostPeople = 9_000_000 // a cache for a tenth more is the largest there may be

// parse reads the command line. Whatever is wrong with it is said in one sentence:
// which flag, what it was, and what it may be.
func parse(args []string) (s settings, err error) {
	flags := s.flags()
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("%q is no flag, and there may be nothing but flags", flags.Arg(0))
	case s.threads > s.connections:
		return s, fmt.Errorf("invalid value \"%d\" for flag -threads: it may be no more than -connections, which is %d", s.threads, s.connections)
	case s.profile != "" && s.what != "sessions":
		return s, fmt.Errorf("invalid value %q for flag -profile: it may be there with -what sessions alone, not with %s", s.profile, s.what)
	}
	return s, nil
}

// flags are what fills in the settings, with the defaults filled in already.
func (s *settings) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	s.what, s.span, s.stores = "sessions", time.Second, []string{"embedded", "redis"}
	flags.Func("what", "what to measure: "+listed(slices.Sorted(maps.Keys(measurements)))+" (default sessions)", s.setWhat)
	flags.Func("caddy", "the `file` of the Caddy to measure; without it, cmd/caddy is built", s.setCaddy)
	flags.Func("span", "how long each is measured in a round, in whole seconds (default 1s)", s.setSpan)
	flags.Func("stores", "the storages to measure strangers and codes on (default embedded redis)", s.setStores)
	flags.StringVar(&s.profile, "profile", "", "a `folder` for profiles of each Caddy; only of sessions, whose figures they disturb")
	flags.BoolVar(&s.json, "json", false, "print JSON in place of a table")
	number := func(to *int, name string, value, most int, about string) {
		*to = value
		flags.Func(name, fmt.Sprintf("%s, 1 to %d (default %d)", about, most, value), func(text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > most {
				return fmt.Errorf("it may be 1 to %d", most)
			}
			*to = n
			return nil
		})
	}
	number(&s.rounds, "rounds", 42, 10_000, "how often each is measured, in turn")
	number(&s.connections, "connections", 32, 10_000, "connections at once")
	number(&s.threads, "threads", 1, 64, "threads of wrk")
	number(&s.sessions, "sessions", 1, 10_000, "people who take turns")
	number(&s.rate, "rate", 500, 100_000, "strangers a second")
	number(&s.codes, "codes", 500, 100_000, "codes that are entered")
	number(&s.people, "people", 1_000_000, mostPeople, "people with a session in the storage; with -what many, the most there are")
	return flags
}

// help prints what flags there are.
func help(out io.Writer) {
	var s settings
	flags := s.flags()
	flags.SetOutput(out)
	flags.PrintDefaults()
}

func (s *settings) setWhat(text string) error {
	if _, known := measurements[text]; !known {
		return fmt.Errorf("it may be %s", listed(slices.Sorted(maps.Keys(measurements))))
	}
	s.what = text
	return nil
}

func (s *settings) setCaddy(text string) error {
	if _, err := exec.LookPath(text); err != nil {
		return errors.New("it may be the file of a program")
	}
	s.caddy = text
	return nil
}

func (s *settings) setSpan(text string) error {
	span, err := time.ParseDuration(text)
	if err != nil || span < time.Second || span > time.Hour || span%time.Second != 0 {
		return errors.New("it may be whole seconds up to an hour, such as 1s or 10s")
	}
	s.span = span
	return nil
}

func (s *settings) setStores(text string) error {
	stores := strings.Fields(text)
	slices.Sort(stores)
	if len(stores) == 0 || len(slices.Compact(slices.Clone(stores))) < len(stores) {
		stores = []string{""}
	}
	for _, store := range stores {
		if store != "embedded" && store != "redis" {
			return errors.New("it may be embedded, redis, or both with a space between them")
		}
	}
	s.stores = stores
	return nil
}

// listed joins words as a sentence does.
func listed(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// prepare makes the folder for profiles, and finds out whether there can be files in it
// before anything is measured for them.
func (s *settings) prepare() error {
	if s.profile == "" {
		return nil
	}
	if err := os.MkdirAll(s.profile, 0o700); err != nil {
		return fmt.Errorf("making the folder of -profile: %w", err)
	}
	probe, err := os.CreateTemp(s.profile, "probe-")
	if err != nil {
		return fmt.Errorf("writing to the folder of -profile: %w", err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
