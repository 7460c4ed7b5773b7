// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
)

// redis reads the storage of a site as it is loaded.
func redis(t testing.TB, lines ...string) *caddymodule.RedisStorage {
	t.Helper()
	h, _ := handler(t, site("secret {env.DOORCODE_TEST_SECRET}", "storage redis "+strings.Join(lines, "\n")))
	s := &caddymodule.RedisStorage{}
	if err := json.Unmarshal(h.StorageRaw, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHowRedisIsConnectedTo(t *testing.T) {
	t.Setenv("DOORCODE_TEST_URL", "rediss://door:p%40ss@redis.example.com/4")
	t.Setenv("DOORCODE_TEST_PASSWORD", password)
	for _, tt := range []struct {
		name, lines, where string
		want               redisstore.Options
	}{
		{
			"one server", "redis://redis", "redis redis:6379/0, prefix doorcode:",
			redisstore.Options{Addrs: []string{"redis:6379"}, Prefix: "doorcode:"},
		},
		{
			"everything in the URL", "redis://door:pw@10.0.0.5:6380/3", "redis 10.0.0.5:6380/3, prefix doorcode:",
			redisstore.Options{Addrs: []string{"10.0.0.5:6380"}, DB: 3, Username: "door", Password: "pw", Prefix: "doorcode:"},
		},
		{
			"the URL from the environment", "{env.DOORCODE_TEST_URL}", "redis redis.example.com:6379/4, prefix doorcode:",
			redisstore.Options{Addrs: []string{"redis.example.com:6379"}, DB: 4, Username: "door", Password: "p@ss", Prefix: "doorcode:"},
		},
		{
			"a socket", "unix:///run/redis.sock?db=2", "redis /run/redis.sock/2, prefix doorcode:",
			redisstore.Options{Addrs: []string{"/run/redis.sock"}, DB: 2, Prefix: "doorcode:"},
		},
		{
			"settings in the block", "redis://[fd00::5] {\nprefix a:\nusername door\npassword {env.DOORCODE_TEST_PASSWORD}\ntimeout 2s\npool 7\n}", "redis [fd00::5]:6379/0, prefix a:",
			redisstore.Options{Addrs: []string{"[fd00::5]:6379"}, Username: "door", Password: password, Prefix: "a:", Timeout: 2 * time.Second, PoolSize: 7},
		},
		{
			"sentinels", "redis://s2/1 redis://s1:5000/1 {\npassword one\nsentinel mymaster {\nusername watch\npassword two\n}\n}", "redis mymaster/1 by the sentinels at s1:5000,s2:26379, prefix doorcode:",
			redisstore.Options{Addrs: []string{"s2:26379", "s1:5000"}, MasterName: "mymaster", DB: 1, Password: "one", SentinelUsername: "watch", SentinelPassword: "two", Prefix: "doorcode:"},
		},
		{
			"a cluster", "redis://n2 redis://n1:7001 {\ncluster\n}", "redis cluster at n1:7001,n2:6379, prefix doorcode:",
			redisstore.Options{Addrs: []string{"n2:6379", "n1:7001"}, Cluster: true, Prefix: "doorcode:"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := redis(t, tt.lines)
			got, err := caddymodule.ProvisionRedis(s)
			if err != nil {
				t.Fatalf("provisioning: %v", err)
			}
			if secured := strings.Contains(tt.lines, "DOORCODE_TEST_URL"); (got.TLS != nil) != secured {
				t.Errorf("TLS = %v, want it: %t", got.TLS != nil, secured)
			}
			got.TLS = nil
			compared := cmp.Comparer(func(a, b redisstore.Options) bool { return fmt.Sprint(plain(a)) == fmt.Sprint(plain(b)) })
			if !cmp.Equal(tt.want, got, compared) {
				t.Errorf("options = %v, want %v", plain(got), plain(tt.want))
			}
			if s.Where() != tt.where {
				t.Errorf("Where = %q, want %q", s.Where(), tt.where)
			}
		})
	}
}

// plain are options whose passwords can be compared.
func plain(o redisstore.Options) []any {
	return []any{o.Addrs, o.MasterName, o.Cluster, o.DB, o.Username, string(o.Password), o.SentinelUsername, string(o.SentinelPassword), o.Prefix, o.Timeout, o.PoolSize}
}

// authority writes a certificate and its key, and returns their files.
func authority(t *testing.T) (certificate, key string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	encoded, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "redis.pem"), filepath.Join(dir, "key.pem")
	write := func(path, kind string, content []byte) {
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(certificate, "CERTIFICATE", pair.Certificate[0])
	write(key, "PRIVATE KEY", encoded)
	return certificate, key
}

func TestHowTheConnectionToRedisIsEncrypted(t *testing.T) {
	certificate, key := authority(t)
	o, err := caddymodule.ProvisionRedis(redis(t, "redis://a {\ntls\n}"))
	if err != nil || o.TLS == nil || o.TLS.RootCAs != nil || o.TLS.InsecureSkipVerify || o.TLS.ServerName != "" {
		t.Errorf("bare tls = %+v, %v, want the authorities of the system", o.TLS, err)
	}
	o, err = caddymodule.ProvisionRedis(redis(t, "rediss://a {\ntls {\nca "+certificate+"\ncertificate "+certificate+" "+key+"\nserver_name redis.example.com\n}\n}"))
	if err != nil {
		t.Fatal(err)
	}
	if o.TLS.RootCAs == nil || len(o.TLS.Certificates) != 1 || o.TLS.ServerName != "redis.example.com" || o.TLS.InsecureSkipVerify {
		t.Errorf("tls = %+v, want what the block says", o.TLS)
	}
}

// What only loading shows must be found there, and not at the first request. No
// error shows a password, whatever took it for something else.
func TestARedisThatCannotBeUsedIsFoundWhenLoading(t *testing.T) {
	certificate, key := authority(t)
	_, other := authority(t)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOORCODE_TEST_SLASH", "hunter2/hunter2#hunter2")
	t.Setenv("DOORCODE_TEST_HTTP", "http://hunter2:hunter2@redis")
	t.Setenv("DOORCODE_TEST_BARE", "hunter2")
	t.Setenv("DOORCODE_TEST_DB", "redis://redis/hunter2")
	t.Setenv("DOORCODE_TEST_GOOD", "redis://u:hunter2@redis/1")
	for _, tt := range []struct{ name, lines, want string }{
		{"a password that breaks the URL", "redis://:{env.DOORCODE_TEST_SLASH}@redis", "'redis' takes URLs such as"},
		{"another scheme", "{env.DOORCODE_TEST_HTTP}", "'redis' takes URLs such as"},
		{"a password in place of the URL", "{env.DOORCODE_TEST_BARE}", "'redis' takes URLs such as"},
		{"a password in place of the database", "{env.DOORCODE_TEST_DB}", "a redis URL ends in the number of the database"},
		{"a password in the URL and in the block", "{env.DOORCODE_TEST_GOOD} {\npassword hunter2\n}", "the password is written in the URL and in 'password'"},
		{"a database of a cluster", "{env.DOORCODE_TEST_GOOD} {\ncluster\n}", "leave /1 out of the URL"},
		{"servers that differ", "{env.DOORCODE_TEST_GOOD} redis://b {\ncluster\n}", "need the same scheme, user, password and database"},
		{"a URL that is not set", "{env.DOORCODE_TEST_UNSET}", "storage redis: {env.DOORCODE_TEST_UNSET} is not set"},
		{"a password that is not set", "redis://a {\npassword {env.DOORCODE_TEST_UNSET}\n}", "storage redis: {env.DOORCODE_TEST_UNSET} is not set"},
		{"an empty password file", "redis://a {\npassword {file." + empty + "}\n}", "is empty: write the secret into the file"},
		{"a sentinel's password that is not set", "redis://a {\nsentinel m {\npassword {env.DOORCODE_TEST_UNSET}\n}\n}", "storage redis: sentinel: {env.DOORCODE_TEST_UNSET} is not set"},
		{"a password with a brace", "redis://a {\npassword hun{ter2}\n}", "a brace in the value begins no known placeholder"},
		{"authorities that are missing", "redis://a {\ntls {\nca /nonexistent/ca.pem\n}\n}", "storage redis: tls: ca: open /nonexistent/ca.pem: no such file"},
		{"authorities that are none", "redis://a {\ntls {\nca " + empty + "\n}\n}", "no certificate in the 'ca' file"},
		{"a certificate that is missing", "redis://a {\ntls {\ncertificate /nonexistent/c.pem " + key + "\n}\n}", "tls: certificate: open /nonexistent/c.pem"},
		{"a key that is missing", "redis://a {\ntls {\ncertificate " + certificate + " /nonexistent/k.pem\n}\n}", "tls: key: open /nonexistent/k.pem"},
		{"a key that is none", "redis://a {\ntls {\ncertificate " + certificate + " " + other + "\n}\n}", "tls: certificate " + certificate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
			defer cancel()
			err := redis(t, tt.lines).Provision(ctx)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("Provision = %v, want %q", err, tt.want)
			}
		})
	}
}

