// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// accepted holds each setting as a site writes it, and what becomes of it. A
// block stands in further lines.
var accepted = []struct{ word, lines, want string }{
	{"allow", "allow ana@example.com *@example.org * group:staff", `{"allow":["ana@example.com","*@example.org","*","group:staff"]}`},
	{"allow", "allow ana@example.com\nallow ben@example.com", `{"allow":["ana@example.com","ben@example.com"]}`},
	{"deny", "deny eve@example.com *@example.net", `{"deny":["eve@example.com","*@example.net"]}`},
	{"allow_file", "allow_file /etc/people.txt", `{"allow_file":"/etc/people.txt"}`},
	{"group", "group staff ana@example.com *@example.org\ngroup staff ben@example.com\ngroup other cy@example.com", `{"group":{"other":["cy@example.com"],"staff":["ana@example.com","*@example.org","ben@example.com"]}}`},
	{"people_file", "people_file /etc/people.csv", `{"people_file":"/etc/people.csv"}`},
	{"plus", "plus", `{"plus":true}`},
	{"plus", "plus off", `{"plus":false}`},
	{"reveal", "reveal on", `{"reveal":true}`},
	{"countries", "geoip /g.mmdb\ncountries pt ES", `{"countries":{"allow":["PT","ES"]},"geoip":{"files":["/g.mmdb"]}}`},
	{"countries", "geoip /g.mmdb\ncountries not KP xk", `{"countries":{"deny":["KP","XK"]},"geoip":{"files":["/g.mmdb"]}}`},
	{"identity", "identity ask", `{"identity":{"source":"ask"}}`},
	{"identity", "identity {http.auth.user.id} {\nemail {http.auth.user.email}\ngroups {http.auth.user.groups}\ndomain example.com\nmap ana ana@example.com\nmap ben ben@example.com\nmap_file /etc/map\n}", `{"identity":{"source":"{http.auth.user.id}","email":"{http.auth.user.email}","groups":"{http.auth.user.groups}","domain":"example.com","map":{"ana":"ana@example.com","ben":"ben@example.com"},"map_file":"/etc/map"}}`},
	{"identity", "identity {header.Remote-User} {\nfrom forward_auth\n}", `{"identity":{"source":"{http.request.header.Remote-User}","from":"forward_auth"}}`},
	{"identity", "identity {http.request.tls.client.san.emails.0}", `{"identity":{"source":"{http.request.tls.client.san.emails.0}"}}`},
	{"public", "public /robots.txt /healthz/*", `{"public":[{"path":["/robots.txt"]},{"path":["/healthz/*"]}]}`},
	{"public", "public @hooks\npublic {\npath /x\nmethod GET\n}", `{"public":[{"path":["/hooks/*"]},{"method":["GET"],"path":["/x"]}]}`},
	{"answer", "answer json /api/* @hooks\nanswer 503 {\nheader X-Sync *\n}", `{"answer":[{"as":"json","match":[{"path":["/api/*"]},{"path":["/hooks/*"]}]},{"as":"503","match":[{"header":{"X-Sync":["*"]}}]}]}`},
	{"challenge", "challenge new_browser new_network always", `{"challenge":["new_browser","new_network","always"]}`},
	{"challenge", "identity {http.auth.user.id}\nchallenge never", `{"challenge":["never"],"identity":{"source":"{http.auth.user.id}"}}`},
	{"observe", "observe new_network always", `{"observe":["new_network","always"]}`},
	{"observe", "observe all", `{"observe":["all"]}`},
	{"sensitive", "sensitive /admin/* @hooks 5m\nsensitive /export/*", `{"sensitive":[{"match":[{"path":["/admin/*"]},{"path":["/hooks/*"]}],"max_age":300000000000},{"match":[{"path":["/export/*"]}]}]}`},
	{"sensitive", "sensitive 1d {\npath /x\nmethod POST\n}\nsensitive {\nheader X-Confirm *\n}", `{"sensitive":[{"match":[{"method":["POST"],"path":["/x"]}],"max_age":86400000000000},{"match":[{"header":{"X-Confirm":["*"]}}]}]}`},
	{"sensitive", "sensitive * 1m", `{"sensitive":[{"match":[{}],"max_age":60000000000}]}`},
	{"page_status", "page_status 200 /auth/* @hooks\npage_status 403 {\nheader X-View *\n}", `{"page_status":[{"status":200,"match":[{"path":["/auth/*"]},{"path":["/hooks/*"]}]},{"status":403,"match":[{"header":{"X-View":["*"]}}]}]}`},
	{"app_shell", "app_shell keep", `{"app_shell":"keep"}`},
	{"networks", "networks office 203.0.113.0/24 2001:db8::/32\nnetworks office 198.51.100.7\nnetworks vpn fd00::/8", `{"networks":{"office":["203.0.113.0/24","2001:db8::/32","198.51.100.7"],"vpn":["fd00::/8"]}}`},
	{"answer", "answer 401 *", `{"answer":[{"as":"401","match":[{}]}]}`},
	{"preflight", "preflight pass", `{"preflight":"pass"}`},
	{"session", "session 8h", `{"session":{"lifetime":28800000000000}}`},
	{"session", "session 1d {\nidle 2h\nmax 3\n}", `{"session":{"lifetime":86400000000000,"idle":7200000000000,"max":3}}`},
	{"session", "session {\nidle off\n}", `{"session":{"idle":0}}`},
	{"session", "session {\nidle 0\n}", `{"session":{"idle":0}}`},
	{"session", "session {\nbind network\n}", `{"session":{"bind":"network"}}`},
	{"session", "session {\ndevice_bound required\n}", `{"session":{"device_bound":"required"}}`},
	{"session", "geoip /g.mmdb\nsession {\nbind place\n}", `{"geoip":{"files":["/g.mmdb"]},"session":{"bind":"place"}}`},
	{"remember", "remember 10d", `{"remember":{"idle":864000000000000}}`},
	{"remember", "remember 30d 180d {\nchoice always\nmax 5\n}", `{"remember":{"idle":2592000000000000,"most":15552000000000000,"choice":"always","max":5}}`},
	{"code", "code {\nlength 8\nalphabet letters\nttl 5m\nattempts 4\nresend 1m 2\nsubject off\nsend button\n}", `{"code":{"length":8,"alphabet":"letters","ttl":300000000000,"attempts":4,"resend":{"wait":60000000000,"max":2},"subject":false,"send":"button"}}`},
	{"code", "code {\nresend 45s\nsubject\n}", `{"code":{"resend":{"wait":45000000000},"subject":true}}`},
	{"limits", "limits {\nsend_address 5/1h 9/1d\nsend_ip 50/1h\nsend_total 2000/1h\ntry_address 10/1h\ntry_ip 40/1h\nlockout 30m\n}", `{"limits":{"send_address":["5/1h","9/1d"],"send_ip":["50/1h"],"send_total":["2000/1h"],"try_address":["10/1h"],"try_ip":["40/1h"],"lockout":1800000000000}}`},
	{"backup_codes", "backup_codes 12", `{"backup_codes":12}`},
	{"backup_codes", "backup_codes off", `{"backup_codes":0}`},
	{"backup_codes", "backup_codes 0", `{"backup_codes":0}`},
	{"authenticator", "authenticator off", `{"authenticator":false}`},
	{"authenticator", "authenticator", `{"authenticator":true}`},
	{"second_address", "second_address any", `{"second_address":"any"}`},
	{"second_address", "second_address off", `{"second_address":"off"}`},
	{"passkeys", "passkeys", `{"passkeys":true}`},
	{"passkeys", "passkeys off", `{"passkeys":false}`},
	{"accept", "passkeys on\naccept passkey", `{"passkeys":true,"accept":["passkey"]}`},
	{"accept", "passkeys on\naccept code passkey", `{"passkeys":true,"accept":["code","passkey"]}`},
	{"tokens", "tokens", `{"tokens":true}`},
	{"tokens", "tokens off", `{"tokens":false}`},
	{"prove_mailbox", "prove_mailbox 30d", `{"prove_mailbox":2592000000000000}`},
	{"copy_headers", "copy_headers Remote-User remote-email>X-Mail", `{"copy_headers":{"Remote-Email":"X-Mail","Remote-User":"Remote-User"}}`},
	{"assertion", "assertion off", `{"assertion":"off"}`},
	{"pages", "pages {\nname \"Example GmbH\"\nlogo /etc/logo.svg\naccent 0b5fff\ntheme dark\nsupport mailto:help@example.com\nprivacy https://example.com/privacy\n}", `{"pages":{"name":"Example GmbH","logo":"/etc/logo.svg","accent":"0b5fff","theme":"dark","support":"mailto:help@example.com","privacy":"https://example.com/privacy"}}`},
	{"pages", "pages {\nlanguage de\nlanguages en de\nlanguages zh-CN\nimprint https://example.com/imprint\nannouncement \"On Sunday: maintenance\"\ntemplates /etc/pages\ncss /etc/pages.css\n}", `{"pages":{"language":"de","languages":["en","de","zh-CN"],"imprint":"https://example.com/imprint","announcement":"On Sunday: maintenance","templates":"/etc/pages","css":"/etc/pages.css"}}`},
	{"pages", "pages {\naccent \"#0b5fff\"\nsupport https://example.com/help\n}", `{"pages":{"accent":"#0b5fff","support":"https://example.com/help"}}`},
	{"origins", "origins https://a.example.com http://b.example.com:8080", `{"origins":["https://a.example.com","http://b.example.com:8080"]}`},
	{"endpoints", "endpoints /.doorcode", `{"endpoints":"/.doorcode"}`},
	{"single_sign_on", "single_sign_on example.com", `{"single_sign_on":"example.com"}`},
	{"mail", "mail demo", `{"mail":[{"transport":"demo"}]}`},
	{"mail", "mail smtp mx.example.com:465 {\nfrom \"Example <login@example.com>\"\nreply_to help@example.com\nheader X-Env production\ntext_only\nusername login\npassword pa#ss\ntls implicit\ntimeout 20s\n}\nmail file /tmp/mail {\nfrom login@example.com\n}", `{"mail":[{"address":"mx.example.com:465","from":"Example \u003clogin@example.com\u003e","header":{"X-Env":"production"},"password":"pa#ss","reply_to":"help@example.com","text_only":true,"timeout":20000000000,"tls":"implicit","transport":"smtp","username":"login"},{"folder":"/tmp/mail","from":"login@example.com","transport":"file"}]}`},
	{"storage", "storage embedded", `{"storage":{"backend":"embedded"}}`},
	{"storage", "storage embedded /var/lib/door.db {\ngrace 0\n}", `{"storage":{"backend":"embedded","grace":0,"path":"/var/lib/door.db"}}`},
	{"storage", "secret {env.X}\nstorage redis redis://redis", `{"secret":"{env.X}","storage":{"backend":"redis","urls":["redis://redis"]}}`},
	{"storage", "secret {env.X}\nstorage redis unix:///run/redis.sock?db=3 {\nprefix \"{a}:\"\nusername door\npassword {env.Y}\ntimeout 100ms\npool 8\ngrace off\n}", `{"secret":"{env.X}","storage":{"backend":"redis","grace":0,"password":"{env.Y}","pool":8,"prefix":"{a}:","timeout":100000000,"urls":["unix:///run/redis.sock?db=3"],"username":"door"}}`},
	{"storage", "secret {env.X}\nstorage redis redis://10.0.0.1/2 redis://[fd00::2]:26380/2 {\nsentinel mymaster {\nusername watch\npassword {env.Y}\n}\n}", `{"secret":"{env.X}","storage":{"backend":"redis","sentinel":{"master":"mymaster","password":"{env.Y}","username":"watch"},"urls":["redis://10.0.0.1/2","redis://[fd00::2]:26380/2"]}}`},
	{"storage", "secret {env.X}\nstorage redis {env.A} {env.B} {\ncluster\ntls {\nca /ca.pem\ncertificate /c.pem /k.pem\nserver_name redis.example.com\n}\n}", `{"secret":"{env.X}","storage":{"backend":"redis","cluster":true,"tls":{"ca":"/ca.pem","certificate":"/c.pem","key":"/k.pem","server_name":"redis.example.com"},"urls":["{env.A}","{env.B}"]}}`},
	{"storage", "secret {env.X}\nstorage redis redis://user:{env.Y}@redis:6380/1 {\ntls\ncluster off\n}", `{"secret":"{env.X}","storage":{"backend":"redis","cluster":false,"tls":{},"urls":["redis://user:{env.Y}@redis:6380/1"]}}`},
	{"on_store_failure", "on_store_failure allow_known_browsers", `{"on_store_failure":"allow_known_browsers"}`},
	{"secret", "secret {file./run/secrets/doorcode}", `{"secret":"{file./run/secrets/doorcode}"}`},
	{"geoip", "geoip /var/lib/City.mmdb /var/lib/ASN.mmdb {\nrefresh 24h\n}", `{"geoip":{"files":["/var/lib/City.mmdb","/var/lib/ASN.mmdb"],"refresh":86400000000000}}`},
	{"location", "geoip /g.mmdb\nlocation {\ndistance 300km\nspeed 1000kmh\n}", `{"geoip":{"files":["/g.mmdb"]},"location":{"distance":300,"speed":1000}}`},
	{"cookie", "cookie {\nname door\nsame_site strict\ninsecure\n}", `{"cookie":{"name":"door","same_site":"strict","insecure":true}}`},
	{"keys", "keys {\nalgorithm EdDSA\n}", `{"keys":{"algorithm":"EdDSA"}}`},
	{"keys", "keys {\nrotate 7d\n}", `{"keys":{"rotate":604800000000000}}`},
	{"keys", "keys {\nrotate off\n}", `{"keys":{"rotate":0}}`},
	{"audit", "audit {\nkeep 365d\nip hash\n}", `{"audit":{"keep":31536000000000000,"ip":"hash"}}`},
	{"audit", "audit {\nip full\n}", `{"audit":{"ip":"full"}}`},
}

