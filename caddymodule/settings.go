// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
)

// Settings are what a site and the app may both say. Nothing is mandatory, and
// what is not set differs from what is set to its default: a site's value
// replaces the app's.
type Settings struct {
	// Who may pass.
	Access

	// Where the identity comes from. Default: the visitor types an address.
	Identity *Identity `json:"identity,omitempty"`

	// When a code is asked for.
	Checks

	// What happens to CORS preflight requests without a session: `deny` or
	// `pass`. Default: deny.
	Preflight string `json:"preflight,omitempty"`

	// How long people stay signed in. Default: 12 hours.
	Session Session `json:"session,omitzero"`

	// How long browsers are remembered after a code. Default: 30 days after
	// the last use, if the person asks for it.
	Remember Remember `json:"remember,omitzero"`

	// What the mailed codes are like. Default: 6 digits, 10 minutes, 5 tries.
	Code Code `json:"code,omitzero"`

	// How often codes may be asked for and tried. Default: see each limit.
	Limits Limits `json:"limits,omitzero"`

	// How people get in without the mailed code.
	Ways

	// What the app is told.
	Handover

	// What the pages look like. Default: see each setting.
	Pages Pages `json:"pages,omitzero"`

	// Where the gate is reached.
	Reach

	// How mail is sent, the first transport first; the next one is used when
	// it fails. Required: no default.
	MailRaw []json.RawMessage `json:"mail,omitempty" caddy:"namespace=doorcode.mail inline_key=transport"`

	// Where people, codes and counters are kept. Default: embedded.
	StorageRaw json.RawMessage `json:"storage,omitempty" caddy:"namespace=doorcode.storage inline_key=backend"`

	// What becomes of visitors without a session while the storage does not
	// answer: `deny`, or `allow_known_browsers` (remembered browsers pass that
	// this process has seen since it started, for as long as live sessions go
	// on; never on pages that need a fresh code). Default: deny.
	OnStoreFailure string `json:"on_store_failure,omitempty"`

	// The root of all keys, at least 32 bytes; write a placeholder such as
	// `{file./run/secrets/doorcode}`. `caddy doorcode secret` makes one. Default:
	// a file in Caddy's data folder, made at the first start; required for
	// storage that other machines share.
	Secret Secret `json:"secret,omitempty"`

	// The databases that say where visitors are. Default: none, and places are
	// not judged.
	GeoIP GeoIP `json:"geoip,omitzero"`

	// From when on two places are far apart. Default: see each setting.
	Location Location `json:"location,omitzero"`

	// The cookies. Default: see each setting.
	Cookie Cookie `json:"cookie,omitzero"`

	// The keys that sign session cookies. Default: see each setting.
	Keys Keys `json:"keys,omitzero"`

	// What is kept of what happens to people's accounts. Default: see each
	// setting.
	Audit Audit `json:"audit,omitzero"`
}

// Access says who may pass.
type Access struct {
	// Who may pass: addresses, `*@domain`, `group:name`, or `*` for everyone who
	// can receive mail. Default: nobody; with an identity from an earlier step,
	// everyone whom that step admits.
	Allow []string `json:"allow,omitempty"`

	// Who may not pass although `allow` covers them: addresses and `*@domain`.
	// Default: nobody.
	Deny []string `json:"deny,omitempty"`

	// A file with one `allow` entry a line, read again when it changes.
	// Default: none.
	AllowFile string `json:"allow_file,omitempty"`

	// Members of each group by its name, as addresses and `*@domain`. Groups
	// may stand in `allow` and are passed to the app. Default: none.
	Group map[string][]string `json:"group,omitempty"`

	// A CSV file with the columns address, user, name, groups and until, read
	// again when it changes; its people may pass. Default: none.
	PeopleFile string `json:"people_file,omitempty"`

	// The countries from which people may pass or may not. Default: all may.
	Countries Countries `json:"countries,omitzero"`

	// Whether `*@example.com` covers `ana+tag@example.com`. Default: true.
	Plus *bool `json:"plus,omitempty"`

	// Whether visitors are told that their address is not on the list. If not,
	// unknown addresses look like known ones. Default: false.
	Reveal *bool `json:"reveal,omitempty"`
}

// Session says how long people stay signed in.
type Session struct {
	// How long a session lasts in all, 1m to 90d. Default: 12h.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// How long a session lasts without a request, at least 1m; 0 is no limit.
	// Default: 0.
	Idle *caddy.Duration `json:"idle,omitempty"`

	// How many sessions one address may have, 1 to 100; one more ends the
	// oldest. Default: 100.
	Max int `json:"max,omitempty"`

	// How many live sessions Caddy keeps in memory, 100 to 10000000, at about 3.1 kB
	// each; one more makes room by one that is used less and then costs a read of
	// the storage. Sites that share a storage share them, and the largest number
	// counts. Default: 20000.
	Cache int `json:"cache,omitempty"`

	// What ends a session before its time: `place` (a place that is not usual
	// for the person asks again), `network` (so does a new network) or `none`.
	// Default: none; with `geoip`, if `challenge` has new_place or travel, place.
	Bind string `json:"bind,omitempty"`

	// Whether browsers that can are asked for a key that never leaves their
	// machine, without which a copy of their cookies opens nothing after ten
	// minutes: `auto`, `off`, or `required` (nobody stays in without one).
	// Nothing is asked over plain http, nor with `single_sign_on`. Default: auto.
	DeviceBound string `json:"device_bound,omitempty"`
}

