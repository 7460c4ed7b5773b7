// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
)

func init() {
	caddy.RegisterModule(AdminAPI{})
}

// AdminAPI answers the commands of Doorcode at Caddy's admin endpoint, under
// /doorcode/. Whoever reaches that endpoint may do anything, which is Caddy's
// own rule. Still, no answer holds a cookie, a token or a key, nor a code but for
// that of let-in, and addresses are taken from the body alone, since Caddy logs
// every URL.
type AdminAPI struct{}

// CaddyModule names the module.
func (AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.doorcode",
		New: func() caddy.Module { return new(AdminAPI) },
	}
}

// The paths of the endpoints, each with its method.
const (
	statusPath   = "/doorcode/status"           // GET
	vitalsPath   = "/doorcode/doctor"           // GET
	keysPath     = "/doorcode/keys"             // GET
	rotatePath   = "/doorcode/keys/rotate"      // POST
	backupPath   = "/doorcode/storage/backup"   // GET
	restoredPath = "/doorcode/storage/restored" // POST
	peoplePath   = "/doorcode/people"           // GET
	sessionsPath = "/doorcode/sessions"         // GET everybody's, POST one person's
	revokePath   = "/doorcode/sessions/revoke"  // POST
	browsersPath = "/doorcode/browsers"         // POST
	dropPath     = "/doorcode/browsers/revoke"  // POST
	passkeysPath = "/doorcode/passkeys"         // POST
	takePath     = "/doorcode/passkeys/remove"  // POST
	whyPath      = "/doorcode/why"              // POST
	unlockPath   = "/doorcode/unlock"           // POST
	letInPath    = "/doorcode/let-in"           // POST
	forgetPath   = "/doorcode/forget"           // POST
	unguardPath  = "/doorcode/unguard"          // POST
	exportPath   = "/doorcode/export"           // POST

	everyPath = "/doorcode/"
)

// Routes are the endpoints. A path that is none of them is answered by us too,
// so that a command can tell an old version from a Caddy without Doorcode.
func (AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: statusPath, Handler: look(showStatus)},
		{Pattern: vitalsPath, Handler: look(showVitals)},
		{Pattern: keysPath, Handler: look(showKeys)},
		{Pattern: backupPath, Handler: read(backUp)},
		{Pattern: rotatePath, Handler: change(rotateKeys)},
		{Pattern: restoredPath, Handler: change(endRestored)},
		{Pattern: peoplePath, Handler: look(listPeople)},
		{Pattern: sessionsPath, Handler: byMethod(look(everySession), change(sessionsOf, "address"))},
		{Pattern: revokePath, Handler: change(revokeSessions, "address", "session", "all", "browsers")},
		{Pattern: browsersPath, Handler: change(browsersOf, "address")},
		{Pattern: dropPath, Handler: change(revokeBrowsers, "address", "browser")},
		{Pattern: passkeysPath, Handler: change(passkeysOf, "address")},
		{Pattern: takePath, Handler: change(removePasskeys, "address", "passkey", "all")},
		{Pattern: whyPath, Handler: change(tellWhy, "address")},
		{Pattern: unlockPath, Handler: change(unlock, "address")},
		{Pattern: letInPath, Handler: change(letIn, "address", "for", "why")},
		{Pattern: forgetPath, Handler: change(forget, "address")},
		{Pattern: unguardPath, Handler: change(unguard, "address")},
		{Pattern: exportPath, Handler: change(exportPerson, "address")},
		{Pattern: everyPath, Handler: caddy.AdminHandlerFunc(refuseUnknown)},
	}
}

// An order is what a request says beside its path.
type order struct {
	// Site is a host or an origin whose storage is meant; empty: every storage.
	Site string `json:"site,omitempty"`
	// Address is whom it is about. It comes in the body alone.
	Address string `json:"address,omitempty"`
	// For is how long a code works that lets somebody in; empty: as usual.
	For string `json:"for,omitempty"`
	// Why is the reason for that code.
	Why string `json:"why,omitempty"`
	// Session, Browser and Passkey name one of those that were listed; empty: all of a
	// person.
	Session string `json:"session,omitempty"`
	Browser string `json:"browser,omitempty"`
	Passkey string `json:"passkey,omitempty"`
	// All means everybody's, or all passkeys of one person; with Browsers, those that are remembered need a code, too.
	All      bool `json:"all,omitempty"`
	Browsers bool `json:"browsers,omitempty"`
}

