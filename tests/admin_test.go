// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// administered runs a configuration whose admin endpoint is at the port that is
// returned.
func administered(t *testing.T, site string) (c *harness.Caddy, port string) {
	t.Helper()
	c, port = harness.Prepare(t), harness.FreePort(t)
	c.Load(t, adminAt(port, site))
	return c, port
}

// adminAt gives a configuration an admin endpoint.
func adminAt(port, site string) string {
	if !strings.Contains(site, "\n---\n") {
		site = "\n---\n" + site
	}
	return "\tadmin localhost:" + port + "\n" + site
}

// An adminAnswer is what the admin endpoint says.
type adminAnswer struct {
	status int
	body   string
	header http.Header
}

// order sends a request to the admin endpoint. A body makes it a POST.
func order(t *testing.T, port, path string, body ...string) adminAnswer {
	t.Helper()
	method, content := http.MethodGet, ""
	if len(body) > 0 {
		method, content = http.MethodPost, body[0]
	}
	return orderBy(t, method, port, path, content)
}

func orderBy(t *testing.T, method, port, path, content string) adminAnswer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost:"+port+path, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it has been read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return adminAnswer{answer.StatusCode, string(text), answer.Header}
}

// into reads the answer as JSON, which it has to be.
func (a adminAnswer) into(t *testing.T, to any) {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("answer %d of type %q:\n%s", a.status, a.header.Get("Content-Type"), a.body)
	}
	if err := json.Unmarshal([]byte(a.body), to); err != nil {
		t.Fatalf("reading answer: %v\n%s", err, a.body)
	}
}

// wantRefusal fails unless the endpoint refuses, in JSON, with a text that says
// what to do.
func (a adminAnswer) wantRefusal(t *testing.T, what string, status int, text string) {
	t.Helper()
	var told struct{ Error string }
	if err := json.Unmarshal([]byte(a.body), &told); err != nil || a.status != status || !strings.Contains(told.Error, text) {
		t.Errorf("%s: %d %q, want %d with %q", what, a.status, a.body, status, text)
	}
}

// A key is one of the keys that are listed.
type key struct {
	ID, Use, Algorithm, State string
	Created, From             time.Time
	Until                     *time.Time
}

func keysAt(t *testing.T, port string) []key {
	t.Helper()
	var answer struct{ Keys []key }
	order(t, port, "/doorcode/keys").into(t, &answer)
	return answer.Keys
}

// states counts keys by use and state.
func states(keys []key) map[string]int {
	counts := map[string]int{}
	for _, k := range keys {
		counts[k.Use+" "+k.State]++
	}
	return counts
}

// shape is what a JSON value is made of: names and kinds, without what they hold.
func shape(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			out[name] = shape(inner)
		}
		return out
	case []any:
		if len(v) == 0 {
			return []any{}
		}
		return []any{shape(v[0])}
	}
	return fmt.Sprintf("%T", value)
}

// twoStorages has secrets in the environment, see [setSecrets].
const twoStorages = `http://localhost:PORT {
	doorcode *@example.com {
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
http://other.localhost:PORT {
	doorcode *@example.com {
		mail smtp relay.invalid:465 {
			from login@example.com
			username login@example.com
			password {env.DOORCODE_TESTS_PASSWORD}
		}
		secret {env.DOORCODE_TESTS_SECRET}
		storage embedded FOLDER/other.db
	}
	reverse_proxy APP
}
`

func setSecrets(t *testing.T) {
	t.Helper()
	t.Setenv("DOORCODE_TESTS_SECRET", rootSecret)
	t.Setenv("DOORCODE_TESTS_PASSWORD", smtpPassword)
}

