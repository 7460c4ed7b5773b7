// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
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
	h.entrance, err = newEntrance(ctx, app, merged(app.Settings, h.Settings), rules)
	if err != nil {
		return err
	}
	app.building.add(h.entrance)
	return nil
}

// loadRules loads the matchers.
func (h *Handler) loadRules(ctx caddy.Context) (rules, error) {
	u := rules{described: guardText(h.MatchRaw), written: h.written()}
	u.excepts = leavesOut(u.described)
	h.MatchRaw, u.exact = spread(h.MatchRaw)
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
	for i := range h.Sensitive {
		rule := sensitiveRule{page: pageOf(h.Sensitive[i].MaxAge)}
		h.Sensitive[i].MatchRaw, rule.exact = spread(h.Sensitive[i].MatchRaw)
		if err := loadSets(ctx, &h.Sensitive[i], "MatchRaw", &rule.set); err != nil {
			return u, err
		}
		u.sensitive = append(u.sensitive, rule)
	}
	for i := range h.PageStatus {
		rule := statusRule{status: h.PageStatus[i].Status}
		if err := loadSets(ctx, &h.PageStatus[i], "MatchRaw", &rule.set); err != nil {
			return u, err
		}
		u.statuses = append(u.statuses, rule)
	}
	return u, nil
}

func loadSets(ctx caddy.Context, from any, field string, to *ruleSet) error {
	loaded, err := ctx.LoadModule(from, field)
	if err != nil {
		return fmt.Errorf("loading matchers: %w", err)
	}
	var sets caddyhttp.MatcherSets
	if err := sets.FromInterface(loaded); err != nil {
		return err
	}
	*to = newRuleSet(sets)
	return nil
}

// An arrival is what is reused of requests. A pool hands one out to the same core again
// and again, so that each counts in a place of its own.
type arrival struct {
	web.Arrival
	counts *telemetry.Shard
	cells  upstream.Cells
}

// arrivals are reused: a request with a session allocates nothing here.
var arrivals = sync.Pool{New: func() any { return &arrival{counts: telemetry.NextShard()} }}

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
	if e != h.entrance { // it answers an endpoint of its own, and speaks for no other gate
		next = caddyhttp.HandlerFunc(refuse)
	}
	return e.serve(w, r, d, next)
}

// refuse answers what no gate has let through.
func refuse(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	return nil
}

// A passage is one request on its way through a gate.
type passage struct {
	e      *entrance
	d      *doorway
	w      http.ResponseWriter
	r      *http.Request
	repl   *caddy.Replacer
	vars   vars
	in     *web.Arrival
	cells  *upstream.Cells
	out    web.Outcome
	before *baton // of the gate in front; nil where this is the first
}

func (e *entrance) serve(w http.ResponseWriter, r *http.Request, d *doorway, next caddyhttp.Handler) error {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return errors.New("request without a replacer")
	}
	reused, ok := arrivals.Get().(*arrival)
	if !ok {
		return errors.New("pool of arrivals holds something else")
	}
	in := &reused.Arrival
	defer func() {
		in.Reset()
		arrivals.Put(reused)
	}()
	p := passage{e: e, d: d, w: w, r: r, repl: repl, vars: varsOf(r), in: in, cells: &reused.cells, before: e.batonOf(r)}
	e.fillArrival(r, repl, p.vars, d, in)
	in.Token = e.tokenOf(r, p.before)
	d.cleaner.Clean(r, &in.Met)
	p.locate()
	p.judge()
	if e.witness != nil {
		e.witness(p.out)
	}
	kind := telemetry.KindOf(r, &in.Met, p.out.Decision, in.Token != web.Presented{})
	if times := reused.counts.Count(p.out.Decision, kind); times > 0 {
		reused.counts.Took(time.Since(in.Now), times)
	}
	if p.out.Unlogged { // the address of the page is a key to it
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	}
	p.remark()
	if !p.out.Pass {
		return nil
	}
	return p.letThrough(next)
}

