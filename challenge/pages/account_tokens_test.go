// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

const someToken = "dct_aebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4qcc44itmfbqmo2wmctx4np"

func tokensPage() pages.AccountTokens {
	return pages.AccountTokens{
		Frame: accountFrame("tokens"), Host: "app.example.com", Days: []int{30, 90, 365}, New: pages.TokenForm{Path: "/", ReadOnly: true, Days: 90},
		Tokens: []pages.AccountToken{
			{
				ID: "1", Name: "Phone calendar", Host: "app.example.com", Path: "/ana@example.com", Made: may, Ends: may.AddDate(0, 0, 365),
				Used: noon.Add(-time.Hour), Network: "203.0.113.0/24",
			},
			{ID: "2", Name: "Backup", Host: "git.example.com:8443", Path: "/", ReadOnly: true, Made: may, Ends: tomorrow},
			{ID: "3", Name: "Thief", Host: "app.example.com", Path: "/", Made: noon, Ends: tomorrow, Suspended: true},
		},
	}
}

func madeToken() pages.AccountTokenMade {
	return pages.AccountTokenMade{
		Frame: accountFrame("tokens"), Token: someToken, Name: "Phone calendar", Origin: "https://app.example.com", Path: "/ana@example.com", Ends: tomorrow,
	}
}

// tokensScreens are the account pages of access tokens.
func tokensScreens() []screen {
	with := func(change func(*pages.AccountTokens)) pages.Page { p := tokensPage(); change(&p); return p }
	later := madeToken()
	later.Due = tomorrow
	repository := madeToken()
	repository.Path = "/ana/notes.git"
	return []screen{
		{"account-tokens", tokensPage()},
		{"account-tokens-none", with(func(p *pages.AccountTokens) { p.Tokens = nil })},
		{"account-tokens-waiting", with(func(p *pages.AccountTokens) { p.Waiting = []pages.TokenWaiting{{ID: "9", Due: tomorrow}} })},
		{"account-tokens-name", with(func(p *pages.AccountTokens) { p.New.Trouble = pages.TokenNameMissing })},
		{"account-tokens-path", with(func(p *pages.AccountTokens) {
			p.New = pages.TokenForm{Name: "Backup", Path: "/a/../b", Days: 30, Trouble: pages.TokenPathBad}
		})},
		{"account-token-confirm", pages.AccountTokenConfirm{Frame: accountFrame("tokens"), Name: "Backup", Host: "app.example.com", Path: "/notes", ReadOnly: true, Days: 90}},
		{"account-token-made", madeToken()},
		{"account-token-made-later", later},
		{"account-token-made-repository", repository},
		{"account-token-revoke", pages.AccountConfirm{
			Frame: accountFrame("tokens"), Question: "account_tokens.revoke", Name: "Backup", Action: "revoke", Hidden: []pages.Field{{Name: "id", Value: "2"}}, Grave: true,
		}},
	}
}

func TestAPageOfATokenPrintsWithoutIt(t *testing.T) {
	if said := fmt.Sprintf("%v %+v %#v %s", madeToken(), madeToken(), madeToken(), madeToken()); strings.Contains(said, someToken) {
		t.Errorf("the page prints its token: %s", said)
	}
}

// A token for a repository names it, and one for more leaves the name to be put in.
func TestTheLinesForGitNameTheRepository(t *testing.T) {
	for path, want := range map[string]string{
		"/": "git clone https://app.example.com/NAME.git", "/ana/": "git clone https://app.example.com/ana/NAME.git",
		"/ana/notes.git": "git clone https://app.example.com/ana/notes.git", "/ana/notes.git/": "git clone https://app.example.com/ana/notes.git",
	} {
		page := madeToken()
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
	page := madeToken()
	page.Frame.Address, page.Path = "o'brien$(id)@example.com", "/it's; rm -rf ~"
	text := html.UnescapeString(render(t, renderer(t, nil), page))
	for _, want := range []string{`'o'\''brien$(id)@example.com'`, `'https://app.example.com/it%27s;%20rm%20-rf%20~/NAME.git'`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %s:\n%s", want, text)
		}
	}
	plain := html.UnescapeString(render(t, renderer(t, nil), madeToken()))
	for _, want := range []string{"curl --user ana@example.com https://app.example.com/ana@example.com\n", "Doorcode-Token: " + someToken} {
		if !strings.Contains(strings.ReplaceAll(plain, "</code>", "\n"), want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}
