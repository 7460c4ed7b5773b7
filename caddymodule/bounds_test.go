// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// TestOTC02BoundsOfCodes and of everything else that has some: the last value
// inside is read, the first outside is refused.
func TestOTC02Bounds(t *testing.T) {
	for _, tt := range []struct{ inside, outside, want string }{
		{"code {\nlength 10\n}", "code {\nlength 11\n}", "'length' must be 6 to 10, got 11"},
		{"code {\nlength 6\n}", "code {\nlength 5\n}", "'length' must be 6 to 10 (5 digits can be guessed in 1 of 20000 with 5 tries)"},
		{"code {\nlength 8\nalphabet letters\n}", "code {\nalphabet letters\nlength 5\n}", "'length' must be 6 to 10, got 5"},
		{"code {\nlength 7\n}", "code {\nlength -7\n}", "'length' must be 6 to 10, got -7"},
		{"code {\nlength 7\n}", "code {\nlength 0\n}", "'length' needs a whole number above 0, got '0'"},
		{"code {\nttl 15m\n}", "code {\nttl 15m1s\n}", "'ttl' must be 1m to 15m, got 15m1s"},
		{"code {\nttl 1m\n}", "code {\nttl 59s\n}", "'ttl' must be 1m to 15m, got 59s"},
		{"code {\nttl 1m\n}", "code {\nttl 0s\n}", "'ttl' needs a duration"},
		{"code {\nattempts 3\n}", "code {\nattempts 2\n}", "'attempts' must be 3 to 10, got 2"},
		{"code {\nattempts 10\n}", "code {\nattempts 11\n}", "'attempts' must be 3 to 10, got 11"},
		{"code {\nresend 10s 10\n}", "code {\nresend 9s\n}", "'resend' must be 10s to 10m, got 9s"},
		{"code {\nresend 10m 1\n}", "code {\nresend 30s 11\n}", "'resend' must be 1 to 10, got 11"},
		{"session 90d", "session 91d", "'session' must be 1m to 90d, got 91d"},
		{"session {\nidle 1m\n}", "session {\nidle 30s\n}", "'idle' must be 1m to 90d, got 30s"},
		{"session {\nmax 100\n}", "session {\nmax 101\n}", "'max' must be 1 to 100, got 101"},
		{"session {\ncache 100\n}", "session {\ncache 99\n}", "'cache' needs a number of sessions, 100 to 10000000, got '99'"},
		{"session {\ncache 10000000\n}", "session {\ncache 10000001\n}", "'cache' needs a number of sessions, 100 to 10000000, got '10000001'"},
		{"session {\ncache 20000\n}", "session {\ncache 20MB\n}", "'cache' needs a number of sessions, 100 to 10000000, got '20MB'"},
		{"session {\ncache 1000000\n}", "session {\ncache 1e6\n}", "'cache' needs a number of sessions, 100 to 10000000, got '1e6'"},
		{"session {\nbind none\n}", "session {\nbind city\n}", "'bind' takes none, network or place, got 'city'"},
		{"sensitive /x 1m", "sensitive /x 59s", "'sensitive' must be 1m to 24h, got 59s"},
		{"sensitive /x 24h", "sensitive /x 25h", "'sensitive' must be 1m to 24h, got 25h"},
		{"sensitive /x 30m", "sensitive /x 0s", "'sensitive' needs a duration"},
		{"sensitive /x 30m", "sensitive /x -5m", "'sensitive' needs a duration"},
		{"geoip /g.mmdb {\nrefresh 1s\n}", "geoip /g.mmdb {\nrefresh 900ms\n}", "'refresh' must be 1s to 30d, got 900ms"},
		{"geoip /g.mmdb {\nrefresh 30d\n}", "geoip /g.mmdb {\nrefresh 31d\n}", "'refresh' must be 1s to 30d, got 31d"},
		{"geoip /g.mmdb\nlocation {\ndistance 50km\n}", "location {\ndistance 49km\n}", "'distance' must be 50km to 5000km, got 49km"},
		{"geoip /g.mmdb\nlocation {\ndistance 5000km\n}", "location {\ndistance 5001km\n}", "'distance' must be 50km to 5000km, got 5001km"},
		{"geoip /g.mmdb\nlocation {\nspeed 100kmh\n}", "location {\nspeed 99kmh\n}", "'speed' must be 100kmh to 2000kmh, got 99kmh"},
		{"geoip /g.mmdb\nlocation {\nspeed 2000kmh\n}", "location {\nspeed 2001kmh\n}", "'speed' must be 100kmh to 2000kmh, got 2001kmh"},
		{"geoip /g.mmdb\nlocation {\nspeed 900kmh\n}", "location {\nspeed 0kmh\n}", "'speed' needs kilometres an hour such as 900kmh, got '0kmh'"},
		{"networks n 0.0.0.0/1", "networks n 0.0.0.0/0", "would make every network one usual place"},
		{"networks n ::/1", "networks n 203.0.113.7/0", "would make every network one usual place"},
		{"networks n ::ffff:203.0.113.0/120", "networks n ::ffff:0.0.0.0/96", "would make every network one usual place"},
		{"remember 400d 400d", "remember 401d", "'remember' must be 1h to 400d, got 401d"},
		{"remember 30d 30d", "remember 30d 29d", "'remember' lasts 30d after the last use, but at most 29d after the last code: the second must not be shorter"},
		{"remember {\nmax 20\n}", "remember {\nmax 21\n}", "'max' must be 1 to 20, got 21"},
		{"limits {\ntry_ip 1000/30d\n}", "limits {\ntry_ip 1001/30d\n}", "'try_ip' must be 1 to 1000 in 1m to 30d, got '1001/30d'"},
		{"limits {\nsend_total 1000000/1m\n}", "limits {\nsend_total 0/1m\n}", "'send_total' must be 1 to 1000000 in 1m to 30d, got '0/1m'"},
		{"limits {\nsend_ip 1/30d\n}", "limits {\nsend_ip 1/31d\n}", "'send_ip' must be 1 to 1000 in 1m to 30d, got '1/31d'"},
		{"limits {\nsend_ip 1/1h 2/2h 3/3h 4/4h\n}", "limits {\nsend_ip 1/1h 2/2h 3/3h 4/4h 5/5h\n}", "'send_ip' takes at most 4 rates, got 5"},
		{"limits {\nlockout 24h\n}", "limits {\nlockout 25h\n}", "'lockout' must be 1m to 24h, got 25h"},
		{"storage embedded {\ngrace 24h\n}", "storage embedded {\ngrace 25h\n}", "'grace' must be 1s to 24h, got 25h"},
		{"secret {env.X}\nstorage redis redis://a {\ntimeout 100ms\n}", "storage redis redis://a {\ntimeout 99ms\n}", "'timeout' must be 100ms to 10s, got 99ms"},
		{"secret {env.X}\nstorage redis redis://a {\ntimeout 10s\n}", "storage redis redis://a {\ntimeout 11s\n}", "'timeout' must be 100ms to 10s, got 11s"},
		{"secret {env.X}\nstorage redis redis://a {\npool 1000\n}", "storage redis redis://a {\npool 1001\n}", "'pool' must be 1 to 1000, got 1001"},
		{"secret {env.X}\nstorage redis redis://a {\npool 1\n}", "storage redis redis://a {\npool 0\n}", "'pool' needs a whole number above 0, got '0'"},
		{"secret {env.X}\nstorage redis redis://a {\ngrace 24h\n}", "storage redis redis://a {\ngrace 25h\n}", "'grace' must be 1s to 24h, got 25h"},
		{"secret {env.X}\nstorage redis redis://a {\nprefix " + strings.Repeat("p", 64) + "\n}", "storage redis redis://a {\nprefix " + strings.Repeat("p", 65) + "\n}", "'prefix' takes up to 64 visible ASCII characters"},
		{"secret {env.X}\nstorage redis redis://a:65535", "storage redis redis://a:65536", "'redis' takes URLs such as"},
		{"secret {env.X}\nstorage redis redis://a/65535", "storage redis redis://a/65536", "a redis URL ends in the number of the database"},
		{"keys {\nrotate 1d\n}", "keys {\nrotate 23h\n}", "'rotate' must be 1d to 365d, or off, got 23h"},
		{"keys {\nrotate 365d\n}", "keys {\nrotate 366d\n}", "'rotate' must be 1d to 365d, or off, got 366d"},
		{"keys {\nrotate 0\n}", "keys {\nrotate -1d\n}", "'rotate' needs a duration"},
		{"backup_codes 5", "backup_codes 4", "'backup_codes' must be 5 to 20, or off, got 4"},
		{"backup_codes 20", "backup_codes 21", "'backup_codes' must be 5 to 20, or off, got 21"},
		{"backup_codes 0", "backup_codes -1", "'backup_codes' must be 5 to 20, or off, got -1"},
		{"prove_mailbox 1d", "prove_mailbox 23h", "'prove_mailbox' must be 1d to 400d, got 23h"},
		{"prove_mailbox 400d", "prove_mailbox 401d", "'prove_mailbox' must be 1d to 400d, got 401d"},
		{"audit {\nkeep 24h\n}", "audit {\nkeep 23h\n}", "'keep' must be 1d to 400d, got 23h"},
		{"audit {\nkeep 400d\n}", "audit {\nkeep 401d\n}", "'keep' must be 1d to 400d, got 401d"},
		{"mail file /x {\nheader X-A " + strings.Repeat("a", 500) + "\n}", "mail file /x {\nheader X-A " + strings.Repeat("a", 501) + "\n}", "'header' takes one line of ASCII text"},
		{"mail smtp a.example.com:25 {\nfrom a@example.com\ntimeout 2m\n}", "mail smtp a.example.com:25 {\ntimeout 3m\n}", "'timeout' must be 1s to 2m, got 3m"},
		{"pages {\nname " + strings.Repeat("é", 80) + "\n}", "pages {\nname " + strings.Repeat("é", 81) + "\n}", "'name' takes up to 80 characters"},
		{"secret " + strings.Repeat("x", 32), "secret " + strings.Repeat("x", 31), "'secret' needs at least 32 bytes, got 31"},
	} {
		t.Run(tt.outside, func(t *testing.T) {
			if _, err := adapt(site(tt.inside)); err != nil {
				t.Errorf("inside %q = %v", tt.inside, err)
			}
			refuses(t, site(tt.outside), tt.want)
		})
	}
}

