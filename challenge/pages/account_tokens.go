// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// An AccountToken is an access token of a person.
type AccountToken struct {
	ID         string // names it in forms
	Name       string
	Host, Path string
	ReadOnly   bool
	Made, Ends time.Time
	Used       time.Time // zero: never
	Network    string    // from where; empty when unknown
	Suspended  bool      // it is newer than a sign-in that was reported
}

// A TokenTrouble is what is wrong with what was typed for a new token.
type TokenTrouble uint8

// The troubles. The zero value is none.
const (
	TokenNameMissing TokenTrouble = iota + 1
	TokenPathBad
)

// TokenForm is what was typed for a new token.
type TokenForm struct {
	Name, Path string
	ReadOnly   bool
	Days       int
	Trouble    TokenTrouble
}

// AccountTokens lists a person's access tokens. Its buttons ask before one ends: they
// post action=ask, do=revoke and id. Its form posts action=start, name, path, reads (1
// or nothing) and days.
type AccountTokens struct {
	Frame  AccountFrame
	Tokens []AccountToken
	// Host is the one that new tokens open.
	Host string
	// Days are for how long tokens can be made.
	Days []int
	New  TokenForm
	// Waiting are tokens that begin to work later.
	Waiting []TokenWaiting
}

// A TokenWaiting is a token that begins to work later.
type TokenWaiting struct {
	ID  string // of the change
	Due time.Time
}

type tokensView struct {
	About   template.HTML
	None    string
	Waiting []waitingView
	Caption string
	Columns tokenColumns
	Rows    []tokenRow
	New     tokenForm
}

type tokenColumns struct{ Name, Opens, Used, Ends, Made, Actions string }

type tokenRow struct {
	Name, State, Opens, May string
	Used, From, Ends, Made  template.HTML
	Revoke                  actView
}

type tokenForm struct {
	Heading, URL string
	Form         []Field
	Fields       []textField
	ErrorID      string
	Choices      []choice
	Hint         template.HTML
	Button       string
}

// A textField is a field of one line.
type textField struct {
	Name, Label, Value string
	Hint, Error        template.HTML
	Most               int
}

// A choice is one of a few.
type choice struct {
	Name, Legend string
	Options      []choiceOption
}

type choiceOption struct {
	Value, Label string
	Chosen       bool
}

func (AccountTokens) kind() kind { return account }

func (p AccountTokens) content(s scribe) content {
	v := tokensView{
		About: s.html("account_tokens.about", nil), None: s.text("account_tokens.none", nil), Caption: s.text("account_tokens.caption", nil),
		Columns: tokenColumns{
			Name: s.text("account_tokens.column_name", nil), Opens: s.text("account_tokens.column_opens", nil), Used: s.text("account_tokens.column_used", nil),
			Ends: s.text("account_tokens.column_ends", nil), Made: s.text("account_tokens.column_made", nil), Actions: s.text("account_tokens.column_actions", nil),
		},
		New: p.form(s),
	}
	for _, w := range p.Waiting {
		v.Waiting = append(v.Waiting, waitingView{
			Text:   s.both("account_tokens.waiting", words.Args{"date": p.Frame.exact(s, w.Due)}).html,
			Cancel: p.Frame.cancels(w.ID, s.text("account.cancel_change", nil)).plain(),
		})
	}
	for _, t := range p.Tokens {
		v.Rows = append(v.Rows, p.row(s, t))
	}
	c := p.Frame.page(s, "account_tokens.html", s.both("account_tokens.heading", nil), v)
	c.failed = p.New.Trouble != 0
	return c
}

func (p AccountTokens) row(s scribe, t AccountToken) tokenRow {
	row := tokenRow{
		Name: t.Name, Opens: t.Host + t.Path, May: s.text("account_tokens.all", nil),
		Used: p.Frame.exact(s, t.Used).html, Ends: p.Frame.exact(s, t.Ends).html, Made: p.Frame.exact(s, t.Made).html,
		Revoke: p.Frame.asks("revoke", t.ID, s.text("account_tokens.revoke", nil)).plain(),
	}
	row.Revoke.Aloud = " " + isolated(t.Name).html
	if t.ReadOnly {
		row.May = s.text("account_tokens.reads", nil)
	}
	if t.Suspended {
		row.State = s.text("account_tokens.suspended", nil)
	}
	switch {
	case t.Used.IsZero():
		row.Used = s.html("account_tokens.never", nil)
	case t.Network != "":
		row.From = s.both("account_tokens.from", words.Args{"network": isolated(t.Network)}).html
	}
	return row
}

const (
	maxTokenName = 40
	maxTokenPath = 200
)

