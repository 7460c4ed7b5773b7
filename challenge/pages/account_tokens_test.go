// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func TestAPageOfATokenPrintsWithoutIt(t *testing.T) {
	if said := fmt.Sprintf("%v %+v %#v %s", pages.SampleMadeToken(), pages.SampleMadeToken(), pages.SampleMadeToken(), pages.SampleMadeToken()); strings.Contains(said, pages.SampleToken) {
		t.Errorf("the page prints its token: %s", said)
	}
}

// A token for a repository names it, and one for more leaves the name to be put in.
func TestTheLinesForGitNameTheRepository(t *testing.T) {
	for path, want := range map[string]string{
		"/": "git clone https://app.example.com/NAME.git", "/ana/": "git clone https://app.example.com/ana/NAME.git",
		"/ana/notes.git": "git clone https://app.example.com/ana/notes.git", "/ana/notes.git/": "git clone https://app.example.com/ana/notes.git",
	} {
		page := pages.SampleMadeToken()
		page.Path = path
		text := render(t, renderer(t, nil), page)
		if !strings.Contains(text, want+"</code>") {
			t.Errorf("%s: the page lacks %s:\n%s", path, want, text)
		}
		if said := strings.Contains(text, "Put the repository&#39;s name for NAME."); said != strings.Contains(want, "NAME") {
			t.Errorf("%s: the page speaks of NAME: %v", path, said)
		}
	}
}

// What people paste into a shell must be one word there, whatever their address or
// path is.
func TestWhatIsShownForAShellIsQuoted(t *testing.T) {
	page := pages.SampleMadeToken()
	page.Frame.Address, page.Path = "o'brien$(id)@example.com", "/it's; rm -rf ~"
	text := html.UnescapeString(render(t, renderer(t, nil), page))
	for _, want := range []string{`'o'\''brien$(id)@example.com'`, `'https://app.example.com/it%27s;%20rm%20-rf%20~/NAME.git'`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %s:\n%s", want, text)
		}
	}
	plain := html.UnescapeString(render(t, renderer(t, nil), pages.SampleMadeToken()))
	for _, want := range []string{"curl --user ana@example.com https://app.example.com/ana@example.com\n", "Doorcode-Token: " + pages.SampleToken} {
		if !strings.Contains(strings.ReplaceAll(plain, "</code>", "\n"), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}