func TestValuesThatWouldMisleadAreRefused(t *testing.T) {
	for _, tt := range []struct{ lines, want string }{
		{"allow ana", "'ana' is not an address; 'allow' takes addresses such as"},
		{"allow ana@", "'ana@' is not an address"},
		{"allow ána@example.com", "'ána@example.com' is not an address"},
		{"allow a@b@example.com", "is not an address"},
		{"allow *@", "'*@' is not an address"},
		{"allow group:", "'' cannot name a group"},
		{"deny *", "'*' is not an address; 'deny' takes"},
		{"deny group:staff", "'group:staff' is not an address; 'deny' takes"},
		{"group my/group ana@example.com", "'my/group' cannot name a group"},
		{"group staff group:other", "is not an address; 'group' takes"},
		{"networks my/office 203.0.113.7", "'my/office' cannot name a network"},
		{"networks fd00::/8 203.0.113.7", "'networks' takes a name before the networks"},
		{"networks office 203.0.113.0/33", "'networks' takes networks such as"},
		{"networks office 203.0.113", "'networks' takes networks such as"},
		{"networks office fe80::1%eth0", "'networks' takes networks such as"},
		{"networks office ::ffff:203.0.113.0/80", "'networks' takes networks such as"},
		{"countries P1", "'countries' takes ISO 3166-1 codes of countries such as PT or ES, got 'P1'"},
		{"countries SU", "got 'SU'"},
		{"countries \"PT ES\"", "got 'PT ES'"},
		{"countries EL", "'EL' is written GR"},
		{"challenge expired", "'challenge' takes new_browser"},
		{"challenge new_browser new_browser", "'challenge' names new_browser twice"},
		{"challenge new_browser never", "'challenge never' stands alone, without other reasons"},
		{"observe new_network all", "'observe all' stands alone, without other reasons"},
		{"copy_headers Remote-Phone", "'copy_headers' takes Remote-User, Remote-Email, Remote-Name or Remote-Groups, got 'Remote-Phone'"},
		{"copy_headers Remote-User>Remote_User", "'copy_headers' takes names of request headers"},
		{"copy_headers Remote-User>", "'copy_headers' takes names of request headers"},
		{"copy_headers Remote-User>Cookie", "'copy_headers' cannot use the header Cookie"},
		{"copy_headers Remote-User>X-A Remote-Email>x-a", "in the same header"},
		{"copy_headers Remote-User>X-A\nassertion x-a", "'assertion' and Remote-User use the same header"},
		{"assertion \"X A\"", "'assertion' takes names of request headers"},
		{"pages {\naccent blurple\n}", "'accent' takes a colour such as 0b5fff or navy, got 'blurple'"},
		{"pages {\nsupport javascript:alert(1)\n}", "'support' takes a link such as mailto:help@example.com or https://example.com/page"},
		{"pages {\nsupport mailto:help\n}", "'support' takes a link"},
		{"pages {\nprivacy /privacy\n}", "'privacy' takes a link"},
		{"pages {\nname \"a\nb\"\n}", "'name' takes one line of text"},
		{"origins app.example.com", "'origins' takes origins such as https://app.example.com"},
		{"origins https://app.example.com/", "'origins' takes origins"},
		{"origins https://*.example.com", "'origins' takes origins"},
		{"origins https://user@app.example.com", "'origins' takes origins"},
		{"endpoints .doorcode", "'endpoints' takes a path such as /.doorcode"},
		{"endpoints /", "'endpoints' takes a path"},
		{"endpoints /a/../b", "'endpoints' takes a path"},
		{"endpoints /a*", "'endpoints' takes a path"},
		{"single_sign_on 127.0.0.1", "'single_sign_on' takes a domain"},
		{"single_sign_on localhost", "'single_sign_on' takes a domain"},
		{"single_sign_on github.io", "would share sessions with strangers"},
		{"cookie {\nname __Host-door\n}", "'name' of a cookie takes"},
		{"cookie {\nname \"a b\"\n}", "'name' of a cookie takes"},
		{"public {\npath /x *.css\n}", "'public' takes no pattern that starts with '*', got '*.css'"},
		{"public @css", "'public' takes no pattern that starts with '*', got '*.css'"},
		{"mail smtp a.example.com:25 {\nfrom nobody\n}", "'from' takes a mailbox"},
		{"mail smtp a.example.com:25 {\nfrom \"a@example.com\nBcc: eve@example.com\"\n}", "'from' takes a mailbox"},
		{"mail smtp a.example.com:25 {\nheader Bcc eve@example.com\n}", "'header' cannot set Bcc"},
		{"mail smtp a.example.com:25 {\nheader content-type text/html\n}", "'header' cannot set content-type"},
		{"mail smtp a.example.com:25 {\nheader X_A 1\n}", "'header' takes the name of a field"},
		{"mail smtp a.example.com:25 {\nheader X-A \"1\nBcc: eve@example.com\"\n}", "'header' takes one line of ASCII text"},
		{"mail smtp a.example.com:25 {\nfrom a@example.com\nusername ana\n}", "'username' needs 'password'"},
		{"mail smtp a.example.com:25 {\nfrom a@example.com\npassword {env.X}\n}", "'password' needs 'username'"},
		{"mail smtp a.example.com:25 {\nfrom a@example.com\nusername ana\npassword {env.X}\ntls off\n}", "'tls off' would send the password in clear text"},
		{"mail smtp a.example.com:0 {\nfrom a@example.com\n}", "'smtp' needs <host>:<port>"},
	} {
		t.Run(tt.lines, func(t *testing.T) {
			refuses(t, strings.Replace(site(tt.lines), "{\n", "{\n@css path *.css\n", 1), tt.want)
		})
	}
}

