// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
	"github.com/doorcode/caddy-doorcode/geo"
)

// A Gate decides at one place in front of an app. Many gates share a [House].
// It is safe for concurrent use.
type Gate struct {
	house     *House
	id        string
	policy    Policy
	grace     time.Duration
	access    atomic.Pointer[Access]
	locator   Locator
	networks  []Network
	issues    atomic.Pointer[issue]
	algorithm sessions.Algorithm
	record    Recorder
	prepare   func(Identity) any
	placed    func(*geo.Place) any
	host, app string
}

// GateOptions say what is particular to a gate.
type GateOptions struct {
	// ID names the gate. Codes and flows are bound to it, so it must stay the
	// same over restarts and on every machine.
	ID string
	// Host and App are what its site is called, in mail that no visit leads to.
	Host, App string
	// Policy is what the gate demands.
	Policy Policy
	// Locator says where visits come from. Nil: nothing does.
	Locator Locator
	// Networks are those that the operator named.
	Networks []Network
	// Access says who may pass. It can be changed later by SetAccess.
	Access *Access
	// Algorithm signs the session cookie. Default: ES256.
	Algorithm sessions.Algorithm
	// Grace is how long live sessions go on when the store does not answer.
	Grace time.Duration
	// Recorder takes the events of the gate.
	Recorder Recorder
	// Prepare is called once for each session that the gate admits; what it
	// returns travels with the admission. It serves to build headers once
	// instead of on every request.
	Prepare func(Identity) any
	// PreparePlace does the same for each place at which a session is seen.
	PreparePlace func(*geo.Place) any
}

// NewGate makes a gate, and its signing keys if there are none yet. Where other
// machines use the store too and it does not answer, the gate keeps everybody out
// until it does.
func (h *House) NewGate(ctx context.Context, o GateOptions) (*Gate, error) {
	if o.Algorithm == "" {
		o.Algorithm = sessions.ES256
	}
	g := &Gate{
		house: h, id: o.ID, policy: o.Policy.withDefaults(), grace: o.Grace,
		algorithm: o.Algorithm, record: o.Recorder, prepare: o.Prepare, placed: o.PreparePlace,
		locator: o.Locator, networks: o.Networks, host: o.Host, app: o.App,
	}
	g.access.Store(o.Access)
	if g.policy.OnStoreFailure == AllowKnownBrowsers {
		h.known.wanted.Store(true)
	}
	if err := o.Algorithm.Known(); err != nil {
		return nil, err
	}
	h.signing.want(o.Algorithm, g.policy.Session.Lifetime)
	if err := h.loadKeys(ctx); err != nil && !h.mayWait(err) {
		return nil, err
	}
	if h.signing.replaced.Swap(false) {
		g.log(ctx, &Visit{}, Event{Name: KeysReplaced})
	}
	return g, nil
}

// mayWait reports whether what keeps the keys from being read may pass by itself.
func (h *House) mayWait(err error) bool {
	return h.shared && !errors.Is(err, ErrOtherSecret) && !errors.Is(err, sessions.ErrKeys)
}

func (h *House) sessionMAC(parts ...[]byte) [32]byte { return h.ring.MAC(labelSession, parts...) }

// SetAccess changes who may pass. Every session is judged anew on its next
// request.
func (g *Gate) SetAccess(a *Access) { g.access.Store(a) }

// Policy returns what the gate demands, with the defaults filled in.
func (g *Gate) Policy() Policy { return g.policy }

// ID returns the name of the gate.
func (g *Gate) ID() string { return g.id }

// JWKS returns the public signing keys (RFC 7517), or ErrUnavailable before they
// could be read.
func (g *Gate) JWKS() ([]byte, error) {
	issuer, err := g.issuer()
	if err != nil {
		return nil, err
	}
	return issuer.JWKS(g.house.now()), nil
}

// MailDown reports whether mail fails at the moment, whatever the address.
func (g *Gate) MailDown() bool {
	health, ok := g.house.sender.(HealthReporter)
	return ok && health.Down(g.id)
}

// A Visit is what one request tells the gate.
type Visit struct {
	Now      time.Time
	Audience string     // the configured origin, or single_sign_on domain, of the request's host
	Host     string     // the site's host from the configuration, for mails
	App      string     // the site's name, for mails
	Language string     // language of the page, for mails
	IP       netip.Addr // as Caddy resolved it; zero when unknown
	Agent    string     // User-Agent, raw
	Session  string     // value of the session cookie
	Page     risk.Page  // how fresh a code the page asks for
	Link     string     // URL below which the endpoints are, for mails
	Reason   Reason     // why a code is asked for, for mails
	Device   string     // value of the device cookie
	Pass     string     // value of the cookie that shows a bound browser's key
	Own      bool       // one of our own pages asks: it works without a key that the gate requires
	// Earlier is what an earlier step says; nil where visitors type an address.
	Earlier *Identity
	// Confirm is the session whose person is asked to confirm it; nil where
	// somebody signs in.
	Confirm *Live
	// Change is what the person of Confirm is asked for a code for; nil where the
	// session itself is confirmed.
	Change *Change
	// Account: it is for the person's own account, where a code is enough although the
	// gate accepts passkeys alone: one has to be made somewhere.
	Account bool
}

// A Decision is what becomes of a visit.
type Decision uint8

// The decisions. The zero value keeps the visitor out.
const (
	Unavailable Decision = iota // nothing can be decided: answer 503
	Check                       // a code is needed
	Deny                        // known, and may not pass
	Pass
)

// String is the decision as events and commands write it.
func (d Decision) String() string {
	switch d {
	case Pass:
		return "pass"
	case Check:
		return "check"
	case Deny:
		return "deny"
	default:
		return "unavailable"
	}
}

// A Verdict is the answer to a visit.
type Verdict struct {
	Decision Decision
	Reason   Reason
	// Identity is who it is; its address is empty where nobody knows yet.
	Identity Identity
	// Elsewhere: the session that the visit brings was ended by its person from
	// another browser.
	Elsewhere bool
	// ByOperator: an operator ended it, or signed the browser out.
	ByOperator bool
	// Barred: nobody is let in from where the visit comes from.
	Barred bool
	// Keyless: the gate wants a key of this browser, which has shown none.
	Keyless bool
	// Observed are reasons that would ask for a code if they were not only
	// observed.
	Observed risk.Set
	// Placed is what PreparePlace made of where a session is.
	Placed any
	// Remembered is the address that this browser used last, to fill in a form.
	Remembered Email
	// Admission is who is admitted. On Check it is the session that is to be
	// confirmed, on Deny the one that led there; nil where there is none.
	Admission *Admission
	// SetSession and SetDevice are new cookie values, empty when unchanged.
	SetSession, SetDevice string
}

func (g *Gate) log(ctx context.Context, v *Visit, e Event) {
	e.Gate, e.IP = g.id, v.IP
	if e.Name == StoreFailed && g.house.outage.hushes(g.house.now()) {
		return
	}
	if g.record != nil {
		g.record.Record(ctx, e)
	}
	g.retell(ctx, v, e)
}
