// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package policytest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/doorcode/caddy-doorcode/caddymodule/terminal"
)

// maxFile bounds a file, in bytes.
const maxFile = 1 << 20

// Suggest finds the word that was most likely meant; empty where none is near.
type Suggest func(word string, known []string) string

// Parse reads a file of tests. name is what errors call it. Whatever it does not know is
// an error with its line; of several errors each is told.
func Parse(name string, from io.Reader, suggest Suggest) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than 1 MiB", name)
	}
	root, err := document(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := reader{name: name, suggest: suggest}
	f := r.file(root)
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return f, nil
}

// document is the only one of a text.
func document(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var root, more yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) || err == nil && (root.Kind != yaml.DocumentNode || len(root.Content) != 1) {
		return nil, errors.New("there is nothing in it; write 'tests:' and a list of tests")
	}
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is a second document in it, after '---'; write one")
	}
	return root.Content[0], nil
}

// A reader walks through a file and gathers what is wrong.
type reader struct {
	name    string
	suggest Suggest
	faults  []error
	people  map[string]person
	site    string
}

// fault notes what is wrong with a part of the file. What it quotes can be anything: it
// moves no terminal.
func (r *reader) fault(at *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s:%d: %s", r.name, at.Line, terminal.Still(fmt.Sprintf(format, args...))))
}

// A table is the keys that a part of the file knows.
type table map[string]func(*yaml.Node)

// keys reads a mapping by its table. what names it in errors.
func (r *reader) keys(at *yaml.Node, what string, known table) {
	pairs, ok := r.mapping(at, what)
	if !ok {
		return
	}
	words := make([]string, 0, len(known))
	for word := range known {
		words = append(words, word)
	}
	slices.Sort(words)
	for _, pair := range pairs {
		read, ok := known[pair.key.Value]
		if ok {
			read(pair.value)
			continue
		}
		instead := "there are " + strings.Join(words, ", ")
		if near := r.suggest(pair.key.Value, words); near != "" {
			instead = fmt.Sprintf("did you mean '%s'?", near)
		}
		r.fault(pair.key, "unknown key '%s' of %s; %s", pair.key.Value, what, instead)
	}
}

type pair struct{ key, value *yaml.Node }

// mapping are the pairs of a mapping, each key once.
func (r *reader) mapping(at *yaml.Node, what string) (pairs []pair, ok bool) {
	if !r.is(at, yaml.MappingNode, what, "'key: value' lines") {
		return nil, false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(at.Content); i += 2 {
		key := at.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			r.fault(key, "%s takes plain keys; write what is meant in its place", what)
		case seen[key.Value]:
			r.fault(key, "'%s' stands twice in %s", key.Value, what)
		default:
			pairs = append(pairs, pair{key, at.Content[i+1]})
		}
		seen[key.Value] = true
	}
	return pairs, true
}

// list are the entries of a list.
func (r *reader) list(at *yaml.Node, what string) []*yaml.Node {
	if !r.is(at, yaml.SequenceNode, what, "a list") {
		return nil
	}
	return at.Content
}

// is refuses a part of another kind.
func (r *reader) is(at *yaml.Node, kind yaml.Kind, what, takes string) bool {
	if at.Kind == yaml.AliasNode {
		r.fault(at, "'*%s' is an alias; write what is meant in its place", at.Value)
		return false
	}
	if at.Kind != kind {
		r.fault(at, "%s takes %s", what, takes)
		return false
	}
	return true
}

// text is a value of one word or line. Numbers are taken as they were written.
func (r *reader) text(at *yaml.Node, what string) (string, bool) {
	if !r.is(at, yaml.ScalarNode, what, "one value") {
		return "", false
	}
	if at.Tag == "!!null" || strings.TrimSpace(at.Value) == "" {
		r.fault(at, "%s is empty", what)
		return "", false
	}
	return at.Value, true
}
