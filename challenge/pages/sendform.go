// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"html/template"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// A Field is one field of a form.
type Field struct{ Name, Value string }

// Exact reports whether a browser can send a field just as it came in. A page
// cannot write NUL, nor anything but UTF-8, and a field without a name is never
// sent. Line breaks of any kind are sent as CRLF, as by every form (HTML, section
// 4.10.22.4, "constructing the entry list").
func (f Field) Exact() bool {
	both := f.Name + f.Value
	return f.Name != "" && utf8.ValidString(f.Name) && utf8.ValidString(f.Value) && !strings.Contains(both, "\x00")
}

// Charset reports the one name for which browsers fill in a hidden field
// themselves. Such a field is sent by an element that is left alone.
func (f Field) Charset() bool { return strings.EqualFold(f.Name, "_charset_") }

// SendForm is screen [8]: the form that was held during a check, for the person
// to send or to throw away. No script runs in it.
type SendForm struct {
	// Action is where the form was going: a URL that is sent as it stands.
	Action string
	// Path is what to call that place: the path without its query.
	Path string
	// Multipart: the form is to be sent as multipart/form-data.
	Multipart bool
	// Fields are sent in this order; each has to be Exact.
	Fields []Field
	// Discard is the URL of the link that sends nothing.
	Discard string
}

// sendFormView is what sendform.html sees.
type sendFormView struct {
	Text            template.HTML
	Action          template.HTMLAttr
	Multipart       bool
	Fields          []Field
	Button, Discard string
	URL             string
}

func (SendForm) kind() kind { return sending }

func (p SendForm) content(s scribe) content {
	return content{
		template: "sendform.html",
		heading:  s.both("send_form.heading", nil),
		data: sendFormView{
			Text:   s.both("send_form.text", words.Args{"path": isolated(p.Path)}).html,
			Action: actionAttr(p.Action), Multipart: p.Multipart, Fields: p.Fields,
			Button: s.text("send_form.button", nil), Discard: s.text("send_form.discard", nil), URL: p.Discard,
		},
	}
}

// actionAttr keeps a URL as it is, where the template would write parentheses
// and others in percents. What is no http URL is none of ours.
func actionAttr(action string) template.HTMLAttr {
	u, err := url.Parse(action)
	if err != nil || u.Opaque != "" || u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" {
		action = "#"
	}
	return template.HTMLAttr(`action="` + template.HTMLEscapeString(action) + `"`)
}
