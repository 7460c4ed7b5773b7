// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// filled sets every field, so that a field which is forgotten when settings are
// merged is found. The texts carry the mark.
func filled(mark string, n int) caddymodule.Settings {
	var s caddymodule.Settings
	fill(reflect.ValueOf(&s).Elem(), mark, n)
	return s
}

func fill(v reflect.Value, mark string, n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(mark)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Uint8:
		v.SetUint(uint64(n))
	case reflect.Bool:
		v.SetBool(n%2 == 1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), mark, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), mark, n)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, mark, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(mark), value)
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				fill(f, mark, n)
			}
		}
	default:
		panic(fmt.Sprintf("fill %s", v.Type()))
	}
}

func TestASiteWithoutSettingsHasTheGlobalOnes(t *testing.T) {
	global := filled("global", 1)
	if diff := cmp.Diff(global, caddymodule.Merged(global, caddymodule.Settings{})); diff != "" {
		t.Errorf("Merged (-want +got):\n%s", diff)
	}
}

func TestASiteNeedsNoGlobalSettings(t *testing.T) {
	site := filled("site", 1)
	if diff := cmp.Diff(site, caddymodule.Merged(caddymodule.Settings{}, site)); diff != "" {
		t.Errorf("Merged (-want +got):\n%s", diff)
	}
}