// Whatever a visitor can write must not become an identity.
func TestHDR09IdentitiesThatNobodyVouchesFor(t *testing.T) {
	for _, tt := range []struct{ lines, want string }{
		{"identity ana", "'identity' takes 'ask' or a placeholder such as {http.auth.user.id}, got 'ana'"},
		{"identity {http.auth.user.id}@example.com", "'identity' takes 'ask' or a placeholder"},
		{"identity {http.auth.candidate.id}", "it is whom somebody claims to be"},
		{"identity {cookie.user}", "it is the visitor's own word, and so is every cookie"},
		{"identity {query.user}", "it is the visitor's own word, and so is everything in an address"},
		{"identity {uri}", "it is the visitor's own word"},
		{"identity {http.request.uri.path.0}", "it is the visitor's own word"},
		{"identity {http.REQUEST.cookie.user}", "it is the visitor's own word"},
		{"identity {host}", "it says what is asked for, not who asks"},
		{"identity {http.request.body}", "it says what is asked for, not who asks"},
		{"identity {re.user.1}", "it is a part of the visitor's own words"},
		{"identity {env.USER}", "it is the same for every visitor"},
		{"identity {http.auth.user.id} {\nemail {cookie.mail}\n}", "'email' cannot use {http.request.cookie.mail}"},
		{"identity {http.auth.user.id} {\nemail {header.X-Mail}\n}", "a request header is the visitor's own word"},
		{"identity {http.auth.user.id} {\ngroups {header.X-Groups}\n}", "a request header is the visitor's own word"},
		{"identity {http.auth.user.id} {\nfrom basic_auth\n}", "'from' takes forward_auth, got 'basic_auth'"},
		{"identity {http.auth.user.id} {\ndomain example\n}", "'domain' takes a domain such as example.com"},
		{"identity {http.auth.user.id} {\nmap ana ana\n}", "'map' takes a user and an address"},
		{"identity ask {\ndomain example.com\n}", "'identity ask' takes no block"},
	} {
		t.Run(tt.lines, func(t *testing.T) { refuses(t, site(tt.lines), tt.want) })
	}
	refuses(t, global("identity {header.X-User}"), "a request header is the visitor's own word")
	refuses(t, global("identity {re.user.1}"), "it is a part of the visitor's own words")
	refuses(t, global("identity {cookie.x}"), "and so is every cookie")
}

