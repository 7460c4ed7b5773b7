// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/binary"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

// maxFields is how many fields a form can have that is held.
const maxFields = 1000

const mediaMultipart = "multipart/form-data"

// readFields reads the fields of a form in their order. It reports false for
// whatever the page that sends the form later could not send just the same:
// files, odd encodings, and what is no form.
func readFields(media string, body []byte) (fields []pages.Field, inParts, ok bool) {
	kind, params, err := mime.ParseMediaType(media)
	switch {
	case err != nil:
		return nil, false, false
	case kind == mediaForm:
		fields, ok = readPairs(string(body))
	case kind == mediaMultipart && params["boundary"] != "":
		inParts = true
		fields, ok = readParts(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	}
	if !ok || len(fields) > maxFields || slices.ContainsFunc(fields, func(f pages.Field) bool { return !f.Exact() }) {
		return nil, false, false
	}
	return fields, inParts, true
}

// readPairs reads application/x-www-form-urlencoded (WHATWG URL, section 5.1).
func readPairs(body string) (fields []pages.Field, ok bool) {
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil || len(fields) > maxFields {
			return nil, false
		}
		fields = append(fields, pages.Field{Name: name, Value: value})
	}
	return fields, true
}

// readParts reads multipart/form-data (RFC 7578).
func readParts(r *multipart.Reader) (fields []pages.Field, ok bool) {
	for len(fields) <= maxFields {
		part, err := r.NextRawPart()
		if err == io.EOF { // bare only behind the last boundary
			return fields, true
		}
		if err != nil {
			return nil, false
		}
		name, ok := plainName(part)
		if !ok {
			return nil, false
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, false
		}
		fields = append(fields, pages.Field{Name: name, Value: string(value)})
	}
	return nil, false
}

// plainName is the name of a part that is an ordinary field: no file, not even
// the empty one that stands for none, and with no header but its name. Browsers
// escape nothing by a backslash, and those who read them differ about it.
func plainName(part *multipart.Part) (name string, ok bool) {
	lines := part.Header["Content-Disposition"]
	if len(part.Header) != 1 || len(lines) != 1 || strings.Contains(lines[0], `\`) {
		return "", false
	}
	kind, params, err := mime.ParseMediaType(lines[0])
	if err != nil || kind != "form-data" || len(params) != 1 {
		return "", false
	}
	name, ok = params["name"]
	return name, ok
}

// packFields writes fields so that they take hardly more room than in the form
// that brought them.
func packFields(to []byte, fields []pages.Field) []byte {
	for _, f := range fields {
		for _, text := range []string{f.Name, f.Value} {
			to = append(binary.AppendUvarint(to, uint64(len(text))), text...)
		}
	}
	return to
}

// unpackFields reads what packFields wrote.
func unpackFields(packed []byte) (fields []pages.Field, ok bool) {
	var texts []string
	for len(packed) > 0 {
		size, n := binary.Uvarint(packed)
		if n <= 0 || size > uint64(len(packed)-n) {
			return nil, false
		}
		packed = packed[n:]
		texts, packed = append(texts, string(packed[:size])), packed[size:]
	}
	for pair := range slices.Chunk(texts, 2) {
		if len(pair) != 2 {
			return nil, false
		}
		fields = append(fields, pages.Field{Name: pair[0], Value: pair[1]})
	}
	return fields, true
}