func TestASiteOverridesTheGlobalSettings(t *testing.T) {
	global, site := filled("global", 1), filled("site", 2)
	want := filled("site", 2)
	want.Deny = []string{"global", "site"}
	want.Group = map[string][]string{"global": {"global"}, "site": {"site"}}
	want.Networks = map[string][]string{"global": {"global"}, "site": {"site"}}
	if diff := cmp.Diff(want, caddymodule.Merged(global, site)); diff != "" {
		t.Errorf("Merged (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(filled("global", 1), global); diff != "" {
		t.Errorf("Merged changed the global settings:\n%s", diff)
	}
}

// TestPrecedence is the documented rule, as operators write it: global only,
// site only, both.
func TestPrecedence(t *testing.T) {
	for _, tt := range []struct{ name, global, site, want string }{
		{"a list that only the global option has", "allow *@example.com", "", `{"allow":["*@example.com"]}`},
		{"a list that only the site has", "", "allow ana@example.com", `{"allow":["ana@example.com"]}`},
		{"the site's addresses replace the global ones", "allow *@example.com", "allow ana@example.com", `{"allow":["ana@example.com"]}`},
		{"those who are denied add", "deny eve@example.com", "deny mal@example.com", `{"deny":["eve@example.com","mal@example.com"]}`},
		{"groups add, and so do their members", "group staff ana@example.com\ngroup a a@example.com", "group staff ben@example.com\ngroup b b@example.com", `{"group":{"a":["a@example.com"],"b":["b@example.com"],"staff":["ana@example.com","ben@example.com"]}}`},
		{"a switch that the site turns on", "plus off", "plus on", `{"plus":true}`},
		{"a switch that the site turns off", "reveal on", "reveal off", `{"reveal":false}`},
		{"a switch that the site leaves alone", "plus off", "", `{"plus":false}`},
		{"a limit that the site lifts", "session 8h {\nidle 1h\n}", "session {\nidle off\n}", `{"session":{"lifetime":28800000000000,"idle":0}}`},
		{"values in a block, one by one", "code {\nlength 8\nresend 30s 3\n}", "code {\nttl 5m\nresend 1m\n}", `{"code":{"length":8,"ttl":300000000000,"resend":{"wait":60000000000,"max":3}}}`},
		{"an identity as a whole", "identity {http.auth.user.id} {\ndomain example.com\n}", "identity {http.auth.user.id} {\nmap ana ana@example.com\n}", `{"identity":{"source":"{http.auth.user.id}","map":{"ana":"ana@example.com"}}}`},
		{"an identity that the site asks for after all", "identity {http.auth.user.id}", "identity ask", `{"identity":{"source":"ask"}}`},
		{"reasons as a whole", "challenge new_browser new_network\nobserve new_network", "challenge always", `{"challenge":["always"],"observe":["new_network"]}`},
		{"reasons that the site leaves alone", "observe all\nchallenge always", "reveal", `{"challenge":["always"],"observe":["all"],"reveal":true}`},
		{"countries as a whole", "geoip /g.mmdb\ncountries PT ES", "countries not KP", `{"countries":{"deny":["KP"]},"geoip":{"files":["/g.mmdb"]}}`},
		{"countries that only the global option has", "geoip /g.mmdb\ncountries PT ES", "", `{"countries":{"allow":["PT","ES"]},"geoip":{"files":["/g.mmdb"]}}`},
		{"networks add, and so do those of one name", "networks office 203.0.113.0/24\nnetworks vpn fd00::/8", "networks office 198.51.100.7", `{"networks":{"office":["203.0.113.0/24","198.51.100.7"],"vpn":["fd00::/8"]}}`},
		{"databases as a whole, but not how they are read", "geoip /a.mmdb /b.mmdb {\nrefresh 1h\n}", "geoip /c.mmdb", `{"geoip":{"files":["/c.mmdb"],"refresh":3600000000000}}`},
		{"distances one by one", "geoip /g.mmdb\nlocation {\ndistance 100km\nspeed 800kmh\n}", "location {\ndistance 200km\n}", `{"geoip":{"files":["/g.mmdb"]},"location":{"distance":200,"speed":800}}`},
		{"whether browsers are bound", "session 8h {\ndevice_bound required\n}", "session {\ndevice_bound off\n}", `{"session":{"lifetime":28800000000000,"device_bound":"off"}}`},
		{"what a session is bound to", "session 8h {\nbind network\n}", "session {\nbind none\n}", `{"session":{"lifetime":28800000000000,"bind":"none"}}`},
		{"the app shell", "app_shell keep", "app_shell release", `{"app_shell":"release"}`},
		{"storages as a whole", "secret {env.X}\nstorage redis redis://a {\ngrace 1m\n}", "storage redis redis://b", `{"secret":"{env.X}","storage":{"backend":"redis","urls":["redis://b"]}}`},
		{"a site with a file of its own", "secret {env.X}\nstorage redis redis://a", "storage embedded", `{"secret":"{env.X}","storage":{"backend":"embedded"}}`},
		{"what happens without storage", "on_store_failure allow_known_browsers", "on_store_failure deny", `{"on_store_failure":"deny"}`},
		{"what happens without storage, as all sites say", "on_store_failure allow_known_browsers", "", `{"on_store_failure":"allow_known_browsers"}`},
		{"keys one by one", "keys {\nalgorithm EdDSA\nrotate 7d\n}", "keys {\nrotate off\n}", `{"keys":{"algorithm":"EdDSA","rotate":0}}`},
		{"backup codes that the site turns off", "backup_codes 12", "backup_codes off", `{"backup_codes":0}`},
		{"backup codes that the site turns on", "backup_codes off", "backup_codes 5", `{"backup_codes":5}`},
		{"ways one by one", "authenticator off\nsecond_address any\nprove_mailbox 7d", "second_address off\nauthenticator on", `{"authenticator":true,"second_address":"off","prove_mailbox":604800000000000}`},
		{"passkeys, and what is accepted as a whole", "passkeys on\naccept code passkey", "accept passkey", `{"passkeys":true,"accept":["passkey"]}`},
		{"tokens that one site has", "tokens off", "tokens on", `{"tokens":true}`},
		{"what is kept, one by one", "audit {\nkeep 30d\nip hash\n}", "audit {\nkeep 7d\n}", `{"audit":{"keep":604800000000000,"ip":"hash"}}`},
		{"transports as a whole", "mail demo", "mail file /tmp/mail\nmail demo", `{"mail":[{"transport":"file","folder":"/tmp/mail"},{"transport":"demo"}]}`},
		{"headers as a whole", "copy_headers Remote-User Remote-Email", "copy_headers Remote-Groups", `{"copy_headers":{"Remote-Groups":"Remote-Groups"}}`},
		{"rates as a whole", "limits {\nsend_ip 1/1h 2/2h\ntry_ip 3/1h\n}", "limits {\nsend_ip 4/1h\n}", `{"limits":{"send_ip":["4/1h"],"try_ip":["3/1h"]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			merged := caddymodule.Merged(globalSettings(t, tt.global), siteBelow(t, tt.global, tt.site))
			got, err := json.Marshal(merged)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tree(t, []byte(tt.want)), tree(t, got)); diff != "" {
				t.Errorf("Merged (-want +got):\n%s", diff)
			}
		})
	}
}

func siteSettings(t *testing.T, lines string) caddymodule.Settings {
	t.Helper()
	h, _ := handler(t, site(lines))
	return h.Settings
}

// siteBelow are a site's own settings in a file with a global option.
func siteBelow(t *testing.T, globalLines, lines string) caddymodule.Settings {
	t.Helper()
	h, _ := handler(t, global(globalLines)+site(lines))
	return h.Settings
}

func globalSettings(t *testing.T, lines string) caddymodule.Settings {
	t.Helper()
	adapted, err := adapt(global(lines))
	if err != nil {
		t.Fatalf("adapting: %v", err)
	}
	var config struct {
		Apps struct{ Doorcode caddymodule.App }
	}
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	return config.Apps.Doorcode.Settings
}

func TestDefaultsAreInBounds(t *testing.T) {
	s := caddymodule.WithDefaults(caddymodule.Settings{})
	if err := caddymodule.Check(&s); err != nil {
		t.Errorf("Check = %v", err)
	}
	if found := caddymodule.Warnings(s); len(found) > 0 {
		t.Errorf("Warnings = %q", found)
	}
}

func TestDefaultsYieldToWhatIsSet(t *testing.T) {
	set := caddymodule.Settings{Session: caddymodule.Session{Max: 3}}
	set.Plus = new(false)
	s := caddymodule.WithDefaults(set)
	if s.Session.Max != 3 || *s.Plus || s.Session.Lifetime != caddy.Duration(12*3600e9) {
		t.Errorf("WithDefaults = max %d, plus %t, lifetime %v", s.Session.Max, *s.Plus, s.Session.Lifetime)
	}
}

// Each value may be allowed alone: the site's idle time and the default of the
// other limit contradict each other.
func TestWhatIsMergedIsCheckedAgain(t *testing.T) {
	s := caddymodule.WithDefaults(siteSettings(t, "remember 200d"))
	if err := caddymodule.Check(&s); err == nil {
		t.Error("Check = nil, want an error: 200d is more than 180d")
	}
}
