// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// injections breaks out of every place that a page has: text, attributes of
// each quoting, links, scripts, styles, comments, templates.
func injections() (all []string) {
	const mark = "xss9" // in every one, so that it can be found again
	breaks := []string{"", `"`, `'`, "`", ">", `">`, `'>`, "</title>", "</textarea>", "</style>", "</script>", "-->", "]]>", `\`, "%22>", "&quot;>", "{{", "\x00", "\xff"}
	starts := []string{
		"<script>%s</script>", "<img src=x onerror=%s>", "<svg/onload=%s>", " onfocus=%s autofocus x=", "javascript:%s", "data:text/html,%s",
		"{{%s}}", "${%s}", "<!--%s", "<form action=//%s>", "<base href=//%s>",
	}
	for _, b := range breaks {
		for _, s := range starts {
			all = append(all, b+fmt.Sprintf(s, mark))
		}
	}
	return all
}

// wantsInert checks that what a visitor said stands in an answer only where it
// can do nothing.
func (a answer) wantsInert(t *testing.T, where, said string) {
	t.Helper()
	for field, values := range a.Header {
		for _, value := range values {
			if strings.ContainsAny(value, "\r\n\x00") {
				t.Errorf("%s %q: %s has several lines: %q", where, said, field, value)
			}
		}
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return
	}
	for _, tag := range elementTags(a.body) {
		name, _, _ := strings.Cut(strings.Trim(tag, "<>/ "), " ")
		if strings.Contains(unquoted(tag), "xss9") {
			t.Errorf("%s %q is in a tag: %s", where, said, tag)
		}
		if name == "script" || name == "base" || name == "svg" || name == "img" || name == "meta" {
			if strings.Contains(tag, "xss9") {
				t.Errorf("%s %q made an element: %s", where, said, tag)
			}
		}
		for _, link := range []string{`href="`, `action="`} {
			_, after, found := strings.Cut(tag, link)
			if found && !strings.HasPrefix(after, origin+"/") && !strings.HasPrefix(after, "./") && !strings.HasPrefix(after, "data:,\"") && !strings.HasPrefix(after, "#") {
				t.Errorf("%s %q made a link: %s", where, said, tag)
			}
		}
	}
}

// elementTags are the tags of a page, as a parser that knows quotes finds them.
func elementTags(page string) (tags []string) {
	for i := 0; i < len(page); i++ {
		if page[i] != '<' {
			continue
		}
		if rest, raw := skipRaw(page[i:]); raw {
			i = len(page) - len(rest) - 1
			continue
		}
		start, quoted := i, byte(0)
		for ; i < len(page) && (quoted != 0 || page[i] != '>'); i++ {
			switch c := page[i]; {
			case c == quoted:
				quoted = 0
			case quoted == 0 && (c == '"' || c == '\''):
				quoted = c
			}
		}
		tags = append(tags, page[start:min(i+1, len(page))])
	}
	return tags
}

// skipRaw skips our own style and script, whose text is no markup.
func skipRaw(page string) (rest string, raw bool) {
	for _, name := range []string{"style", "script"} {
		if strings.HasPrefix(page, "<"+name+">") {
			_, rest, _ = strings.Cut(page, "</"+name+">")
			return rest, true
		}
	}
	return page, false
}

// unquoted is a tag without its quoted values.
func unquoted(tag string) string {
	var b strings.Builder
	for i, part := range strings.Split(tag, `"`) {
		if i%2 == 0 {
			b.WriteString(part)
		}
	}
	return b.String()
}

func TestWEB04WhatVisitorsSayIsInertWhereverItIsShown(t *testing.T) {
	w := newWorld(t, roomy)
	list := injections()
	if len(list) < 200 {
		t.Fatalf("only %d injections", len(list))
	}
	base := w.browser()
	base.open("/x")
	asked := w.browser()
	asked.ask("/x", ana)
	known := w.browser().signIn("/x", "bob@example.org")
	for _, said := range list {
		for _, header := range []string{"Accept-Language", "User-Agent", "Referer", "Hx-Current-Url", "Origin", "Accept", "Sec-Fetch-Site", "X-Forwarded-Host"} {
			h := clicked.Clone()
			h[header] = []string{said}
			base.clone().do(http.MethodGet, "/x", nil, h).wantsInert(t, header, said)
			base.clone().do(http.MethodPost, "/x/.doorcode/begin", nil, h).wantsInert(t, header+" of begin", said)
		}
		for _, field := range []string{"email", "flow", "keep"} {
			b := base.clone()
			b.post(clicked, "/email", "email", "x", field, said).wantsInert(t, field, said)
			b.open("/x").wantsInert(t, field, said)
			base.clone().post(scripted, "/email", field, said).wantsInert(t, field+" by script", said)
		}
		for _, field := range []string{"code", "flow", "remember"} {
			b := asked.clone()
			b.post(clicked, "/verify", "code", "12", field, said).wantsInert(t, field, said)
			b.open("/x").wantsInert(t, field, said)
		}
		for _, cookie := range w.door.Names() {
			r := known.clone().request(http.MethodGet, "/x", nil, clicked)
			r.Header.Set("Cookie", cookie+"="+said)
			known.clone().send(r).wantsInert(t, cookie, said)
		}
		for _, target := range []string{"/" + url.PathEscape(said), "/x/" + url.PathEscape(said) + "/.doorcode/begin", "/x?q=" + url.QueryEscape(said), "/.doorcode/" + url.PathEscape(said), "/x/.doorcode/begin?probe=" + url.QueryEscape(said)} {
			for _, h := range []http.Header{clicked, with(clicked, "Sec-Fetch-Dest", "iframe"), with(scripted, "X-Inertia", "1"), scripted} {
				base.clone().do(http.MethodGet, target, nil, h).wantsInert(t, "address", said)
			}
			base.clone().do(http.MethodPost, target, nil, with(clicked, "Sec-Fetch-Site", "cross-site")).wantsInert(t, "address", said)
		}
	}
}

// Raw bytes that a client may put into a request line reach nothing either.
func TestWEB04RawBytesInAnAddressAreInert(t *testing.T) {
	w := newWorld(t)
	for _, said := range injections() {
		for _, u := range []*url.URL{{Path: "/" + said}, {Path: "/x", RawQuery: said}, {Path: "/" + said + "/.doorcode/begin"}, {Path: said}, {Path: "/x", RawPath: "/" + said}, {Opaque: said}} {
			for _, h := range []http.Header{clicked, scripted, with(clicked, "Sec-Fetch-Dest", "iframe")} {
				r := w.browser().request(http.MethodGet, "/", nil, h)
				rec := httptest.NewRecorder()
				in := w.arrival(r)
				in.Original = u
				if out := w.door.Serve(rec, r, in); out.Pass {
					t.Fatalf("%q passed", said)
				}
				answer{rec.Result(), rec.Body.String()}.wantsInert(t, "raw address", said)
			}
		}
	}
}

// PTH-08: nothing that a visitor says is a placeholder of the server in front.
func TestPTH08PlaceholdersStayAsTheyAre(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.open("/{env.SECRET}?q={file./etc/passwd}").wants(t, http.StatusUnauthorized)
	b.submit("/email", "email", "{env.SECRET}").wants(t, http.StatusUnauthorized)
	if !strings.Contains(b.page.body, `value="{env.SECRET}"`) {
		t.Errorf("not shown as typed:\n%s", b.page.body)
	}
	if b.at.Path != "/{env.SECRET}" {
		t.Errorf("led to %s", b.at)
	}
}
