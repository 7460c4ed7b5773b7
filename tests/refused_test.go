// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

// L-44: a file that decides who may pass, or by what, and that is missing or cannot be
// read as one, stops the configuration; it never counts as empty. The one before goes on.
func TestL44AFileThatCannotBeReadStopsTheStart(t *testing.T) {
	c := harness.Start(t, site())
	folder := t.TempDir()
	for setting, lines := range map[string]string{
		"secret":         "secret {file.FILE}",
		"allow_file":     "allow_file FILE",
		"people_file":    "people_file FILE",
		"map_file":       "identity {http.auth.user.id} {\nmap_file FILE\n}",
		"geoip":          "geoip FILE",
		"logo":           "pages {\nlogo FILE\n}",
		"css":            "pages {\ncss FILE\n}",
		"a mail's key":   "mail smtp localhost:2525 {\nfrom a@example.com\ndkim example.com s1 FILE\n}",
		"a mail's word":  "mail smtp localhost:2525 {\nfrom a@example.com\nusername a\npassword {file.FILE}\n}",
		"a token":        "mail postmark {\nfrom a@example.com\ntoken {file.FILE}\n}",
		"Redis' word":    "secret " + rootSecret + "\nstorage redis redis://localhost:1 {\npassword {file.FILE}\n}",
		"who Redis is":   "secret " + rootSecret + "\nstorage redis rediss://localhost:1 {\ntls {\nca FILE\n}\n}",
		"who we are":     "secret " + rootSecret + "\nstorage redis rediss://localhost:1 {\ntls {\ncertificate FILE FILE\n}\n}",
		"texts of pages": "pages {\ntemplates FILE/none\n}",
	} {
		for what, file := range map[string]string{"a file that is missing": filepath.Join(folder, "none"), "a folder": folder} {
			body := "http://localhost:PORT {\n\tdoorcode *@example.com {\n" + strings.ReplaceAll(lines, "FILE", file) + "\n"
			if !strings.Contains(lines, "mail ") {
				body += "mail file MAIL\n"
			}
			if !strings.Contains(lines, "storage ") {
				body += "storage embedded FOLDER/doorcode.db\n"
			}
			if err := c.TryLoad(t, body+"\t}\n\treverse_proxy APP\n}\n"); err == nil {
				t.Errorf("%s, %s: the configuration was taken", setting, what)
			} else if !strings.Contains(err.Error(), filepath.Base(file)) {
				t.Errorf("%s, %s: the error does not say which: %v", setting, what, err)
			}
		}
	}
	wantStatus(t, "the configuration before", c.Browser(t).Open(t, "/"), http.StatusUnauthorized)
}

// Ruling 47: storage, secret and mails are not kept where a site would serve them as
// files; what is there already is in no danger, since nothing is made.
func TestRuling47NothingSecretIsKeptWhereASiteServesIt(t *testing.T) {
	c := harness.Start(t, site())
	serve := func(storage, mail, how string) string {
		return "http://localhost:PORT {\n\tdoorcode *@example.com {\nsecret " + rootSecret + "\nstorage embedded " + storage + "\nmail file " + mail + "\n}\n" + how + "\n}\n"
	}
	root, safe := t.TempDir(), t.TempDir()
	link := filepath.Join(safe, "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"the storage under the root of the site":   serve(root+"/doorcode.db", safe, "root * "+root+"\n\tfile_server"),
		"the storage deeper in it":                 serve(root+"/data/x/doorcode.db", safe, "root * "+root+"\n\tfile_server"),
		"the mails under it":                       serve(safe+"/doorcode.db", root+"/mail", "root * "+root+"\n\tfile_server"),
		"the root of a file server":                serve(root+"/doorcode.db", safe, "file_server {\n\t\troot "+root+"\n\t}"),
		"a root that another path leads to":        serve(root+"/doorcode.db", safe, "root * "+root+"/../"+filepath.Base(root)+"\n\tfile_server"),
		"the root of another site of the server":   serve(root+"/doorcode.db", safe, "respond ok") + "http://other.localhost:PORT {\n\troot * " + root + "\n\tfile_server\n}\n",
		"a root inside of a handle block":          serve(root+"/doorcode.db", safe, "handle /x/* {\n\t\troot * "+root+"\n\t\tfile_server\n\t}"),
		"everything is served":                     serve(safe+"/doorcode.db", safe, "root * /\n\tfile_server"),
		"the storage under a root that is a link":  serve(root+"/doorcode.db", safe, "root * "+link+"\n\tfile_server"),
		"the storage by a link that is not served": serve(link+"/doorcode.db", safe, "root * "+root+"\n\tfile_server"),
	} {
		if err := c.TryLoad(t, text); err == nil || !strings.Contains(err.Error(), "which a site serves as files; keep it elsewhere") {
			t.Errorf("%s: loading = %v, want a refusal", what, err)
		}
	}
	if made, err := os.ReadDir(root); err != nil || len(made) != 0 {
		t.Errorf("under the root: %v, %v", made, err)
	}
	if err := c.TryLoad(t, serve(safe+"/doorcode.db", safe+"/mail", "root * "+root+"\n\tfile_server")); err != nil {
		t.Errorf("kept elsewhere: %v", err)
	}
}

// Ruling 47: cookies that go over http are for tests over http.
func TestRuling47CookiesWithoutTLSAreForTestsOverHTTP(t *testing.T) {
	c := harness.Start(t, site())
	for what, text := range map[string]string{
		"an https site":            strings.Replace(site("cookie {\ninsecure\n}"), "http://localhost:PORT", "https://localhost:HTTPSPORT", 1),
		"an origin over https":     site("cookie {\ninsecure\n}", "origins https://app.example.com"),
		"one origin of two, later": site("cookie {\ninsecure\n}", "origins http://localhost https://app.example.com"),
	} {
		if err := c.TryLoad(t, text); err == nil || !strings.Contains(err.Error(), "'insecure' is for tests over http") {
			t.Errorf("%s: loading = %v, want a refusal", what, err)
		}
	}
}

// Ruling 10: where a site answers to any name, the gate takes none from the request: it
// is told its origins and its name, or it does not start.
func TestRuling10ASiteThatAnswersToAnyNameIsToldItsOwn(t *testing.T) {
	c := harness.Start(t, site())
	for _, address := range []string{"http://:PORT", "http://*.example.test:PORT", "http://a.example.test:PORT, http://:PORT"} {
		bare := strings.Replace(site(), "http://localhost:PORT", address, 1)
		if err := c.TryLoad(t, bare); err == nil || !strings.Contains(err.Error(), "add 'origins https://app.example.com'") {
			t.Errorf("%s: loading = %v, want a refusal", address, err)
		}
		nameless := strings.Replace(site("origins http://a.example.test"), "http://localhost:PORT", address, 1)
		if err := c.TryLoad(t, nameless); err == nil || !strings.Contains(err.Error(), "needs a name") {
			t.Errorf("%s, with origins: loading = %v, want a refusal", address, err)
		}
		told := strings.Replace(site("origins http://a.example.test", "pages {\nname Example\n}"), "http://localhost:PORT", address, 1)
		if err := c.TryLoad(t, told); err != nil {
			t.Errorf("%s, with origins and a name: %v", address, err)
		}
	}
}
