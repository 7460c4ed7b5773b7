// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// Some attacks are stopped by what the source leaves out. Time cannot be measured well
// enough to show that a comparison takes as long whatever it compares, nor can a test
// meet every server that never answers; so the source is read for it.

// A reading is one rule that the source keeps. It lists what breaks it in one file.
type reading func(name string, file *ast.File) (faults []string)

// read applies a rule to what people run.
func (rule reading) read(t *testing.T, tree fs.FS) (faults []string) {
	t.Helper()
	for _, name := range goFiles(t, tree) {
		if strings.HasSuffix(name, "_test.go") || isUnder(name, []string{"tests", "challenge/store/redisstore/redistest", "challenge/store/storetest"}) {
			continue
		}
		for _, fault := range rule(name, parse(t, tree, name, 0)) {
			faults = append(faults, name+": "+fault)
		}
	}
	return faults
}

// secrets are functions that return something a stranger may be guessing at: codes,
// and MACs by which a thing is known to be ours.
var secrets = []string{"Reveal", "MAC", "Sum", "Code", "stopMark", "check", "mac"}

// constantTime are the files that compare such a thing with what a visitor sent.
var constantTime = []string{
	"challenge/code.go", "challenge/report.go", "challenge/sessions/id.go", "challenge/tokens/tokens.go", "challenge/ways/app.go",
}

// unequalTime finds comparisons that may take less time the earlier two secrets differ.
func unequalTime(name string, file *ast.File) (faults []string) {
	compares := false
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.BinaryExpr:
			if n.Op != token.EQL && n.Op != token.NEQ {
				break
			}
			for _, pair := range [][2]ast.Expr{{n.X, n.Y}, {n.Y, n.X}} {
				if call := secretIn(pair[0]); call != "" && !isEmptyString(pair[1]) {
					faults = append(faults, call+" is compared with "+n.Op.String())
				}
			}
		case *ast.CallExpr:
			called := qualified(n.Fun)
			compares = compares || called == "subtle.ConstantTimeCompare"
			if !slices.Contains([]string{"bytes.Equal", "bytes.Compare", "slices.Equal", "strings.EqualFold", "strings.Compare", "strings.HasPrefix"}, called) {
				break
			}
			for _, argument := range n.Args {
				if call := secretIn(argument); call != "" {
					faults = append(faults, call+" is compared with "+called)
				}
			}
		}
		return true
	})
	if slices.Contains(constantTime, name) && !compares {
		faults = append(faults, "nothing is compared in constant time")
	}
	return faults
}

// secretIn is the call by which an expression has a secret, if it has one.
func secretIn(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.CallExpr:
		words := strings.Split(qualified(e.Fun), ".")
		if last := words[len(words)-1]; slices.Contains(secrets, last) {
			return last
		}
		if len(e.Args) == 1 && qualified(e.Fun) != "len" { // a conversion, or something of the secret
			return secretIn(e.Args[0])
		}
	case *ast.SliceExpr:
		return secretIn(e.X)
	case *ast.ParenExpr:
		return secretIn(e.X)
	}
	return ""
}

func isEmptyString(e ast.Expr) bool {
	literal, ok := e.(*ast.BasicLit)
	return ok && literal.Value == `""`
}

// qualified is how a function is called in the source: name, package.name or value.name.
func qualified(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if of := qualified(e.X); of != "" {
			return of + "." + e.Sel.Name
		}
		return e.Sel.Name
	}
	return ""
}

// OTC-08: what a visitor sends is compared with codes and MACs in constant time only.
func TestOTC08SecretsAreComparedInConstantTimeOnly(t *testing.T) {
	for _, fault := range reading(unequalTime).read(t, os.DirFS("..")) {
		t.Error(fault)
	}
	for name, source := range map[string]string{
		"a code is compared by ==":              `func f() bool { return code.Reveal() == typed }`,
		"a code is compared by !=":              `func f() bool { return typed != code.Reveal() }`,
		"a MAC is compared by bytes.Equal":      `func f() bool { return bytes.Equal(h.Sum(nil), sent) }`,
		"a part of a MAC is compared":           `func f() bool { return string(mac(id)[:8]) == sent }`,
		"a prefix of a code counts":             `func f() bool { return strings.HasPrefix(code.Reveal(), typed) }`,
		"a file that compares in constant time": `func f() bool { return a == b }`,
	} {
		wantFound(t, unequalTime, name, "challenge/code.go", source)
	}
}

