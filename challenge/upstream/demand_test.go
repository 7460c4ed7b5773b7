// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

const insufficient = `error="insufficient_user_authentication"`

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// demanded returns how young a code an answer demands of a session that never had
// one, or zero.
func demanded(status int, h http.Header) time.Duration {
	answers := upstream.NewAnswers(upstream.AnswersOptions{})
	w := httptest.NewRecorder()
	g := answers.Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), false)
	defer g.Done()
	g.Listen(time.Time{}, noon)
	for name, lines := range h {
		w.Header()[name] = slices.Clone(lines)
	}
	g.WriteHeader(status)
	demand, _ := g.Demand()
	return demand.MaxAge
}

// TestSTP04AnAppDemandsByAChallenge reads challenges as RFC 9110 section 11.6.1 and
// RFC 9470 section 3 write them.
func TestSTP04AnAppDemandsByAChallenge(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       time.Duration
	}{
		{"an age in quotes", `Bearer ` + insufficient + `, max_age="300"`, 5 * time.Minute},
		{"an age without quotes", `Bearer ` + insufficient + `, max_age=600`, 10 * time.Minute},
		{"the age first", `Bearer max_age=600, ` + insufficient, 10 * time.Minute},
		{"an error without quotes", `Bearer error=insufficient_user_authentication, max_age=600`, 10 * time.Minute},
		{"no age", `Bearer ` + insufficient, 5 * time.Minute},
		{"levels are for somebody else", `Bearer ` + insufficient + `, acr_values="urn:x urn:y", max_age=90`, 90 * time.Second},
		{"a description with commas and quotes", `Bearer realm="a, b", ` + insufficient + `, error_description="say \"x\", max_age=9999", max_age=90`, 90 * time.Second},
		{"escapes where none is needed", `Bearer error="insufficient\_user_authenticatio\n", max_age="\9\0"`, 90 * time.Second},
		{"odd case", `bEARER ERROR="insufficient_user_authentication", Max_Age=90`, 90 * time.Second},
		{"blanks around the equals sign", "Bearer error = \t" + `"insufficient_user_authentication",max_age ="90"`, 90 * time.Second},
		{"several blanks and empty elements", `, ,Bearer   ` + insufficient + " \t,, , max_age=90,", 90 * time.Second},
		{"parameters after an empty element", `Bearer , ` + insufficient, 5 * time.Minute},
		{"after another scheme", `Basic realm="x", charset="UTF-8", Bearer ` + insufficient, 5 * time.Minute},
		{"before another scheme", `Bearer ` + insufficient + `, max_age=90, Basic realm="x"`, 90 * time.Second},
		{"after a scheme alone", `Negotiate, Bearer ` + insufficient, 5 * time.Minute},
		{"after credentials of another kind", `Negotiate YII+/a-._~==, Bearer ` + insufficient, 5 * time.Minute},
		{"after credentials that look like a parameter", `Negotiate abc=, Bearer ` + insufficient, 5 * time.Minute},
		{"the strictest of two", `Bearer ` + insufficient + `, max_age=90, Bearer ` + insufficient + `, max_age=600`, 90 * time.Second},
		{"the other challenge has another error", `Bearer error="invalid_token", max_age=90, Bearer ` + insufficient, 5 * time.Minute},
		{"letters that are not ASCII in a description", `Bearer error_description="schön", ` + insufficient, 5 * time.Minute},
		{"an age below a minute", `Bearer ` + insufficient + `, max_age=59`, time.Minute},
		{"no age at all", `Bearer ` + insufficient + `, max_age=0`, time.Minute},
		{"zeros in front", `Bearer ` + insufficient + `, max_age=0000000000000000000000090`, 90 * time.Second},
		{"ten years", `Bearer ` + insufficient + `, max_age=315360000`, 315360000 * time.Second},

		{"more than ten years", `Bearer ` + insufficient + `, max_age=315360001`, 0},
		{"an age beyond numbers", `Bearer ` + insufficient + `, max_age=99999999999999999999999`, 0},
		{"a negative age", `Bearer ` + insufficient + `, max_age="-1"`, 0},
		{"an age that is no number", `Bearer ` + insufficient + `, max_age=soon`, 0},
		{"a fraction", `Bearer ` + insufficient + `, max_age=90.5`, 0},
		{"an empty age", `Bearer ` + insufficient + `, max_age=""`, 0},
		{"an age twice", `Bearer ` + insufficient + `, max_age=90, max_age=90`, 0},
		{"an error twice", `Bearer error=invalid_token, ` + insufficient, 0},
		{"another error", `Bearer error="invalid_token", max_age=90`, 0},
		{"an error that only begins so", `Bearer error="insufficient_user_authentication_x"`, 0},
		{"an error in capitals", `Bearer error="INSUFFICIENT_USER_AUTHENTICATION"`, 0},
		{"no error", `Bearer max_age=90`, 0},
		{"another scheme", `DPoP ` + insufficient, 0},
		{"a scheme that only begins so", `Bearers ` + insufficient, 0},
		{"no scheme", insufficient + `, max_age=90`, 0},
		{"a demand that a realm quotes", `Basic realm="x, Bearer error=insufficient_user_authentication"`, 0},
		{"a demand that a realm quotes with escapes", `Basic realm="x\", Bearer error=\"insufficient_user_authentication\""`, 0},
		{"a demand in a description", `Bearer error_description="error=insufficient_user_authentication"`, 0},
		{"an open quote", `Bearer ` + insufficient + `, realm="x`, 0},
		{"an open quote that ends in an escape", `Bearer ` + insufficient + `, realm="x\`, 0},
		{"a quote in the middle", `Bearer ` + insufficient + `, realm=x"y"`, 0},
		{"a line break in quotes", "Bearer " + insufficient + ", realm=\"x\r\ny\"", 0},
		{"parameters without commas", `Bearer ` + insufficient + ` max_age=90`, 0},
		{"parameters after other credentials", `Bearer abc, ` + insufficient, 0},
		{"parameters without a blank before them", `Bearer,` + insufficient, 0},
		{"a tab after the scheme", "Bearer\t" + insufficient, 0},
		{"a semicolon", `Bearer ` + insufficient + `; max_age=90`, 0},
		{"nothing", ``, 0},
		{"commas alone", ` , ,`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := demanded(http.StatusUnauthorized, http.Header{"Www-Authenticate": {tt.line}}); got != tt.want {
				t.Errorf("%s demands %v, want %v", tt.line, got, tt.want)
			}
			if got := demanded(http.StatusForbidden, http.Header{"Www-Authenticate": {tt.line}}); got != 0 {
				t.Errorf("a 403 with %s demands %v", tt.line, got)
			}
		})
	}
}

func TestSTP04AnAppDemandsByAFieldOfOurs(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       time.Duration
	}{
		{"an age", `max_age=300`, 5 * time.Minute},
		{"an age in quotes, oddly written", "\t, Max_Age = \"300\" ,", 5 * time.Minute},
		{"what we do not know is passed over", `reason="x, y", max_age=300, acr=z`, 5 * time.Minute},
		{"an age below a minute", `max_age=1`, time.Minute},
		{"no age", ``, 0},
		{"another word", `fresh`, 0},
		{"another parameter", `reason=x`, 0},
		{"a number alone", `300`, 0},
		{"an absurd age", `max_age=315360001`, 0},
		{"an age twice", `max_age=300, max_age=300`, 0},
		{"a scheme before it", `Bearer max_age=300`, 0},
		{"a challenge", `Bearer ` + insufficient + `, max_age=300`, 0},
		{"a semicolon", `max_age=300; x=y`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, status := range []int{http.StatusOK, http.StatusFound, http.StatusNotModified, http.StatusUnauthorized, http.StatusInternalServerError} {
				if got := demanded(status, http.Header{"Doorcode-Require": {tt.line}}); got != tt.want {
					t.Errorf("a %d with %q demands %v, want %v", status, tt.line, got, tt.want)
				}
			}
		})
	}
}

func TestSTP04OfSeveralDemandsTheStrictestCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		h    http.Header
		want time.Duration
	}{
		{"two fields", http.Header{"Doorcode-Require": {"max_age=600", "max_age=300"}}, 5 * time.Minute},
		{"a field in another case", http.Header{"Doorcode-Require": {"max_age=600"}, "doorcode-require": {"max_age=90"}}, 90 * time.Second},
		{"two lines of challenges", http.Header{"Www-Authenticate": {"Bearer " + insufficient, "Bearer max_age=90, " + insufficient}}, 90 * time.Second},
		{"a challenge in another case", http.Header{"WWW-Authenticate": {"Bearer " + insufficient}}, 5 * time.Minute},
		{"both ways", http.Header{"Www-Authenticate": {"Bearer max_age=600, " + insufficient}, "Doorcode-Require": {"max_age=90"}}, 90 * time.Second},
		{"one of them malformed", http.Header{"Www-Authenticate": {`Basic "`, "Bearer " + insufficient}, "Doorcode-Require": {"soon"}}, 5 * time.Minute},
		{"a trailer is no field", http.Header{http.TrailerPrefix + "Doorcode-Require": {"max_age=90"}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := demanded(http.StatusUnauthorized, tt.h); got != tt.want {
				t.Errorf("%v demands %v, want %v", tt.h, got, tt.want)
			}
		})
	}
}

