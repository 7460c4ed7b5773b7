// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// matching is a site with a named matcher, whose definition begins in line 2.
func matching(definition string) string {
	return "app.example.com {\n\t@who " + definition + "\n\trewrite @who /x\n}\n"
}

var matcherIn = regexp.MustCompile(`"match":\[\{"doorcode":(\{[^}]*\})\}\]`)

func TestConditionsOfTheMatcherAreRead(t *testing.T) {
	for _, tt := range []struct{ definition, want string }{
		{"doorcode group staff editors", `{"group":["staff","editors"]}`},
		{"doorcode fresh 5m", `{"fresh":300000000000}`},
		{"doorcode verified", `{"verified":true}`},
		{"doorcode address ana@example.com *@example.org", `{"address":["ana@example.com","*@example.org"]}`},
		{"doorcode country pt ES", `{"country":["PT","ES"]}`},
		{"doorcode {\n\t\tgroup staff\n\t\tfresh 1h\n\t\tverified\n\t}", `{"fresh":3600000000000,"group":["staff"],"verified":true}`},
		{"{\n\t\tdoorcode group staff\n\t\tdoorcode fresh 5m\n\t}", `{"fresh":300000000000,"group":["staff"]}`},
		{"doorcode {\n\t\tgroup fresh verified\n\t}", `{"group":["fresh","verified"]}`},
	} {
		t.Run(tt.definition, func(t *testing.T) {
			text := matching(tt.definition)
			if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
				t.Errorf("caddy fmt would change it:\n%s", cmp.Diff(text, formatted))
			}
			adapted, err := adapt(text)
			if err != nil {
				t.Fatal(err)
			}
			found := matcherIn.FindSubmatch(adapted)
			if found == nil || string(found[1]) != tt.want {
				t.Fatalf("adapted = %s, want %s", adapted, tt.want)
			}
			var m caddymodule.Matcher
			if err := strictly(found[1], &m); err != nil {
				t.Fatal(err)
			}
			if err := m.Provision(caddy.Context{}); err != nil {
				t.Errorf("Provision = %v", err)
			}
		})
	}
}

func TestEveryConditionIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/caddyfile.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "### The matcher\n")
	section, _, _ = strings.Cut(section, "\n### ")
	for _, word := range caddymodule.ConditionWords() {
		if !regexp.MustCompile("(?m)^\\| `" + word + "[ `]").MatchString(section) {
			t.Errorf("%s is not in docs/caddyfile.md", word)
		}
	}
}

