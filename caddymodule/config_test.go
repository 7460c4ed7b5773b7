// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// Whatever the Caddyfile says survives the way through JSON: a field without a
// key would be lost between adapting and loading.
func TestJSONSurvivesTheRoundTrip(t *testing.T) {
	for _, tt := range accepted {
		t.Run(tt.lines, func(t *testing.T) {
			h, raw := handler(t, withHooks(site(tt.lines)))
			again, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tree(t, raw), tree(t, again)); diff != "" {
				t.Errorf("JSON (-first +second):\n%s", diff)
			}
		})
	}
}

func TestUnknownKeysAreRefused(t *testing.T) {
	for _, tt := range []struct {
		json string
		into any
	}{
		{`{"alow":["*@example.com"]}`, &caddymodule.Handler{}},
		{`{"code":{"lenght":6}}`, &caddymodule.Handler{}},
		{`{"passkey":true}`, &caddymodule.Handler{}},
		{`{"accepts":["code"]}`, &caddymodule.App{}},
		{`{"session":{"devicebound":"auto"}}`, &caddymodule.App{}},
		{`{"audit":{"keeps":"90d"}}`, &caddymodule.App{}},
		{`{"sensitive":[{"age":"5m"}]}`, &caddymodule.Handler{}},
		{`{"match":[{"path":["/x"]}]}`, &caddymodule.App{}},
		{`{"public":[]}`, &caddymodule.App{}},
		{`{"sensitive":[]}`, &caddymodule.App{}},
		{`{"page_status":[]}`, &caddymodule.App{}},
		{`{"token":"x"}`, &caddymodule.SMTPMail{}},
		{`{"from":"a@example.com"}`, &caddymodule.DemoMail{}},
		{`{"prefix":"x"}`, &caddymodule.EmbeddedStorage{}},
		{`{"path":"x"}`, &caddymodule.RedisStorage{}},
		{`{"sentinel":{"name":"x"}}`, &caddymodule.RedisStorage{}},
		{`{"tls":{"insecure":true}}`, &caddymodule.RedisStorage{}},
	} {
		if err := strictly([]byte(tt.json), tt.into); err == nil || !strings.Contains(err.Error(), "unknown field") {
			t.Errorf("reading %s into %T = %v, want an unknown field", tt.json, tt.into, err)
		}
	}
}

