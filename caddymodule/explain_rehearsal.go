// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/web"
)

// A stage is a configuration whose gates can be asked about requests that nobody has
// sent. The gates are the real ones; what they keep is in memory.
type stage struct {
	app    *App
	http   *caddyhttp.App
	stands map[*entrance]stand
	folder string
}

// A rehearsal asks the gates of a stage about one request.
type rehearsal struct {
	question
	*stage
	memory *memory
	server *caddyhttp.Server
	secure bool // the visitor uses https
	notes  []string

	steps   []*step
	current *step // whose gate decides at the moment
}

// A step is one gate that the request comes to.
type step struct {
	entrance *entrance
	doorway  *doorway
	in       web.Arrival
	visit    challenge.Visit
	stands   bool // the gate stands at the request's host
	votes    []risk.Vote
	outcome  *web.Outcome // nil while the gate has not decided
}

func (s *step) guards() bool { return s.stands && s.in.Guarded && !s.in.Public }

// rehearse answers a question.
func rehearse(q question) (*explanation, error) {
	st, err := openStage(q.config, q.adapter)
	if err != nil {
		return nil, err
	}
	defer st.close()
	return st.ask(q)
}

// openStage loads a configuration, in which there must be a gate.
func openStage(config, adapter string) (*stage, error) {
	folder, err := os.MkdirTemp("", "doorcode-explain-")
	if err != nil {
		return nil, err
	}
	st := &stage{folder: folder}
	if err := st.load(config, adapter); err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

func (st *stage) load(config, adapter string) error {
	ctx, err := provision(question{config: config, adapter: adapter}, st.folder)
	if err != nil {
		return err
	}
	module, err := ctx.AppIfConfigured("doorcode")
	app, ok := module.(*App)
	if err != nil || !ok || len(app.building.gates()) == 0 {
		return errors.New("there is no doorcode in this configuration")
	}
	served, err := ctx.AppIfConfigured("http")
	if err != nil {
		return err
	}
	if st.http, ok = served.(*caddyhttp.App); !ok {
		return fmt.Errorf("http app is a %T", served)
	}
	st.app = app
	st.stands, err = app.building.stands()
	return err
}

// close removes the certificates that nobody has used.
func (st *stage) close() { _ = os.RemoveAll(st.folder) }

// ask answers a question. Each has a memory of its own: nobody in it has ever been here.
func (st *stage) ask(q question) (*explanation, error) {
	x := &rehearsal{question: q, stage: st}
	var err error
	if x.memory, err = openMemory(); err != nil {
		return nil, err
	}
	defer x.memory.house.Close()
	if err := st.open(x.memory, x.witness); err != nil {
		return nil, err
	}
	if err := x.chooseHost(); err != nil {
		return nil, err
	}
	if err := x.chooseServer(); err != nil {
		return nil, err
	}
	cookies, err := x.seed()
	if err != nil {
		return nil, err
	}
	return x.perform(cookies)
}

// provision loads the configuration as "caddy validate" does, but for what that
// would write: logs, and the certificates of Caddy's own authority.
func provision(q question, folder string) (caddy.Context, error) {
	raw, _, _, err := caddycmd.LoadConfig(q.config, q.adapter)
	if err != nil {
		return caddy.Context{}, err
	}
	if len(raw) == 0 {
		return caddy.Context{}, errors.New("no configuration; name a file with --config")
	}
	config := new(caddy.Config)
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(raw), config); err != nil {
		return caddy.Context{}, fmt.Errorf("reading configuration: %w", err)
	}
	config.Admin = &caddy.AdminConfig{Disabled: true}
	config.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{Level: "ERROR"}}}}
	config.StorageRaw = caddyconfig.JSON(map[string]string{"module": "file_system", "root": folder}, nil)
	return caddy.ProvisionContext(config)
}

// open opens every gate in a memory. witness is told what they decide.
func (st *stage) open(m *memory, witness func(web.Outcome)) error {
	for _, e := range st.app.building.gates() {
		e.open = sync.OnceValues(func() (*doorway, error) { return e.rehearse(m.pooled, st.stands) })
		e.witness = witness
		if _, err := e.open(); err != nil {
			return e.placed(err)
		}
	}
	return nil
}

// rehearse opens the gate in a house that is in memory. Limits are not what is
// asked about, and would get in the way of making a person up.
func (e *entrance) rehearse(house *pooledHouse, stands map[*entrance]stand) (*doorway, error) {
	e.id, e.neighbours = e.described, neighboursOf(e, stands)
	origins, err := e.origins(stands[e])
	if err != nil {
		return nil, err
	}
	wide := []Rate{"1000/1m"}
	e.settings.Limits = Limits{SendAddress: wide, SendIP: wide, SendTotal: wide, TryAddress: wide, TryIP: wide, Lockout: e.settings.Limits.Lockout}
	ctx, cancel := e.app.building.openContext()
	defer cancel()
	return e.furnish(ctx, house, origins, stands[e].inside)
}

