// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"regexp"
	"slices"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*.css
var styleFiles embed.FS

//go:embed assets/page.js
var scriptSource string

var (
	script        = shorten(tighten(strings.Join(squeeze(scriptSource), "\n")))
	scriptElement = template.HTML("<script>" + script + "</script>")
)

// sheets are the styles that pages of a kind get, in this order, and no others:
// what a page does not use would only make it slower.
var sheets = [...][]string{
	still:   {"style", "form", "plain"},
	asking:  {"style", "form", "email", "check"},
	coding:  {"style", "form", "code", "check"},
	sending: {"style", "plain"},
	framed:  {"style", "plain"},
	account: {"style", "form", "email", "code", "check", "plain", "account"},

	askingKey:  {"style", "form", "email", "check"},
	codingKey:  {"style", "form", "code", "check"},
	keying:     {"style", "plain", "passkey"},
	accountKey: {"style", "form", "email", "code", "check", "plain", "account"},
}

// sheet joins the styles of a kind, as far as a look has what they are for.
func sheet(k kind, l *look) string {
	var b strings.Builder
	for _, name := range sheets[k] {
		source, err := styleFiles.ReadFile("assets/" + name + ".css")
		if err != nil {
			panic("pages: " + err.Error())
		}
		for _, line := range squeeze(string(source)) {
			if l.draws(line) {
				b.WriteString(line)
			}
		}
	}
	return shortProperties.Replace(b.String())
}

// draws reports whether a line of a style is about something that is there: a gate
// has a logo, or a sign made of its first letter.
func (l *look) draws(rule string) bool {
	switch {
	case strings.HasPrefix(rule, ".sign{"):
		return l.Logo == ""
	case strings.HasPrefix(rule, ".brand img{"):
		return l.Logo != ""
	default:
		return true
	}
}

// squeeze drops indentation and lines that are empty or comments, so that the
// sources can be read and the pages stay small.
func squeeze(source string) []string {
	var lines []string
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "/*") {
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

// tighten drops the spaces of a script that stand beside a sign, and the ends of
// lines that do not end a statement, both outside of strings, which are in
// single quotes.
func tighten(script string) string {
	const signs = "=>{}(),;:?|&<!*+-/"
	var b strings.Builder
	quoted := false
	for i := range len(script) {
		c := script[i]
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '\n' && strings.IndexByte(";{,", script[i-1]) >= 0:
			continue
		case c == ' ' && !quoted && i > 0 && i+1 < len(script) &&
			(strings.IndexByte(signs, script[i-1]) >= 0 || strings.IndexByte(signs, script[i+1]) >= 0):
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// longNames are the variables of the script that are worth a shorter name. None
// of them may be the key of an object in it.
var longNames = []string{
	"sendable", "button", "answer", "field", "again", "channel", "waiting", "native", "start", "seconds", "asked", "other",
	"data", "form", "clean", "get", "now", "left", "goOn", "mine", "size", "busy", "last", "held", "code", "doc",
	"words", "clear", "back", "line", "post", "told", "tell", "call", "more", "clock", "moment", "sent", "label", "whole", "look",
	"mail", "tick", "wait", "had", "has", "url", "at", "wrote",
}

// shortNames are as many letters, without those that the script has for names itself.
const shortNames = "ABCDEFGHIJKLMNOPQRSTUVWXYZabdfghijklmopqrstuvwxyz"

// shorten gives those variables single letters for names, declares all of them by
// the shortest word, writes constants as briefly as they can be, and drops semicolons
// that end a block. It leaves strings alone, which are in single quotes.
func shorten(script string) string {
	parts := strings.Split(script, "'")
	for i := 0; i < len(parts); i += 2 {
		part := identifier.ReplaceAllStringFunc(parts[i], shortName)
		parts[i] = strings.ReplaceAll(part, ";}", "}")
	}
	return strings.Join(parts, "'")
}

// shortName leaves properties alone, which have a dot before them; a variable
// that is spread has three.
func shortName(name string) string {
	if brief, ok := briefly[name]; ok {
		return brief
	}
	variable := strings.TrimPrefix(name, "...")
	letter := slices.Index(longNames, variable)
	if letter < 0 {
		return name
	}
	return strings.TrimSuffix(name, variable) + shortNames[letter:letter+1]
}

var briefly = map[string]string{"const": "let", "true": "!0", "false": "!1", "1000": "1e3", "5000": "5e3"}

var identifier = regexp.MustCompile(`\.*\w+`)

// policy allows exactly what a page consists of (CSP Level 3).
func policy(l *look, k kind) string {
	directives := []string{"default-src 'none'", "style-src " + source(l.styles[k])}
	switch k {
	case asking, coding:
		directives = append(directives, "script-src "+source(script), "connect-src 'self'")
	case askingKey, codingKey:
		directives = append(directives, "script-src "+source(script)+" "+source(passkeyScript), "connect-src 'self'")
	case keying:
		directives = append(directives, "script-src "+source(passkeyScript), "connect-src 'self'")
	case account:
		directives = append(directives, "script-src "+source(accountScript))
	case accountKey:
		directives = append(directives, "script-src "+source(accountScript)+" "+source(passkeyScript))
	}
	ancestors := "frame-ancestors 'none'"
	if k == framed {
		ancestors = "frame-ancestors 'self'"
	}
	directives = append(directives, "img-src data:")
	if k != sending {
		// Browsers hold redirects to this too. Where an app leads on from its
		// form, say to a bank, is the app's to choose.
		directives = append(directives, "form-action 'self'")
	}
	directives = append(directives, "base-uri 'none'", ancestors)
	return strings.Join(directives, "; ")
}

func source(inline string) string {
	sum := sha256.Sum256([]byte(inline))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
