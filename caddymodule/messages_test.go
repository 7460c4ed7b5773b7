// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// TestErrorsTellWhatToDo has a line for each mistake that the product promises
// to explain, with its place.
func TestErrorsTellWhatToDo(t *testing.T) {
	t.Setenv("SP", "three words long")
	for _, tt := range []struct{ name, caddyfile, want string }{
		{"a misspelt setting", site("alow *@example.com"), "unrecognized doorcode subdirective 'alow'; did you mean 'allow'?, at Caddyfile:3"},
		{"a domain without its asterisk", site("allow @example.com"), "'@example.com' looks like a named matcher; to allow every address of a domain write '*@example.com', at Caddyfile:3"},
		{"everyone, written as a matcher", "app.example.com {\n\tdoorcode *\n}\n", "'*' here is Caddy's matcher for every request; to allow everyone write 'allow *', at Caddyfile:2"},
		{"a path inside the block", site("path /admin/*"), "unrecognized doorcode subdirective 'path'; to guard only some paths write 'doorcode /admin/* …', at Caddyfile:3"},
		{"a request header as identity", site("identity {http.request.header.Remote-User}"), "a request header is the visitor's own word unless an earlier step sets it; write 'from forward_auth' if forward_auth copies it, at Caddyfile:3"},
		{"a host as argument", "app.example.com {\n\tdoorcode example.com\n}\n", "'example.com' is not an address; the arguments of doorcode are the addresses that may pass, such as alice@example.com or *@example.com, at Caddyfile:2"},
		{"a domain as argument", "app.example.com {\n\tdoorcode @example.com {\n\t}\n}\n", "unrecognized matcher name: @example.com; to allow every address of a domain write '*@example.com', at Caddyfile:2"},
		{"a domain as second argument", "app.example.com {\n\tdoorcode /x @example.com\n}\n", "'@example.com' looks like a named matcher; to allow every address of a domain write '*@example.com', at Caddyfile:2"},
		{"a duration without its unit", site("code {", "ttl 10", "}"), "'ttl' needs a duration such as 30s, 10m, 12h or 30d, got '10', at Caddyfile:4"},
		{"a matcher that is not defined", site("public @billing"), "unrecognized matcher name: @billing, at Caddyfile:3"},
		{"public in the global option", global("public /robots.txt"), "'public' belongs in a site's doorcode directive, not in the global option, because matchers are defined per site, at Caddyfile:3"},
		{"answer in the global option", global("answer json /api/*"), "'answer' belongs in a site's doorcode directive, not in the global option, because matchers are defined per site, at Caddyfile:3"},
		{"sensitive in the global option", global("sensitive /admin/*"), "'sensitive' belongs in a site's doorcode directive, not in the global option, because matchers are defined per site, at Caddyfile:3"},
		{"page_status in the global option", global("page_status 200 /auth/*"), "'page_status' belongs in a site's doorcode directive, not in the global option, because matchers are defined per site, at Caddyfile:3"},
		{"a sensitive matcher that is not defined", site("sensitive @billing 5m"), "unrecognized matcher name: @billing, at Caddyfile:3"},
		{"an age without its unit", site("sensitive /admin/* 5"), "'sensitive' needs a duration such as 30s, 10m, 12h or 30d, got '5', at Caddyfile:3"},
		{"an age that is none", site("sensitive /admin/* soon"), "'soon' is neither a matcher nor a duration; write paths such as /admin/* or the name of a matcher, and then how old a code may be, such as 10m, at Caddyfile:3"},
		{"an age in front of a path", site("sensitive 5m /admin/*"), "'sensitive' takes one duration, behind its matchers: write '5m' last, at Caddyfile:3"},
		{"a distance without its unit", site("location {", "distance 500", "}"), "'distance' needs kilometres such as 500km, got '500', at Caddyfile:4"},
		{"a distance in two words", site("location {", "distance 500 km", "}"), "'distance' takes 1 argument, got 2; write 500km, at Caddyfile:4"},
		{"a speed by its abbreviation", site("location {", "speed 900km/h", "}"), "'speed' needs kilometres an hour such as 900kmh, got '900km/h', at Caddyfile:4"},
		{"a reason that does not exist", site("challenge new_device"), "'challenge' takes new_browser, new_place, new_network, travel, always or never, got 'new_device', at Caddyfile:3"},
		{"a reason that cannot be observed", site("observe never"), "'observe' takes new_browser, new_place, new_network, travel, always or all, got 'never', at Caddyfile:3"},
		{"a country that does not exist", site("geoip /g.mmdb", "countries PT Spain"), "'countries' takes ISO 3166-1 codes of countries such as PT or ES, got 'Spain', at Caddyfile:4"},
		{"a country by another code", site("geoip /g.mmdb", "countries not uk"), "'countries' takes ISO 3166-1 codes; 'uk' is written GB, at Caddyfile:4"},
		{"not among countries", site("countries PT not ES"), "'countries' takes 'not' in front of all codes only, at Caddyfile:3"},
		{"every network", site("networks all 0.0.0.0/0"), "'networks' cannot hold 0.0.0.0/0, which would make every network one usual place, at Caddyfile:3"},
		{"networks without a name", site("networks 203.0.113.7 198.51.100.0/24"), "'networks' takes a name before the networks, such as office 203.0.113.7, at Caddyfile:3"},
		{"a network by its host", site("networks office vpn.example.com"), "'networks' takes networks such as 203.0.113.0/24 or 2001:db8::/32, got 'vpn.example.com', at Caddyfile:3"},
		{"a status that pages do not have", site("page_status 404 /x"), "'page_status' takes 200, 401 or 403, got '404', at Caddyfile:3"},
		{"a colour that became a comment", site("pages {", "accent #0b5fff", "}"), `'accent' takes 1 argument, got 0; a '#' starts a comment, write accent 0b5fff or "#0b5fff", at Caddyfile:4`},
		{"a password with spaces", site("mail smtp mx.example.com:465 {", "password {$SP}", "}"), "'password' takes 1 argument, got 3; quote the value, or write {env.SP} so that it is read at run time, at Caddyfile:4"},
		{"a sender without quotes", site("mail smtp mx.example.com:465 {", "from {$SP}", "}"), "'from' takes 1 argument, got 3; quote the value, or write {env.SP} so that it is read at run time, at Caddyfile:4"},
		{"an announcement by a variable without quotes", site("pages {", "announcement {$SP}", "}"), "'announcement' takes 1 argument, got 3; quote the value, at Caddyfile:4"},
		{"a name by a variable without quotes", site("pages {", "name {$SP}", "}"), "'name' takes 1 argument, got 3; quote the value, at Caddyfile:4"},
		{"a subject without quotes", site("mail smtp mx.example.com:465 {", "subject {$SP}", "}"), "'subject' takes 1 argument, got 3; quote the value, at Caddyfile:4"},
		{"an announcement to be read at run time", site("pages {", "announcement {env.NEWS}", "}"), "'announcement' is shown as it is: placeholders are not replaced; write the text, or {$NAME}, at Caddyfile:4"},
		{"an announcement in a file", site("pages {", "announcement {file.news}", "}"), "'announcement' is shown as it is: placeholders are not replaced; write the text, or {$NAME}, at Caddyfile:4"},
		{"a name to be read at run time", global("pages {", "name {env.NAME}", "}"), "'name' is shown as it is: placeholders are not replaced; write the text, or {$NAME}, at Caddyfile:4"},
		{"a subject with a placeholder of Caddy", site("mail smtp mx.example.com:465 {", "subject {env.SUBJECT}", "}"), "only {code}, {app} and {ref} are filled in, at Caddyfile:4"},
		{"a mail API that hears codes in clear text", site("mail http http://api.example.com/send {", "from a@example.com", "body to={to}&text={text}", "}"), "api.example.com would get codes in clear text; write https://, at Caddyfile:3"},
		{"a body that is no JSON", site("mail http https://api.example.com/send {", "from a@example.com", "body `{\"to\": {to}}`", "}"), "the body looks like JSON and is none (invalid character 't' looking for beginning of object key string), at Caddyfile:5"},
		{"a body without a text", site("mail http https://api.example.com/send {", "from a@example.com", "body to={to}", "}"), "the body has no {text} or {html} or {raw}, at Caddyfile:5"},
		{"a body with a misspelt placeholder", site("mail http https://api.example.com/send {", "body to={to}&text={texd}", "from a@example.com", "}"), "the body has no placeholder {texd}; there are from, from_mailbox, "},
		{"a header with its colon", site("mail http https://api.example.com/send {", `header Authorization: "Bearer x"`, "}"), "'header' takes the name of a field, of letters, digits and '-', got 'Authorization:', at Caddyfile:4"},
		{"a mail service without a token", site("mail postmark {", "from a@example.com", "}"), "no token: write 'token {env.MAIL_TOKEN}', at Caddyfile:3"},
		{"a mail service without a sender", site("mail resend {", "token {env.X}", "}"), "no sender: write 'from login@example.com', at Caddyfile:3"},
		{"a mail service that hears codes in clear text", site("mail postmark {", "from a@example.com", "token {env.X}", "url http://api.example.com", "}"), "api.example.com would get codes in clear text; write https://, at Caddyfile:6"},
		{"a rate in words", site("limits {", "send_address 5 per hour", "}"), "'send_address' needs a rate such as 5/1h, got '5', at Caddyfile:4"},
		{"a duration in words", site("session 12 hours"), "'session' takes 1 argument, got 2; write 12h, at Caddyfile:3"},
		{"a code that is too short", site("code {", "length 4", "}"), "'length' must be 6 to 10 (4 digits can be guessed in 1 of 2000 with 5 tries), at Caddyfile:4"},
		{"a language that is none", site("pages {", "language german!", "}"), "'language' takes auto or a language such as de or zh-CN, got 'german!'; there are en, ar, "},
		{"languages of which one is none", site("pages {", "languages en 12", "}"), "'languages' takes languages such as de or zh-CN, got '12'; there are en, ar, "},
		{"a language that stands twice", site("pages {", "languages en de en", "}"), "'languages' names en twice, at Caddyfile:4"},
		{"a language without texts", site("pages {", "languages en tlh", "}"), `pages: there are no texts in this language: "tlh"; there are en, ar, de, `},
		{"a language by the name of its script", site("pages {", "language zh", "}"), `pages: there are no texts in this language: "zh"; there are en, ar, de, es, fr, it, ja, nl, pl, pt, uk, zh-CN; did you mean 'zh-CN'?`},
		{"languages of which one is meant by its script", site("pages {", "languages en ZH", "}"), `; did you mean 'zh-CN'?`},
		{"a language beside those that are offered", site("pages {", "languages en de", "language fr", "}"), "'language fr' must be among 'languages', which are en, de, at Caddyfile:3"},
		{"an imprint that is no link", site("pages {", "imprint javascript:alert(1)", "}"), "'imprint' takes a link such as https://example.com/page, got 'javascript:alert(1)', at Caddyfile:4"},
		{"an announcement without quotes", site("pages {", "announcement On Sunday: maintenance", "}"), "'announcement' takes 1 argument, got 3; quote the value"},
		{"an announcement that is an essay", site("pages {", "announcement "+strings.Repeat("x", 301), "}"), "'announcement' takes up to 300 characters, at Caddyfile:4"},
		{"a choice that does not exist", site("pages {", "theme drak", "}"), "'theme' takes auto, light or dark, got 'drak', at Caddyfile:4"},
		{"a setting of the block behind its word", site("session device_bound required"), "'session' takes 1 argument, got 2; 'device_bound' belongs inside the block of 'session', at Caddyfile:3"},
		{"a setting of the block behind a value", site("session 8h device_bound required"), "'session' takes 1 argument, got 3; 'device_bound' belongs inside the block of 'session', at Caddyfile:3"},
		{"a setting in the wrong block", site("ttl 5m"), "unrecognized doorcode subdirective 'ttl'; it belongs inside the block of 'code', at Caddyfile:3"},
		{"a setting with a block that takes none", site("allow ana@example.com {", "}"), "'allow' takes no block, at Caddyfile:3"},
		{"an empty block", site("code {", "}"), "'code' needs a block with settings, at Caddyfile:3"},
		{"a word that says nothing", site("session"), "'session' needs a value or a block with settings, at Caddyfile:3"},
		{"an empty value", site(`endpoints ""`), "'endpoints' is empty, at Caddyfile:3"},
		{"a pattern that opens too much", site("public *.css"), "'public' takes no pattern that starts with '*', got '*.css'; start it with '/', such as /assets/*, at Caddyfile:3"},
		{"everything public", site("public *"), "'public' without a matcher would open the whole site; leave doorcode out instead, at Caddyfile:3"},
		{"addresses in the global option", "{\n\tdoorcode *@example.com\n}\n", "'doorcode' takes no arguments in the global options, got 1; addresses belong in an 'allow' line of its block, at Caddyfile:2"},
		{"an unknown transport", site("mail mailgun"), "unrecognized mail transport 'mailgun'; there are demo, file, http, postmark, resend, sendgrid, smtp, at Caddyfile:3"},
		{"a server without its port", site("mail smtp mx.example.com {", "from a@example.com", "}"), "'smtp' needs <host>:<port> such as smtp.example.com:465, got 'mx.example.com', at Caddyfile:3"},
		{"no sender", site("mail smtp mx.example.com:465"), "no sender: write 'from login@example.com', at Caddyfile:3"},
		{"a domain of strangers", site("single_sign_on co.uk"), "single_sign_on 'co.uk' would share sessions with strangers"},
		{"many machines without a secret", site("storage redis redis://redis:6379/0"), "storage redis needs 'secret': run 'caddy doorcode secret' once and give the same to every machine, at Caddyfile:3"},
		{"many machines without a secret, in the global option", global("storage redis redis://redis:6379/0") + site("reveal"), "storage redis needs 'secret': run 'caddy doorcode secret' once and give the same to every machine, at Caddyfile:7"},
		{"a server without its scheme", site("storage redis redis.example.com:6379"), "'redis' takes URLs such as redis://localhost:6379/0, rediss://redis.example.com:6379 or unix:///run/redis.sock; write the password in 'password', best as {file./run/secrets/redis}, at Caddyfile:3"},
		{"a server of another kind", site("storage redis http://redis:6379"), "'redis' takes URLs such as redis://localhost:6379/0"},
		{"a user in the URL without a password", site("storage redis redis://u@a"), "'username' needs 'password', at Caddyfile:3"},
		{"no server", site("storage redis"), "'redis' takes at least 1 argument, got 0; write redis://localhost:6379, at Caddyfile:3"},
		{"a password with a slash in the URL", site("storage redis redis://u:p@ss/word@host"), "such as redis://localhost:6379/0; percent-encode a password in a URL, or better write it in 'password', at Caddyfile:3"},
		{"a password with a question mark in the URL", site("storage redis redis://u:1?ss@host"), "in the block of 'storage redis'; percent-encode a password in a URL, or better write it in 'password', at Caddyfile:3"},
		{"TLS as a switch", site("storage redis redis://a {", "tls off", "}"), "'tls' takes no arguments, got 1; write it alone, or with a block; leave it out for none, at Caddyfile:4"},
		{"the database in the block", site("storage redis redis://a {", "database 2", "}"), "unrecognized redis subdirective 'database'; write the database at the end of the URL, such as redis://localhost:6379/2, at Caddyfile:4"},
		{"the database in the block, for short", site("storage redis redis://a {", "db 2", "}"), "unrecognized redis subdirective 'db'; write the database at the end of the URL"},
		{"what happens without storage, inside of it", site("storage redis redis://a {", "on_store_failure deny", "}"), "unrecognized redis subdirective 'on_store_failure'; it stands beside 'storage', at Caddyfile:4"},
		{"the secret inside of the storage", site("storage embedded {", "secret {env.X}", "}"), "unrecognized embedded subdirective 'secret'; it stands beside 'storage', at Caddyfile:4"},
		{"a grace in hours", site("storage redis redis://a {", "grace 48h", "}"), "'grace' must be 1s to 24h, got 48h, at Caddyfile:4"},
		{"a session in hours", site("session 2400h"), "'session' must be 1m to 90d, got 2400h, at Caddyfile:3"},
		{"a rotation in hours", site("keys {", "rotate 9600h", "}"), "'rotate' must be 1d to 365d, or off, got 9600h, at Caddyfile:4"},
		{"a setting behind the word of its block", site("keys rotate 30d"), "'keys' takes no arguments, got 2; write rotate 30d in a block, at Caddyfile:3"},
		{"settings of a client in the URL", site("storage redis redis://redis?pool_size=3"), "a redis URL takes nothing after '?'; write 'timeout', 'pool' and 'tls' in the block of 'storage redis', at Caddyfile:3"},
		{"a database by its name", site("storage redis redis://redis/door"), "a redis URL ends in the number of the database, such as redis://localhost:6379/0, at Caddyfile:3"},
		{"several servers", site("storage redis redis://a redis://b"), "several URLs are those of sentinels or of a cluster: add 'sentinel <master>' or 'cluster', at Caddyfile:3"},
		{"servers that differ", site("storage redis redis://a rediss://b {", "cluster", "}"), "the URLs of one storage need the same scheme, user, password and database, at Caddyfile:3"},
		{"sentinels of a cluster", site("storage redis redis://a {", "sentinel mymaster", "cluster", "}"), "'sentinel' and 'cluster' exclude each other: a cluster does its own failover, at Caddyfile:3"},
		{"a database of a cluster", site("storage redis redis://a/3 {", "cluster", "}"), "a cluster has the database 0 alone; leave /3 out of the URL, at Caddyfile:3"},
		{"a password for sentinels or for the server", site("storage redis redis://:pw@a {", "sentinel mymaster", "}"), "with 'sentinel' a URL has no user and password: write them in the block of 'storage redis' for the server, in that of 'sentinel' for the sentinels, at Caddyfile:3"},
		{"two passwords", site("storage redis redis://:pw@a {", "password {env.X}", "}"), "the password is written in the URL and in 'password'; write it once, at Caddyfile:3"},
		{"two users", site("storage redis redis://u:pw@a {", "username v", "}"), "the user is written in the URL and in 'username'; write it once, at Caddyfile:3"},
		{"a user without a password", site("storage redis redis://a {", "username u", "}"), "'username' needs 'password', at Caddyfile:4"},
		{"a user of the sentinels without a password", site("storage redis redis://a {", "sentinel m {", "username u", "}", "}"), "'username' needs 'password', at Caddyfile:5"},
		{"a socket with TLS", site("storage redis unix:///run/redis.sock {", "tls", "}"), "a unix:// socket goes without 'sentinel', 'cluster' and 'tls', at Caddyfile:3"},
		{"a certificate without its key", site("storage redis redis://a {", "tls {", "certificate /c.pem", "}", "}"), "'certificate' takes 2 arguments, got 1, at Caddyfile:5"},
		{"a server's name that is none", site("storage redis redis://a {", "tls {", `server_name "a b"`, "}", "}"), "'server_name' takes the name of a host, got 'a b', at Caddyfile:5"},
		{"a password of Redis with spaces", site("storage redis redis://a {", "password {$SP}", "}"), "'password' takes 1 argument, got 3; quote the value, or write {env.SP} so that it is read at run time, at Caddyfile:4"},
		{"a password below the request", site("storage redis redis://a {", "password {file.redis}", "}"), "'password' cannot depend on a request; a file needs an absolute path, such as {file./run/secrets/password}, at Caddyfile:4"},
		{"a prefix with blanks", site("storage redis redis://a {", `prefix "door code"`, "}"), "'prefix' takes up to 64 visible ASCII characters such as doorcode:, without *?[]\\^, at Caddyfile:4"},
		{"what happens without storage, misspelt", site("on_store_failure allow"), "'on_store_failure' takes deny or allow_known_browsers, got 'allow', at Caddyfile:3"},
		{"backup codes as a switch", site("backup_codes on"), "'backup_codes' needs a whole number, or off, got 'on'; leave it out for 10, at Caddyfile:3"},
		{"backup codes without their number", site("backup_codes"), "'backup_codes' takes 1 argument, got 0; write how many, 5 to 20, or off, at Caddyfile:3"},
		{"backup codes in words", site("backup_codes ten"), "'backup_codes' needs a whole number, or off, got 'ten', at Caddyfile:3"},
		{"too few backup codes", global("backup_codes 2"), "'backup_codes' must be 5 to 20, or off, got 2, at Caddyfile:3"},
		{"backup codes of some length", site("backup_codes 10 16"), "'backup_codes' takes 1 argument, got 2; write how many, 5 to 20, or off, at Caddyfile:3"},
		{"an authenticator by its name", site("authenticator totp"), "'authenticator' takes on or off, got 'totp', at Caddyfile:3"},
		{"an authenticator, misspelt", site("authentificator on"), "unrecognized doorcode subdirective 'authentificator'; did you mean 'authenticator'?, at Caddyfile:3"},
		{"a second address as a switch", site("second_address on"), "'second_address' takes allowed, any or off, got 'on'; people add their own addresses on the account page, at Caddyfile:3"},
		{"a second address that is one", site("second_address ana@example.org"), "'second_address' takes allowed, any or off, got 'ana@example.org'; people add their own addresses on the account page, at Caddyfile:3"},
		{"how many tokens", site("tokens 5"), "'tokens' takes on or off, got '5', at Caddyfile:3"},
		{"a token", site("token on"), "unrecognized doorcode subdirective 'token'; did you mean 'tokens'?, at Caddyfile:3"},
		{"a mailbox in days without their unit", site("prove_mailbox 60"), "'prove_mailbox' needs 1d to 400d, such as 60d, got '60', at Caddyfile:3"},
		{"a mailbox in words", site("prove_mailbox 60 days"), "'prove_mailbox' takes 1 argument, got 2; write 60d, at Caddyfile:3"},
		{"a mailbox that need not be proved", site("prove_mailbox off"), "'prove_mailbox' cannot be switched off; 1d is the least, at Caddyfile:3"},
		{"a mailbox to be proved each time", site("prove_mailbox 0"), "'prove_mailbox' needs 1d to 400d, such as 60d, got '0', at Caddyfile:3"},
		{"an audit on the line", site("audit keep 90d"), "'audit' takes no arguments, got 2; write keep 90d in a block, at Caddyfile:3"},
		{"an audit as a time", site("audit 30d"), "'audit' takes no arguments, got 1; write audit { keep 30d } over several lines, at Caddyfile:3"},
		{"an audit as a switch", site("audit on"), "'audit' takes no arguments, got 1, at Caddyfile:3"},
		{"no audit", site("audit off"), "'audit' cannot be switched off; keep 1d is the least, at Caddyfile:3"},
		{"no audit in the global option", global("audit off"), "'audit' cannot be switched off; keep 1d is the least, at Caddyfile:3"},
		{"an audit of nothing", site("audit {", "keep off", "}"), "'keep' cannot be switched off; keep 1d is the least, at Caddyfile:4"},
		{"an audit in years", site("audit {", "keep 3y", "}"), "'keep' needs 1d to 400d, such as 90d, got '3y', at Caddyfile:4"},
		{"an audit in hours", site("audit {", "keep 12h", "}"), "'keep' must be 1d to 400d, got 12h, at Caddyfile:4"},
		{"an audit without addresses", site("audit {", "ip off", "}"), "'ip' takes full, prefix or hash, got 'off', at Caddyfile:4"},
		{"an audit of networks", site("audit {", "network prefix", "}"), "unrecognized audit subdirective 'network'; there are ip, keep, at Caddyfile:4"},
		{"one passkey", site("passkey on"), "unrecognized doorcode subdirective 'passkey'; did you mean 'passkeys'?, at Caddyfile:3"},
		{"how many passkeys", site("passkeys 5"), "'passkeys' takes on or off, got '5', at Caddyfile:3"},
		{"which ways count", site("accept code backup"), "'accept' takes code or passkey, got 'backup', at Caddyfile:3"},
		{"a way that counts twice", site("accept code code"), "'accept' names code twice, at Caddyfile:3"},
		{"no way that counts", site("accept"), "'accept' takes at least 1 argument, got 0, at Caddyfile:3"},
		{"a session bound to a word", site("session {", "device_bound on", "}"), "'device_bound' takes auto, off or required, got 'on', at Caddyfile:4"},
		{"a file below the request", site("secret {file.secret}"), "'secret' cannot depend on a request; a file needs an absolute path, such as {file./run/secrets/secret}, at Caddyfile:3"},
		{"a short secret", site("secret hunter2"), "'secret' needs at least 32 bytes, got 7, at Caddyfile:3"},
		{"a secret whose brace is not closed", site("secret {file./etc/caddy/the-secret-of-the-door"), "a brace opens a placeholder that has no end; write } behind its name"},
		{"a file as secret", site("secret /run/secrets/doorcode"), "'secret' needs at least 32 bytes, got 21; for a file write {file./path/file}, at Caddyfile:3"},
	} {
		t.Run(tt.name, func(t *testing.T) { refuses(t, tt.caddyfile, tt.want) })
	}
}