func (p AccountTokens) form(s scribe) tokenForm {
	f := tokenForm{
		Heading: s.text("account_tokens.new", nil), URL: p.Frame.own(), Form: p.Frame.form("start"), ErrorID: "wrong",
		Hint: s.html("account_tokens.start_hint", nil), Button: s.text("account_tokens.start", nil),
		Fields: []textField{
			{Name: "name", Label: s.text("account_tokens.name", nil), Value: p.New.Name, Hint: s.html("account_tokens.name_hint", nil), Most: maxTokenName},
			{
				Name: "path", Label: s.text("account_tokens.path", nil), Value: p.New.Path, Most: maxTokenPath,
				Hint: s.both("account_tokens.path_hint", words.Args{"host": isolated(p.Host)}).html,
			},
		},
	}
	switch p.New.Trouble {
	case TokenNameMissing:
		f.Fields[0].Error = s.html("account_tokens.name_missing", nil)
	case TokenPathBad:
		f.Fields[1].Error = s.html("account_tokens.path_bad", nil)
	}
	may := choice{Name: "reads", Legend: s.text("account_tokens.may", nil), Options: []choiceOption{
		{"1", s.text("account_tokens.reads", nil), p.New.ReadOnly},
		{"", s.text("account_tokens.all", nil), !p.New.ReadOnly},
	}}
	days := choice{Name: "days", Legend: s.text("account_tokens.days", nil)}
	for _, n := range p.Days {
		days.Options = append(days.Options, choiceOption{strconv.Itoa(n), s.text("account_tokens.days_count", words.Args{"count": n}), n == p.New.Days})
	}
	f.Choices = []choice{may, days}
	return f
}

// AccountTokenConfirm asks before an access token is made. It posts action=confirm and
// change=add_token.
type AccountTokenConfirm struct {
	Frame      AccountFrame
	Name       string
	Host, Path string
	ReadOnly   bool
	Days       int
}

func (AccountTokenConfirm) kind() kind { return account }

func (p AccountTokenConfirm) content(s scribe) content {
	text := s.both("account_tokens.make_text", words.Args{"url": isolated(p.Host + p.Path), "count": p.Days}).html
	if p.ReadOnly {
		text += " " + s.html("account_tokens.make_reads", nil)
	}
	return p.Frame.page(s, "account_confirm.html", s.both("account_tokens.make_heading", words.Args{"name": isolated(p.Name)}), confirmView{
		Text: text, Action: p.Frame.own(), Hidden: p.Frame.form("confirm", Field{"change", "add_token"}), Button: s.text("account_tokens.make_button", nil),
		Cancel: link{URL: p.Frame.stays(), Label: s.text("account.cancel", nil)},
	})
}

// AccountTokenMade shows an access token, the only time that it can be seen, and how
// to use it.
type AccountTokenMade struct {
	Frame AccountFrame
	Token string
	Name  string
	// Origin is the site's, such as https://app.example.com, and Path what is opened.
	Origin, Path string
	Ends         time.Time
	// Due is from when on it works; zero: it does.
	Due time.Time
}

type tokenMadeView struct {
	Text                               []template.HTML
	Label                              template.HTML
	Token, Copy, Copied, Use, UseAbout string
	Uses                               []tokenUse
	Saved                              link
}

type tokenUse struct {
	Label, Text string
	Hint        string // may be empty
}

func (AccountTokenMade) kind() kind { return account }

// Format hides the token from every verb.
func (AccountTokenMade) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[access token]") }

func (p AccountTokenMade) content(s scribe) content {
	at := p.Origin + (&url.URL{Path: p.Path}).EscapedPath()
	v := tokenMadeView{
		Text:  []template.HTML{s.html("account_tokens.made_once", nil), s.both("account_tokens.made_ends", words.Args{"date": p.Frame.exact(s, p.Ends)}).html},
		Label: s.both("account_tokens.made_label", words.Args{"name": isolated(p.Name)}).html,
		Token: p.Token, Copy: s.text("account_tokens.copy", nil), Copied: s.text("account_tokens.copied", nil),
		Use: s.text("account_tokens.use", nil), UseAbout: s.text("account_tokens.use_about", nil),
		Uses: []tokenUse{
			p.git(s, strings.TrimSuffix(at, "/")),
			{Label: s.text("account_tokens.use_curl", nil), Text: fmt.Sprintf("curl --user %s %s", quoted(p.Frame.Address), quoted(at))},
			{Label: s.text("account_tokens.use_dav", nil), Text: at},
			{Label: s.text("account_tokens.use_header", nil), Text: "Doorcode-Token: " + p.Token},
		},
		Saved: link{URL: p.Frame.own(), Label: s.text("account_tokens.saved", nil)},
	}
	c := p.Frame.page(s, "account_token.html", s.both("account_tokens.made_heading", nil), v)
	if !p.Due.IsZero() {
		return c.notes(s.both("account_tokens.made_due", words.Args{"date": p.Frame.exact(s, p.Due)}).html)
	}
	return c
}

// git is how to use the token with git: with the repository that it opens, or one that
// is below.
func (p AccountTokenMade) git(s scribe, repository string) tokenUse {
	use := tokenUse{Label: s.text("account_tokens.use_git", nil)}
	if !strings.HasSuffix(repository, ".git") {
		repository += "/NAME.git"
		use.Hint = s.text("account_tokens.use_git_name", nil)
	}
	use.Text = fmt.Sprintf("git config --global credential.%s.username %s\ngit clone %s", quoted(p.Origin), quoted(p.Frame.Address), quoted(repository))
	return use
}

// quoted is a word of a shell's command, in quotes where it needs some.
func quoted(word string) string {
	plain := strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == ""
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
