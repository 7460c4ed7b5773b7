// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/doorcode/caddy-doorcode/caddymodule"
)

// adapt turns a Caddyfile into JSON as `caddy adapt` does.
func adapt(caddyfile string) ([]byte, error) {
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").
		Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	return adapted, err
}

// site is a Caddyfile whose line 3 is the first one of the block.
func site(lines ...string) string {
	return "app.example.com {\n\tdoorcode {\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}\n}\n"
}

// global is a Caddyfile whose line 3 is the first one of the global option.
func global(lines ...string) string {
	return "{\n\tdoorcode {\n\t\t" + strings.Join(lines, "\n\t\t") + "\n\t}\n}\n"
}

// handlerIn finds the configuration of the first doorcode handler.
func handlerIn(t testing.TB, adapted []byte) json.RawMessage {
	t.Helper()
	var tree any
	if err := json.Unmarshal(adapted, &tree); err != nil {
		t.Fatalf("reading adapted configuration: %v", err)
	}
	found := search(tree)
	if found == nil {
		t.Fatalf("no doorcode handler in %s", adapted)
	}
	delete(found, "handler")
	raw, err := json.Marshal(found)
	if err != nil {
		t.Fatalf("encoding handler: %v", err)
	}
	return raw
}

func search(tree any) map[string]any {
	switch node := tree.(type) {
	case map[string]any:
		if node["handler"] == "doorcode" {
			return node
		}
		for _, child := range node {
			if found := search(child); found != nil {
				return found
			}
		}
	case []any:
		for _, child := range node {
			if found := search(child); found != nil {
				return found
			}
		}
	}
	return nil
}

// handler adapts a Caddyfile and reads its first doorcode handler.
func handler(t testing.TB, caddyfile string) (*caddymodule.Handler, json.RawMessage) {
	t.Helper()
	adapted, err := adapt(caddyfile)
	if err != nil {
		t.Fatalf("adapting: %v\n%s", err, caddyfile)
	}
	raw := handlerIn(t, adapted)
	h := &caddymodule.Handler{}
	if err := strictly(raw, h); err != nil {
		t.Fatalf("reading %s: %v", raw, err)
	}
	return h, raw
}

// strictly decodes as Caddy does: an unknown key is an error.
func strictly(raw []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
