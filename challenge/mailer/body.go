// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"html/template"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/stencil"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

//go:embed templates/mail.txt templates/mail.html
var templates embed.FS

// The built-in forms of mails.
var (
	textForm = func() builtIn {
		t := texttemplate.Must(texttemplate.ParseFS(templates, "templates/"+textName))
		return builtIn{t, textName, sync.OnceValues(func() (*stencil.Stencil, error) { return stencil.CutText(t, textName) })}
	}()
	htmlForm = func() builtIn {
		t := template.Must(template.ParseFS(templates, "templates/"+htmlName))
		return builtIn{t, htmlName, sync.OnceValues(func() (*stencil.Stencil, error) { return stencil.CutHTML(t, htmlName) })}
	}()
)

// A builtIn is a template of ours.
type builtIn struct {
	executor
	name string
	cut  func() (*stencil.Stencil, error)
}

// print appends a mail, by the template itself where its stencil cannot.
func (t builtIn) print(dst *bytes.Buffer, b *body) error {
	if s, _ := t.cut(); s.Print(dst, t.name, b) {
		return nil
	}
	return t.Execute(dst, b)
}

// maxName bounds names in a mail, in characters: an app's, a browser's, a host.
const maxName = 80

// codeLike is what phones take for a code when they look for one in a mail.
var codeLike = regexp.MustCompile(`\d{4,8}`)

// A body is what both templates show. Sentences are keys of the catalogue.
type body struct {
	*words.Lexicon
	Args    words.Args // plain values
	Marked  words.Args // the same, isolated from the direction of the text around them
	Subject string
	Sender  string // display name
	Accent  template.CSS
	Host    string // without port, for the line that binds the code to it
	Code    string // empty where the mail carries none
	Lead    string
	Before  []string // sentences before the facts
	Reason  string   // sentence on why a code is needed; empty: none
	Heading string   // of the facts
	Facts   []fact
	After   []string // sentences after the facts
	Label   string   // of the link
	Link    string   // the only one; empty: none
	SentTo  string
	Urge    string // sentence on what to have for the day that no mail comes; empty: none
	Support string
	Credit  string // text
}

// lexicon is that of the notice's language, else the fallback of the style's words.
func (l Letter) lexicon() *words.Lexicon {
	return cmp.Or(l.Style.Words, words.Standard()).For(l.Notice.Language)
}

// compose gathers everything that a mail says. All of it comes from the
// configuration, the catalogue, a fixed vocabulary and the databases of places.
func (l Letter) compose() body {
	n, lexicon := l.Notice, l.lexicon()
	f := formOf(&n, lexicon)
	host := plain(n.Host, maxName)
	css, _ := colour(l.Style.Accent)
	b := body{
		Lexicon: lexicon, Accent: template.CSS(css), Host: withoutPort(host), Support: l.Style.support(),
		Lead: f.lead, Before: slices.Clone(f.before), Heading: f.heading, After: slices.Clone(f.after),
		Label: f.link, SentTo: f.sentTo,
		Args: words.Args{
			"app": cmp.Or(plain(n.App, maxName), plain(l.Style.App, maxName), host), "host": host,
			"ref": plain(n.Ref, maxName), "address": n.Mailbox, "support": l.Style.support(),
		},
	}
	b.tellWhose(&n)
	where := l.whereabouts(lexicon)
	b.tellWho(l, where)
	if n.Subject.HasCode() {
		b.carry(f, &n, l.Date)
	} else {
		b.tellEnds(f, &n, where)
	}
	b.offer(f, n.Stop)
	b.point(&n)
	b.Marked = isolate(b.Args)
	b.Subject = b.subject(f, l.Style.SubjectLine, l.Style.HideCode || n.Quietly)
	b.Sender = b.sender(l.Style.From.Name)
	return b
}

// browser is what the vocabulary calls a browser, in the words of the mail.
func (b *body) browser(described string) string {
	name, system := devices.Parts(described)
	if system == "" {
		return described
	}
	if system == devices.IOS {
		system = b.Text("frame.ios", nil)
	}
	return b.Text("frame.browser_on", words.Args{"browser": name, "system": system})
}

// tellWho describes whoever the mail is about. Where that is the people who run
// the site there is no browser to describe.
func (b *body) tellWho(l Letter, where whereabouts) {
	browser := b.browser(tame(l.Browser))
	if browser == "" || browser == devices.Unknown {
		browser = b.Text("mail.unknown_browser", nil)
	}
	b.Args["browser"] = browser
	if l.Notice.Agent == "" && !l.Notice.IP.IsValid() {
		browser, b.Heading = "", "mail.details"
	}
	b.Facts = l.facts(b.Lexicon, browser, where)
	b.Credit = l.credit(where)
}

