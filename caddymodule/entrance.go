// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/passkeys"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/challenge/upstream"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// An entrance is one handler at work: its settings made ready, and its gate,
// which opens with the app or with the first request, whichever comes first.
type entrance struct {
	app        *App
	settings   Settings
	places     *pooledPlaces // nil: nobody knows where visitors are
	logger     *zap.Logger
	described  string // what makes it this gate, hashed
	id         string // described, with its place
	secret     *clearText
	mails      []any // guest modules of doorcode.mail
	storage    Storage
	logo       string
	dress      dress
	lists      *lists
	identity   *earlierStep
	rules      rules
	shares     *sharing
	hints      hints
	neighbours []*entrance // other handlers of the same site
	tokens     bool        // this gate or one of them takes access tokens
	open       func() (*doorway, error)
	witness    func(web.Outcome) // nil, but for rehearsals
}

// A doorway is an opened entrance.
type doorway struct {
	house   *pooledHouse
	door    *web.Door
	gate    *challenge.Gate
	cleaner *upstream.Cleaner
	answers *upstream.Answers
	inbox   *web.Inbox
}

// newEntrance makes a handler's settings ready: what it and the app say together,
// to which the defaults are added. It reads the files that they
// name, and opens nothing.
func newEntrance(ctx caddy.Context, app *App, said Settings, rules rules) (*entrance, error) {
	settings := said.withDefaults()
	e := &entrance{app: app, settings: settings, logger: ctx.Logger(), rules: rules}
	if err := errors.Join(settings.check(), requireMail(settings), requireSomebody(settings), requireFit(said)); err != nil {
		return nil, err
	}
	for _, warning := range warnings(settings) {
		e.logger.Warn(warning)
	}
	repl := caddy.NewReplacer()
	var err error
	if e.secret, err = openSecret(settings, repl); err != nil {
		return nil, err
	}
	if e.logo, err = readLogo(settings.Pages.Logo); err != nil {
		return nil, err
	}
	if e.dress, err = app.building.folders.dressed(settings.Pages); err != nil {
		return nil, err
	}
	if e.identity, err = newEarlierStep(settings.Identity); err != nil {
		return nil, err
	}
	if e.lists, err = newLists(settings); err != nil {
		return nil, err
	}
	if e.places, err = openPlaces(app.building, said); err != nil {
		return nil, err
	}
	if err := e.loadGuests(ctx, settings); err != nil {
		return nil, err
	}
	e.shares = newSharing(settings.Handover)
	e.described = gateID(settings, rules)
	e.id = e.described
	e.open = sync.OnceValues(e.build)
	return e, nil
}

// loadGuests loads the mail transports and the storage. Caddy clears the raw
// configuration that it has loaded, so they are taken from a copy.
func (e *entrance) loadGuests(ctx caddy.Context, settings Settings) error {
	mails, err := ctx.LoadModule(&settings, "MailRaw")
	if err != nil {
		return fmt.Errorf("loading mail: %w", err)
	}
	e.mails, _ = mails.([]any)
	if e.storage, err = loadStorage(ctx, &settings); err != nil {
		return err
	}
	for _, module := range e.mails {
		if err := e.checkMail(module); err != nil {
			return err
		}
	}
	return nil
}

