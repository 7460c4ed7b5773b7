// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package upstream_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge/upstream"
)

func TestCK03OurCookiesLeaveAndOthersStay(t *testing.T) {
	const s, d, f = sessionCookie + "=eyJ.a.b", deviceCookie + "=dev", flowCookie + "=flow"
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, fmt.Sprintf("c%d=%d", i, i))
	}
	many := strings.Join(hundred, "; ")
	for _, tt := range []struct {
		name       string
		have, want []string
	}{
		{"no cookies", nil, nil},
		{"ours alone", []string{s}, nil},
		{"all of ours alone", []string{s + "; " + d + "; " + f}, nil},
		{"ours first", []string{s + "; a=1; b=2"}, []string{"a=1; b=2"}},
		{"ours last", []string{"a=1; b=2; " + d}, []string{"a=1; b=2"}},
		{"ours around", []string{s + "; a=1;b=2 ;  c=3; " + d}, []string{"a=1;b=2 ;  c=3"}},
		{"ours between", []string{"a=1;" + s + "; b=2; " + d + ";c=3"}, []string{"a=1; b=2; c=3"}},
		{"none of ours, oddly written", []string{"a=1;; b ;=x;\t c=\"q;r\";"}, []string{"a=1;; b ;=x;\t c=\"q;r\";"}},
		{"quotes and a version", []string{"$Version=1; a=\"1\"; $Path=/; " + s + "; b=\"x y\""}, []string{"$Version=1; a=\"1\"; $Path=/; b=\"x y\""}},
		{"duplicates of ours", []string{s + "; a=1; " + s + "; a=2; " + sessionCookie + "="}, []string{"a=1; a=2"}},
		{"blanks around our name", []string{"a=1;\t" + sessionCookie + " = x ; b=2"}, []string{"a=1; b=2"}},
		{
			"names that only look like ours",
			[]string{"x" + s + "; __HOST-HTTP-DOORCODE=x; " + sessionCookie + "; " + sessionCookie + "2=y"},
			[]string{"x" + s + "; __HOST-HTTP-DOORCODE=x; " + sessionCookie + "; " + sessionCookie + "2=y"},
		},
		{"a hundred others", []string{many + "; " + s}, []string{many}},
		{"several lines", []string{"a=1", s, "b=2; " + d, f + "; c=3", "d=4"}, []string{"a=1", "b=2", "c=3", "d=4"}},
		{"a value with equals signs", []string{sessionCookie + "=a=b=c; x=y=z"}, []string{"x=y=z"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"Accept": {"*/*"}}
			if tt.have != nil {
				h["Cookie"] = slices.Clone(tt.have)
			}
			upstream.NewJar(cookies...).Remove(h)
			if diff := cmp.Diff(tt.want, h["Cookie"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, found := h["Cookie"]; found != (tt.want != nil) {
				t.Errorf("an empty Cookie field is left")
			}
		})
	}
}

func TestCK03TheAppNeverHoldsWhatOpensTheDoor(t *testing.T) {
	app := new(cgi)
	send(t, proxied(t, app), "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; "+sessionCookie+"=secret\r\nCookie: "+deviceCookie+"=secret; b=2\r\n\r\n")
	if got := strings.Join(app.header["Cookie"], "; "); got != "a=1; b=2" {
		t.Errorf("the app got the cookies %q", got)
	}
}

