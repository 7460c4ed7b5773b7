// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func statusCommand() *cobra.Command {
	return jsonCommand(&cobra.Command{
		Use:   "status",
		Short: "Shows the gates of a running Caddy, its storages and its keys",
		Long: "Asks a running Caddy which gates it has, where they keep their records, whether those storages answer,\n" +
			"and which keys sign. The exit code is 1 if a storage does not answer, or can be read but takes no writes:\n" +
			"then nobody can be sent a code or enter one.",
	}, func(c *remote, out io.Writer, _ []string) error {
		var status houseStatus
		if err := c.show(out, http.MethodGet, statusPath, order{}, &status); err != nil {
			return err
		}
		return status.fault()
	})
}

// fault is an error if a storage does not do what it is there for.
func (h *houseStatus) fault() error {
	var faults []error
	for _, s := range h.Storages {
		switch {
		case !s.Answers:
			faults = append(faults, fmt.Errorf("%s does not answer: %s", s.Storage, orElse(s.LastError, "it was never read")))
		case !s.Writes:
			faults = append(faults, fmt.Errorf("%s takes no writes: %s", s.Storage, orElse(s.LastError, "the last one failed")))
		}
	}
	return errors.Join(faults...)
}

func (h *houseStatus) print(s *sheet) {
	s.line("doorcode " + h.Version)
	s.line()
	s.line("SITE", "GATE", "STORAGE", "MAIL")
	for _, site := range h.Sites {
		s.line(strings.Join(site.Origins, " "), site.Gate, site.Storage, strings.Join(site.ways(), ", "))
	}
	s.section("STORAGE", "ANSWERS", "LAST READ", "SESSIONS", "SHARED")
	for _, storage := range h.Storages {
		s.line(storage.Storage, storage.answers(), storage.lastRead(), strconv.Itoa(storage.Sessions), yesNo(storage.Shared))
	}
	s.section()
	printKeys(s, h.Keys)
}

// ways are how mails go, with what is wrong with each.
func (t siteStatus) ways() []string {
	ways := slices.Clone(t.Mail)
	for i, way := range ways {
		if reason := t.Failing[way]; reason != "" {
			ways[i] = way + " (fails: " + reason + ")"
		}
	}
	return ways
}

func (t storageStatus) answers() string {
	if t.Answers && !t.Writes {
		return "reads only"
	}
	return yesNo(t.Answers)
}

func (t storageStatus) lastRead() string {
	if t.LastRead == nil {
		return "never"
	}
	age := time.Duration(t.ReadAge * float64(time.Second)).Round(100 * time.Millisecond)
	return age.String() + " ago"
}

// section begins a table with columns of its own.
func (s *sheet) section(columns ...string) {
	s.err = errors.Join(s.err, s.Flush()) // so that the columns above do not widen these
	s.line()
	if len(columns) > 0 {
		s.line(columns...)
	}
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// moment is a time for people, by the clock of where the command runs.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -0700") }
