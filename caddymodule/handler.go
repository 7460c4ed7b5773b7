// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

var errNotPrepared = errors.New("session was not prepared for this handler")

// Provision makes the settings ready. It opens, writes and dials nothing.
func (h *Handler) Provision(ctx caddy.Context) error {
	if err := h.check(); err != nil {
		return err
	}
	module, err := ctx.App("doorcode")
	if err != nil {
		return err
	}
	app, ok := module.(*App)
	if !ok {
		return fmt.Errorf("app doorcode is a %T", module)
	}
	rules, err := h.loadRules(ctx)
	if err != nil {
		return err
	}
	h.entrance, err = newEntrance(ctx, app, merged(app.Settings, h.Settings).withDefaults(), rules)
	if err != nil {
		return err
	}
	app.building.add(h.entrance)
	return nil
}

// loadRules loads the matchers.
func (h *Handler) loadRules(ctx caddy.Context) (rules, error) {
	u := rules{described: describe(h.MatchRaw)}
	if err := loadSets(ctx, h, "MatchRaw", &u.guard); err != nil {
		return u, err
	}
	if err := loadSets(ctx, h, "PublicRaw", &u.public); err != nil {
		return u, err
	}
	for i := range h.Answer {
		a := answerRules{as: answerCodes[h.Answer[i].As]}
		if err := loadSets(ctx, &h.Answer[i], "MatchRaw", &a.set); err != nil {
			return u, err
		}
		u.answers = append(u.answers, a)
	}
	return u, nil
}

func loadSets(ctx caddy.Context, from any, field string, to *caddyhttp.MatcherSets) error {
	loaded, err := ctx.LoadModule(from, field)
	if err != nil {
		return fmt.Errorf("loading matchers: %w", err)
	}
	return to.FromInterface(loaded)
}

// arrivals are reused: a request with a session allocates nothing here.
var arrivals = sync.Pool{New: func() any { return new(web.Arrival) }}

// ServeHTTP lets a request through, with an identity if there is one, or
// answers it. A refusal is written, never returned as an error: a route for
// errors, which this handler does not guard, could answer that with anything.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	d, err := h.entrance.open()
	if err != nil {
		h.entrance.logger.Error("gate is not open", zap.Error(err))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(http.StatusServiceUnavailable)
		return nil
	}
	e, d := h.entrance.owner(r, d)
	return e.serve(w, r, d, next)
}

func (e *entrance) serve(w http.ResponseWriter, r *http.Request, d *doorway, next caddyhttp.Handler) error {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return errors.New("request without a replacer")
	}
	in, ok := arrivals.Get().(*web.Arrival)
	if !ok {
		return errors.New("pool of arrivals holds something else")
	}
	defer func() {
		*in = web.Arrival{}
		arrivals.Put(in)
	}()
	before := e.passOf(r)
	e.describe(r, repl, in)
	d.cleaner.Clean(r)
	out := e.judge(before.writer(w), r, d, in)
	if out.Decision != web.DecisionPass {
		e.explain(r, repl, in, out)
	}
	if !out.Pass {
		return nil
	}
	guarded := in.Guarded && !in.Public
	mine := e.newPass(r, before, out, guarded)
	d.door.RemoveCookies(r.Header)
	if err := e.tell(r, repl, mine, out, in.Now); err != nil {
		e.logger.Error("identity could not be told to the app", zap.Error(err))
		w.WriteHeader(http.StatusServiceUnavailable)
		return nil
	}
	guard := d.answers.Guard(w, r, out.Admission != nil || guarded)
	sets := mine.hand(r, guard)
	for _, cookie := range slices.Concat(before.lost(), out.Cookies) {
		sets.AddCookie(cookie)
	}
	err := next.ServeHTTP(guard, r)
	mine.withdraw(r, guard) // routes for errors run later, on the same request
	guard.Done()            // not deferred: after a panic something may still hold the guard
	return err
}

// judge asks the door. A fault of ours refuses the request and nothing else.
func (e *entrance) judge(w http.ResponseWriter, r *http.Request, d *doorway, in *web.Arrival) (out web.Outcome) {
	defer func() {
		if fault := recover(); fault != nil {
			e.logger.Error("fault while judging a request", zap.Any("fault", fault), zap.Stack("stack"))
			w.WriteHeader(http.StatusInternalServerError)
			out = web.Outcome{Decision: web.DecisionDeny, Reason: "fault"}
		}
	}()
	return d.door.Serve(w, r, in)
}

// explain sets the placeholders of a request that is not simply let through, and
// tells the operator about settings that seem to be missing.
func (e *entrance) explain(r *http.Request, repl *caddy.Replacer, in *web.Arrival, out web.Outcome) {
	repl.Set("http.doorcode.decision", out.Decision)
	repl.Set("http.doorcode.reason", string(out.Reason))
	if out.Decision == web.DecisionCheck && in.Earlier != nil {
		repl.Set("http.auth.candidate.id", in.Earlier.User)
	}
	e.hints.give(e.logger, r, in, out)
}

// describe says what is known of a request. Whom it speaks for is read before
// any header is removed.
func (e *entrance) describe(r *http.Request, repl *caddy.Replacer, in *web.Arrival) {
	in.Now = time.Now()
	in.Original = originalURL(r)
	in.IP = e.clientIP(r)
	in.Secure, in.Proxy = visitorScheme(r)
	e.hints.proxy(e.logger, r, in.IP)
	in.Guarded = e.rules.guards(r)
	in.Public = len(e.rules.public) > 0 && e.rules.lets(r)
	if len(e.rules.answers) > 0 {
		in.Answer = e.rules.answer(r)
	}
	switch {
	case e.identity == nil:
	case e.identity.header && !e.rules.guardsAsWritten(r):
		// forward_auth stands where Caddy reads the path so, which is not here:
		// the header is the visitor's own word.
		in.Earlier = &challenge.Identity{Source: e.identity.source}
	default:
		in.Earlier = e.identity.identify(r, repl, *e.lists.users.Load())
	}
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