// withHooks gives the site a matcher that the examples name.
func withHooks(block string) string {
	return strings.Replace(block, "{\n", "{\n@hooks path /hooks/*\n", 1)
}

func TestEverySettingIsRead(t *testing.T) {
	untried := caddymodule.SiteWords()
	for _, tt := range accepted {
		untried = slices.DeleteFunc(untried, func(word string) bool { return word == tt.word })
		t.Run(tt.lines, func(t *testing.T) {
			_, raw := handler(t, withHooks(site(tt.lines)))
			if diff := cmp.Diff(tree(t, []byte(tt.want)), tree(t, raw)); diff != "" {
				t.Errorf("handler (-want +got):\n%s", diff)
			}
		})
	}
	if len(untried) > 0 {
		t.Errorf("not tried: %v", untried)
	}
}

func TestTheGlobalOptionReadsTheSame(t *testing.T) {
	shared := caddymodule.SharedWords()
	for _, tt := range accepted {
		if !slices.Contains(shared, tt.word) {
			continue
		}
		t.Run(tt.lines, func(t *testing.T) {
			adapted, err := adapt(global(tt.lines))
			if err != nil {
				t.Fatalf("adapting: %v", err)
			}
			var config struct {
				Apps struct{ Doorcode json.RawMessage }
			}
			if err := json.Unmarshal(adapted, &config); err != nil {
				t.Fatal(err)
			}
			// Caddy replaces shorthands such as {header.X} in sites alone.
			want := strings.ReplaceAll(tt.want, "{http.request.header.", "{header.")
			if diff := cmp.Diff(tree(t, []byte(want)), tree(t, config.Apps.Doorcode)); diff != "" {
				t.Errorf("app (-want +got):\n%s", diff)
			}
		})
	}
}