// chooseHost finds the host that is meant, with its port where that is unusual.
func (x *rehearsal) chooseHost() error {
	var hosts []string
	for _, e := range x.app.building.gates() {
		for _, origin := range x.app.building.originsOf(e) {
			_, host, _ := strings.Cut(origin, "://")
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	if x.host == "" {
		if len(hosts) != 1 {
			return fmt.Errorf("--host says which site is meant: %s", either(hosts))
		}
		x.host = hosts[0]
		return nil
	}
	for _, e := range x.app.building.gates() {
		if d, err := e.open(); err == nil && d.door.Serves(x.host) {
			if i := slices.IndexFunc(hosts, func(h string) bool { return strings.EqualFold(withoutPort(h), x.host) }); i >= 0 {
				x.host = hosts[i]
			}
			return nil
		}
	}
	return fmt.Errorf("no gate stands at '%s'; there are gates at %s", x.host, strings.Join(hosts, ", "))
}

func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// chooseServer finds the server of the http app that the request is for: of those
// where it comes to a gate of its host, one with https.
func (x *rehearsal) chooseServer() error {
	end := ""
	for _, name := range slices.Sorted(maps.Keys(x.http.Servers)) {
		before := *x
		x.server = x.http.Servers[name]
		x.secure = len(x.server.TLSConnPolicies) > 0
		k, err := x.run(new(reply), nil, false)
		if err != nil {
			return err
		}
		better := before.server == nil || x.secure && !before.secure
		if !slices.ContainsFunc(x.steps, func(s *step) bool { return s.stands }) || !better {
			if k.end != "" {
				end = ", which is answered by " + k.end
			}
			*x = before
		}
	}
	if x.server == nil {
		return fmt.Errorf("no gate stands before %s at %s%s", x.path, x.host, end)
	}
	return x.behindProxy()
}

// behindProxy makes the request one that came through a proxy with https, where
// the site has no other.
func (x *rehearsal) behindProxy() error {
	secure := func(s *step) bool {
		origins := x.app.building.originsOf(s.entrance)
		return s.stands && !slices.ContainsFunc(origins, func(o string) bool { return strings.HasPrefix(o, "http:") })
	}
	if x.secure || !slices.ContainsFunc(x.steps, secure) {
		return nil
	}
	x.secure = true
	x.notes = append(x.notes, "This server speaks http; the request is taken as one that came over https through a proxy you trust.")
	_, err := x.run(new(reply), nil, false)
	return err
}

// run takes the request through the server. Without decide it only finds out to
// which gates it would come if each of them let it pass.
func (x *rehearsal) run(w *reply, cookies []string, decide bool) (*routeWalk, error) {
	x.steps, x.current = nil, nil
	k := &routeWalk{server: x.server}
	k.gate = func(h *Handler, w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
		s, err := x.meet(h.entrance, r)
		if err != nil {
			return err
		}
		x.steps, x.current = append(x.steps, s), s
		if !decide {
			return next.ServeHTTP(w, r)
		}
		if s.votes, err = s.doorway.gate.Votes(r.Context(), &s.visit); s.guards() && err != nil {
			return err
		}
		return h.ServeHTTP(w, r, next)
	}
	return k, k.walk(w, x.request(w, cookies))
}

// meet finds out what a gate is told of the request.
func (x *rehearsal) meet(e *entrance, r *http.Request) (*step, error) {
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return nil, errors.New("request without a replacer")
	}
	d, err := e.open()
	if err != nil {
		return nil, err
	}
	s := &step{entrance: e, doorway: d}
	e.batonOf(r)
	e.fillArrival(r, repl, varsOf(r), d, &s.in)
	s.in.Met.Meet(r.Header)
	(&passage{e: e, r: r, vars: varsOf(r), in: &s.in}).locate()
	s.visit, s.stands = d.door.Visit(r, &s.in)
	return s, nil
}

// witness is told what each gate decides.
func (x *rehearsal) witness(out web.Outcome) {
	if x.current != nil && x.current.outcome == nil {
		x.current.outcome = &out
	}
}

// request is what a browser would send that goes to the page, made ready as Caddy
// does.
func (x *rehearsal) request(w http.ResponseWriter, cookies []string) *http.Request {
	target := *x.target
	r := &http.Request{
		Method: x.method, URL: &target, RequestURI: x.path, Host: x.host, RemoteAddr: netip.AddrPortFrom(x.ip, 40000).String(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
		Header: http.Header{
			"User-Agent": {x.agent}, "Accept": {"text/html,application/xhtml+xml,*/*;q=0.8"},
			"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"same-origin"},
		},
	}
	maps.Copy(r.Header, x.header)
	if len(cookies) > 0 {
		r.Header["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	encrypted := len(x.server.TLSConnPolicies) > 0
	if encrypted {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, Version: tls.VersionTLS13, ServerName: withoutPort(x.host)}
	} else if x.secure {
		r.Header["X-Forwarded-Proto"] = []string{"https"}
	}
	repl := caddy.NewReplacer()
	x.name(r, repl)
	r = caddyhttp.PrepareRequest(r, repl, w, x.server)
	if x.secure && !encrypted {
		caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, true)
	}
	return r
}

// name says what an earlier step would have said of the person.
func (x *rehearsal) name(r *http.Request, repl *caddy.Replacer) {
	for _, e := range x.app.building.gates() {
		if e.identity == nil {
			continue
		}
		repl.Set(e.identity.source, x.user)
		if e.identity.email != "" {
			repl.Set(e.identity.email, string(x.email))
		}
		if e.identity.certificate && r.TLS != nil {
			r.TLS.VerifiedChains = [][]*x509.Certificate{{}}
		}
	}
}
