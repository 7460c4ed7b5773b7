// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// How many files a process should be able to open: each visitor takes two, one to
// Caddy and one to the app.
const (
	fewDescriptors     = 4096
	tooFewDescriptors  = 1024
	mostDescriptorsPer = 90 // percent that may be in use
)

// descriptors looks at how many connections there may be at once.
func descriptors(_ context.Context, f *Facts, n *notes) {
	subject, d := "running Caddy", Descriptors{}
	if f.Running != nil {
		d = f.Running.Descriptors
	}
	if d.Limit == 0 {
		subject, d = "this shell", f.Descriptors
	}
	const fix = "write LimitNOFILE=1048576 into the [Service] part of Caddy's systemd unit, or give the container --ulimit nofile=1048576"
	text := fmt.Sprintf("%d files may be open at once", d.Limit)
	if d.Open > 0 {
		text += fmt.Sprintf(", %d are", d.Open)
	}
	switch {
	case d.Limit == 0:
		n.skip("", "this system does not say how many files may be open", "look at 'ulimit -n' where Caddy is started")
	case d.Limit < tooFewDescriptors, d.Open*100 > d.Limit*mostDescriptorsPer:
		n.fail(subject, text+": each visitor takes two, and nobody gets in when they are used up", fix)
	case d.Limit < fewDescriptors:
		n.warn(subject, text+": each visitor takes two", fix)
	default:
		n.ok(subject, text)
	}
}

// leastCaddy is the oldest Caddy that Doorcode is made for.
const leastCaddy = "v2.11.9"

// advised is when the table of advisories was written.
const advised = "November 2026"

// An advisory is a fault that somebody else has made known, in what Doorcode stands
// on.
type advisory struct {
	module string // "go" is the standard library
	from   string // first version that has it; empty: all
	fixed  string
	name   string
}

// advisories are few and dated: what came after them is known to 'govulncheck' alone.
var advisories = []advisory{
	{"github.com/caddyserver/caddy/v2", "", "v2.11.1", "CVE-2026-27587 and CVE-2026-27588, paths and hosts that a matcher misses"},
	{"go", "", "v1.25.6", "CVE-2025-61726, memory that the query of a URL takes"},
	{"github.com/wneessen/go-mail", "", "v0.7.1", "CVE-2025-59937, addresses that change the envelope of a mail"},
	{"github.com/go-jose/go-jose/v4", "", "v4.0.5", "CVE-2025-27144, memory that a token takes"},
	{"github.com/golang-jwt/jwt/v5", "", "v5.2.2", "CVE-2025-30204, memory that a token takes"},
	{"github.com/redis/go-redis/v9", "v9.5.1", "v9.7.3", "CVE-2025-29923, answers that go to another question"},
}

// versions looks at what this program and the running Caddy were built from.
func versions(_ context.Context, f *Facts, n *notes) {
	f.Versions.judge("this program", n)
	if f.Running == nil {
		return
	}
	f.Running.Versions.judge("running Caddy", n)
	if theirs := f.Running.Versions.Doorcode; theirs != f.Versions.Doorcode && theirs != "" {
		n.warn("running Caddy", fmt.Sprintf("it has Doorcode %s, and this program has %s", theirs, f.Versions.Doorcode), "restart Caddy with this program, so that it does what the doctor has looked at")
	}
}

func (v Versions) judge(subject string, n *notes) {
	const rebuild = "build Caddy anew: 'xcaddy build --with github.com/doorcode/caddy-doorcode', with the newest Go"
	text := fmt.Sprintf("Doorcode %s, Caddy %s, %s", orUnsaid(v.Doorcode), orUnsaid(v.Caddy), orUnsaid(v.Go))
	known := v.known()
	switch {
	case isBefore(v.Caddy, leastCaddy):
		n.fail(subject, text+": this Caddy is too old for Doorcode, which needs "+leastCaddy, rebuild)
	case len(known) > 0:
		n.fail(subject, text+", with "+strings.Join(known, "; "), rebuild)
	default:
		n.ok(subject, text+fmt.Sprintf("; none of the %d advisories that this program knew in %s; 'govulncheck' knows what came since", len(advisories), advised))
	}
}

func orUnsaid(version string) string {
	if version == "" {
		return "of an unknown version"
	}
	return version
}

// known are the advisories that concern these versions.
func (v Versions) known() (names []string) {
	for _, a := range advisories {
		version := v.Modules[a.module]
		switch a.module {
		case "go":
			version = "v" + strings.TrimPrefix(v.Go, "go")
		case "github.com/caddyserver/caddy/v2":
			version = v.Caddy
		}
		if isBefore(version, a.fixed) && !isBefore(version, a.from) {
			names = append(names, a.name+" (mended in "+a.fixed+")")
		}
	}
	return names
}

// isBefore compares versions such as v2.11.9. What is no version, as that of a
// program that was built from a folder, is before none.
func isBefore(version, other string) bool {
	a, known := parseVersion(version)
	b, asked := parseVersion(other)
	return known && asked && slices.Compare(a, b) < 0
}

func parseVersion(text string) ([]int, bool) {
	text, ok := strings.CutPrefix(text, "v")
	if !ok {
		return nil, false
	}
	text, _, _ = strings.Cut(text, " ")
	text, _, _ = strings.Cut(text, "-") // what comes before a version is taken for it
	text, _, _ = strings.Cut(text, "+")
	var numbers []int
	for part := range strings.SplitSeq(text, ".") {
		number, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, number)
	}
	if len(numbers) == 2 { // as Go calls the first of a series
		numbers = append(numbers, 0)
	}
	return numbers, len(numbers) == 3
}
