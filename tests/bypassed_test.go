// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const warned = "\tlog {\n\t\toutput file FOLDER/caddy.log\n\t\tlevel WARN\n\t}\n---\n"

// warnings are the lines of the log that speak of gates which guard nothing.
func warnings(t *testing.T, c *harness.Caddy) (found []string) {
	t.Helper()
	for _, line := range logOf(t, filepath.Join(c.Folder, "caddy.log")) {
		if said := fmt.Sprint(line["msg"]); strings.Contains(said, "no request reaches") || strings.Contains(said, "nothing is guarded") {
			found = append(found, fmt.Sprint(said, " ", line["answers"], " ", line["origins"]))
		}
	}
	return found
}

// A gate behind what answers everything lets everybody in. Caddy starts with it; the log
// says so at once.
func TestAGateThatIsNeverReachedIsToldOf(t *testing.T) {
	in := func(body string) string { return "http://localhost:PORT {\n" + body + "\n}\n" }
	asks := gate("*@example.com")
	for name, tt := range map[string]struct{ site, want, options string }{
		"the usual order":       {in(asks + "\n\treverse_proxy APP"), "", ""},
		"a route that is last":  {in("route {\n\treverse_proxy APP\n" + asks + "\n}"), "reverse_proxy [http://localhost:", ""},
		"a route that is first": {in("route {\n" + asks + "\n\treverse_proxy APP\n}"), "", ""},
		"a gate in a handle":    {in("route {\n\treverse_proxy APP\n" + "\n\thandle /admin/* {\n" + asks + "\n\t}\n}"), "reverse_proxy [http://localhost:", ""},
		"files":                 {in("route {\n\tfile_server\n" + asks + "\n}"), "file_server [http://localhost:", ""},
		"files that go on":      {in("route {\n\tfile_server {\n\t\tpass_thru\n\t}\n" + asks + "\n}"), "", ""},
		"a page of its own":     {in("route {\n\trespond hello\n" + asks + "\n}"), "static_response [http://localhost:", ""},
		"a part of the site":    {in("route {\n\treverse_proxy /free/* APP\n" + asks + "\n\treverse_proxy APP\n}"), "", ""},
		"within another route":  {in("route {\n\troute {\n\t\treverse_proxy APP\n\t}\n" + asks + "\n}"), "reverse_proxy [http://localhost:", ""},
		"an earlier step":       {in("route {\n\tforward_auth APP {\n\t\turi /auth\n\t}\n" + asks + "\n\treverse_proxy APP\n}"), "", ""},
		"one gate of two":       {in("handle /a/* {\n\troute {\n\t\treverse_proxy APP\n" + asks + "\n\t}\n}\nhandle {\n" + asks + "\n\treverse_proxy APP\n}"), "reverse_proxy [http://localhost:", ""},
		"all paths":             {in("route {\n\trespond /* hello\n" + asks + "\n}"), "static_response [http://localhost:", ""},
		"past a group":          {in("route {\n\thandle /a* {\n\t\theader X 1\n\t}\n\thandle {\n\t\trespond hello\n\t}\n" + asks + "\n}"), "", ""},
		"past an answer":        {in("route {\n\treverse_proxy APP {\n\t\t@ok status 2xx\n\t\thandle_response @ok {\n\t\t\theader X 1\n\t\t}\n\t}\n" + asks + "\n}"), "", ""},
		"no gate at all":        {in("reverse_proxy APP"), "write 'doorcode' into each site", "\tdoorcode {\n\t\tallow *@example.com\n\t}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c := harness.Start(t, tt.options+warned+tt.site)
			found := warnings(t, c)
			if tt.want == "" && len(found) > 0 {
				t.Errorf("the log says %q", found)
			}
			if tt.want != "" && (len(found) != 1 || !strings.Contains(found[0], tt.want)) {
				t.Errorf("the log says %q, want one with %q", found, tt.want)
			}
		})
	}
}