// Remember says how long browsers are remembered.
type Remember struct {
	// How long after its last use a browser is remembered, 1h to 400d.
	// Default: 30d.
	Idle caddy.Duration `json:"idle,omitempty"`

	// How long after its last code a browser is remembered at most, 1h to 400d.
	// Default: 180d.
	Most caddy.Duration `json:"most,omitempty"`

	// Whether browsers are remembered: `ask` (the person decides), `always` or
	// `never`. Default: ask.
	Choice string `json:"choice,omitempty"`

	// How many browsers are remembered for one address, 1 to 20. Default: 20.
	Max int `json:"max,omitempty"`
}

// Code says what the mailed codes are like.
type Code struct {
	// How many digits or letters a code has, 6 to 10. Default: 6.
	Length int `json:"length,omitempty"`

	// What a code is made of: `digits` or `letters`. Default: digits.
	Alphabet string `json:"alphabet,omitempty"`

	// How long a code works, 1m to 15m. OWASP ASVS allows 10 minutes, so more
	// is warned about. Default: 10m.
	TTL caddy.Duration `json:"ttl,omitempty"`

	// How many wrong tries end a code, 3 to 10. Default: 5.
	Attempts int `json:"attempts,omitempty"`

	// When the mail with a code may be sent again. Default: see each setting.
	Resend Resend `json:"resend,omitzero"`

	// Whether the code stands in the subject of the mail. Default: true.
	Subject *bool `json:"subject,omitempty"`

	// When the identity is known: `auto` mails a code at the first page load,
	// `button` waits for a press. Default: auto.
	Send string `json:"send,omitempty"`
}

// Resend says when the mail with a code may be sent again.
type Resend struct {
	// How long to wait between two mails with the same code, 10s to 10m.
	// Default: 30s.
	Wait caddy.Duration `json:"wait,omitempty"`

	// How many mails there are for one code at most, 1 to 10. Default: 3.
	Max int `json:"max,omitempty"`
}

// Limits say how often codes may be asked for and tried. Each takes up to four
// windows such as `6/1h`; all of them hold at once.
type Limits struct {
	// Mails to one address. Default: 6/1h 20/24h.
	SendAddress []Rate `json:"send_address,omitempty"`

	// Mails asked for from one network. Default: 60/1h.
	SendIP []Rate `json:"send_ip,omitempty"`

	// Mails in all; half is kept for people who are known. Default: 200/1h
	// 400/24h.
	SendTotal []Rate `json:"send_total,omitempty"`

	// Wrong tries for one address. Default: 15/1h 30/24h 100/30d.
	TryAddress []Rate `json:"try_address,omitempty"`

	// Tries from one network. Default: 60/1h.
	TryIP []Rate `json:"try_ip,omitempty"`

	// How long the first lock after too many wrong tries lasts, 1m to 24h; each
	// further one is twice as long, up to 24h, until a right code. Default: 15m.
	Lockout caddy.Duration `json:"lockout,omitempty"`
}

// Handover says what the app is told of the person.
type Handover struct {
	// The request header that carries each field to the app. The fields are
	// Remote-User, Remote-Email, Remote-Name and Remote-Groups; one that is left
	// out is not sent. Default: all four under their own names.
	CopyHeaders map[string]string `json:"copy_headers,omitempty"`

	// The request header with the signed statement of who is signed in, or
	// `off`. Default: Doorcode-Assertion.
	Assertion string `json:"assertion,omitempty"`
}

// Reach says where the gate is reached.
type Reach struct {
	// The public origins of the site, such as `https://app.example.com`.
	// Default: found from the hosts of the site; required where those are
	// wildcards or missing.
	Origins []string `json:"origins,omitempty"`

	// The path below which the gate has its own pages. Default: the path
	// segment `.doorcode` at any depth.
	Endpoints string `json:"endpoints,omitempty"`

	// The domain whose subdomains share one session. Default: none, each host
	// has its own.
	SingleSignOn string `json:"single_sign_on,omitempty"`
}

// Cookie says what the cookies are like.
type Cookie struct {
	// The name, to which prefixes such as `__Host-Http-` are added. Default:
	// doorcode.
	Name string `json:"name,omitempty"`

	// The SameSite attribute, `lax` or `strict`. With `strict`, whoever follows
	// a link from another site is asked again. Default: lax.
	SameSite string `json:"same_site,omitempty"`

	// Whether cookies work over plain http, for tests. Default: false.
	Insecure *bool `json:"insecure,omitempty"`
}

// Keys say how session cookies are signed.
type Keys struct {
	// The algorithm: `ES256`, `EdDSA` or `HS256`. Default: ES256.
	Algorithm string `json:"algorithm,omitempty"`

	// How long a key signs before its successor does, 1d to 365d; 0 is for
	// ever. Nobody is signed out by the change. Of sites that share a storage,
	// the shortest time counts. Default: 30d.
	Rotate *caddy.Duration `json:"rotate,omitempty"`
}
