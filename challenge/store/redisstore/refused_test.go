// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package redisstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore"
	"github.com/doorcode/caddy-doorcode/challenge/store/redisstore/redistest"
)

const (
	password = "correct-horse-battery"

	rights        = "+get +getrange +set +del +time +info +eval +evalsha +scan +select +hello +wait"
	clusterRights = "+cluster|slots +asking"
)

// exercise does everything that a store does.
func exercise(ctx context.Context, o redisstore.Options) error {
	s, err := redisstore.Open(o)
	if err != nil {
		return err
	}
	defer s.Close()
	var missing error
	for _, change := range []edit{set("x", 0), increment, set("y", time.Hour), remove} {
		missing = errors.Join(missing, s.Update(ctx, "a", func(old []byte, now time.Time) ([]byte, time.Duration, error) {
			return change(nil, now)
		}))
	}
	put := s.UpdateRun(ctx, "b", func([]byte, time.Time, string) ([]byte, time.Duration, error) {
		return []byte("x"), time.Minute, nil
	})
	_, get := s.Get(ctx, "b")
	_, _, getRun := s.GetRun(ctx, "b")
	_, list := s.List(ctx, "", "", 1)
	_, runs := s.Runs(ctx)
	return errors.Join(missing, put, get, getRun, list, runs, s.Replicated(ctx, "b"))
}

// The documented rights are enough, and none of them is one too many.
func TestAUserNeedsJustTheDocumentedRights(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rule := "resetkeys ~doorcode:* resetchannels -@all " + rights
	if !strings.Contains(string(doc), rule+"\n") || !strings.Contains(string(doc), clusterRights+"\n") {
		t.Errorf("the documentation does not have %q and %q", rule, clusterRights)
	}
	guide, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), rule+"\n") || !strings.Contains(string(guide), "`"+clusterRights+"`") {
		t.Errorf("docs/operating.md does not have %q and %q", rule, clusterRights)
	}
	server := redistest.Start(t)
	redistest.Replica(t, server)
	c := server.Client()
	o := redisstore.Options{Addrs: []string{server.Addr}, DB: 3, Username: "doorcode", Password: password, Timeout: slowMachine}
	grant := func(rules ...string) {
		t.Helper()
		args := []any{"acl", "setuser", "doorcode", "reset", "on", ">" + password}
		for _, r := range rules {
			args = append(args, r)
		}
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("granting: %v", err)
		}
	}
	all := strings.Fields(rule)
	grant(all...)
	if err := exercise(t.Context(), o); err != nil {
		t.Errorf("with the documented rights: %v", err)
	}
	for _, right := range strings.Fields(rights) {
		if right == "+hello" {
			continue // only spares each connection a refusal
		}
		// The server keeps scripts, and would run them without eval.
		if err := c.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		grant(append(all, "-"+right[1:])...)
		if err := exercise(t.Context(), o); !errors.Is(err, redisstore.ErrRefused) || !strings.Contains(err.Error(), "grant") {
			t.Errorf("without %s: %v, want ErrRefused and what to do", right, err)
		}
	}
	grant(append(all, "resetkeys", "~other:*")...)
	if err := exercise(t.Context(), o); !errors.Is(err, redisstore.ErrRefused) || !strings.Contains(err.Error(), "grant") {
		t.Errorf("without the keys: %v, want ErrRefused and what to do", err)
	}
}

func TestAUserOfAClusterNeedsJustTheDocumentedRights(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 3, false)
	args := []any{"acl", "setuser", "doorcode", "reset", "on", ">" + password, "~doorcode:*", "-@all"}
	for _, r := range strings.Fields(rights + " " + clusterRights) {
		args = append(args, r)
	}
	for _, s := range servers {
		if err := s.Client().Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("granting: %v", err)
		}
	}
	o := redisstore.Options{Addrs: redistest.Addrs(servers), Cluster: true, Username: "doorcode", Password: password, Timeout: slowMachine}
	if err := exercise(t.Context(), o); err != nil {
		t.Errorf("with the documented rights: %v", err)
	}
}