// TestMistakesInTheMatcherAreExplained: a condition that is lost would make a rule
// wider than it reads.
func TestMistakesInTheMatcherAreExplained(t *testing.T) {
	for _, tt := range []struct{ definition, want string }{
		{"doorcode", "the matcher 'doorcode' needs a condition: address, country, fresh, group or verified, at Caddyfile:2"},
		{"doorcode {\n\t}", "the matcher 'doorcode' needs a condition: address, country, fresh, group or verified, at Caddyfile:2"},
		{"doorcode grup staff", "unrecognized doorcode matcher subdirective 'grup'; did you mean 'group'?, at Caddyfile:2"},
		{"doorcode {\n\t\tgrup staff\n\t}", "unrecognized doorcode matcher subdirective 'grup'; did you mean 'group'?, at Caddyfile:3"},
		{"doorcode group", "'group' takes at least 1 argument, got 0, at Caddyfile:2"},
		{`doorcode group ""`, "'group' is empty, at Caddyfile:2"},
		{"doorcode group staff fresh 5m", "'group' takes all words behind it; write several conditions in a block, one on each line, at Caddyfile:2"},
		{"doorcode group staff verified", "'group' takes all words behind it; write several conditions in a block, one on each line, at Caddyfile:2"},
		{"doorcode country PT verified", "'country' takes ISO 3166-1 codes of countries such as PT or ES, got 'VERIFIED', at Caddyfile:2"},
		{"doorcode group staff {\n\t\tfresh 5m\n\t}", "'group' takes no block, at Caddyfile:2"},
		{"doorcode fresh", "'fresh' takes 1 argument, got 0, at Caddyfile:2"},
		{"doorcode fresh 5 minutes", "'fresh' takes 1 argument, got 2; write 5m, at Caddyfile:2"},
		{"doorcode fresh 5", "'fresh' needs a duration such as 30s, 10m, 12h or 30d, got '5', at Caddyfile:2"},
		{"doorcode fresh 91d", "'fresh' must be 1s to 90d, got 91d, at Caddyfile:2"},
		{"doorcode verified yes", "'verified' takes no arguments, got 1, at Caddyfile:2"},
		{"doorcode address example.com", "'example.com' is not an address; 'address' takes addresses such as alice@example.com or *@example.com, at Caddyfile:2"},
		{"doorcode address *", "'*' is not an address; 'address' takes addresses such as alice@example.com or *@example.com, at Caddyfile:2"},
		{"doorcode country UK", "'country' takes ISO 3166-1 codes; 'UK' is written GB, at Caddyfile:2"},
		{"doorcode {\n\t\tgroup a\n\t\tgroup b\n\t}", "'group' is already set; write it once, at Caddyfile:4"},
		{"{\n\t\tdoorcode group a\n\t\tdoorcode group b\n\t}", "'group' is already set; write it once, at Caddyfile:4"},
	} {
		t.Run(tt.definition, func(t *testing.T) { refuses(t, matching(tt.definition), tt.want) })
	}
}

func TestAMatcherInJSONIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                         "needs a condition",
		`{"verified":false}`:         "needs a condition",
		`{"group":[""]}`:             "'group' is empty",
		`{"address":["*"]}`:          "is not an address",
		`{"country":["pt"]}`:         "ISO 3166-1",
		`{"fresh":-1}`:               "'fresh' must be",
		`{"fresh":"5m"}`:             "",
		`{"address":["Ana@Ex.org"]}`: "",
	} {
		var m caddymodule.Matcher
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if err := m.Provision(caddy.Context{}); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Provision of %s = %v, want %q", text, err, want)
		}
	}
}

// TestTheMatcherMatchesNothingWithoutAGate, not even a request that Caddy has not
// made ready.
func TestTheMatcherMatchesNothingWithoutAGate(t *testing.T) {
	m := &caddymodule.Matcher{Verified: true}
	if err := m.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Remote-User", "ana@example.com")
	r.Header.Set("Remote-Groups", "staff")
	if m.Match(r) {
		t.Error("a request that no gate let through matches")
	}
}

// TestRulesOfAGateCannotGoByTheGate: the matcher knows nobody there, so that
// "sensitive @staff" would guard nothing.
func TestRulesOfAGateCannotGoByTheGate(t *testing.T) {
	const who = "app.example.com {\n\t@who doorcode group staff\n\t@others not doorcode group staff\n\t"
	for name, tt := range map[string]struct{ directive, word string }{
		"sensitive":           {"doorcode *@example.com {\n\t\tsensitive @who\n\t}", "sensitive"},
		"sensitive, negated":  {"doorcode *@example.com {\n\t\tsensitive @others\n\t}", "sensitive"},
		"public":              {"doorcode *@example.com {\n\t\tpublic @who\n\t}", "public"},
		"answer":              {"doorcode *@example.com {\n\t\tanswer json @who\n\t}", "answer"},
		"page_status":         {"doorcode *@example.com {\n\t\tpage_status 200 @who\n\t}", "page_status"},
		"the directive's own": {"doorcode @who *@example.com", "doorcode"},
		"and negated":         {"doorcode @others *@example.com {\n\t\tplus off\n\t}", "doorcode"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, who+tt.directive+"\n}\n", "'"+tt.word+"' cannot go by the matcher 'doorcode', which knows nobody before the gate has let them through")
		})
	}
}
