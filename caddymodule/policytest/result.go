// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/doorcode/caddy-doorcode/caddymodule/terminal"
)

// A Result is how one test went.
type Result struct {
	Name string `json:"name"`
	Line int    `json:"line"`
	OK   bool   `json:"ok"`
	Want string `json:"want"`
	Got  string `json:"got"`           // empty where there was no answer
	Why  string `json:"why,omitempty"` // there was none
	// Told is what was decided and by what, a line each; of tests that fail.
	Told []string `json:"told,omitempty"`
}

// An Answer is what a configuration decides.
type Answer struct {
	Decision, Reason string
	Status           int // 0 where the app answers
	Told             []string
}

// Judge compares an answer with what a test wants.
func (t *Test) Judge(a Answer) Result {
	want, r := t.Want, Result{Name: t.Name, Line: t.Line, Want: t.Want.text(), Got: Expectation(a.short()).text()}
	r.OK = want.Decision == a.Decision && (want.Reason == "" || want.Reason == a.Reason) && (want.Status == 0 || want.Status == a.Status)
	if !r.OK {
		r.Told = a.Told
	}
	return r
}

// Fail is the result of a test to which there is no answer.
func (t *Test) Fail(err error) Result {
	return Result{Name: t.Name, Line: t.Line, Want: t.Want.text(), Why: err.Error()}
}

func (a *Answer) short() Expectation { return Expectation{a.Decision, a.Reason, a.Status} }

// text is a decision in one line, such as "check sensitive, 401".
func (e Expectation) text() string {
	text := strings.TrimSpace(e.Decision + " " + e.Reason)
	if e.Status != 0 {
		text += fmt.Sprintf(", %d", e.Status)
	}
	return text
}

// Results are those of all tests of a file.
type Results []Result

// Failed counts the tests that did not go as they should.
func (r Results) Failed() (n int) {
	for _, one := range r {
		if !one.OK {
			n++
		}
	}
	return n
}

// JSON prints the results for programs.
func (r Results) JSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Text prints a line for each test, and below one that failed what was decided and why.
// file is the name of the file.
func (r Results) Text(out io.Writer, file string) error {
	var b strings.Builder
	for _, one := range r {
		if one.OK {
			fmt.Fprintf(&b, "ok    %s\n", terminal.Still(one.Name))
			continue
		}
		fmt.Fprintf(&b, "FAIL  %s (%s:%d)\n", terminal.Still(one.Name), file, one.Line)
		if one.Got == "" {
			fmt.Fprintf(&b, "      %s\n", terminal.Still(one.Why))
			continue
		}
		fmt.Fprintf(&b, "      want %s; got %s\n", one.Want, one.Got)
		for _, told := range one.Told {
			fmt.Fprintf(&b, "      %s\n", terminal.Still(told))
		}
	}
	tests := fmt.Sprintf("%d tests", len(r))
	if len(r) == 1 {
		tests = "1 test"
	}
	fmt.Fprintf(&b, "%s, %d failed\n", tests, r.Failed())
	_, err := io.WriteString(out, b.String())
	return err
}
