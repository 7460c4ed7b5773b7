// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"slices"
	"strings"
)

// Namespace is the prefix of header fields that belong to the gate alone. They are
// removed from every request, whatever follows the prefix.
const Namespace = "Doorcode-"

// overrides let a request claim another URL or method than the one that was
// judged; frameworks believe them from anyone. Of the last two, Proxy-Connection
// could name fields for removal, and HTTP2-Settings is half of an upgrade to h2c,
// which opens a raw tunnel past the gate.
var overrides = []string{
	"X-Original-URL", "X-Rewrite-URL",
	"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Method", "X-REST-Method", "HTTP-Method-Override", "X-HTTP-Verb",
	"Proxy-Connection", "HTTP2-Settings",
}

// Gateways are the fields in which other gateways, proxies and sign-in modules
// tell an app who somebody is. An app may still trust one of them from an earlier
// life. A name that ends in "*" is a prefix. Names that apps' own scripts send as
// credentials (X-Auth-Token, X-Api-Key, X-User-Id) are left out on purpose.
var Gateways = []string{
	// oauth2-proxy, Traefik forward auth, Vouch
	"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
	"X-Forwarded-Access-Token", "X-Forwarded-Roles", "X-Forwarded-Name", "X-Auth-Request-*", "X-Vouch-*",
	// Authelia, Tinyauth, Kubernetes, Zoraxy, Splunk
	"Remote-*", "X-Remote-*", "X-Proxy-User", "X-Proxy-Remote-User",
	// Grafana, Gitea, Forgejo behind a proxy
	"X-WebAuth-*",
	// authentik, Pomerium, caddy-security, LemonLDAP, Keycloak's gatekeeper
	"X-Authentik-*", "X-Pomerium-*", "X-Token-Subject", "X-Token-User-*",
	"Auth-User", "Auth-Mail", "Auth-Cn", "Auth-Groups",
	"X-Auth-Audience", "X-Auth-Email", "X-Auth-Groups", "X-Auth-Name", "X-Auth-Roles", "X-Auth-Subject",
	"X-Auth-User", "X-Auth-Userid", "X-Auth-Username",
	// Cloudflare, Tailscale, ngrok, Teleport, Octelium, exe.dev
	"Cf-Access-*", "Tailscale-User-*", "Ngrok-Auth-*", "Teleport-Jwt-Assertion", "X-Octelium-*", "X-ExeDev-*",
	// Google, Microsoft, Amazon
	"X-Goog-Authenticated-User-*", "X-Goog-Iap-Jwt-Assertion", "X-Endpoint-Api-Userinfo", "X-Apigateway-Api-Userinfo",
	"X-Ms-Client-Principal*", "X-Ms-Token-*", "X-Amzn-Oidc-*", "X-Amzn-Ava-*", "X-Amzn-Mtls-*",
	// Kong, APISIX, WSO2
	"X-Authenticated-*", "X-Consumer-*", "X-Credential-Identifier", "X-Anonymous-Consumer", "X-Userinfo", "X-Id-Token", "X-Jwt-Assertion",
	// Apache modules, Shibboleth, SiteMinder, WebSEAL, Oracle
	"Oidc-*", "Mellon-*", "Shib-*", "Eppn", "Cas-User", "Sm-User*", "Sm-Universalid", "Iv-User*", "Iv-Groups", "Iv-Creds",
	"Oam-Remote-User*", "Osso-User-*",
	// household servers: YunoHost, Sandstorm, Cosmos
	"Ynh-*", "X-Sandstorm-*", "X-Cosmos-User", "X-Cosmos-Role", "X-Cosmos-Mfa",
	// client certificates as told by who ends TLS
	"Client-Cert", "Client-Cert-Chain", "X-Client-Cert*", "X-Client-Dn", "X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert*",
	"Ssl-Client-*", "X-Ssl-Client-*",
}

