// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// A Report is what all checks say, in their order.
type Report struct {
	Version  string    `json:"doorcode"`
	Config   string    `json:"config"` // the file that was looked at
	Findings []Finding `json:"findings"`
}

// Count is how many findings have a level.
func (r Report) Count(level Level) (n int) {
	for _, f := range r.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// The exit codes.
const (
	ExitOK   = 0
	ExitWarn = 1 // there are warnings, and they were asked to count
	ExitFail = 2
)

// Exit is the exit code. Warnings count where strict is set.
func (r Report) Exit(strict bool) int {
	switch {
	case r.Count(Fail) > 0:
		return ExitFail
	case strict && r.Count(Warn) > 0:
		return ExitWarn
	}
	return ExitOK
}

// Text writes the report for people: a line for each finding, what to do below it,
// and at last how many there are of each level.
func (r Report) Text(w io.Writer) error {
	var b strings.Builder
	width := 0
	for _, c := range checks {
		width = max(width, len(c.ID))
	}
	told := map[Finding]bool{}
	for _, f := range r.Findings {
		about := f.Text
		if f.Subject != "" {
			about = strings.TrimSuffix(f.Subject, ":") + ": " + f.Text
		}
		if f.Level == Skip {
			same := r.alike(f)
			if told[same[0]] {
				continue
			}
			told[same[0]] = true
			about += also(same[1:])
		}
		fmt.Fprintf(&b, "%-4s  %-*s  %s\n", f.Level, width, f.Check, about)
		if f.Fix != "" {
			fmt.Fprintf(&b, "%*s-> %s\n", width+8, "", f.Fix)
		}
	}
	fmt.Fprintf(&b, "\n%d ok, %d warn, %d FAIL, %d skipped\n", r.Count(OK), r.Count(Warn), r.Count(Fail), r.Count(Skip))
	_, err := io.WriteString(w, b.String())
	return err
}

// alike are the checks that were skipped for the same reason. People read it once.
func (r Report) alike(f Finding) (same []Finding) {
	for _, other := range r.Findings {
		if other.Level == f.Level && other.Subject == f.Subject && other.Text == f.Text && other.Fix == f.Fix {
			same = append(same, other)
		}
	}
	return same
}

func also(others []Finding) string {
	var names []string
	for _, other := range others {
		names = append(names, other.Check)
	}
	if names = slices.Compact(names); len(names) == 0 {
		return ""
	}
	return " (so it is for " + strings.Join(names, ", ") + ")"
}

// JSON writes the report for machines: what Text says, with the counts by level.
func (r Report) JSON(w io.Writer) error {
	type counts struct {
		OK   int `json:"ok"`
		Warn int `json:"warn"`
		Fail int `json:"fail"`
		Skip int `json:"skip"`
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Report
		Counts counts `json:"counts"`
	}{r, counts{r.Count(OK), r.Count(Warn), r.Count(Fail), r.Count(Skip)}})
}

// maxText bounds a text, in characters.
const maxText = 600

// tidy makes one line of what others may have said, without anything that a
// terminal would act on.
func tidy(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText-1]) + "…"
	}
	return text
}