// letThrough hands a request on to the app, with what the app is told of the
// visitor, and guards its answer.
func (p *passage) letThrough(next caddyhttp.Handler) error {
	guarded := p.in.Guarded && !p.in.Public
	mine := p.e.newBaton(p.r, p.before, p.out, guarded)
	mine.carry(p.in.Token)
	p.d.door.TakeCookies(p.r.Header, p.in)
	p.in.Token.Remove(p.r.Header)
	if err := p.tell(mine); err != nil {
		p.e.logger.Error("identity could not be told to the app", zap.Error(err))
		p.w.WriteHeader(http.StatusServiceUnavailable)
		return nil
	}
	guard := p.d.answers.Guard(p.w, p.r, p.out.Admission != nil || guarded)
	setter := mine.hand(p.r, guard)
	for _, cookies := range [...][]string{p.before.lost(), p.out.Cookies} {
		for _, cookie := range cookies {
			setter.AddCookie(cookie)
		}
	}
	done := false
	defer func() {
		if !done { // after a panic something may still hold the guard, which is then not used again
			guard.Unfollow()
		}
	}()
	closed := p.follow(guard)
	defer closed()
	err := next.ServeHTTP(guard, p.r)
	mine.withdraw(p.r, guard) // routes for errors run later, on the same request
	demand, demands := guard.Demand()
	unsent := guard.Unsent()
	guard.Done()
	done = true
	if demands { // what the app answered went nowhere, so what became of it does not matter
		p.demand(demand.MaxAge, unsent)
		return nil
	}
	return err
}

// follow ties what the app answers to the session: what goes on ends with it, and
// what the app demands is asked of it.
func (p *passage) follow(guard *upstream.Guard) (closed func()) {
	admission := p.out.Admission
	if admission == nil {
		return nothing
	}
	if p.out.Decision == web.DecisionPass && !p.e.settings.observesAll() {
		if proved, session := admission.Proved(); session {
			guard.Listen(proved, p.in.Now)
		}
	}
	if !isStream(p.r, &p.in.Met) {
		guard.Follow(admission)
		return nothing
	}
	p.r, closed = following(p.r, p.out)
	return closed
}

func nothing() {}

// demand asks for a fresh code in place of the app, which asked for one.
func (p *passage) demand(maxAge time.Duration, cookies []string) {
	w := p.before.writer(p.w)
	for _, cookie := range cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	p.out = p.d.door.Demand(w, p.r, p.in, p.out.Admission, maxAge)
	p.setPlaceholders()
}

// judge asks the door. A fault of ours refuses the request and nothing else.
func (p *passage) judge() {
	w := p.before.writer(p.w)
	defer func() {
		if fault := recover(); fault != nil {
			p.e.logger.Error("fault while judging a request", zap.Any("fault", fault), zap.Stack("stack"))
			w.WriteHeader(http.StatusInternalServerError)
			p.out = web.Outcome{Decision: web.DecisionDeny, Reason: "fault"}
		}
	}()
	p.out = p.d.door.Serve(w, p.r, p.in)
}

// remark sets the placeholders of a decision. A session brings its own; a gate that
// does not guard a request has no say where one before it does.
func (p *passage) remark() {
	first := p.before == nil
	switch {
	case !first && p.out.Pass && (p.in.Public || !p.in.Guarded):
	case p.out.Decision != web.DecisionPass || p.out.Admission == nil:
		p.setPlaceholders()
	case !first:
		p.repl.Delete("http.doorcode.decision")
		p.repl.Delete("http.doorcode.reason")
	}
}

// setPlaceholders sets those of a request that is not simply let through, and
// tells the operator about settings that seem to be missing.
func (p *passage) setPlaceholders() {
	p.repl.Set("http.doorcode.decision", p.out.Decision)
	p.repl.Set("http.doorcode.reason", string(p.out.Reason))
	p.repl.Map(newToldPlace(p.d.gate.Locate(p.in.IP)).placeholder)
	if p.out.Decision == web.DecisionCheck && p.in.Earlier != nil {
		p.repl.Set("http.auth.candidate.id", p.in.Earlier.User)
	}
	p.e.hints.give(p.e.logger, p.r, p.in, p.out)
}

// locate says over which scheme the visitor has come, and by which proxy.
func (p *passage) locate() {
	p.in.Secure = p.r.TLS != nil
	if p.in.Met.Forwards { // few do, and nothing is looked up for the others
		trusted := p.vars.trusted()
		p.in.Secure, p.in.Proxy = visitorScheme(p.r, trusted)
		p.e.hints.proxy(p.e.logger, p.r, trusted, p.in.IP)
	}
}

// fillArrival says what is known of a request. Whom it speaks for is read before
// any header is removed.
func (e *entrance) fillArrival(r *http.Request, repl *caddy.Replacer, vars vars, d *doorway, in *web.Arrival) {
	in.Now = time.Now()
	in.Original = originalURL(r)
	in.IP = e.clientIP(r, vars)
	e.rules.apply(r, in, d.door.Owns(in.Original))
	in.KeepShell = e.settings.AppShell == "keep"
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