// F-01: what is wrong with a log-in is said, with what to do, and without the
// password.
func TestF01AWrongLogInSaysWhatToDoAndNoPassword(t *testing.T) {
	server := redistest.Start(t, "--requirepass", password)
	right := redisstore.Options{Addrs: []string{server.Addr}, Password: password, Timeout: slowMachine}
	if err := exercise(t.Context(), right); err != nil {
		t.Errorf("with the password: %v", err)
	}
	const wrong = "wrong-horse-battery"
	for name, test := range map[string]struct {
		change func(o *redisstore.Options)
		want   string
	}{
		"no password":    {func(o *redisstore.Options) { o.Password = "" }, "without a password"},
		"wrong password": {func(o *redisstore.Options) { o.Password = wrong }, "this username or password"},
		"no such user":   {func(o *redisstore.Options) { o.Username = "nobody" }, "this username or password"},
	} {
		t.Run(name, func(t *testing.T) {
			o := right
			test.change(&o)
			s := open(t, o)
			_, first := s.Get(t.Context(), "a")
			if !errors.Is(first, redisstore.ErrRefused) {
				t.Errorf("Get = %v, want ErrRefused", first)
			}
			_, second := s.Get(t.Context(), "a")
			for _, err := range []error{first, second} {
				if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, password) || strings.Contains(text, wrong) {
					t.Errorf("Get shows the password: %s", text)
				}
			}
			if !strings.Contains(fmt.Sprint(first), test.want) {
				t.Errorf("Get = %v, want %q in it", first, test.want)
			}
		})
	}
}

// A sentinel answers with nothing when it is asked for a master that it does
// not know: a record that is asked for must not be taken for missing.
func TestF01AMasterThatNobodyKnowsIsAnError(t *testing.T) {
	master := redistest.Start(t)
	redistest.Replica(t, master)
	s := open(t, redisstore.Options{
		Addrs:      redistest.Addrs(redistest.Sentinels(t, master, 1)),
		MasterName: "somebody-else",
		Timeout:    slowMachine,
	})
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, redisstore.ErrAway) || !strings.Contains(err.Error(), "know no master") {
		t.Errorf("Get = %v, want ErrAway and why", err)
	}
}

// What is no Redis, or an old one, sends back the line that it did not
// understand, and with it the password.
func TestAPasswordThatIsSentBackIsNotShown(t *testing.T) {
	f := &fakeServer{answer: func(args []string) string {
		return "-ERR unknown command " + strings.Join(args, " ") + "\r\n"
	}}
	o := f.options()
	o.Password = password
	s := open(t, o)
	defer f.stop()
	for range 2 {
		if _, err := s.Get(t.Context(), "a"); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("Get = %v, want an error without the password", err)
		}
	}
}

func TestTLSIsSpokenAndChecked(t *testing.T) {
	server, file := redistest.StartTLS(t)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	_, port, _ := strings.Cut(server.Addr, ":")
	for name, test := range map[string]struct {
		addr   string
		config *tls.Config
		want   string // of the error; empty for none
	}{
		"the name is that of the address":   {server.Addr, &tls.Config{RootCAs: pool}, ""},
		"the name is that of the host":      {"localhost:" + port, &tls.Config{RootCAs: pool}, ""},
		"the name is given":                 {server.Addr, &tls.Config{RootCAs: pool, ServerName: "localhost"}, ""},
		"the name is another one":           {server.Addr, &tls.Config{RootCAs: pool, ServerName: "redis.example"}, "redis.example"},
		"the authority is not known":        {server.Addr, &tls.Config{}, "unknown authority"},
		"the server speaks TLS, we do not":  {server.Addr, nil, redisstore.ErrAway.Error()},
		"we speak TLS, the server does not": {redistest.Start(t).Addr, &tls.Config{RootCAs: pool}, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := slowMachine
			if test.want == "TLS" {
				timeout = 100 * time.Millisecond // it waits for the end of a line that never comes
			}
			err := exercise(t.Context(), redisstore.Options{Addrs: []string{test.addr}, TLS: test.config, Timeout: timeout})
			if test.want == "" && err != nil || test.want != "" && !strings.Contains(fmt.Sprint(err), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// A database is chosen, and another store's records are not seen.
func TestADatabaseOfItsOwn(t *testing.T) {
	server := redistest.Start(t)
	o := redisstore.Options{Addrs: []string{server.Addr}, Timeout: slowMachine}
	first := open(t, o)
	o.DB = 7
	second := open(t, o)
	put(t, first, "a", "of the first", 0)
	wantMissing(t, second, "a")
	put(t, second, "a", "of the second", 0)
	wantValue(t, first, "a", "of the first")
	c := redis.NewClient(&redis.Options{Addr: server.Addr, DB: 7})
	t.Cleanup(func() { _ = c.Close() })
	if keys := c.Keys(t.Context(), "*").Val(); len(keys) != 1 || keys[0] != "doorcode:a" {
		t.Errorf("database 7 has the keys %q", keys)
	}
}