// refuseUnused refuses what an endpoint would not act on: whoever wrote it means
// something else than what would be done.
func (o order) refuseUnused(takes []string) error {
	for _, said := range []struct {
		word  string
		there bool
	}{
		{"address", o.Address != ""},
		{"for", o.For != ""},
		{"why", o.Why != ""},
		{"session", o.Session != ""},
		{"browser", o.Browser != ""},
		{"passkey", o.Passkey != ""},
		{"all", o.All},
		{"browsers", o.Browsers},
	} {
		switch {
		case !said.there || slices.Contains(takes, said.word):
		case said.word == "address":
			return refusal(http.StatusBadRequest, "this acts on everybody, so it takes no 'address'")
		default:
			return refusal(http.StatusBadRequest, "this takes no '%s'", said.word)
		}
	}
	return nil
}

const maxOrder = 4 << 10 // bytes

// read is an endpoint that changes nothing and writes its own answer.
func read(answer func(ctx context.Context, w http.ResponseWriter, o order) error) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := requireMethod(w, r, http.MethodGet); err != nil {
			return err
		}
		query := r.URL.Query()
		for name := range query {
			if name != "site" {
				return refusal(http.StatusBadRequest, "'%s' is no parameter of %s; it takes 'site'", name, r.URL.Path)
			}
		}
		return answer(r.Context(), w, order{Site: query.Get("site")})
	})
}

// look is an endpoint that changes nothing and answers with JSON.
func look(answer func(ctx context.Context, o order) (any, error)) caddy.AdminHandler {
	return read(func(ctx context.Context, w http.ResponseWriter, o order) error {
		ctx, cancel := context.WithTimeout(ctx, openTime)
		defer cancel()
		body, err := answer(ctx, o)
		if err != nil {
			return err
		}
		return writeJSON(w, body)
	})
}

// byMethod is an endpoint that answers for everybody, or for whom the body names.
func byMethod(get, post caddy.AdminHandler) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		switch r.Method {
		case http.MethodGet:
			return get.ServeHTTP(w, r)
		case http.MethodPost:
			return post.ServeHTTP(w, r)
		}
		w.Header().Set("Allow", "GET, POST")
		return refusal(http.StatusMethodNotAllowed, "%s takes GET, POST with an address, got %s", r.URL.Path, r.Method)
	})
}

// change is an endpoint that does what its body says, which may hold the words that
// it takes and a site. It is for questions about one person, too: an address never
// stands in a URL.
func change(answer func(ctx context.Context, o order) (any, error), takes ...string) caddy.AdminHandler {
	return caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if err := requireMethod(w, r, http.MethodPost); err != nil {
			return err
		}
		if r.URL.RawQuery != "" {
			return refusal(http.StatusBadRequest, "%s takes what it needs as JSON in the body, since every URL is logged", r.URL.Path)
		}
		o, err := readOrder(http.MaxBytesReader(w, r.Body, maxOrder))
		if err != nil {
			return refusal(http.StatusBadRequest, "%s takes JSON such as {\"site\": \"app.example.com\"}, or nothing: %w", r.URL.Path, err)
		}
		if err := o.refuseUnused(takes); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(r.Context(), openTime)
		defer cancel()
		body, err := answer(ctx, o)
		if err != nil {
			return err
		}
		return writeJSON(w, body)
	})
}

// readOrder reads one JSON object and nothing behind it. A word that it does not
// know is refused: a misspelt 'site' would act on every storage.
func readOrder(body io.Reader) (order, error) {
	var o order
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&o); err != nil && !errors.Is(err, io.EOF) {
		return order{}, fmt.Errorf("reading body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return order{}, errors.New("reading body: there is more than one object in it")
	}
	return o, nil
}

func requireMethod(w http.ResponseWriter, r *http.Request, method string) error {
	if r.Method == method {
		return nil
	}
	w.Header().Set("Allow", method)
	return refusal(http.StatusMethodNotAllowed, "%s takes %s, got %s", r.URL.Path, method, r.Method)
}

func refuseUnknown(_ http.ResponseWriter, r *http.Request) error {
	return refusal(http.StatusNotFound, "this version of Doorcode has nothing at %s", r.URL.Path)
}

// refusal is an error that the admin endpoint answers with. Its text says what to
// do.
func refusal(status int, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return caddy.APIError{HTTPStatus: status, Err: err, Message: err.Error()}
}

// writeJSON writes the answer.
func writeJSON(w http.ResponseWriter, body any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(body)
}

var _ caddy.AdminRouter = AdminAPI{}