// JSON does not pass through the Caddyfile, so everything is checked again.
func TestJSONIsCheckedToo(t *testing.T) {
	for _, tt := range []struct{ json, want string }{
		{`{"code":{"length":4}}`, "'length' must be 6 to 10"},
		{`{"code":{"length":-1}}`, "'length' must be 6 to 10"},
		{`{"session":{"lifetime":-1}}`, "'session' must be 1m to 90d"},
		{`{"session":{"idle":-1}}`, "'idle' must be"},
		{`{"limits":{"try_ip":["often"]}}`, "'try_ip' needs a rate such as 5/1h, got 'often'"},
		{`{"public":[{}]}`, "'public' without a matcher"},
		{`{"public":[{"path":["/x","*.css"]}]}`, "'public' takes no pattern that starts with '*'"},
		{`{"public":[{"path":"/x"}]}`, "reading path matcher"},
		{`{"answer":[{"as":"json"}]}`, "'answer' needs a matcher"},
		{`{"answer":[{"match":[{}]}]}`, "'answer' takes json, 401, 403 or 503"},
		{`{"sensitive":[{"max_age":"5m"}]}`, "'sensitive' needs a matcher"},
		{`{"sensitive":[{"match":[{}],"max_age":-1}]}`, "'sensitive' must be 1m to 24h"},
		{`{"page_status":[{"status":200}]}`, "'page_status' needs a matcher"},
		{`{"page_status":[{"match":[{}]}]}`, "'page_status' takes 200, 401 or 403, got '0'"},
		{`{"challenge":["never","always"]}`, "'challenge never' stands alone"},
		{`{"challenge":["all"]}`, "'challenge' takes new_browser"},
		{`{"observe":["never"]}`, "'observe' takes new_browser"},
		{`{"countries":{"allow":["PT"],"deny":["ES"]}}`, "'countries' holds either"},
		{`{"countries":{"allow":["pt"]}}`, "got 'pt'"},
		{`{"geoip":{"files":[""]}}`, "'geoip' is empty"},
		{`{"location":{"distance":-500}}`, "'distance' must be 50km to 5000km, got -500km"},
		{`{"networks":{"":["203.0.113.7"]}}`, "'' cannot name a network"},
		{`{"session":{"bind":"city"}}`, "'bind' takes none, network or place, got 'city'"},
		{`{"app_shell":"drop"}`, "'app_shell' takes release or keep, got 'drop'"},
		{`{"identity":{"source":"{http.request.header.X-User}"}}`, "a request header is the visitor's own word"},
		{`{"identity":{"source":"{http.request.cookie.x}"}}`, "the visitor's own word"},
		{`{"on_store_failure":"allow"}`, "'on_store_failure' takes deny or allow_known_browsers, got 'allow'"},
		{`{"keys":{"rotate":-1}}`, "'rotate' must be 1d to 365d, or off"},
		{`{"keys":{"algorithm":"RS256"}}`, "'algorithm' takes ES256, EdDSA or HS256, got 'RS256'"},
		{`{"backup_codes":3}`, "'backup_codes' must be 5 to 20, or off, got 3"},
		{`{"backup_codes":-1}`, "'backup_codes' must be 5 to 20, or off, got -1"},
		{`{"second_address":"on"}`, "'second_address' takes allowed, any or off, got 'on'"},
		{`{"prove_mailbox":-1}`, "'prove_mailbox' must be 1d to 400d"},
		{`{"audit":{"keep":1}}`, "'keep' must be 1d to 400d"},
		{`{"audit":{"ip":"none"}}`, "'ip' takes full, prefix or hash, got 'none'"},
		{`{"secret":"short"}`, "'secret' needs at least 32 bytes"},
		{`{"allow":["nobody"]}`, "'nobody' is not an address"},
	} {
		t.Run(tt.json, func(t *testing.T) {
			h := &caddymodule.Handler{}
			if err := strictly([]byte(tt.json), h); err != nil {
				t.Fatal(err)
			}
			if err := caddymodule.CheckHandler(h); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("check = %v, want %q", err, tt.want)
			}
		})
	}
}

const password = "correct-horse-battery-staple-0123456789"

// TestOPS01ASecretCannotBePrinted with any verb, whatever holds it.
func TestOPS01ASecretCannotBePrinted(t *testing.T) {
	t.Setenv("DOORCODE_TEST_SECRET", password)
	repl := caddy.NewReplacer()
	mail := &caddymodule.SMTPMail{
		Letter:   caddymodule.Letter{From: "login@example.com"},
		Address:  "mx.example.com:465",
		Username: "login",
		Password: "{env.DOORCODE_TEST_SECRET}",
	}
	if err := caddymodule.ProvisionSMTP(mail, repl); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	literal := caddymodule.Settings{Secret: password, MailRaw: []json.RawMessage{json.RawMessage(`{"password":"` + password + `"}`)}}
	opened, err := caddymodule.OpenSecret(caddymodule.Settings{Secret: "{env.DOORCODE_TEST_SECRET}"}, repl)
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	for _, holder := range []any{
		caddymodule.Secret(password), mail, *mail, literal, &literal, opened, *opened,
		[]any{opened},
		caddymodule.Handler{Settings: literal},
		&caddymodule.Handler{Settings: literal},
		caddymodule.App{Settings: literal},
		struct{ S caddymodule.Secret }{password},
		caddymodule.SMTPMail{Password: password},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			printed := fmt.Sprintf(verb, holder)
			if strings.Contains(printed, password) || strings.Contains(strings.ToLower(printed), fmt.Sprintf("%x", password)) {
				t.Errorf("%s of %T shows the secret: %s", verb, holder, printed)
			}
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("printed", "value", holder)
		if strings.Contains(log.String(), password) {
			t.Errorf("slog of %T shows the secret: %s", holder, log.String())
		}
	}
}