func TestTheAdminAPIShowsHowThingsAre(t *testing.T) {
	setSecrets(t)
	c, port := administered(t, twoStorages)
	signedIn(t, c, ana)
	answer := order(t, port, "/doorcode/status")
	var status any
	answer.into(t, &status)
	key := map[string]any{
		"storage": "string", "id": "string", "use": "string", "algorithm": "string", "state": "string", "created": "string", "from": "string",
	}
	want := map[string]any{
		"version": "string",
		"sites":   []any{map[string]any{"origins": []any{"string"}, "gate": "string", "storage": "string", "mail": []any{"string"}}},
		"storages": []any{map[string]any{
			"storage": "string", "kind": "string", "shared": "bool", "answers": "bool", "writes": "bool", "last_read": "string",
			"read_age_seconds": "float64", "sessions_cached": "float64",
		}},
		"keys": []any{key},
	}
	if diff := cmp.Diff(any(want), shape(status)); diff != "" {
		t.Errorf("shape of the status (-want +got):\n%s", diff)
	}
	var told struct {
		Sites []struct {
			Origins, Mail []string
			Storage       string
		}
		Storages []struct {
			Storage, Kind   string
			Answers, Shared bool
			Cached          int `json:"sessions_cached"`
		}
	}
	answer.into(t, &told)
	file, other := filepath.Join(c.Folder, "doorcode.db"), filepath.Join(c.Folder, "other.db")
	wanted := told
	wanted.Sites = slices.Clone(told.Sites)
	wanted.Sites[0].Origins, wanted.Sites[0].Mail, wanted.Sites[0].Storage = []string{c.URL("")}, []string{"file " + c.Mailbox.Folder}, file
	wanted.Sites[1].Origins, wanted.Sites[1].Mail = []string{"http://other.localhost:" + c.Port}, []string{"smtp relay.invalid:465"}
	wanted.Sites[1].Storage = other
	if diff := cmp.Diff(wanted.Sites, told.Sites); diff != "" {
		t.Errorf("sites (-want +got):\n%s", diff)
	}
	for i, want := range []string{file, other} {
		if s := told.Storages[i]; s.Storage != want || s.Kind != "embedded" || !s.Answers || s.Shared || s.Cached != 1-i {
			t.Errorf("storage %d: %+v, want %s, which answers", i, s, want)
		}
	}
	narrowed := order(t, port, "/doorcode/status?site=other.localhost")
	if strings.Contains(narrowed.body, file) || !strings.Contains(narrowed.body, other) {
		t.Errorf("status of one site:\n%s", narrowed.body)
	}
}

// While the second way works, nothing else would tell that the first one does not.
func TestTheAdminAPISaysWhichWayOfMailsFailsAndWhy(t *testing.T) {
	away := "smtp localhost:" + harness.FreePort(t)
	c, port := administered(t, `http://localhost:PORT {
	doorcode *@example.com {
		mail `+away+` {
			from login@example.com
			tls off
		}
		mail file MAIL
		storage embedded FOLDER/doorcode.db
	}
	reverse_proxy APP
}
`)
	failing := func() map[string]string {
		var told struct {
			Sites []struct{ Failing map[string]string }
		}
		order(t, port, "/doorcode/status").into(t, &told)
		return told.Sites[0].Failing
	}
	if got := failing(); len(got) != 0 {
		t.Errorf("before the first mail, %q fails", got)
	}
	signedIn(t, c, ana)
	if got := failing(); len(got) != 1 || !strings.Contains(got[away], "refused") {
		t.Errorf("%q fails, want %s, where a connection was refused", got, away)
	}
}

