// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxFieldValue is the longest field value that is sent to the app, in bytes, as
// encoded.
const MaxFieldValue = 4 << 10

var (
	// ErrFieldTooLong means that a value exceeds MaxFieldValue.
	ErrFieldTooLong = errors.New("field value too long")
	// ErrFieldText means that a value is no text on one line: it holds control
	// characters, line or paragraph separators, or broken UTF-8.
	ErrFieldText = errors.New("field value is not one line of text")
)

// A Field is one header field for the app. An empty Value means that there is
// nothing to say; the field is then absent.
type Field struct {
	Name, Value string
}

// Headers are fields ready to be set on any number of requests. The zero value has
// none. It is safe for concurrent use.
type Headers struct {
	fields []Field
}

// Format prints no value: an assertion among them would open the app.
func (h *Headers) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "[headers]")
}

// BuildHeaders encodes fields once, so that each request only copies pointers.
//
// A value of printable ASCII without blanks at its ends is sent as it is. Any other
// text is sent as RFC 8187 section 3.2 writes it, UTF-8”J%C3%BCrgen, for the whole
// value; so is one that looks like that already. Thus no two values look alike to
// the app, and none can end its line.
//
// A value that is no such text, or too long, is left out and not cut, since half an
// address or half a list of groups means somebody else. The error, ErrFieldText or
// ErrFieldTooLong or both, names these fields; the Headers hold the others and are
// good to use.
func BuildHeaders(fields []Field) (*Headers, error) {
	h := &Headers{fields: make([]Field, 0, len(fields))}
	var errs []error
	for _, f := range fields {
		if f.Value == "" {
			continue
		}
		value, err := encodeValue(f.Value)
		if err != nil {
			errs = append(errs, fmt.Errorf("encoding %s: %w", f.Name, err))
			continue
		}
		h.fields = append(h.fields, Field{http.CanonicalHeaderKey(f.Name), value})
	}
	return h, errors.Join(errs...)
}

// Set sets the fields on header, each replacing what was there. Call it after
// Clean, which removes the spellings that Set does not overwrite. With cells it
// allocates nothing but, once in a dozen requests or more, room for the next ones.
func (h *Headers) Set(header http.Header, cells *Cells) {
	if h == nil || len(h.fields) == 0 {
		return
	}
	room := cells.take(len(h.fields))
	for i := range h.fields {
		f := &h.fields[i]
		room[i] = f.Value
		header[f.Name] = room[i : i+1 : i+1]
	}
}

// Cells hand out room for slices of one value, to one request at a time. A cell belongs
// to the request that took it and is never used again: what is set on a request may be
// edited in place and read by a logger after it, so neither a shared slice nor a reused
// one would do. The zero value is ready; nil makes room for each request alone.
type Cells struct{ free []string }

const cellsAtOnce = 64

// Set sets a field on header, of which the name is canonical and the value can stand as
// it is, such as a token of ours.
func (c *Cells) Set(header http.Header, name, value string) {
	only := c.take(1)
	only[0] = value
	header[name] = only
}

// take takes n of them.
func (c *Cells) take(n int) []string {
	if c == nil {
		return make([]string, n)
	}
	if len(c.free) < n {
		c.free = make([]string, max(n, cellsAtOnce))
	}
	room := c.free[:n:n]
	c.free = c.free[n:]
	return room
}

const extended = "UTF-8''"

func encodeValue(value string) (string, error) {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, breaksLine) {
		return "", ErrFieldText
	}
	if !plainValue(value) {
		value = encodeExtended(value)
	}
	if len(value) > MaxFieldValue {
		return "", ErrFieldTooLong
	}
	return value, nil
}

func breaksLine(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// plainValue reports whether value can stand as it is. Blanks at the ends would be
// lost on the way, and with them the difference between two names.
func plainValue(value string) bool {
	for i := range len(value) {
		if value[i] < ' ' || value[i] >= 0x7f {
			return false
		}
	}
	looksEncoded := len(value) >= len(extended) && strings.EqualFold(value[:len(extended)], extended)
	return value[0] != ' ' && value[len(value)-1] != ' ' && !looksEncoded
}

// encodeExtended writes the ext-value of RFC 8187 section 3.2.1.
func encodeExtended(value string) string {
	const digits = "0123456789ABCDEF"
	encoded := append(make([]byte, 0, len(extended)+3*len(value)), extended...)
	for _, c := range []byte(value) {
		if attrChar(c) {
			encoded = append(encoded, c)
		} else {
			encoded = append(encoded, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(encoded)
}

func attrChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}