// TestSTP04ACodeThatIsFreshEnoughIsNotAskedForAgain: else an app that demands with
// every answer would ask for ever.
func TestSTP04ACodeThatIsFreshEnoughIsNotAskedForAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		coded time.Time
		want  bool
	}{
		{"this very moment", noon, false},
		{"as long ago as is allowed", noon.Add(-5 * time.Minute), false},
		{"longer ago", noon.Add(-5*time.Minute - time.Second), true},
		{"another machine's clock is ahead", noon.Add(time.Minute), false},
		{"never", time.Time{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			g := upstream.NewAnswers(upstream.AnswersOptions{}).Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), true)
			g.Listen(tt.coded, noon)
			g.Header().Set("Doorcode-Require", "max_age=300")
			g.Header().Set("Www-Authenticate", "Bearer "+insufficient)
			g.WriteHeader(http.StatusUnauthorized)
			if _, got := g.Demand(); got != tt.want {
				t.Errorf("demanded: %v, want %v", got, tt.want)
			}
			passed := w.Code == http.StatusUnauthorized && strings.HasPrefix(w.Header().Get("Www-Authenticate"), "Bearer") && w.Header()["Doorcode-Require"] == nil
			if g.Done(); passed == tt.want {
				t.Errorf("the answer that went out: %d %v", w.Code, w.Header())
			}
		})
	}
}