// The same ID shares an open store, so whatever the connections depend on makes
// another. The place is the same wherever the records are.
func TestWhatSharesAConnectionToRedis(t *testing.T) {
	t.Setenv("DOORCODE_TEST_PASSWORD", password)
	ca, _ := authority(t)
	named := func(lines string) *caddymodule.RedisStorage {
		s := redis(t, lines)
		if _, err := caddymodule.ProvisionRedis(s); err != nil {
			t.Fatalf("provisioning %q: %v", lines, err)
		}
		return s
	}
	base := "redis://a redis://b {\ncluster\npassword one\ntls {\nca " + ca + "\n}\n"
	first := named(base + "}")
	for _, tt := range []struct {
		name, lines     string
		shares, records bool
	}{
		{"the same once more", base + "}", true, true},
		{"another order", strings.Replace(base, "redis://a redis://b", "redis://b redis://a", 1) + "}", true, true},
		{"another grace", base + "grace 1m\n}", true, true},
		{"what is the default anyway", base + "prefix doorcode:\n}", true, true},
		{"another password", strings.Replace(base, "one", "two", 1) + "}", false, true},
		{"a user", base + "username door\n}", false, true},
		{"another timeout", base + "timeout 2s\n}", false, true},
		{"another pool", base + "pool 3\n}", false, true},
		{"other authorities", strings.Replace(base, "ca "+ca, "server_name a", 1) + "}", false, true},
		{"another prefix", base + "prefix b:\n}", false, false},
		{"another server", strings.Replace(base, "redis://a ", "redis://c ", 1) + "}", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := named(tt.lines)
			if s.ID() == first.ID() != tt.shares {
				t.Errorf("IDs %q and %q, want the same: %t", s.ID(), first.ID(), tt.shares)
			}
			if s.Where() == first.Where() != tt.records {
				t.Errorf("places %q and %q, want the same: %t", s.Where(), first.Where(), tt.records)
			}
		})
	}
	content, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ca, append(content, content...), 0o600); err != nil {
		t.Fatal(err)
	}
	if named(base+"}").ID() == first.ID() {
		t.Error("the ID is the same after the authorities' file has changed")
	}
	sentinels := named("redis://a {\npassword one\nsentinel m {\npassword two\n}\n}")
	if other := named("redis://a {\npassword one\nsentinel m {\npassword three\n}\n}"); other.ID() == sentinels.ID() || other.Where() != sentinels.Where() {
		t.Error("another password of the sentinels makes no other ID, or another place")
	}
}

