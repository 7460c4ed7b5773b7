// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package spelling

import (
	"strings"
	"unicode/utf8"
)

// unescape decodes "%2f" once. What is no escape stays, so that "50%.pdf" is read
// as it is written.
func unescape(path string) string {
	return decode(path, escape)
}

// unescapeWide decodes "%u002f" as well, as IIS and JavaScript's unescape do.
func unescapeWide(path string) string {
	if !strings.Contains(path, "%u") && !strings.Contains(path, "%U") {
		return unescape(path)
	}
	return decode(path, func(s string) (rune, int) {
		if r, n := wideEscape(s); n > 0 {
			return r, n
		}
		return escape(s)
	})
}

// unescapeUnreserved decodes only the characters that RFC 3986 section 6.2.2.2
// lets a proxy decode: dots, but no slashes.
func unescapeUnreserved(path string) string {
	return decode(path, func(s string) (rune, int) {
		r, n := escape(s)
		if n > 0 && !unreserved(byte(r)) {
			return 0, 0
		}
		return r, n
	})
}

// unescapeNeeded decodes what had to be escaped. Letters, digits and the slash stay
// as they were sent: to an app that compares undecoded paths "/%70ublic" is not
// /public, and many frameworks take "%2f" for a part of a name.
func unescapeNeeded(path string) string {
	return decode(path, func(s string) (rune, int) {
		r, n := escape(s)
		if n > 0 && (r == '/' || r != '~' && unreserved(byte(r))) {
			return 0, 0
		}
		return r, n
	})
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("-._~", c) >= 0
}

// decode replaces every escape that next recognises. next gets the path from a
// "%" on and returns the character and the length of its escape, or zero; a
// three-byte escape stands for one byte.
func decode(path string, next func(string) (rune, int)) string {
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	decoded := make([]byte, 0, len(path))
	for i := 0; i < len(path); {
		r, n := rune(path[i]), 1
		if path[i] == '%' {
			if escaped, size := next(path[i:]); size > 0 {
				r, n = escaped, size
			}
		}
		if n <= len("%2f") {
			decoded = append(decoded, byte(r))
		} else {
			decoded = utf8.AppendRune(decoded, r)
		}
		i += n
	}
	return string(decoded)
}

func escape(s string) (rune, int) {
	r, ok := hex(s, 1, 3)
	if !ok {
		return 0, 0
	}
	return r, 3
}

func wideEscape(s string) (rune, int) {
	if len(s) < 2 || s[1] != 'u' && s[1] != 'U' {
		return 0, 0
	}
	r, ok := hex(s, 2, 6)
	if !ok {
		return 0, 0
	}
	return r, 6
}

// hex reads s[from:to] as a hexadecimal number.
func hex(s string, from, to int) (n rune, ok bool) {
	if len(s) < to {
		return 0, false
	}
	for _, c := range []byte(s[from:to]) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if c < '0' || digit < 0 {
			return 0, false
		}
		n = n<<4 | rune(digit)
	}
	return n, true
}

// overlong reads the forms of UTF-8 that are longer than needed, such as C0 AF
// for "/". After C0 and C1 it takes any byte, as the decoders did that were
// fooled by C1 1C.
func overlong(path string) string {
	if utf8.ValidString(path) {
		return path
	}
	decoded := make([]byte, 0, len(path))
	for i := 0; i < len(path); {
		r, n := overlongRune(path[i:])
		if n == 0 {
			decoded = append(decoded, path[i])
			i++
			continue
		}
		decoded = utf8.AppendRune(decoded, r)
		i += n
	}
	return string(decoded)
}

// overlongRune decodes the overlong sequence at the start of s. Its length is
// zero where there is none.
func overlongRune(s string) (rune, int) {
	size := 0
	switch s[0] {
	case 0xc0, 0xc1:
		size = 2
	case 0xe0:
		size = 3
	case 0xf0:
		size = 4
	case 0xf8:
		size = 5
	case 0xfc:
		size = 6
	}
	if size == 0 || len(s) < size {
		return 0, 0
	}
	r := rune(s[0] & 1) // of the longer forms the first byte carries nothing
	for _, c := range []byte(s[1:size]) {
		if size > 2 && c&0xc0 != 0x80 {
			return 0, 0
		}
		r = r<<6 | rune(c&0x3f)
	}
	if size > 2 && r >= shortest[size] {
		return 0, 0
	}
	return r, size
}

// shortest holds the first rune that needs as many bytes as the index says.
var shortest = [...]rune{3: 0x800, 4: 0x10000, 5: 0x200000, 6: 0x4000000}