// nameSet recognises field names in all spellings that some app reads as one: CGI
// and its heirs (FastCGI, WSGI, PHP, Rack) make one variable of Remote-User,
// remote_user and Remote.User, some of every byte that is neither letter nor
// digit.
//
// Names are sorted by two of their letters: most fields meet no name at all.
type nameSet struct {
	lists  [][]foldedName // the first one is empty
	direct [buckets]uint8 // by the first two letters, the place of a list
	behind [buckets]uint8 // of names that begin with "x-", by the next two
	short  []foldedName   // too short to be sorted
}

const (
	buckets  = 1 << 10
	maxLists = 1<<8 - 1
)

type foldedName struct {
	text   string
	prefix bool
}

// newNameSet takes names; those that end in "*" are prefixes.
func newNameSet(names ...[]string) *nameSet {
	s := &nameSet{lists: make([][]foldedName, 1)}
	for _, name := range slices.Concat(names...) {
		text, prefix := strings.CutSuffix(name, "*")
		if text = fold(trimBlank(text)); text == "" {
			continue // a prefix of nothing would name every field
		}
		s.add(foldedName{text, prefix})
	}
	return s
}

func (s *nameSet) add(name foldedName) {
	place := s.place(name.text)
	if place == nil || *place == 0 && len(s.lists) > maxLists {
		s.short = append(s.short, name)
		return
	}
	if *place == 0 {
		*place = uint8(len(s.lists))
		s.lists = append(s.lists, nil)
	}
	s.lists[*place] = append(s.lists[*place], name)
}

// place is where the list of names is kept that begin like name; nil for one that is
// too short to tell.
func (s *nameSet) place(name string) *uint8 {
	if len(name) < 2 {
		return nil
	}
	first, second := folded[name[0]], folded[name[1]]
	if first != 'x' || second != '-' {
		return &s.direct[bucket(first, second)]
	}
	if len(name) < 4 {
		return nil
	}
	return &s.behind[bucket(folded[name[2]], folded[name[3]])]
}

// bucket tells letters apart; what else there is may share a place with some.
func bucket(first, second byte) int { return int(first&31)<<5 | int(second&31) }

func fold(name string) string {
	text := []byte(name)
	for i, c := range text {
		text[i] = folded[c]
	}
	return string(text)
}

// has reports whether some app may read name as one of the set.
func (s *nameSet) has(name string) bool {
	if name == "" {
		return false
	}
	if blank(name[0]) || blank(name[len(name)-1]) {
		name = trimBlank(name)
	}
	if place := s.place(name); place != nil && *place != 0 && anyName(s.lists[*place], name) {
		return true
	}
	return len(s.short) > 0 && anyName(s.short, name)
}

func anyName(list []foldedName, name string) bool {
	for _, own := range list {
		if len(name) < len(own.text) || !own.prefix && len(name) != len(own.text) {
			continue
		}
		if sameFolded(own.text, name) {
			return true
		}
	}
	return false
}

// sameFolded reports whether name begins with text, which is folded already.
func sameFolded(text, name string) bool {
	for i := range len(text) {
		if text[i] != folded[name[i]] {
			return false
		}
	}
	return true
}

// folded lowers letters and makes a hyphen of all that is neither letter nor digit.
var folded = func() (table [256]byte) {
	for i := range table {
		switch c := byte(i); {
		case c >= 'A' && c <= 'Z':
			table[i] = c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			table[i] = c
		default:
			table[i] = '-'
		}
	}
	return table
}()

// trimBlank cuts blanks and controls off both ends: lenient servers do so with
// names in fields and cookies.
func trimBlank(s string) string {
	for s != "" && blank(s[0]) {
		s = s[1:]
	}
	for s != "" && blank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func blank(c byte) bool { return c <= ' ' || c == 0x7f }

// equalFold is strings.EqualFold for ASCII alone: the Kelvin sign is no k here, as
// it is none to whoever reads a header next.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
