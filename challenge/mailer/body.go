// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"regexp"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

//go:embed templates/mail.txt templates/mail.html
var templates embed.FS

var (
	textTemplate = texttemplate.Must(texttemplate.ParseFS(templates, "templates/mail.txt"))
	htmlTemplate = template.Must(template.ParseFS(templates, "templates/mail.html"))
)

// maxName bounds names in a mail, in characters: an app's, a browser's, a host.
const maxName = 80

// codeLike is what phones take for a code when they look for one in a mail.
var codeLike = regexp.MustCompile(`\d{4,8}`)

// A body is what both templates show.
type body struct {
	*words.Lexicon
	Args    words.Args // plain values
	Marked  words.Args // the same, isolated from the direction of the text around them
	Subject string
	Sender  string // display name
	Accent  template.CSS
	Host    string // without port, for the line that binds the code to it
	Code    string
	Facts   []fact
	Support string
}

// A fact is one line on who asked.
type fact struct {
	Label string
	Value string
	Pad   string // aligns values in the text part
}

// compose gathers everything that a mail says. All of it comes from the
// configuration, the catalogue and a fixed vocabulary.
func (l Letter) compose() body {
	n := l.Notice
	lexicon := words.For(n.Language)
	app := plain(n.App, maxName)
	if app == "" {
		app = plain(l.Style.App, maxName)
	}
	host := plain(n.Host, maxName)
	if app == "" {
		app = host
	}
	code := plain(n.Code.Reveal(), maxName)
	css, _ := colour(l.Style.Accent)
	b := body{
		Lexicon: lexicon, Accent: template.CSS(css), Host: withoutPort(host), Code: code,
		Support: l.Style.support(),
		Args: words.Args{
			"app": app, "host": host, "code": code, "ref": plain(n.Ref, maxName),
			"address": n.Mailbox, "support": l.Style.support(),
			"spelled": strings.Join(strings.Split(code, ""), " "),
			"count":   minutes(n.Expires.Sub(l.Date)),
		},
	}
	b.Marked = isolate(b.Args)
	b.Facts = l.facts(lexicon)
	b.Subject = b.subject(l.Style.HideCode)
	b.Sender = b.sender(l.Style.From.Name)
	return b
}

// subject puts the code first. A subject without it must not have another run
// of digits that a phone would offer in its place.
func (b body) subject(hideCode bool) string {
	if !hideCode {
		return b.Text("mail.subject", b.Args)
	}
	subject := b.Text("mail.subject_without_code", b.Args)
	if codeLike.MatchString(subject) {
		return b.Text("mail.subject_without_app", b.Args)
	}
	return subject
}

// sender is the display name. It has no backslash: net/mail leaves those as they
// are inside an encoded word, where RFC 2047 section 5 forbids them, and readers
// then find no address.
func (b body) sender(name string) string {
	name = plain(name, maxName)
	if name == "" {
		name = b.Text("mail.sender", b.Args)
	}
	return strings.ReplaceAll(name, `\`, "")
}

// minutes is what a mail promises: whole minutes, at least one. The few seconds
// between making a code and queueing its mail do not cost a minute.
func minutes(left time.Duration) int {
	const grace = 5 * time.Second
	return max(1, int((left+grace)/time.Minute))
}

// facts tell who asked. The User-Agent itself is never printed: it is text that
// a stranger sends to other people in our name.
func (l Letter) facts(lexicon *words.Lexicon) []fact {
	facts := []fact{{Label: lexicon.Text("mail.browser", nil), Value: plain(l.Browser, maxName)}}
	if l.Notice.IP.IsValid() {
		facts = append(facts, fact{Label: lexicon.Text("mail.network", nil), Value: l.Notice.IP.WithZone("").Unmap().String()})
	}
	facts = append(facts, fact{Label: lexicon.Text("mail.time", nil), Value: moment(lexicon, l.Notice.Asked.UTC())})
	widest := 0
	for _, f := range facts {
		widest = max(widest, utf8.RuneCountInString(f.Label))
	}
	for i, f := range facts {
		facts[i].Pad = strings.Repeat(" ", widest-utf8.RuneCountInString(f.Label))
	}
	return facts
}

// moment is a time without a year: four digits would look like a code.
func moment(lexicon *words.Lexicon, at time.Time) string {
	return lexicon.Text("mail.moment", words.Args{
		"day":   at.Day(),
		"month": lexicon.Text("mail.month_"+strconv.Itoa(int(at.Month())), nil),
		"clock": at.Format("15:04"),
	})
}

// isolate marks values up so that a right-to-left sentence keeps them in order.
func isolate(args words.Args) words.Args {
	marked := words.Args{}
	for name, value := range args {
		s, isText := value.(string)
		if !isText {
			marked[name] = value
			continue
		}
		open := template.HTML(`<bdi dir="ltr">`)
		if name == "app" {
			open = "<bdi>"
		}
		marked[name] = open + template.HTML(template.HTMLEscapeString(s)) + "</bdi>"
	}
	return marked
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// parts renders both forms.
func (b body) parts() (text, html string, err error) {
	var t, h bytes.Buffer
	if err := textTemplate.Execute(&t, b); err != nil {
		return "", "", err
	}
	if err := htmlTemplate.Execute(&h, b); err != nil {
		return "", "", err
	}
	return strings.TrimSpace(t.String()) + "\n", h.String(), nil
}