func tree(t *testing.T, raw []byte) any {
	t.Helper()
	var parsed any
	if err := json.Unmarshal(raw, &parsed); err != nil {
		t.Fatalf("parsing %s: %v", raw, err)
	}
	return parsed
}

// once are the settings that a second line would silently undo.
var once = []string{
	"allow_file /a", "people_file /a", "plus on", "reveal on", "identity ask", "preflight deny", "session 1h", "remember 1d",
	"code {\nlength 6\n}", "limits {\ntry_ip 1/1h\n}", "assertion off", "pages {\ntheme auto\n}", "endpoints /.door",
	"single_sign_on example.com", "storage embedded", "on_store_failure deny", "secret {env.X}", "countries PT", "challenge new_browser", "observe all", "app_shell keep", "geoip /g.mmdb", "location {\nspeed 900kmh\n}",
	"cookie {\nname door\n}", "keys {\nalgorithm ES256\n}",
	"backup_codes 10", "authenticator on", "second_address any", "tokens on", "passkeys on", "accept code", "prove_mailbox 60d", "audit {\nkeep 90d\n}",
}

func TestARepeatedSettingIsRefused(t *testing.T) {
	repeatable := []string{"allow", "answer", "copy_headers", "deny", "group", "mail", "networks", "origins", "page_status", "public", "sensitive"}
	for _, lines := range once {
		repeatable = append(repeatable, strings.Fields(lines)[0])
		t.Run(lines, func(t *testing.T) {
			refuses(t, site(lines, lines), "is already set; write it once")
			refuses(t, global(lines, lines), "is already set; write it once")
		})
	}
	slices.Sort(repeatable)
	if diff := cmp.Diff(caddymodule.SiteWords(), repeatable); diff != "" {
		t.Errorf("settings (-known +tried):\n%s", diff)
	}
}