func TestAMistakeInASnippetShowsTheWayToIt(t *testing.T) {
	refuses(t, "(door) {\n\tdoorcode {\n\t\talow ana@example.com\n\t}\n}\n\napp.example.com {\n\timport door\n}\n",
		"did you mean 'allow'?, at Caddyfile:3 import chain ['Caddyfile:8 (import door)']")
}

func TestAPasswordIsNeverQuoted(t *testing.T) {
	for _, lines := range []string{"password correct horse battery", "password \"correct\nhorse\" battery", "password correct {\nhorse\n}"} {
		for _, in := range []string{"mail smtp mx.example.com:465", "storage redis redis://redis", "storage redis redis://redis {\nsentinel m"} {
			_, err := adapt(site(in+" {", lines, "}"))
			if err == nil || strings.Contains(err.Error(), "correct") || strings.Contains(err.Error(), "battery") {
				t.Errorf("%q in %q = %v, want an error without the password", lines, in, err)
			}
		}
	}
}

// What can only be known when everything is read has no place in a file.
func TestErrorsFoundWhenAConfigurationIsLoaded(t *testing.T) {
	nobody := caddymodule.Settings{}
	known := caddymodule.Settings{Identity: &caddymodule.Identity{Source: "{http.auth.user.id}"}}
	group := caddymodule.Settings{Access: caddymodule.Access{Allow: []string{"group:staff"}}}
	reach := caddymodule.Reach{SingleSignOn: "example.org"}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"no mail", caddymodule.RequireMail(nobody), "no mail transport: add 'mail smtp <host>:<port> { ... }' to the doorcode directive or to the global doorcode option; to try it without a mail server, use 'mail demo' on a localhost site"},
		{"nobody allowed", caddymodule.RequireSomebody(nobody), "nobody is allowed: give addresses after doorcode or an 'allow' line; 'allow *' allows everyone who can receive mail"},
		{"nobody listed, but known", caddymodule.RequireSomebody(known), ""},
		{"a group that nobody defined", caddymodule.RequireSomebody(group), "'group:staff' is not defined; add 'group staff <addresses...>'"},
		{"another domain", caddymodule.Covers(&reach, "app.example.com"), "single_sign_on 'example.org' does not cover app.example.com"},
		{"a name that only ends alike", caddymodule.Covers(&reach, "notexample.org"), "single_sign_on 'example.org' does not cover notexample.org"},
		{"the domain itself", caddymodule.Covers(&reach, "example.org"), ""},
		{"a name below it", caddymodule.Covers(&reach, "App.Example.org"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" && tt.err == nil {
				return
			}
			if tt.err == nil || tt.err.Error() != tt.want {
				t.Errorf("error = %v, want %q", tt.err, tt.want)
			}
		})
	}
}