// TestOPS01RedisPasswordsAreShownNowhere: not by what is printed, encoded or
// named, wherever the password was written.
func TestOPS01RedisPasswordsAreShownNowhere(t *testing.T) {
	t.Setenv("DOORCODE_TEST_PASSWORD", password)
	for _, lines := range []string{
		"redis://door:" + password + "@redis",
		"redis://redis {\npassword " + password + "\n}",
		"redis://redis {\npassword {env.DOORCODE_TEST_PASSWORD}\n}",
		"redis://door:{env.DOORCODE_TEST_PASSWORD}@redis",
		"redis://redis {\nsentinel m {\npassword " + password + "\n}\n}",
		"redis://redis {\nsentinel m {\npassword {env.DOORCODE_TEST_PASSWORD}\n}\n}",
	} {
		s := redis(t, lines)
		if _, err := caddymodule.ProvisionRedis(s); err != nil {
			t.Fatal(err)
		}
		var shown strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&shown, verb+verb+verb, s, *s, s.Sentinel)
		}
		fmt.Fprint(&shown, s.ID(), s.Where())
		encoded, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(lines, "{env.") {
			shown.Write(encoded)
		}
		if text := shown.String(); strings.Contains(text, password) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", password)) {
			t.Errorf("%q is shown: %s", lines, text)
		}
	}
}

func TestAPasswordOfRedisThatIsWrittenOutIsWarnedAbout(t *testing.T) {
	for lines, want := range map[string]bool{
		"redis://redis":            false,
		"redis://door:pw@redis":    true,
		"redis://:pw@redis":        true,
		"redis://:{env.X}@redis":   false,
		"{env.X}":                  false,
		"redis://{env.X}@redis":    false,
		"redis://:pw@{env.HOST}:1": true,
		"redis://redis {\npassword {file./run/secrets/redis}\n}":          false,
		"redis://redis {\npassword pw\n}":                                 true,
		"redis://redis {\nsentinel m {\npassword pw\n}\n}":                true,
		"redis://redis {\nsentinel m {\npassword {env.X}\n}\n}":           false,
		"redis://a:{env.X}@redis redis://a:pw@redis {\ncluster\n}":        true,
		"redis://a redis://b {\ncluster\nusername u\npassword {env.X}\n}": false,
	} {
		if got := caddymodule.WritesPassword(redis(t, lines)); got != want {
			t.Errorf("%q is warned about: %t, want %t", lines, got, want)
		}
	}
}

// dialled is a listener that counts who connects.
func dialled(t *testing.T) (address string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				connections.Add(1)
				_ = conn.Close()
			}
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), connections
}

// Validating must not depend on servers, and not disturb them.
func TestValidatingConnectsToNothing(t *testing.T) {
	address, connections := dialled(t)
	t.Setenv("DOORCODE_TEST_SECRET", password)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for _, storage := range []string{
		"storage redis redis://" + address + "/0",
		"storage redis rediss://" + address + " {\npassword pw\n}",
		"storage redis redis://" + address + " {\nsentinel mymaster\n}",
		"storage redis redis://" + address + " {\ncluster\n}",
	} {
		adapted, err := adapt("{\n\tauto_https off\n\tadmin off\n}\nhttp://localhost:18080 {\n\tdoorcode *@example.com {\n" + storage +
			"\nsecret {env.DOORCODE_TEST_SECRET}\nmail smtp " + address + " {\nfrom login@example.com\n}\n}\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		config := new(caddy.Config)
		if err := json.Unmarshal(adapted, config); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(config); err != nil {
			t.Errorf("validating %q = %v", storage, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("validating made %d connections", n)
	}
}