// gateID names a gate by what makes it one: where identity comes from and which
// requests it guards. It stays the same when other settings change, so that
// codes on their way survive a reload.
func gateID(s Settings, r rules) string {
	source := askVisitor
	if !s.Identity.asks() {
		source = s.Identity.Source
	}
	described, _ := json.Marshal([]any{source, r.described, s.Reach.Origins, s.Reach.SingleSignOn})
	sum := sha256.Sum256(described)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// build opens the gate where it stands.
func (e *entrance) build() (*doorway, error) {
	stands, err := e.app.building.stands()
	if err != nil {
		return nil, err
	}
	stand := stands[e]
	e.neighbours = neighboursOf(e, stands)
	e.tokens = e.takesTokens()
	origins, err := e.origins(stand)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(e.refuseExposed(stand), e.refuseDivided()); err != nil {
		return nil, err
	}
	ctx, cancel := e.app.building.openContext()
	defer cancel()
	pooled, held, err := openHouse(ctx, e)
	if err != nil {
		return nil, err
	}
	e.app.building.keep(held)
	e.app.building.gauges.AddHouse(pooled.house, pooled.outbox)
	e.app.building.onCleanup(func() { pooled.log.Disclaim(e) })
	return e.furnish(ctx, pooled, origins, stand.inside)
}

// furnish makes gate, mail routes and door in a house.
func (e *entrance) furnish(ctx context.Context, pooled *pooledHouse, origins []string, inside string) (*doorway, error) {
	e.id += "@" + origins[0] + e.ordinal(origins[0])
	policy, err := e.policy()
	if err != nil {
		return nil, err
	}
	networks, err := e.settings.networks()
	if err != nil {
		return nil, err
	}
	gate, err := pooled.house.NewGate(ctx, challenge.GateOptions{
		ID: e.id, Host: hostOf(origins[0]), App: cmp.Or(e.settings.Pages.Name, hostOf(origins[0])), Policy: policy, Access: e.lists.access.Load(), Locator: e.locator(), Networks: networks,
		Algorithm: sessions.Algorithm(e.settings.Keys.Algorithm), Grace: e.storage.GracePeriod(),
		Recorder: e.recorder(pooled), Prepare: e.shares.prepare, PreparePlace: e.preparePlace(),
	})
	if errors.Is(err, challenge.ErrOtherSecret) {
		return nil, fmt.Errorf("storage %s: %w; give every machine the same 'secret', or begin anew with another 'prefix'", e.storage.Where(), err)
	}
	if err != nil {
		return nil, err
	}
	if e.witness == nil { // a rehearsal is over before a file changes
		e.lists.watch(e.app.building.ctx, e.logger, gate.SetAccess)
	}
	routes, inbox, err := e.routes(pooled)
	if err != nil {
		return nil, err
	}
	for _, r := range routes {
		telemetry.ExpectMail(r.Name)
	}
	pooled.claim(claim{e, routes, telemetry.MailReporter(e.app.building.logger, e.keeps(), pooled.names)})
	e.app.building.onCleanup(func() { pooled.disclaim(e) })
	door, err := web.New(e.webOptions(gate, origins, inside, inbox))
	if err != nil {
		return nil, err
	}
	if used, adjusted := door.AdjustedAccent(); adjusted && e.settings.Pages.Accent != "" {
		e.logger.Warn("accent was changed to be readable (WCAG 2.2, 4.5:1)", zap.String("accent", e.settings.Pages.Accent), zap.String("used", used))
	}
	if inbox != nil {
		e.logger.Info("mail demo: read codes in the inbox", zap.String("url", origins[0]+inbox.Path()))
	}
	return &doorway{
		house: pooled, door: door, gate: gate, inbox: inbox,
		cleaner: upstream.NewCleaner(upstream.CleanerOptions{Names: e.shares.names(), StripGateways: e.identity == nil}),
		answers: upstream.NewAnswers(upstream.AnswersOptions{Cookies: door.Names(), Dropped: e.dropped}),
	}, nil
}

// dropped tells the operator that the app tried to set a cookie of ours.
func (e *entrance) dropped(_ *http.Request, cookie string) {
	e.logger.Warn("the app tried to set a cookie of the gate", zap.String("cookie", cookie))
}

// ordinal tells gates of one site apart that are alike in all that names them.
func (e *entrance) ordinal(origin string) string {
	before := 0
	for _, other := range e.app.building.gates() {
		if other == e {
			break
		}
		if other.described == e.described && slices.Contains(e.app.building.originsOf(other), origin) {
			before++
		}
	}
	if before == 0 {
		return ""
	}
	return "#" + strconv.Itoa(before)
}

func (e *entrance) webOptions(gate *challenge.Gate, origins []string, inside string, inbox *web.Inbox) web.Options {
	s := e.settings
	return web.Options{
		Gate: gate, Origins: origins, Inside: inside, SingleSignOn: strings.ToLower(s.Reach.SingleSignOn), Endpoints: s.Reach.Endpoints,
		Look: pages.LookOptions{
			Name: s.Pages.Name, Logo: e.logo, Accent: s.Pages.Accent, Theme: pages.Theme(s.Pages.Theme),
			Support: s.Pages.Support, Privacy: s.Pages.Privacy, Imprint: s.Pages.Imprint, Announcement: s.Pages.Announcement,
			CSS: e.dress.css, Templates: e.dress.templates,
		},
		Words:         e.dress.words,
		Cookie:        web.CookieOptions{Name: s.Cookie.Name, Strict: s.Cookie.SameSite == "strict", Insecure: *s.Cookie.Insecure},
		PassPreflight: s.Preflight == "pass", SendButton: s.Code.Send == "button", Inbox: inbox,
	}
}

// origins are the public origins of the gate: as configured, else as found.
func (e *entrance) origins(p stand) ([]string, error) {
	origins := e.settings.Reach.Origins
	if len(origins) == 0 {
		origins = p.origins
		if p.open || len(origins) == 0 {
			return nil, fmt.Errorf("doorcode cannot tell its own address on %s; add 'origins https://app.example.com' and 'pages { name ... }'", p.openness())
		}
	} else if p.open && e.settings.Pages.Name == "" {
		return nil, fmt.Errorf("%s needs a name: add 'name <text>' to the pages block", p.openness())
	}
	for _, origin := range origins {
		if err := e.checkOrigin(origin, p); err != nil {
			return nil, err
		}
	}
	return origins, nil
}

func (e *entrance) checkOrigin(origin string, p stand) error {
	_, host, _ := strings.Cut(origin, "://")
	name := host
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		name = host[:i]
	}
	if err := e.settings.Reach.covers(name); err != nil {
		return err
	}
	if err := errors.Join(e.checkPasskeys(origin), e.checkKeys(origin)); err != nil {
		return err
	}
	if e.isDemo() && !mailer.IsLoopback(host) {
		return errors.New("mail demo shows every code to every visitor; it only works on localhost sites")
	}
	if *e.settings.Cookie.Insecure && (p.tls || strings.HasPrefix(origin, "https:")) {
		return fmt.Errorf("'insecure' is for tests over http; %s is served over https, so leave it out", origin)
	}
	return nil
}