func TestWarnings(t *testing.T) {
	for _, tt := range []struct{ lines, want string }{
		{"allow *", "'allow *' lets in everyone who can receive mail"},
		{"allow *@gmail.com", "'*@gmail.com' lets in everyone"},
		{"observe all", "'observe all' asks for no code and refuses nobody"},
		{"observe new_network", ""},
		{"second_address any", "'second_address any' lets people in by a mailbox that is not on your list, for 60d after the last code to the one that is"},
		{"second_address any\nprove_mailbox 7d", "for 7d after the last code"},
		{"second_address allowed\ntokens\nbackup_codes 20", ""},
		{"code {\nttl 15m\n}", "codes work for 15m; OWASP ASVS 6.5.5 allows 10m"},
		{"secret " + strings.Repeat("x", 32), "'secret' is written in the configuration"},
		{"allow ana@example.com\nsecret {env.X}\ncode {\nttl 10m\n}", ""},
	} {
		t.Run(tt.lines, func(t *testing.T) {
			h, _ := handler(t, site(tt.lines))
			found := strings.Join(caddymodule.Warnings(caddymodule.WithDefaults(h.Settings)), "\n")
			if tt.want == "" && found != "" || !strings.Contains(found, tt.want) {
				t.Errorf("Warnings = %q, want %q", found, tt.want)
			}
		})
	}
}