// leftToRight is the mark that sets the direction of what follows (U+200E).
const leftToRight = "\u200e"

// tellEnds says until when something holds, and how many of something are left.
func (b *body) tellEnds(f form, n *challenge.Notice, where whereabouts) {
	b.Args["count"] = n.Count
	if !n.Due.IsZero() {
		b.Args["due"] = moment(b.Lexicon, n.Due, where)
	}
	if f.until == "" || n.Expires.IsZero() {
		return
	}
	until := n.Expires
	if n.Subject == challenge.WrongCodes {
		until = roundUp(until)
	}
	b.Args["until"] = moment(b.Lexicon, until, where)
	b.Before = slices.Insert(b.Before, 1, f.until)
}

// carry puts the code in, and why it is needed where that is out of the
// ordinary.
func (b *body) carry(f form, n *challenge.Notice, now time.Time) {
	b.Code = plain(n.Code.Reveal(), maxName)
	b.Args["code"] = b.Code
	b.Args["spelled"] = strings.Join(strings.Split(b.Code, ""), " ")
	if b.Dir() == "rtl" {
		// After Arabic letters, digits with spaces between them stand the other way
		// round (Unicode Standard Annex 9, W2), and text has no markup to say otherwise.
		b.Args["spelled"] = leftToRight + b.Args["spelled"].(string)
	}
	b.Args["count"] = minutes(n.Expires.Sub(now))
	if key := f.reasons + string(n.Reason); b.Has(key) {
		b.Reason = key
	}
}

// offer puts the link in, if the subject has one and stop is fit for it.
func (b *body) offer(f form, stop string) {
	if f.link == "" {
		return
	}
	b.Link = link(stop, b.Host)
	b.Args["label"], b.Args["link"] = b.Text(f.link, b.Args), b.Link
	sentence := f.linked
	if b.Link == "" {
		sentence = f.unlinked
	}
	if sentence != "" {
		b.After = append(b.After, sentence)
	}
}

// subject puts the code where phones find it. A subject without it must not have
// another run of digits that a phone would offer in its place.
func (b *body) subject(f form, own string, hideCode bool) string {
	if f.inLine != "" {
		if s := b.ownSubject(own, hideCode); s != "" {
			return s
		}
		if s := b.Text(f.inLine, b.Args); !hideCode && leads(s, b.Code) {
			return s
		}
	}
	for _, key := range f.subjects {
		if subject := b.Text(key, b.Args); !codeLike.MatchString(subject) {
			return subject
		}
	}
	return b.Text(f.subjects[len(f.subjects)-1], b.Args)
}

// ownSubject is the operator's, where there is one that may be used.
func (b *body) ownSubject(own string, hideCode bool) string {
	if own == "" || hideCode && strings.Contains(own, "{code}") {
		return ""
	}
	return fillSubject(own, b.Code, b.Args["app"].(string), b.Args["ref"].(string))
}

// sender is the display name. It has no backslash: net/mail leaves those as they
// are inside an encoded word, where RFC 2047 section 5 forbids them, and readers
// then find no address.
func (b *body) sender(name string) string {
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

// roundUp makes sure that what is told to be over is over: a mail tells no
// seconds.
func roundUp(at time.Time) time.Time { return at.Add(time.Minute - 1).Truncate(time.Minute) }

// own are values in the direction of their language; all others read from left
// to right in every language.
var own = []string{"app", "browser", "due", "until"}

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
		if slices.Contains(own, name) {
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

// parts renders both forms, by the operator's templates where there are any. What they
// do not render is rendered by ours, and flaw says why: people wait for the mail. Where
// only text is mailed, html is empty.
func (b *body) parts(style *Style) (text, html string, flaw, err error) {
	own := style.Templates
	text, flaw, err = b.render(own.executor(textName), textForm)
	text = strings.TrimSpace(text) + "\n"
	if style.TextOnly {
		return text, "", flaw, err
	}
	html, htmlFlaw, htmlErr := b.render(own.executor(htmlName), htmlForm)
	return text, html, both(flaw, htmlFlaw), errors.Join(err, htmlErr)
}

// drafts are what mails are rendered into, reused since they are larger than all else
// that it takes.
var drafts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (b *body) render(own executor, ours builtIn) (s string, flaw, err error) {
	if s, flaw = b.byOwn(own); own != nil && flaw == nil {
		return s, nil, nil
	}
	out, ok := drafts.Get().(*bytes.Buffer)
	if !ok {
		out = new(bytes.Buffer)
	}
	defer drafts.Put(out)
	out.Reset()
	err = ours.print(out, b)
	return out.String(), flaw, err
}