// TestRuling38NobodyIsAskedWhoWasNotAdmittedByASession: without Listen the answer
// passes whatever it says, but for the word to us.
func TestRuling38NobodyIsAskedWhoWasNotAdmittedByASession(t *testing.T) {
	w := httptest.NewRecorder()
	g := upstream.NewAnswers(upstream.AnswersOptions{}).Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), true)
	g.Header()["doorcode-require"] = []string{"max_age=300"}
	g.Header().Set("Www-Authenticate", "Bearer "+insufficient)
	g.WriteHeader(http.StatusUnauthorized)
	_, demanded := g.Demand()
	if g.Done(); demanded || w.Code != http.StatusUnauthorized || len(w.Header()) != 2 {
		t.Errorf("demanded: %v, answer: %d %v", demanded, w.Code, w.Header())
	}
}

// What servers in front had put into the header is there again after a swallowed
// answer, whether it is the usual or not.
func TestSTP04ASwallowedAnswerLeavesTheHeaderAsItWas(t *testing.T) {
	for _, before := range []http.Header{
		{},
		{"Server": {"Caddy"}},
		{"Server": {"Caddy"}, "Alt-Svc": {`h3=":443"`}},
		{"Alt-Svc": {"a", "b"}},
		{"Server": {"Caddy"}, "X-Frame-Options": {"DENY"}},
		{"server": {"x"}, "Alt-Svc": {"a"}},
		{"Server": {"Caddy"}, "Alt-Svc": {"a"}, "Vary": {"Accept", "Cookie"}},
	} {
		w := httptest.NewRecorder()
		maps.Copy(w.Header(), before.Clone())
		g := upstream.NewAnswers(upstream.AnswersOptions{}).Guard(w, httptest.NewRequest(http.MethodGet, "/", nil), true)
		g.Listen(time.Time{}, noon)
		g.Header().Set("Server", "app")
		g.Header().Set("Doorcode-Require", "max_age=300")
		g.WriteHeader(http.StatusOK)
		if _, demanded := g.Demand(); !demanded || !maps.EqualFunc(w.Header(), before, slices.Equal) {
			t.Errorf("demanded: %v, %v became %v", demanded, before, w.Header())
		}
		g.Done()
	}
}