// The admin API shows the configuration as JSON: it has the placeholder alone.
func TestOPS01OpenedSecretsStayOutOfJSON(t *testing.T) {
	t.Setenv("DOORCODE_TEST_SECRET", password)
	mail := &caddymodule.SMTPMail{
		Letter:   caddymodule.Letter{From: "login@example.com"},
		Address:  "mx.example.com:465",
		Username: "login",
		Password: "{env.DOORCODE_TEST_SECRET}",
	}
	if err := caddymodule.ProvisionSMTP(mail, caddy.NewReplacer()); err != nil {
		t.Fatalf("provisioning: %v", err)
	}
	encoded, err := json.Marshal(mail)
	if err != nil || strings.Contains(string(encoded), password) || !strings.Contains(string(encoded), "{env.DOORCODE_TEST_SECRET}") {
		t.Errorf("JSON = %s, %v", encoded, err)
	}
}

func TestAMissingSecretIsNeverAnEmptyOne(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ secret, want string }{
		{"{env.DOORCODE_TEST_UNSET}", "mail smtp: {env.DOORCODE_TEST_UNSET} is not set"},
		{"{file." + empty + "}", "mail smtp: {file." + empty + "} is empty: write the secret into the file"},
		{"{file." + dir + "/none}", "/none} is missing: there is no such file; write the secret into it"},
		{"{file." + dir + "}", "} is no file: write the secret into one"},
		{"{file." + dir + "/none", `'password': a brace opens a placeholder that has no end; write } behind its name, or \{ for a brace that belongs to the value`},
		{"{env.DOORCODE_TEST_UNSET}{file." + dir, "a brace opens a placeholder that has no end"},
		{"pa{ss}word", `mail smtp: a brace in the value begins no known placeholder; write \{ for a brace that belongs to the value`},
	} {
		t.Run(tt.secret, func(t *testing.T) {
			mail := &caddymodule.SMTPMail{
				Letter:   caddymodule.Letter{From: "login@example.com"},
				Address:  "mx.example.com:465",
				Username: "login",
				Password: caddymodule.Secret(tt.secret),
			}
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			err := mail.Provision(ctx)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "{ss}") {
				t.Errorf("Provision = %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := caddymodule.OpenSecret(caddymodule.Settings{Secret: "{env.DOORCODE_TEST_UNSET}"}, caddy.NewReplacer()); err == nil {
		t.Error("OpenSecret = nil, want an error")
	}
	named := filepath.Join(dir, strings.Repeat("n", 40))
	if err := os.WriteFile(named, []byte(strings.Repeat("s", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{named, "{file." + named + "}", "{env." + strings.Repeat("Y", 40) + "}", "{file." + named} {
		t.Setenv("DOORCODE_TEST_NAMES", value)
		_, err := caddymodule.OpenSecret(caddymodule.Settings{Secret: "{env.DOORCODE_TEST_NAMES}"}, caddy.NewReplacer())
		if err == nil || strings.Contains(err.Error(), named) || strings.Contains(err.Error(), "YYY") {
			t.Errorf("OpenSecret of a variable with %q = %v, want an error without it", value, err)
		}
	}
	t.Setenv("DOORCODE_TEST_SHORT", "hunter2")
	_, err := caddymodule.OpenSecret(caddymodule.Settings{Secret: "{env.DOORCODE_TEST_SHORT}"}, caddy.NewReplacer())
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("OpenSecret = %v, want an error without the secret", err)
	}
}

func TestPlaceholdersOfAMailServerAreReplaced(t *testing.T) {
	t.Setenv("DOORCODE_TEST_HOST", "mx.example.com")
	mail := &caddymodule.SMTPMail{Letter: caddymodule.Letter{From: "login@example.com"}, Address: "{env.DOORCODE_TEST_HOST}"}
	if err := caddymodule.ProvisionSMTP(mail, caddy.NewReplacer()); err == nil || !strings.Contains(err.Error(), "'smtp' needs <host>:<port>") {
		t.Errorf("provision without a port = %v", err)
	}
	mail.Address = "{env.DOORCODE_TEST_HOST}:465"
	if err := caddymodule.ProvisionSMTP(mail, caddy.NewReplacer()); err != nil {
		t.Errorf("provision = %v", err)
	}
	if mail.Address != "{env.DOORCODE_TEST_HOST}:465" {
		t.Errorf("the configuration became %q", mail.Address)
	}
}
