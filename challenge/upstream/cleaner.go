// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"io"
	"net/http"
	"slices"
	"strings"
)

// CleanerOptions say what belongs to a gate. The zero value removes the gate's
// namespace and what no visitor may send.
type CleanerOptions struct {
	// Names are the identity fields and the assertion field as configured, with
	// the originals of renamed fields. A name that ends in "*" is a prefix.
	Names []string
	// StripGateways removes Gateways too. It is for gates that ask for the address
	// themselves; an earlier step in the same server may set these fields.
	StripGateways bool
}

// A Cleaner removes from requests what the visitor may not claim and what the app
// need not see. It is built once for a gate and safe for concurrent use.
type Cleaner struct {
	claimed *nameSet
	plain   bool // claimed has none of usualNames
}

// NewCleaner returns a Cleaner for one gate.
func NewCleaner(o CleanerOptions) *Cleaner {
	var gateways []string
	if o.StripGateways {
		gateways = Gateways
	}
	c := &Cleaner{claimed: newNameSet([]string{Namespace + "*"}, overrides, o.Names, gateways)}
	c.plain = !slices.ContainsFunc(usualNames, c.claimed.has)
	return c
}

// Clean prepares r for the app, in place. Every spelling of the gate's own fields
// goes, from header and trailers; so do fields that override URL or method, any
// Connection option but the known ones, and any Upgrade but "websocket". Cookies
// stay, since the gate has yet to read its own: Jar.Remove takes them out.
// Headers.Set comes after it. It allocates nothing where there is nothing to
// remove; a body of unknown length gets a wrapper, since its trailers are yet to
// come. It fills in what it has met on the way.
func (c *Cleaner) Clean(r *http.Request, met *Met) {
	c.sweep(r.Header, met)
	if met.connects || met.Upgrades || r.Method == http.MethodConnect {
		cleanConnection(r)
		met.Upgrades = len(r.Header["Upgrade"]) > 0
	}
	c.cleanTrailers(r, met.announces)
}

// sweep is dropClaimed, and tells what it met on the way. Each field of each request
// comes by here, and most are usual ones, which need not be looked up.
func (c *Cleaner) sweep(h http.Header, met *Met) {
	met.Known = true
	for name, lines := range h {
		switch {
		case c.plain && met.note(name, lines):
		case c.claimed.has(name):
			delete(h, name)
		case !c.plain:
			met.note(name, lines)
		}
	}
}

// cleanTrailers drops trailers of ours, those announced now and those that come
// without announcement when the body ends.
func (c *Cleaner) cleanTrailers(r *http.Request, announced bool) {
	c.dropClaimed(r.Trailer)
	if announced {
		c.cleanAnnouncement(r.Header, r.Header["Trailer"])
	}
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	// HTTP/1 takes unannounced trailers after a chunked body, HTTP/3 after any.
	if r.ContentLength == -1 || len(r.Trailer) > 0 || r.ProtoMajor > 2 {
		r.Body = &trailerGuard{ReadCloser: r.Body, request: r, cleaner: c}
	}
}

func (c *Cleaner) dropClaimed(h http.Header) {
	if len(h) == 0 {
		return
	}
	for name := range h {
		if c.claimed.has(name) {
			delete(h, name)
		}
	}
}

// cleanAnnouncement removes names of ours from a Trailer field, which net/http
// leaves in place where the body is not chunked.
func (c *Cleaner) cleanAnnouncement(h http.Header, lines []string) {
	var kept []string
	dirty := false
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			if c.claimed.has(name) {
				dirty = true
				continue
			}
			kept = append(kept, trimBlank(name))
		}
	}
	switch {
	case !dirty:
	case len(kept) == 0:
		delete(h, "Trailer")
	default:
		h["Trailer"] = []string{strings.Join(kept, ", ")}
	}
}

// trailerGuard drops trailers of ours in the very Read that makes net/http publish
// them, before a proxy that wraps this body copies them.
type trailerGuard struct {
	io.ReadCloser
	request *http.Request
	cleaner *Cleaner
}

func (g *trailerGuard) Read(p []byte) (int, error) {
	n, err := g.ReadCloser.Read(p)
	if err != nil {
		g.cleaner.dropClaimed(g.request.Trailer)
	}
	return n, err
}

// Close reads on to the end of the body, so trailers may arrive here as well.
func (g *trailerGuard) Close() error {
	err := g.ReadCloser.Close()
	g.cleaner.dropClaimed(g.request.Trailer)
	return err
}

// The connection options that pass, as bits of an index into connections.
const (
	optionClose = 1 << iota
	optionKeepAlive
	optionUpgrade
	optionTE
)

var options = map[int]string{
	optionClose: "close", optionKeepAlive: "keep-alive", optionUpgrade: "Upgrade", optionTE: "TE",
}

// connections holds the Connection line for each set of options.
var connections = func() (lines [16]string) {
	for set := range lines {
		var names []string
		for _, bit := range []int{optionClose, optionKeepAlive, optionUpgrade, optionTE} {
			if set&bit != 0 {
				names = append(names, options[bit])
			}
		}
		lines[set] = strings.Join(names, ", ")
	}
	return lines
}()

// cleanConnection keeps a client from naming fields for removal: a proxy deletes
// whatever Connection names after the gate has set it (RFC 9110 section 7.6.1),
// and an app that takes a missing field for its default user is then entered as
// that user. An upgrade passes only to websocket, only if both fields agree.
func cleanConnection(r *http.Request) {
	h := r.Header
	set, known := 0, true
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			bit := optionBit(trim(option))
			set |= bit
			known = known && bit != 0
		}
	}
	upgrades, asked := h["Upgrade"]
	websocket := len(upgrades) == 1 && equalFold(trim(upgrades[0]), "websocket")
	if asked && !(websocket && set&optionUpgrade != 0) {
		delete(h, "Upgrade")
		websocket = false
	}
	if set&optionUpgrade != 0 && !websocket {
		set &^= optionUpgrade
		known = false
	}
	if !known {
		setConnection(h, set)
	}
	if r.Method == http.MethodConnect && !slices.Equal(h[":protocol"], []string{"websocket"}) {
		delete(h, ":protocol") // the upgrade of HTTP/2, RFC 8441
	}
}

func setConnection(h http.Header, set int) {
	if set == 0 {
		delete(h, "Connection")
		return
	}
	lines := h["Connection"][:1]
	lines[0] = connections[set]
	h["Connection"] = lines
}

// optionBit is zero for an option that does not pass.
func optionBit(option string) int {
	switch {
	case equalFold(option, "close"):
		return optionClose
	case equalFold(option, "keep-alive"):
		return optionKeepAlive
	case equalFold(option, "upgrade"):
		return optionUpgrade
	case equalFold(option, "te"):
		return optionTE
	}
	return 0
}
