// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// scribe finds the words of one page: in one language, for one gate.
type scribe struct{ *edition }

// An edition is what all pages of one gate have in common in one language. A page that
// strangers see says little else, so it is put together once and not for each of them.
type edition struct {
	lex     *words.Lexicon
	look    *look
	nobody  string             // stands for whom to ask, where the operator names nobody
	failed  string             // the title where something goes wrong, with {title} in place of the usual one
	settled map[string]message // those with no placeholders but the app's name and whom to ask
}

// ofMails begins the keys of messages that are in mails alone.
const ofMails = "mail."

func newEdition(lex *words.Lexicon, l *look) *edition {
	e := &edition{lex: lex, look: l, settled: map[string]message{}}
	s := scribe{e}
	e.nobody = lex.Text("frame.nobody", words.Args{"app": l.Name})
	e.failed = s.filled("frame.error_title", words.Args{"title": "{title}"})
	for _, key := range lex.Keys() {
		names := lex.Placeholders(key)
		varies := slices.ContainsFunc(names, func(name string) bool { return name != "app" && name != "support" })
		if len(names) > 0 && !varies && !strings.HasPrefix(key, ofMails) {
			e.settled[key] = s.filledBoth(key, nil)
		}
	}
	return e
}

// scribe is the one who writes the pages of the gate in a language.
func (r *Renderer) scribe(lex *words.Lexicon) scribe {
	e, ok := r.editions.Load(lex)
	if !ok {
		e, _ = r.editions.LoadOrStore(lex, newEdition(lex, r.look))
	}
	return scribe{e.(*edition)} //nolint:errcheck // nothing else is put there
}

// text is a message as plain text. The app's name and whom to ask are known to
// every message.
func (s scribe) text(key string, args words.Args) string {
	if args == nil {
		return s.whole(key).text
	}
	return s.filled(key, args)
}

// html is a message as HTML.
func (s scribe) html(key string, args words.Args) template.HTML {
	if args == nil {
		return s.whole(key).html
	}
	return s.filledHTML(key, args)
}

func (s scribe) filled(key string, args words.Args) string {
	args["app"], args["support"] = s.look.Name, s.look.SupportText
	if s.look.Support == "" {
		args["support"] = s.nobody
	}
	return s.lex.Text(key, args)
}

func (s scribe) filledHTML(key string, args words.Args) template.HTML {
	args["app"], args["support"] = s.look.Name, s.look.supportLink
	if s.look.Support == "" {
		args["support"] = s.nobody
	}
	return s.lex.HTML(key, args)
}

// both renders a message in both forms; marked values are pairs.
func (s scribe) both(key string, args words.Args) message {
	if args == nil {
		return s.whole(key)
	}
	return s.filledBoth(key, args)
}

// whole is a message that needs nothing of the page.
func (s scribe) whole(key string) message {
	if m, ok := s.settled[key]; ok {
		return m
	}
	if text, html, ok := s.lex.Constant(key); ok {
		return message{text, html}
	}
	return s.filledBoth(key, nil)
}

func (s scribe) filledBoth(key string, args words.Args) message {
	plain, marked := make(words.Args, len(args)+2), make(words.Args, len(args)+2)
	for name, value := range args {
		plain[name], marked[name] = value, value
		if pair, ok := value.(message); ok {
			plain[name], marked[name] = pair.text, pair.html
		}
	}
	return message{text: s.filled(key, plain), html: s.filledHTML(key, marked)}
}

func (s scribe) title(c content) string {
	title := s.text("frame.title", words.Args{"heading": c.heading.text, "name": s.look.Name})
	if c.failed {
		return s.text("frame.error_title", words.Args{"title": title})
	}
	return title
}

// errorTitle is what the script makes of the title where something goes wrong: it
// puts the title as it is in place of {title}.
func (s scribe) errorTitle(failed bool) string {
	if failed {
		return "{title}"
	}
	return s.failed
}

// fate says what became of a form that the app never got: it can still be sent,
// or it is lost.
func (s scribe) fate(held, lost bool) template.HTML {
	switch {
	case held:
		return s.html("frame.form_held", nil)
	case lost:
		return s.html("frame.form_not_sent", nil)
	default:
		return ""
	}
}

// near is a place in words; both forms are empty where it is unknown.
func (s scribe) near(spot words.Spot) message {
	return message{text: s.lex.Near(spot), html: s.lex.NearHTML(spot)}
}

// isolated keeps addresses, codes and labels in their own direction, so that a
// right-to-left sentence does not reorder them.
func isolated(value string) message {
	return message{
		text: value,
		html: template.HTML(`<bdi>` + template.HTMLEscapeString(value) + `</bdi>`),
	}
}

// masked shows the first letter and the domain of an address: enough to know
// which mailbox to open, too little to learn it with a stolen first factor.
func (s scribe) masked(address string) message {
	local, domain, _ := strings.Cut(address, "@")
	first, size := utf8.DecodeRuneInString(local)
	if size == 0 || first == utf8.RuneError {
		first = '•'
	}
	short := isolated(string(first) + "••@" + domain)
	aloud := s.text("code.masked", words.Args{"letter": string(first), "domain": domain})
	return message{
		text: short.text,
		html: `<span aria-hidden="true">` + short.html + `</span><span class="aloud">` +
			template.HTML(template.HTMLEscapeString(aloud)) + `</span>`,
	}
}

// phrase is a point in time in words: its catalogue keys.
type phrase struct{ clock, minutes, hours, days string }

var (
	at    = phrase{"time.at", "time.in", "time.in_hours", "time.in_days"}
	until = phrase{"time.until", "time.for", "time.for_hours", "time.for_days"}
)

// moment tells a point in time. The server does not know the person's time
// zone: it writes how long it is until then, and the script puts the time of
// day in its place, unless that could mean another day.
func (s scribe) moment(p phrase, now, then time.Time) message {
	if p == at { // clocks show minutes: whoever comes at that time must not be early
		then = then.Add(time.Minute - 1).Truncate(time.Minute)
	}
	left := max(then.Sub(now), 0)
	minutes := int((left + time.Minute - 1) / time.Minute)
	key, count := p.minutes, max(minutes, 1)
	switch {
	case minutes > 48*60:
		key, count = p.days, (minutes+24*60-1)/(24*60)
	case minutes > 119:
		key, count = p.hours, (minutes+59)/60
	}
	return s.clock(p, then, left, s.text(key, words.Args{"count": count}))
}

// clock makes a time of which the script knows when it is.
func (s scribe) clock(p phrase, then time.Time, left time.Duration, text string) message {
	m := message{text: text, html: template.HTML(template.HTMLEscapeString(text))}
	if left.Abs() >= 12*time.Hour {
		return m
	}
	seconds := int(math.Ceil(left.Seconds())) // cut off, a full minute would be told as the one before
	m.html = template.HTML(`<time datetime="` + then.UTC().Format(time.RFC3339) + `" data-in="` + strconv.Itoa(seconds) +
		`" data-text="` + template.HTMLEscapeString(s.text(p.clock, words.Args{"time": "{time}"})) + `">` + string(m.html) + `</time>`)
	return m
}

// browser is what the vocabulary calls a browser, in the words of the page. What a person
// calls one stays as it is.
func (s scribe) browser(described string) string {
	name, system := devices.Parts(described)
	if system == "" {
		return described
	}
	if system == devices.IOS {
		system = s.text("frame.ios", nil)
	}
	return s.text("frame.browser_on", words.Args{"browser": name, "system": system})
}
