// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A requestBody is the body of a request to a mail API, parsed: values of JSON, or those
// of a form.
type requestBody struct {
	json   any
	form   url.Values
	values map[string]Password
}

// blank finds a placeholder. What JSON itself puts into braces begins otherwise.
var blank = regexp.MustCompile(`\{([a-z][A-Za-z0-9_.]*)\}`)

// Whole placeholders stand for more than a text.
const (
	wholeHeaders    = "{headers}"
	wholeHeaderList = "{header_list}"
)

// parseBody reads a body. Its errors are ErrMailAPI.
func parseBody(body string, values map[string]Password) (requestBody, error) {
	t := requestBody{values: values}
	trimmed := strings.TrimSpace(body)
	if trimmed == "" {
		return t, fmt.Errorf("%w: there is no body; write one such as {\"to\": \"{to}\", \"subject\": \"{subject}\", \"text\": \"{text}\"}", ErrMailAPI)
	}
	known := []string{"headers", "header_list"}
	known = slices.AppendSeq(append(known, slices.Collect(maps.Keys(values))...), maps.Keys(facts(Message{})))
	for _, found := range blank.FindAllStringSubmatch(trimmed, -1) {
		if !slices.Contains(known, found[1]) {
			return t, fmt.Errorf("%w: the body has no placeholder {%s}; there are %s", ErrMailAPI, found[1], strings.Join(slices.Sorted(slices.Values(known)), ", "))
		}
	}
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		d := json.NewDecoder(strings.NewReader(trimmed))
		d.UseNumber()
		if err := d.Decode(&t.json); err != nil || d.More() {
			return t, fmt.Errorf("%w: the body looks like JSON and is none (%v)", ErrMailAPI, err)
		}
		return t, t.requireMail(trimmed)
	}
	var err error
	if t.form, err = url.ParseQuery(trimmed); err != nil {
		return t, fmt.Errorf("%w: the body is neither JSON nor a form such as to={to}&text={text}", ErrMailAPI)
	}
	return t, t.requireMail(trimmed)
}

// requireMail refuses a body that would send nothing to nobody.
func (t requestBody) requireMail(body string) error {
	for _, need := range [][]string{{"{to}", "{raw}"}, {"{text}", "{html}", "{raw}"}} {
		if !slices.ContainsFunc(need, func(name string) bool { return strings.Contains(body, name) }) {
			return fmt.Errorf("%w: the body has no %s", ErrMailAPI, strings.Join(need, " or "))
		}
	}
	return nil
}

// facts are the values of the placeholders.
func facts(m Message) map[string]string {
	return map[string]string{
		"from": mailboxOf(m), "from_mailbox": m.From, "from_name": m.FromName, "to": m.To, "reply_to": m.ReplyTo,
		"subject": m.Subject, "text": m.Text, "html": m.HTML, "id": m.ID, "raw": base64Text(m.Raw),
	}
}

// mailboxOf is the sender as its header field has it.
func mailboxOf(m Message) string {
	if m.FromName == "" {
		return m.From
	}
	return (&mail.Address{Name: m.FromName, Address: m.From}).String()
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// fill writes the body for one mail, and says what it is.
func (t requestBody) fill(m Message) (body []byte, kind string) {
	f := filling{facts: facts(m), values: t.values, headers: m.Headers}
	if t.form != nil {
		return []byte(f.form(t.form).Encode()), "application/x-www-form-urlencoded"
	}
	filled, _ := f.value(t.json)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(filled) // it consists of what was decoded, and of texts
	return bytes.TrimSpace(out.Bytes()), "application/json"
}

// A filling is what goes into a template.
type filling struct {
	facts   map[string]string
	values  map[string]Password
	headers map[string]string
}

// form fills in the texts of a form.
func (f filling) form(blank url.Values) url.Values {
	filled := url.Values{}
	for name, texts := range blank {
		for _, text := range texts {
			if value, keep := f.text(text); keep {
				filled.Add(name, value)
			}
		}
	}
	return filled
}

// value fills in what is below a JSON value. It reports false for one that is empty.
func (f filling) value(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		switch v {
		case wholeHeaders:
			return f.headers, true
		case wholeHeaderList:
			return f.headerList(), true
		}
		return f.text(v)
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			filled, keep := f.value(item)
			if keep && members(filled) == members(item) { // what lacks a part of itself says nothing in a list
				list = append(list, filled)
			}
		}
		return list, len(list) > 0 || len(v) == 0
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, item := range v {
			if filled, keep := f.value(item); keep {
				object[name] = filled
			}
		}
		return object, len(object) > 0 || len(v) == 0
	default:
		return v, true
	}
}

// members is how many members an object has; 0 for what is none.
func members(v any) int {
	object, _ := v.(map[string]any)
	return len(object)
}

// text fills in one text. One that is an empty placeholder and nothing else is left
// out: an API may take an empty address for a wrong one.
func (f filling) text(s string) (string, bool) {
	filled := blank.ReplaceAllStringFunc(s, func(found string) string {
		name := found[1 : len(found)-1]
		if secret, is := f.values[name]; is {
			return string(secret)
		}
		return f.facts[name]
	})
	return filled, filled != "" || s == ""
}

func (f filling) headerList() []map[string]string {
	list := make([]map[string]string, 0, len(f.headers))
	for _, name := range slices.Sorted(maps.Keys(f.headers)) {
		list = append(list, map[string]string{"Name": name, "Value": f.headers[name]})
	}
	return list
}