func TestARepeatedSettingInABlockIsRefused(t *testing.T) {
	for _, lines := range []string{
		"code {\nttl 5m\nttl 5m\n}",
		"session {\nmax 3\nmax 4\n}",
		"limits {\nsend_ip 1/1h\nsend_ip 2/1h\n}",
		"identity {http.auth.user.id} {\ndomain example.com\ndomain example.org\n}",
		"identity {http.auth.user.id} {\nmap ana a@example.com\nmap ana b@example.com\n}",
		"mail smtp a.example.com:25 {\nfrom a@example.com\nfrom b@example.com\n}",
		"mail smtp a.example.com:25 {\nheader X-A 1\nheader X-A 2\n}",
		"storage embedded {\ngrace 1m\ngrace 2m\n}",
		"storage redis redis://a {\nprefix a:\nprefix b:\n}",
		"storage redis redis://a {\nsentinel a\nsentinel b\n}",
		"storage redis redis://a {\ntls\ntls\n}",
		"storage redis redis://a {\ntls {\nca /a\nca /b\n}\n}",
		"keys {\nrotate 7d\nrotate 8d\n}",
		"audit {\nkeep 7d\nkeep 8d\n}",
		"geoip /g.mmdb {\nrefresh 1m\nrefresh 2m\n}",
		"location {\ndistance 100km\ndistance 200km\n}",
		"session {\nbind none\nbind network\n}",
		"copy_headers Remote-User Remote-User",
	} {
		t.Run(lines, func(t *testing.T) { refuses(t, site(lines), "is already set; write it once") })
	}
	refuses(t, "{\n\tdoorcode {\n\t\treveal\n\t}\n\tdoorcode {\n\t\tplus\n\t}\n}\n",
		"'doorcode' is already set in the global options; write one block, at Caddyfile:5")
}