// checkPasskeys refuses passkeys where browsers have none.
func (e *entrance) checkPasskeys(origin string) error {
	if !*e.settings.Passkeys || e.settings.accepts() == challenge.AcceptCode {
		return nil
	}
	if _, err := passkeys.At(origin, e.settings.SingleSignOn); err != nil {
		return fmt.Errorf("passkeys cannot be used at %s: %w; use such an address, or write 'passkeys off' for this site", origin, err)
	}
	return nil
}

// checkKeys refuses to want keys where browsers make none: everybody would be out within a
// minute.
func (e *entrance) checkKeys(origin string) error {
	if e.settings.Session.DeviceBound != "required" || strings.HasPrefix(origin, "https:") {
		return nil
	}
	return fmt.Errorf("device_bound required cannot be used at %s: browsers make keys over https alone; use such an address, or write 'device_bound auto' for this site", origin)
}

func (e *entrance) isDemo() bool {
	return slices.ContainsFunc(e.mails, func(m any) bool { _, demo := m.(*DemoMail); return demo })
}

// routes makes the mail transports.
func (e *entrance) routes(pooled *pooledHouse) ([]mailer.Route, *web.Inbox, error) {
	var routes []mailer.Route
	var inbox *web.Inbox
	for _, module := range e.mails {
		route, err := e.route(module, pooled)
		if err != nil {
			return nil, nil, err
		}
		if _, demo := module.(*DemoMail); demo {
			inbox = web.NewInbox(func() []web.Letter { return letters(pooled.inbox) })
		}
		routes = append(routes, route)
	}
	return routes, inbox, nil
}
