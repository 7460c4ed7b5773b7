// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// NewAnswers returns the rules for the answers of one gate's app.
func NewAnswers(o AnswersOptions) *Answers {
	a := &Answers{dropped: o.Dropped}
	for _, name := range o.Cookies {
		a.cookies = append(a.cookies, strings.ToLower(name))
	}
	return a
}

// filter takes out of the header what the app may not say. It reports whether the
// header holds any Cache-Control and, for the status of a final answer, what age of
// a code the app demands, zero for none. It looks at every key, since a handler may
// have written one in its own case, or as a trailer.
func (g *Guard) filter(h http.Header, status int) (cached bool, maxAge time.Duration) {
	g.streams, g.announced = false, false
	heard := g.listening && status >= http.StatusOK
	for key, lines := range h {
		name := strings.TrimPrefix(key, http.TrailerPrefix)
		switch {
		case len(name) >= 32 || lengths>>len(name)&1 == 0: // most fields
		case equalFold(name, "set-cookie"):
			replace(h, key, lines, g.dropCookies(lines))
		case equalFold(name, "clear-site-data"):
			replace(h, key, lines, keepCookies(lines))
		case equalFold(name, requireField):
			if heard && key == name {
				maxAge = stricter(maxAge, requiredAge(lines))
			}
			delete(h, key)
		case equalFold(key, "www-authenticate"):
			if heard && status == http.StatusUnauthorized {
				maxAge = stricter(maxAge, challengedAge(lines))
			}
		case equalFold(key, "trailer"):
			g.announced = true
			replace(h, key, lines, announceable(lines))
		case equalFold(key, "content-type"):
			g.streams = isEventStream(lines)
		case equalFold(key, "cache-control"):
			cached = cached || slices.ContainsFunc(lines, func(line string) bool { return trimBlank(line) != "" })
		}
	}
	return cached, maxAge
}

// lengths has a bit for the length of each name that filter looks for.
const lengths = 1<<len("set-cookie") | 1<<len("clear-site-data") | 1<<len(requireField) | 1<<len("www-authenticate") | 1<<len("trailer") |
	1<<len("cache-control") | 1<<len("content-type")

func replace(h http.Header, key string, old, lines []string) {
	switch {
	case len(lines) == 0:
		delete(h, key)
	case len(lines) != len(old) || !slices.Equal(lines, old):
		h[key] = lines
	}
}

// dropCookies returns lines without those that set a cookie of the gate, and lines
// itself where there are none: a handler's slice may be shared.
func (g *Guard) dropCookies(lines []string) []string {
	if !slices.ContainsFunc(lines, g.setsOurs) {
		return lines
	}
	var kept []string
	for _, line := range lines {
		if !g.setsOurs(line) {
			kept = append(kept, line)
		} else if g.answers.dropped != nil {
			g.answers.dropped(g.r, setCookieName(line))
		}
	}
	return kept
}

func (g *Guard) setsOurs(line string) bool {
	name := setCookieName(line)
	for _, own := range g.answers.cookies {
		if equalFold(name, own) {
			return true
		}
	}
	return false
}

// setCookieName returns the name under which the cookie of a Set-Cookie line may
// come back. A browser sends a cookie without a name as its bare value, so that
// "=door=x" and "door=x" return alike; the server below turns line breaks into
// blanks, and browsers trim these.
func setCookieName(line string) string {
	for line != "" && (line[0] == '=' || blank(line[0])) {
		line = line[1:]
	}
	if i := strings.IndexAny(line, "=;"); i >= 0 {
		line = line[:i]
	}
	return trimBlank(line)
}

// announceable returns the names of Trailer lines less the one that is for the gate,
// and lines itself where it is not among them.
func announceable(lines []string) []string {
	var kept []string
	dirty := false
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if name = trimBlank(name); equalFold(name, requireField) {
				dirty = true
			} else if name != "" {
				kept = append(kept, name)
			}
		}
	}
	switch {
	case !dirty:
		return lines
	case len(kept) == 0:
		return nil
	}
	return []string{strings.Join(kept, ", ")}
}

// keepCookies returns the tokens of Clear-Site-Data lines less those that would end
// the session in this browser, and lines itself where there are none.
func keepCookies(lines []string) []string {
	var kept []string
	dirty := false
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			token = trimBlank(token)
			if what := strings.Trim(token, `"' `); equalFold(what, "cookies") || what == "*" {
				dirty = true
			} else if token != "" {
				kept = append(kept, token)
			}
		}
	}
	if !dirty {
		return lines
	}
	if len(kept) == 0 {
		return nil
	}
	return []string{strings.Join(kept, ", ")}
}