func TestEveryWordThatIsMisspeltFindsTheRightOne(t *testing.T) {
	for _, word := range caddymodule.SiteWords() {
		refuses(t, site(word+"x value"), "unrecognized doorcode subdirective '"+word+"x'; did you mean '"+word+"'?, at Caddyfile:3")
		for _, inner := range caddymodule.InsideWords(word) {
			if word == "mail" || word == "storage" {
				continue // their modules read these words, and are tried below
			}
			opened := map[string]string{"identity": "identity {http.auth.user.id}", "geoip": "geoip /g.mmdb"}[word]
			if opened == "" {
				opened = word
			}
			refuses(t, site(opened+" {", "x"+inner+" value", "}"),
				"unrecognized "+word+" subdirective 'x"+inner+"'; did you mean '"+inner+"'?, at Caddyfile:4")
		}
	}
	refuses(t, site("mail smtp a.example.com:25 {", "form a@example.com", "}"), "unrecognized smtp subdirective 'form'; did you mean 'from'?, at Caddyfile:4")
	refuses(t, site("mail file /tmp/x {", "username a", "}"), "unrecognized file subdirective 'username'; there are dkim, from, header, reply_to, subject, templates, text_only")
	refuses(t, site("session {", "lifetime 12h", "}"), "unrecognized session subdirective 'lifetime'; it stands behind the word itself, as in 'session 12h', at Caddyfile:4")
	refuses(t, site("remember {", "most 90d", "}"), "unrecognized remember subdirective 'most'; it stands behind the word itself, as in 'remember 30d 90d', at Caddyfile:4")
	refuses(t, site("mail demo {", "from a@example.com", "}"), "unrecognized demo subdirective 'from'; 'demo' has no settings")
	refuses(t, site("storage embedded {", "graze 1m", "}"), "unrecognized embedded subdirective 'graze'; did you mean 'grace'?")
	refuses(t, site("mail smpt a.example.com:25"), "unrecognized mail transport 'smpt'; did you mean 'smtp'?, at Caddyfile:3")
	refuses(t, site("storage redis redis://a {", "pasword x", "}"), "unrecognized redis subdirective 'pasword'; did you mean 'password'?, at Caddyfile:4")
	refuses(t, site("storage redis redis://a {", "sentinel m {", "user x", "}", "}"), "unrecognized sentinel subdirective 'user'; there are password, username, at Caddyfile:5")
	refuses(t, site("storage redis redis://a {", "tls {", "cert x y", "}", "}"), "unrecognized tls subdirective 'cert'; there are ca, certificate, server_name, at Caddyfile:5")
	refuses(t, site("storage rediss redis://a"), "unrecognized storage 'rediss'; did you mean 'redis'?, at Caddyfile:3")
	refuses(t, site("storage sqlite"), "unrecognized storage 'sqlite'; there are embedded, redis, at Caddyfile:3")
}

// What is not built yet must be refused like any other unknown word, and never
// be suggested: an operator would believe in a protection that is not there.
func TestWhatIsNotBuiltIsUnknown(t *testing.T) {
	for word, instead := range map[string]string{
		"portal": "there are accept, allow,", "import_users": "there are accept, allow,",
	} {
		refuses(t, site(word+" on"), "unrecognized doorcode subdirective '"+word+"'; "+instead)
		refuses(t, global(word+" on"), "unrecognized doorcode subdirective '"+word+"'; "+instead)
		if _, err := adapt(site("zzz")); strings.Contains(err.Error(), " "+word+",") {
			t.Errorf("%q is listed: %v", word, err)
		}
	}
}

// refuses wants an error that contains a text.
func refuses(t *testing.T, caddyfile, want string) {
	t.Helper()
	if _, err := adapt(caddyfile); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("adapting\n%s= %v\nwant %q", caddyfile, err, want)
	}
}
