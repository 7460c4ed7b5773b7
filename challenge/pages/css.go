// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxCSS bounds an operator's style, in bytes. It comes with every page.
const MaxCSS = 16 << 10

// ErrCSS means a style that a page cannot hold, or that would load something.
var ErrCSS = errors.New("not a style that can stand in a page")

// loads finds what a style would fetch. The policy of a page stops it anyway; its
// operator had better know before.
var (
	styleEnd = regexp.MustCompile(`(?i)</style|<!--|\x00`)
	imports  = regexp.MustCompile(`(?i)@import`)
	urls     = regexp.MustCompile(`(?i)\burl\(\s*["']?\s*([^"')]*)`)
)

// CheckCSS reports ErrCSS, with the line, for a style that is too large, ends the
// element that it is to stand in, or loads anything but images that it holds
// itself as data:.
func CheckCSS(css string) error {
	if len(css) > MaxCSS {
		return fmt.Errorf("%w: it has %d bytes, and may have %d", ErrCSS, len(css), MaxCSS)
	}
	if !utf8.ValidString(css) {
		return fmt.Errorf("%w: it is not UTF-8", ErrCSS)
	}
	if at := styleEnd.FindStringIndex(css); at != nil {
		return fmt.Errorf("%w: line %d has %q, which would end it", ErrCSS, lineAt(css, at[0]), css[at[0]:at[1]])
	}
	if at := imports.FindStringIndex(css); at != nil {
		return fmt.Errorf("%w: line %d has @import; pages load nothing, so copy that style into this one", ErrCSS, lineAt(css, at[0]))
	}
	for _, at := range urls.FindAllStringSubmatchIndex(css, -1) {
		if target := css[at[2]:at[3]]; !strings.HasPrefix(strings.ToLower(target), "data:image/") {
			return fmt.Errorf("%w: line %d has url(%.40s); pages load nothing, so write an image as data:image/…", ErrCSS, lineAt(css, at[0]), target)
		}
	}
	return nil
}

// lineAt is the number of the line in which a byte is, from 1.
func lineAt(text string, offset int) int { return 1 + strings.Count(text[:offset], "\n") }