// TestCK04DuplicatesAreAllReturned: a neighbouring site can plant a cookie of our
// name in front of ours. Whoever reads must see both, in either order.
func TestCK04DuplicatesAreAllReturned(t *testing.T) {
	jar := upstream.NewJar(cookies...)
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"none", []string{"a=1"}, nil},
		{"one", []string{"a=1; " + sessionCookie + "=good"}, []string{"good"}},
		{"bad first", []string{sessionCookie + "=bad; a=1; " + sessionCookie + "=good"}, []string{"bad", "good"}},
		{"good first", []string{sessionCookie + "=good; a=1; " + sessionCookie + "=bad"}, []string{"good", "bad"}},
		{"on two lines", []string{sessionCookie + "=bad", sessionCookie + "=good"}, []string{"bad", "good"}},
		{"the same twice counts once", []string{strings.Repeat(sessionCookie+"=good; ", 9)}, []string{"good"}},
		{"an empty value is one", []string{sessionCookie + "=; " + sessionCookie + "=good"}, []string{"", "good"}},
		{"four", []string{four(sessionCookie)}, []string{"0", "1", "2", "3"}},
		{"five cannot be told apart", []string{four(sessionCookie) + "; " + sessionCookie + "=good"}, nil},
		{"another name is another cookie", []string{deviceCookie + "=x; __host-http-doorcode=y"}, nil},
		{"only the raw text counts", []string{sessionCookie + "=\"good\""}, []string{"\"good\""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := jar.Read(http.Header{"Cookie": tt.lines})
			if got := found.Values(0); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func four(name string) string {
	return name + "=0; " + name + "=1; " + name + "=2; " + name + "=3"
}

func TestEachCookieHasItsPlace(t *testing.T) {
	h := http.Header{"Cookie": {flowCookie + "=f; " + sessionCookie + "=s; " + deviceCookie + "=d"}}
	found := upstream.NewJar(cookies...).Read(h)
	for i, want := range []string{"s", "d", "f"} {
		if got := found.Values(i); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", cookies[i], got, want)
		}
	}
	if len(h["Cookie"]) != 1 {
		t.Error("reading changed the header")
	}
}

func TestCookiesAndAssertionsAreNotPrinted(t *testing.T) {
	found := upstream.NewJar(cookies...).Read(http.Header{"Cookie": {sessionCookie + "=secret"}})
	headers, err := upstream.BuildHeaders([]upstream.Field{{Name: "Doorcode-Assertion", Value: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb+verb+verb, found, &found, headers); strings.Contains(text, "secret") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

func TestTooManyNamesAreAMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("more names are taken than a jar reads")
		}
	}()
	upstream.NewJar(strings.Split(strings.Repeat("x", upstream.MaxCookies+1), "")...)
}

// TestCK03WhatWasFoundIsTakenOutOfTheLineItWasFoundInAlone: where a header is another
// one by now, cutting by places would leave our cookie and tear another apart.
func TestCK03WhatWasFoundIsTakenOutOfTheLineItWasFoundInAlone(t *testing.T) {
	const ours = sessionCookie + "=secret"
	jar := upstream.NewJarOf([]string{sessionCookie}, []string{deviceCookie})
	for _, tt := range []struct {
		name              string
		found, then, want []string
	}{
		{"the same line", []string{"a=1; " + ours + "; b=2"}, []string{"a=1; " + ours + "; b=2"}, []string{"a=1; b=2"}},
		{"another name that goes out with it", []string{deviceCookie + "=x; a=1"}, []string{deviceCookie + "=x; a=1"}, []string{"a=1"}},
		{"another line", []string{ours + "; a=1"}, []string{"a=1; " + ours}, []string{"a=1"}},
		{"one more line", []string{ours + "; a=1"}, []string{ours + "; a=1", ours}, []string{"a=1"}},
		{"several lines", []string{ours, "a=1"}, []string{ours, "a=1"}, []string{"a=1"}},
		{"no line any more", []string{ours}, nil, nil},
		{"nothing was looked for", nil, []string{ours + "; a=1"}, []string{"a=1"}},
		{"more of ours than are remembered", []string{strings.Repeat(ours+"; ", 12) + "a=1; " + ours}, []string{strings.Repeat(ours+"; ", 12) + "a=1; " + ours}, []string{"a=1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var found upstream.Found
			jar.Find(tt.found, &found)
			h := http.Header{}
			if tt.then != nil {
				h["Cookie"] = slices.Clone(tt.then)
			}
			if jar.RemoveFound(h, &found); !slices.Equal(h["Cookie"], tt.want) {
				t.Errorf("left %q, want %q", h["Cookie"], tt.want)
			}
			found.Clear()
			if values := found.Values(0); len(values) > 0 {
				t.Errorf("%q are left for the next request", values)
			}
		})
	}
	upstream.NewJar(sessionCookie).RemoveFound(http.Header{"Cookie": {ours}}, nil)
}

// TestLinesThatWereJoinedStayWhatTheyAre: many share one piece of memory.
func TestLinesThatWereJoinedStayWhatTheyAre(t *testing.T) {
	jar := upstream.NewJar(sessionCookie)
	var got, want []string
	for i := range 3000 {
		h := http.Header{"Cookie": {fmt.Sprintf("a=%d; %s=secret; b=%d", i, sessionCookie, i)}}
		jar.Remove(h)
		got, want = append(got, h["Cookie"][0]), append(want, fmt.Sprintf("a=%d; b=%d", i, i))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
