// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A report is one table of results.
type report struct {
	Title   string   `json:"title"`
	About   string   `json:"about"`
	Columns []string `json:"columns"`
	Pairs   []pair   `json:"pairs,omitempty"`
	Rows    []row    `json:"rows"`
}

// A pair is two columns of which one is compared with the other.
type pair struct {
	Of int `json:"of"`
	To int `json:"to"`
}

// A row is one quantity: medians by column, and the ratio of each pair of the report,
// nil where it would be one to zero.
type row struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
	Ratios []*spread `json:"ratios,omitempty"`
}

// A spread is the median of ratios of the same round, and between what the middle half
// of them lies.
type spread struct {
	Median float64 `json:"median"`
	Lower  float64 `json:"lower"`
	Upper  float64 `json:"upper"`
}

// compare adds a row of series.
func (r *report) compare(name string, all ...[]float64) {
	o := row{Name: name}
	for _, one := range all {
		o.Values = append(o.Values, median(one))
	}
	for _, p := range r.Pairs {
		var ratio *spread
		if !slices.Contains(all[p.To], 0) {
			ratio = spreadOf(all[p.Of], all[p.To])
		}
		o.Ratios = append(o.Ratios, ratio)
	}
	r.Rows = append(r.Rows, o)
}

// spreadOf compares two series round by round.
func spreadOf(of, to []float64) *spread {
	ratios := make([]float64, min(len(of), len(to)))
	for i := range ratios {
		ratios[i] = of[i] / to[i]
	}
	return &spread{median(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75)}
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile lies between the two values that are nearest, where none is just there.
func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := share * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (sorted[above]-sorted[below])*(at-float64(below))
}

// print writes the table in Markdown.
func (r report) print(out io.Writer) {
	head := append([]string{""}, r.Columns...)
	for _, p := range r.Pairs {
		head = append(head, r.Columns[p.Of]+" : "+r.Columns[p.To]+" (middle half)")
	}
	fmt.Fprintf(out, "\n%s\n\n%s\n\n| %s |\n|%s\n", r.Title, r.About, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, o := range r.Rows {
		cells := []string{o.Name}
		for _, v := range o.Values {
			cells = append(cells, number(v))
		}
		for i := range r.Pairs {
			cell := ""
			if i < len(o.Ratios) && o.Ratios[i] != nil {
				ratio := o.Ratios[i]
				cell = fmt.Sprintf("%.3f (%.3f to %.3f)", ratio.Median, ratio.Lower, ratio.Upper)
			}
			cells = append(cells, cell)
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
}

// number has about three digits that count.
func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 2:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

// describe says when, where and with what it was measured.
func (s *stage) describe(ctx context.Context) string {
	model := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := bytes.Cut(raw, []byte("model name")); ok {
			line, _, _ := bytes.Cut(after, []byte("\n"))
			model = strings.Trim(string(line), "\t :")
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	caddy, _ := exec.CommandContext(ctx, s.caddy, "version").Output()
	version, _, _ := strings.Cut(strings.TrimSpace(string(caddy)), " ")
	return fmt.Sprintf("Measured on %s with Caddy %s built by %s, Linux %s, %s of %s, %s of %s, %s.",
		time.Now().Format(time.DateOnly), version, runtime.Version(), strings.TrimSpace(string(kernel)), many(runtime.NumCPU(), "core"), model, many(s.rounds, "round"), s.span, many(s.connections, "connection"))
}

func many(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