// Whoever may ask must still not find in an answer, or in the log of one, what
// opens the door.
func TestNoAnswerOfTheAdminAPIHoldsASecret(t *testing.T) {
	setSecrets(t)
	c, port := administered(t, "\tlog {\n\t\toutput file FOLDER/caddy.log\n\t\tlevel DEBUG\n\t\tformat json\n\t}\n---\n"+twoStorages)
	own, err := os.ReadFile(filepath.Join(os.Getenv("XDG_DATA_HOME"), "caddy", "doorcode", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	b := signedIn(t, c, ana)
	held := map[string]string{"root secret": rootSecret, "own secret": strings.TrimSpace(string(own)), "password of the relay": smtpPassword}
	for name, value := range b.Cookies(t) {
		held["cookie "+name] = value
	}
	held["code"] = c.Mailbox.WaitCode(t, ana, 1).Code(t)
	var said strings.Builder
	for _, a := range []adminAnswer{
		order(t, port, "/doorcode/status"), order(t, port, "/doorcode/keys"), order(t, port, "/doorcode/keys/rotate", ""),
		order(t, port, "/doorcode/unlock", `{"address":"`+ana+`"}`), order(t, port, "/doorcode/storage/backup"),
		order(t, port, "/doorcode/storage/backup?site=localhost"), order(t, port, "/doorcode/storage/restored", "{}"),
		order(t, port, "/doorcode/nothing"), order(t, port, "/doorcode/unlock", "{"),
		order(t, port, "/doorcode/people"), order(t, port, "/doorcode/sessions"), order(t, port, "/doorcode/sessions", `{"address":"`+ana+`"}`),
		order(t, port, "/doorcode/browsers", `{"address":"`+ana+`"}`), order(t, port, "/doorcode/why", `{"address":"`+ana+`"}`),
		order(t, port, "/doorcode/browsers/revoke", `{"address":"`+ana+`"}`), order(t, port, "/doorcode/sessions/revoke", `{"all":true}`),
	} {
		said.WriteString(a.body)
	}
	said.WriteString(read(t, filepath.Join(c.Folder, "caddy.log")))
	for what, secret := range held {
		if strings.Contains(said.String(), secret) {
			t.Errorf("an answer or the log holds the %s", what)
		}
	}
	for _, line := range strings.Split(said.String(), "\n") {
		if strings.Contains(line, `"logger":"admin.api"`) && strings.Contains(line, ana) {
			t.Errorf("Caddy's log of the request names the person: %s", line)
		}
	}
	for _, event := range []string{`"keys_rotated"`, `"unlocked"`, `"backup"`, `"store_restored"`, `"revoked"`, `"rotation"`, `"restored"`} {
		if !strings.Contains(said.String(), `"event":`+event) {
			t.Errorf("the log has no event %s", event)
		}
	}
}

func TestTheAdminAPISaysWhatItTakes(t *testing.T) {
	setSecrets(t)
	_, port := administered(t, twoStorages)
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"a change by GET", "GET", "/doorcode/keys/rotate", "", 405, "/doorcode/keys/rotate takes POST, got GET"},
		{"a look by POST", "POST", "/doorcode/status", "", 405, "/doorcode/status takes GET, got POST"},
		{"deleting", "DELETE", "/doorcode/keys", "", 405, "takes GET, got DELETE"},
		{"a path of another version", "GET", "/doorcode/telephones", "", 404, "this version of Doorcode has nothing at /doorcode/telephones"},
		{"a method that is neither", "DELETE", "/doorcode/sessions", "", 405, "/doorcode/sessions takes GET, POST with an address, got DELETE"},
		{"people by POST", "POST", "/doorcode/people", "", 405, "/doorcode/people takes GET, got POST"},
		{"revoking by GET", "GET", "/doorcode/sessions/revoke", "", 405, "/doorcode/sessions/revoke takes POST, got GET"},
		{"somebody's sessions by GET", "GET", "/doorcode/sessions?address=ana@example.com", "", 400, "'address' is no parameter of /doorcode/sessions"},
		{"people of a site that there is not", "GET", "/doorcode/people?site=third.localhost", "", 404, "no gate stands at 'third.localhost'"},
		{"an address in the URL", "POST", "/doorcode/unlock?address=ana@example.com", "", 400, "as JSON in the body, since every URL is logged"},
		{"a parameter that there is not", "GET", "/doorcode/status?host=localhost", "", 400, "'host' is no parameter of /doorcode/status"},
		{"a misspelt word", "POST", "/doorcode/storage/restored", `{"stie":"localhost"}`, 400, `unknown field "stie"`},
		{"two objects", "POST", "/doorcode/keys/rotate", `{} {}`, 400, "more than one object"},
		{"no JSON", "POST", "/doorcode/keys/rotate", `site=localhost`, 400, "takes JSON such as"},
		{"a body without end", "POST", "/doorcode/keys/rotate", `{"site":"` + strings.Repeat("x", 5000) + `"}`, 400, "too large"},
		{"no address", "POST", "/doorcode/unlock", ``, 400, `unlock takes {"address": "alice@example.com"}`},
		{"no good address", "POST", "/doorcode/unlock", `{"address":"ana"}`, 400, `unlock takes {"address": "alice@example.com"}`},
		{"everybody, for one person", "POST", "/doorcode/storage/restored", `{"address":"ana@example.com"}`, 400, "acts on everybody"},
		{"a site that there is not", "GET", "/doorcode/keys?site=third.localhost", "", 404, "no gate stands at 'third.localhost'; there are gates at localhost:"},
		{"one of two files", "GET", "/doorcode/storage/backup", "", 409, "name a site of the one that is meant, with --site: localhost:"},
	} {
		answer := orderBy(t, tt.method, port, tt.path, tt.body)
		answer.wantRefusal(t, tt.name, tt.status, tt.want)
		if tt.status == http.StatusMethodNotAllowed && !strings.Contains(tt.want, answer.header.Get("Allow")) {
			t.Errorf("%s: Allow = %q", tt.name, answer.header.Get("Allow"))
		}
	}
}

// After a configuration that could not be loaded, Caddy's admin routes belong to
// it, and the one before goes on.
func TestTheAdminAPIAnswersForTheConfigurationThatRuns(t *testing.T) {
	c, port := administered(t, site())
	before := order(t, port, "/doorcode/status").body
	if err := c.TryLoad(t, adminAt(port, site("secret short"))); err == nil {
		t.Fatal("a short secret was accepted")
	}
	if err := c.TryLoad(t, adminAt(port, strings.Replace(site(), "FOLDER/doorcode.db", "/proc/doorcode.db", 1))); err == nil {
		t.Fatal("a storage that cannot be opened was accepted")
	}
	if keys := keysAt(t, port); len(keys) == 0 {
		t.Error("no keys after a configuration that could not be loaded")
	}
	after := order(t, port, "/doorcode/status").body
	if !strings.Contains(before, c.URL("")) || !strings.Contains(after, c.URL("")) {
		t.Errorf("status before and after:\n%s\n%s", before, after)
	}
	c.Load(t, adminAt(port, "http://localhost:PORT {\n\treverse_proxy APP\n}\n"))
	for _, a := range []adminAnswer{order(t, port, "/doorcode/status"), order(t, port, "/doorcode/keys/rotate", "{}")} {
		a.wantRefusal(t, "without a gate", http.StatusConflict, "the running configuration has no site with a doorcode directive")
	}
}
