// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule/replay"
)

// A rerun is what replay is asked.
type rerun struct {
	config, adapter string
	logs            []string
	since, until    string
	site            string
	each, asJSON    bool
}

func replayCommand() *cobra.Command {
	var q rerun
	cmd := &cobra.Command{
		Use:   "replay --log <file> [--since <date>] [--config <file>]",
		Short: "Tells who would have been asked, had another configuration been in force",
		Long: "Reads decisions that the audit log has recorded, judges each again under the policy of a configuration, and tells\n" +
			"how many would have been asked for a code, refused, or let in, and for whom that is a change. Nothing is opened,\n" +
			"sent or kept.\n\n" +
			"What the log does not tell nobody can judge, and such decisions are counted apart, with the reason. Requests that\n" +
			"left no line are not in it: those of a session to which no reason spoke that the gate looks at. Which page was\n" +
			"asked for is not in the log either: pages are taken to be guarded, public and sensitive as they were. Nor is it\n" +
			"judged how long sessions and browsers are remembered, and places count as near or far as they did.\n" +
			"'observe' has a gate look at a reason before it asks anybody. See docs/rehearsal.md.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("'%s' takes its logs by --log, such as --log %s", cmd.CommandPath(), args[0])
			}
			return nil
		},
		SilenceUsage: true,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return q.run(cmd.InOrStdin(), cmd.OutOrStdout()) }
	flags := cmd.Flags()
	flags.StringArrayVar(&q.logs, "log", nil, "log with the lines of doorcode.audit as JSON, also compressed by gzip; may be repeated, oldest first; - is the standard input (required)")
	flags.StringVar(&q.since, "since", "", "only decisions since then: a date such as 2026-11-01, a time such as 2026-11-01T08:00:00Z, or how long ago, such as 30d")
	flags.StringVar(&q.until, "until", "", "only decisions before then; of a date, that whole day is meant")
	flags.StringVarP(&q.config, "config", "c", "", "configuration to judge by (default: the Caddyfile in this folder)")
	flags.StringVarP(&q.adapter, "adapter", "a", "", "name of the config adapter")
	flags.StringVar(&q.site, "site", "", "only decisions at this host")
	flags.BoolVar(&q.each, "each", false, "print each decision instead of a summary, with * where it would be another one")
	flags.BoolVar(&q.asJSON, "json", false, "print JSON; with --each, a line for each decision")
	return cmd
}

// run replays the logs.
func (q *rerun) run(in io.Reader, out io.Writer) error {
	if len(q.logs) == 0 {
		return errors.New("--log says which log is to be read, such as /var/log/caddy/doorcode-audit.log")
	}
	now := time.Now()
	since, err := readMoment("--since", q.since, now, false)
	if err != nil {
		return err
	}
	until, err := readMoment("--until", q.until, now, true)
	if err != nil {
		return err
	}
	if !until.IsZero() && !since.Before(until) {
		return errors.New("--until is not after --since")
	}
	st, err := openStage(q.config, q.adapter)
	if err != nil {
		return err
	}
	defer st.close()
	m, err := openMemory()
	if err != nil {
		return err
	}
	defer m.house.Close()
	gates, notes, err := st.replayed(m, q.site)
	if err != nil {
		return err
	}
	var printed error
	o := replay.Options{Gates: gates, Site: q.site, Since: since, Until: until}
	if q.each {
		o.Each = func(d replay.Decision) { printed = errors.Join(printed, q.print(&d, out)) }
	}
	x := replay.New(o)
	for _, name := range q.logs {
		if err := readLog(x, name, in); err != nil {
			return err
		}
	}
	report := x.Report()
	report.Notes = append(report.Notes, notes...)
	return errors.Join(printed, q.conclude(report, out))
}

func (q *rerun) print(d *replay.Decision, out io.Writer) error {
	if q.asJSON {
		return d.JSON(out)
	}
	return d.Text(out)
}

// conclude prints what came of it.
func (q *rerun) conclude(report *replay.Report, out io.Writer) error {
	if report.Decisions == 0 {
		text := "there is no decision about anybody in it"
		if q.since != "" || q.until != "" || q.site != "" {
			text += ", of that time and site"
		}
		if report.Broken > 0 {
			return fmt.Errorf("%s; %d of %d lines could not be read, the first is %s", text, report.Broken, report.Lines, report.Faults[0])
		}
		return fmt.Errorf("%s: of %d lines, none is a 'decided' of doorcode.audit with an account", text, report.Lines)
	}
	switch {
	case q.each:
		return nil
	case q.asJSON:
		return report.JSON(out)
	default:
		return report.Text(out)
	}
}

func readLog(x *replay.Replay, name string, in io.Reader) error {
	if name == "-" {
		return x.Read("the standard input", in)
	}
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read from
	return x.Read(name, file)
}

// readMoment reads a date, a time, or how long ago it was. A date as an end is that of
// the whole day.
func readMoment(flag, text string, now time.Time, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if date, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		if end {
			date = date.AddDate(0, 0, 1)
		}
		return date, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if age, err := caddy.ParseDuration(text); err == nil && age > 0 {
		return now.Add(-age), nil
	}
	return time.Time{}, fmt.Errorf("%s takes a date such as 2026-11-01, a time such as 2026-11-01T08:00:00Z, or how long ago, such as 30d, got '%s'", flag, text)
}
