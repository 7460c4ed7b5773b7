// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package devices_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/devices"
)

func FuzzParse(f *testing.F) {
	f.Add(devices.Claims{claim(1), claim(2)}.Encode())
	f.Add([]byte(`[{"a":"x","g":-1,"z":true}]`))
	f.Add([]byte(`[{},{},{},{}]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		c, err := devices.Parse(plain)
		if err != nil {
			return
		}
		if len(c) > devices.MaxPeople {
			t.Errorf("%d people", len(c))
		}
		if again, err := devices.Parse(c.Encode()); err != nil || !slices.Equal(again, c) {
			t.Errorf("Parse(Encode) = %v, %v, want %v", again, err, c)
		}
	})
}

// What a mail says of a browser must come from our words alone.
func FuzzDescribe(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36")
	f.Add("Firefox/1 (Windows; \xff")
	f.Add(strings.Repeat("(", 10_000))
	known := map[string]bool{}
	for _, browser := range []string{"Firefox", "Chrome", "Safari", "Edge", "Opera", "Opera Mini", "Vivaldi", "Samsung Internet", "Internet Explorer"} {
		known[browser] = true
		for _, system := range []string{"Windows", "macOS", "Linux", "Android", "iPhone or iPad", "ChromeOS", "FreeBSD"} {
			known[browser+" on "+system] = true
		}
	}
	known[devices.Unknown] = true
	f.Fuzz(func(t *testing.T, agent string) {
		if got := devices.Describe(agent); !known[got] {
			t.Errorf("Describe(%q) = %q", agent, got)
		}
	})
}
