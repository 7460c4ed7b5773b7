// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import "html/template"

// A Refusal is why an own endpoint does not do what it was asked.
type Refusal uint8

// The refusals, with the status that they are sent with.
const (
	NotFound         Refusal = iota // 404
	MethodNotAllowed                // 405
	BadRequest                      // 400
	TooLarge                        // 413
	Misdirected                     // 421: no configured origin covers the host
	BadOrigin                       // 403: the form came from elsewhere
)

// Refused is a refusal in words. Home is the URL of the app; an empty one
// leaves the link out.
type Refused struct {
	Why  Refusal
	Home string
}

func (Refused) kind() kind { return still }

func (p Refused) content(s scribe) content {
	heading, text := p.Why.keys()
	return plain(s.both(heading, nil), plainView{
		Text:  []template.HTML{s.html(text, nil)},
		Links: s.home(p.Home),
	})
}

// home leads to the app, if its URL is known.
func (s scribe) home(url string) []link {
	if url == "" {
		return nil
	}
	return []link{{URL: url, Label: s.text("refused.home", nil), First: true}}
}

func (r Refusal) keys() (heading, text string) {
	switch r {
	case MethodNotAllowed:
		return "refused.method", "refused.method_text"
	case BadRequest:
		return "refused.bad_request", "refused.bad_request_text"
	case TooLarge:
		return "refused.too_large", "refused.too_large_text"
	case Misdirected:
		return "refused.misdirected", "refused.misdirected_text"
	case BadOrigin:
		return "refused.bad_origin", "refused.bad_origin_text"
	default:
		return "refused.not_found", "refused.not_found_text"
	}
}
