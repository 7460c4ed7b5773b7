// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// sharedTemplates are those that others include. They are to blame for what is
// missing on a page whose own template is ours.
var sharedTemplates = []string{"account.html", "account_way.html", "frame.html"}

// An inspection compares the screens of an operator's templates with ours.
type inspection struct {
	own    map[string]string // the sources of the operator's
	faults []string
}

// inspect renders every screen both ways. What is wrong is told once, however many
// screens it is on. Errors are those of templates that cannot be rendered.
func inspect(t *Templates, own map[string]string) ([]string, error) {
	l, err := newLook(LookOptions{
		Name: "Example", Support: "mailto:help@example.com", Privacy: "https://example.com/privacy",
		Imprint: "https://example.com/imprint", Announcement: "An announcement",
	})
	if err != nil {
		return nil, err
	}
	ours, theirs := &Renderer{look: l, templates: builtIn}, &Renderer{look: l, templates: t}
	in := inspection{own: own}
	for _, sample := range Samples() {
		want, err := ours.sketch(sample.Page)
		if err != nil {
			return nil, err
		}
		got, err := theirs.sketch(sample.Page)
		if err != nil {
			return nil, err
		}
		in.compare(sample.Page.content(ours.scribe(words.For("en"))).template, want, got)
	}
	return in.faults, nil
}

// sketch renders a page and takes it apart.
func (r *Renderer) sketch(p Page) (sketch, error) {
	var b bytes.Buffer
	if err := r.RenderIn(&b, words.For("en"), p, Surroundings{LanguageURL: sampleEndpoints + "language"}); err != nil {
		return sketch{}, err
	}
	return sketchOf(b.String()), nil
}

// compare notes what a screen lacks, and what it has that no page may have.
func (in *inspection) compare(template string, want, got sketch) {
	for _, p := range want.parts {
		if !slices.Contains(got.parts, p) {
			in.missing(template, p)
		}
	}
	for _, s := range got.scripts {
		if !slices.Contains(want.scripts, s) {
			in.brought("<script", "a script of its own, which the policy of the page stops")
		}
	}
	for _, s := range got.styles {
		if !slices.Contains(want.styles, s) {
			in.brought("<style", "a style of its own; write it into the file that css names")
		}
	}
	for _, u := range got.urls {
		if !slices.Contains(want.urls, u) && leadsAway(u) {
			in.brought(u, fmt.Sprintf("the address %.80s; pages load and name nothing from elsewhere", u))
		}
	}
	for _, b := range got.barred {
		in.brought(b.needle, b.what)
	}
}

// leadsAway reports whether an address is not below that of the page.
func leadsAway(u string) bool {
	u = strings.ToLower(strings.TrimSpace(u))
	if strings.HasPrefix(u, "//") || strings.HasPrefix(u, `/\`) || strings.HasPrefix(u, `\`) {
		return true
	}
	scheme, _, found := strings.Cut(u, ":")
	return found && !strings.ContainsAny(scheme, "/?#") && !strings.HasPrefix(u, "data:image/")
}

// missing blames the page's own template where it is the operator's, and else what
// that includes. Its line is about where the part belongs.
func (in *inspection) missing(template string, p part) {
	for _, name := range append([]string{template}, sharedTemplates...) {
		source, ok := in.own[name]
		if !ok {
			continue
		}
		in.add(fmt.Sprintf("%s:%d: %s is missing", name, lineOf(source, p.near()), p.what()))
		return
	}
}

// brought blames the template in which something stands.
func (in *inspection) brought(needle, what string) {
	for _, name := range TemplateNames() {
		source, ok := in.own[name]
		if i := strings.Index(strings.ToLower(source), strings.ToLower(needle)); ok && i >= 0 {
			in.add(fmt.Sprintf("%s:%d: it has %s", name, lineAt(source, i), what))
			return
		}
	}
	in.add("a template has " + what)
}

func (in *inspection) add(fault string) {
	if !slices.Contains(in.faults, fault) {
		in.faults = append(in.faults, fault)
	}
}

// lineOf is the number of the last line that has a text, or of the last one.
func lineOf(source, text string) int {
	if i := strings.LastIndex(source, text); i >= 0 {
		return lineAt(source, i)
	}
	return lineAt(strings.TrimRight(source, "\n"), len(strings.TrimRight(source, "\n")))
}