// wantFound shows that a rule can fail.
func wantFound(t *testing.T, rule reading, name, file, source string) {
	t.Helper()
	tree := fstest.MapFS{file: {Data: []byte("package a\n\n" + source + "\n")}}
	if len(rule.read(t, tree)) == 0 {
		t.Errorf("%s: nothing is found, so this test shows nothing", name)
	}
}

// patternsOfInput finds patterns that are not written out in the source.
func patternsOfInput(_ string, file *ast.File) (faults []string) {
	for _, declared := range file.Decls {
		quoted, inFunction := false, ""
		if f, ok := declared.(*ast.FuncDecl); ok {
			inFunction = f.Name.Name
			ast.Inspect(f, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				quoted = quoted || ok && qualified(call.Fun) == "regexp.QuoteMeta"
				return true
			})
		}
		ast.Inspect(declared, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok || !strings.HasPrefix(qualified(call.Fun), "regexp.") || qualified(call.Fun) == "regexp.QuoteMeta" {
				return true
			}
			if _, literal := call.Args[0].(*ast.BasicLit); !literal && !quoted {
				faults = append(faults, fmt.Sprintf("%s in %q makes a pattern of something that is not quoted", qualified(call.Fun), inFunction))
			} else if literal && inFunction != "" {
				faults = append(faults, fmt.Sprintf("%s in %q is compiled again and again", qualified(call.Fun), inFunction))
			}
			return true
		})
	}
	return faults
}

// DOS-04: patterns are RE2's, which take linear time, are compiled once, and nothing that
// somebody typed is ever one; what is searched for is quoted.
func TestDOS04NothingTypedIsAPattern(t *testing.T) {
	for _, fault := range reading(patternsOfInput).read(t, os.DirFS("..")) {
		t.Error(fault)
	}
	wantFound(t, patternsOfInput, "typed text as a pattern", "a/a.go", "func f(typed string) bool { return regexp.MustCompile(typed).MatchString(\"\") }")
	wantFound(t, patternsOfInput, "a pattern for each request", "a/a.go", "func f(typed string) bool { return regexp.MustCompile(`a`).MatchString(typed) }")
}

// unbounded are calls that wait for somebody else as long as they like.
var unbounded = []string{
	"net.Dial", "net.DialTimeout", "tls.Dial", "tls.DialWithDialer", "smtp.Dial", "smtp.SendMail",
	"http.Get", "http.Head", "http.Post", "http.PostForm", "http.NewRequest", "http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve",
	"net.LookupHost", "net.LookupIP", "net.LookupAddr", "net.LookupMX", "net.LookupTXT", "net.LookupCNAME", "net.LookupNS", "net.LookupSRV",
}

// unboundedCalls finds what talks to others without a context that ends.
func unboundedCalls(_ string, file *ast.File) (faults []string) {
	ast.Inspect(file, func(node ast.Node) bool {
		if e, ok := node.(ast.Expr); ok {
			if name := qualified(e); slices.Contains(unbounded, name) || name == "http.DefaultClient" || name == "http.DefaultTransport" {
				faults = append(faults, name+" may wait for ever")
			}
		}
		if call, ok := node.(*ast.CallExpr); ok && strings.HasSuffix(qualified(call.Fun), ".Dial") {
			faults = append(faults, qualified(call.Fun)+" knows no context")
		}
		return true
	})
	return faults
}

// OPS-02: every connection that we open belongs to a context, whose end is what the
// tests of each client show.
func TestOPS02NothingIsDialledWithoutAContext(t *testing.T) {
	for _, fault := range reading(unboundedCalls).read(t, os.DirFS("..")) {
		t.Error(fault)
	}
	wantFound(t, unboundedCalls, "a connection without an end", "a/a.go", "func f() { net.Dial(\"tcp\", address) }")
	wantFound(t, unboundedCalls, "a dialer without an end", "a/a.go", "func f() { d.Dial(\"tcp\", address) }")
	wantFound(t, unboundedCalls, "the client of everybody", "a/a.go", "var client = http.DefaultClient")
}