// miscounted are lines with too few or too many arguments.
var miscounted = []struct{ lines, want string }{
	{"allow", "'allow' takes at least 1 argument, got 0"},
	{"deny", "'deny' takes at least 1 argument, got 0"},
	{"allow_file", "'allow_file' takes 1 argument, got 0"},
	{"allow_file /a /b", "'allow_file' takes 1 argument, got 2; quote the value"},
	{"group staff", "'group' takes a name and at least 1 address, got 1"},
	{"people_file", "'people_file' takes 1 argument, got 0"},
	{"people_file a b", "'people_file' takes 1 argument, got 2"},
	{"plus on off", "'plus' takes 1 argument, got 2"},
	{"plus maybe", "'plus' takes on or off, got 'maybe'"},
	{"reveal on off", "'reveal' takes 1 argument, got 2"},
	{"identity", "'identity' takes 1 argument, got 0"},
	{"identity ask me", "'identity' takes 1 argument, got 2"},
	{"identity {http.auth.user.id} {\nfrom\n}", "'from' takes 1 argument, got 0"},
	{"identity {http.auth.user.id} {\nemail\n}", "'email' takes 1 argument, got 0"},
	{"identity {http.auth.user.id} {\ngroups a b\n}", "'groups' takes 1 argument, got 2"},
	{"identity {http.auth.user.id} {\ndomain\n}", "'domain' takes 1 argument, got 0"},
	{"identity {http.auth.user.id} {\nmap ana\n}", "'map' takes a user and an address, got 1 arguments"},
	{"identity {http.auth.user.id} {\nmap_file\n}", "'map_file' takes 1 argument, got 0"},
	{"public", "a matcher is missing"},
	{"public /x {\npath /y\n}", "matchers stand either on the line or in a block, not both"},
	{"public robots.txt", "'robots.txt' is not a matcher"},
	{"answer", "'answer' takes json, 401, 403 or 503 and a matcher"},
	{"answer json", "a matcher is missing"},
	{"answer json *.css", "'*.css' is not a matcher"},
	{"answer 404 /x", "'answer' takes json, 401, 403 or 503, got '404'"},
	{"countries", "'countries' takes at least 1 code of a country such as PT, got 0"},
	{"countries not", "'countries' takes at least 1 code of a country such as PT, got 0"},
	{"challenge", "'challenge' takes at least 1 argument, got 0"},
	{"observe", "'observe' takes at least 1 argument, got 0"},
	{"app_shell", "'app_shell' takes 1 argument, got 0"},
	{"app_shell keep release", "'app_shell' takes 1 argument, got 2"},
	{"networks", "'networks' takes a name and at least 1 network, got 0"},
	{"networks office", "'networks' takes a name and at least 1 network, got 1"},
	{"sensitive", "a matcher is missing"},
	{"sensitive 5m", "a matcher is missing"},
	{"sensitive /x 5m {\npath /y\n}", "matchers stand either on the line or in a block, not both"},
	{"sensitive /x 5m 6m", "'sensitive' takes one duration, behind its matchers: write '5m' last"},
	{"page_status", "'page_status' takes 200, 401 or 403 and a matcher"},
	{"page_status 200", "a matcher is missing"},
	{"page_status 200 *.php", "'*.php' is not a matcher"},
	{"session {\nbind\n}", "'bind' takes 1 argument, got 0"},
	{"session {\nbind none place\n}", "'bind' takes 1 argument, got 2"},
	{"geoip", "'geoip' takes at least 1 argument, got 0"},
	{"geoip {\nrefresh 1m\n}", "'geoip' takes at least 1 argument, got 0"},
	{"geoip \"\"", "'geoip' is empty"},
	{"geoip /g.mmdb {\nrefresh\n}", "'refresh' takes 1 argument, got 0"},
	{"geoip /g.mmdb {\nrefresh 5 minutes\n}", "'refresh' takes 1 argument, got 2; write 5m"},
	{"location 500km", "'location' takes no arguments, got 1"},
	{"location", "'location' needs a block with settings"},
	{"location {\nspeed\n}", "'speed' takes 1 argument, got 0"},
	{"location {\nspeed 900 kmh\n}", "'speed' takes 1 argument, got 2; write 900kmh"},
	{"preflight", "'preflight' takes 1 argument, got 0"},
	{"preflight deny pass", "'preflight' takes 1 argument, got 2"},
	{"session 1h 2h", "'session' takes 1 argument, got 2"},
	{"session {\nidle\n}", "'idle' takes 1 argument, got 0"},
	{"session {\nmax 1 2\n}", "'max' takes 1 argument, got 2"},
	{"remember 1d 2d 3d", "'remember' takes 0 to 2 arguments, got 3"},
	{"remember {\nchoice\n}", "'choice' takes 1 argument, got 0"},
	{"code 6 {\nttl 5m\n}", "'code' takes no arguments, got 1"},
	{"code {\nlength\n}", "'length' takes 1 argument, got 0"},
	{"code {\nresend\n}", "'resend' takes 1 to 2 arguments, got 0"},
	{"code {\nresend 30s 3 4\n}", "'resend' takes 1 to 2 arguments, got 3"},
	{"limits {\nsend_ip\n}", "'send_ip' takes at least 1 argument, got 0"},
	{"limits {\nlockout 15 minutes\n}", "'lockout' takes 1 argument, got 2; write 15m"},
	{"copy_headers", "'copy_headers' takes at least 1 argument, got 0"},
	{"assertion", "'assertion' takes 1 argument, got 0"},
	{"pages {\nname Example GmbH\n}", "'name' takes 1 argument, got 2; quote the value"},
	{"origins", "'origins' takes at least 1 argument, got 0"},
	{"endpoints /a /b", "'endpoints' takes 1 argument, got 2"},
	{"single_sign_on", "'single_sign_on' takes 1 argument, got 0"},
	{"mail", "'mail' needs a mail transport: demo, file, http, postmark, resend, sendgrid or smtp"},
	{"mail demo now", "'demo' takes no arguments, got 1"},
	{"mail file", "'file' takes 1 argument, got 0"},
	{"mail smtp", "'smtp' takes 1 argument, got 0"},
	{"mail smtp a.example.com:25 {\nheader X-A\n}", "'header' takes a field and a value, got 1 arguments"},
	{"mail smtp a.example.com:25 {\nfrom Example <a@example.com>\n}", "'from' takes 1 argument, got 2; quote the value"},
	{"storage", "'storage' needs a storage: embedded or redis"},
	{"storage embedded /a /b", "'embedded' takes 1 argument, got 2"},
	{"storage redis", "'redis' takes at least 1 argument, got 0"},
	{"storage redis redis://a {\nprefix a b\n}", "'prefix' takes 1 argument, got 2; quote the value"},
	{"storage redis redis://a {\nsentinel\n}", "'sentinel' takes 1 argument, got 0"},
	{"storage redis redis://a {\ncluster on on\n}", "'cluster' takes 1 argument, got 2"},
	{"storage redis redis://a {\ntls on\n}", "'tls' takes no arguments, got 1"},
	{"storage redis redis://a {\ntls {\nca\n}\n}", "'ca' takes 1 argument, got 0"},
	{"storage redis redis://a {\ntimeout 1 second\n}", "'timeout' takes 1 argument, got 2; write 1s"},
	{"storage redis redis://a {\npool\n}", "'pool' takes 1 argument, got 0"},
	{"storage redis redis://a {\ntimeout 1s {\n}\n}", "'timeout' takes no block"},
	{"on_store_failure", "'on_store_failure' takes 1 argument, got 0"},
	{"on_store_failure deny deny", "'on_store_failure' takes 1 argument, got 2"},
	{"secret", "'secret' takes 1 argument, got 0"},
	{"cookie door", "'cookie' takes no arguments, got 1"},
	{"cookie {\ninsecure yes\n}", "'insecure' takes on or off, got 'yes'"},
	{"keys", "'keys' needs a block with settings"},
	{"keys {\nalgorithm\n}", "'algorithm' takes 1 argument, got 0"},
	{"keys {\nrotate\n}", "'rotate' takes 1 argument, got 0"},
	{"keys {\nrotate 30 days\n}", "'rotate' takes 1 argument, got 2; write 30d"},
	{"authenticator on off", "'authenticator' takes 1 argument, got 2"},
	{"second_address", "'second_address' takes 1 argument, got 0"},
	{"tokens on off", "'tokens' takes 1 argument, got 2"},
	{"passkeys on off", "'passkeys' takes 1 argument, got 2"},
	{"prove_mailbox", "'prove_mailbox' takes 1 argument, got 0"},
	{"audit", "'audit' needs a block with settings"},
	{"audit {\nkeep\n}", "'keep' takes 1 argument, got 0"},
	{"audit {\nip full prefix\n}", "'ip' takes 1 argument, got 2"},
}

func TestMiscountedSettingsAreRefused(t *testing.T) {
	for _, tt := range miscounted {
		t.Run(tt.lines, func(t *testing.T) { refuses(t, site(tt.lines), tt.want) })
	}
}
