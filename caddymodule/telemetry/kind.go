// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"net/http"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// A Kind is what a request wants, as far as it is counted: coarser than what decides
// on the answer, and the same for requests that pass and that do not.
type Kind uint8

// The kinds.
const (
	KindPage  Kind = iota // a document or a frame
	KindAPI               // what a page's script asks for
	KindWS                // a WebSocket
	KindAsset             // an image, a script, a font
	KindToken             // it brings an access token
	KindOther             // it does not say: curl, other programs
	KindOwn               // an endpoint of the gate
	kinds
)

var kindNames = [kinds]string{"page", "api", "ws", "asset", "token", "other", "own"}

// String is the label of the kind.
func (k Kind) String() string { return kindNames[k] }

// KindOf recognises a request by what became of it and by what browsers say of
// themselves (W3C Fetch Metadata). token: it brings an access token.
func KindOf(r *http.Request, met *upstream.Met, decision string, token bool) Kind {
	switch {
	case decision == web.DecisionOwn:
		return KindOwn
	case met.Upgrades, r.Method == http.MethodConnect:
		return KindWS
	case token:
		return KindToken
	}
	switch met.Dest {
	case "document", "iframe", "frame", "fencedframe", "embed", "object":
		return KindPage
	case "empty":
		return KindAPI
	case "":
		return kindByAccept(r.Header, first(met.Accepts))
	default:
		return KindAsset
	}
}

// kindByAccept goes by what browsers without Fetch Metadata ask for: those on plain
// http say nothing else.
func kindByAccept(h http.Header, accept string) Kind {
	switch {
	case first(h["Sec-Fetch-Mode"]) == "navigate", strings.HasPrefix(accept, "text/html"):
		return KindPage
	case first(h["X-Requested-With"]) != "":
		return KindAPI
	case strings.HasPrefix(accept, "image/"), strings.HasPrefix(accept, "text/css"):
		return KindAsset
	default:
		return KindOther
	}
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}
