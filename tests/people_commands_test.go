// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/tests/harness"
)

const aloud = `(?m)^ +([0-9]{4}) ([0-9]{4})$`

// letIn has a code made for somebody by the command.
func letIn(t *testing.T, child *harness.Child, config []string, args ...string) string {
	t.Helper()
	r := doorcode(t, child, config, append([]string{"let-in"}, args...)...)
	found := regexp.MustCompile(aloud).FindAllStringSubmatch(r.out, -1)
	if r.code != 0 || len(found) != 1 {
		t.Fatalf("let-in: exit code %d, and not one code of eight digits:\n%s%s", r.code, r.out, r.err)
	}
	return found[0][1] + found[0][2]
}

// Ruling 43: whoever gets no mail is let in by a code that is read out, once, and
// is told of it.
func TestRuling43AnOperatorLetsSomebodyIn(t *testing.T) {
	child, config := startManaged(t, site("prove_mailbox 30d"))
	code := letIn(t, child, config, ana, "--why", "lost her phone")
	b := child.Browser(t)
	ask(t, child.Caddy, b, "/report", ana)
	page := b.Submit(t, "verify", url.Values{"code": {code[:4] + " " + code[4:]}, "remember": {"on"}})
	wantStatus(t, "the code that was read out", page, http.StatusOK)
	wantStatus(t, "after it", b.Open(t, "/report"), http.StatusOK)
	b.Open(t, "/.doorcode/signout")
	b.Submit(t, "signout", nil)
	wantStatus(t, "in the same browser, which it does not remember", b.Open(t, "/report"), http.StatusUnauthorized)

	other := child.Browser(t)
	ask(t, child.Caddy, other, "/", ana)
	if page := enter(t, other, code); page.Status == http.StatusOK {
		t.Error("the code was right twice")
	}
	told := false
	harness.Eventually(t, "mail that says why", func() bool {
		for _, mail := range child.Mailbox.Mails(t, ana) {
			told = told || strings.Contains(mail.Text, "lost her phone")
			if strings.Contains(mail.Text, code) || strings.Contains(mail.Text, code[:4]+" "+code[4:]) {
				t.Fatalf("the code is in a mail:\n%s", mail.Text)
			}
		}
		return told
	})
}

// The code stands in the one answer and nowhere else.
func TestRuling43TheCodeIsInNoLog(t *testing.T) {
	c, port := administered(t, "\tlog {\n\t\toutput file FOLDER/caddy.log\n\t\tlevel DEBUG\n\t\tformat json\n\t}\n---\n"+site())
	var answer struct{ Code, Site string }
	a := order(t, port, "/doorcode/let-in", `{"address":"`+ana+`","why":"lost her phone"}`)
	a.into(t, &answer)
	if len(answer.Code) != 8 || answer.Site != "localhost:"+c.Port || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("answer %+v, Cache-Control %q", answer, a.header.Get("Cache-Control"))
	}
	var other struct{ Code string }
	order(t, port, "/doorcode/let-in", `{"address":"`+ana+`","why":"lost her phone","for":"1m"}`).into(t, &other)
	if other.Code == answer.Code {
		t.Error("two codes are the same")
	}
	said := order(t, port, "/doorcode/status").body + order(t, port, "/config/").body
	said += order(t, port, "/doorcode/export", `{"address":"`+ana+`"}`).body + read(t, filepath.Join(c.Folder, "caddy.log"))
	for _, code := range []string{answer.Code, other.Code} {
		if strings.Contains(said, code) {
			t.Errorf("the code %s is in a log or in another answer", code)
		}
	}
	for line := range strings.Lines(said) {
		if strings.Contains(line, `"logger":"admin.api"`) && (strings.Contains(line, ana) || strings.Contains(line, "lost her phone")) {
			t.Errorf("Caddy's log of the request says whom it is about: %s", line)
		}
	}
	if !regexp.MustCompile(`"event":"let_in".*"address":"ana@example.com".*"by":"operator","why":"lost her phone"`).MatchString(said) {
		t.Error("the log does not say who was let in, by whom and why")
	}
}

func TestForgettingSomebodyEndsTheirSessions(t *testing.T) {
	child, config := startManaged(t, site(generous("try_address 15/1h")))
	doorcode(t, child, config, "forget", ana, "--yes").wantLines(t, "forget of somebody who was never here", "Nothing was kept of "+ana)
	b, other := signedIn(t, child.Caddy, ana), signedIn(t, child.Caddy, ben)
	doorcode(t, child, config, "forget", ana).wantFailure(t, "forget without a word", "add --yes if that is meant")
	wantStatus(t, "while nothing is forgotten", b.Open(t, "/x"), http.StatusOK)

	doorcode(t, child, config, "forget", ana, "--yes").wantLines(t, "forget", "What was kept of "+ana+" is gone from "+filepath.Join(child.Folder, "doorcode.db"),
		"Limits and locks of the address stay.")
	wantStatus(t, "who was forgotten", b.Open(t, "/x"), http.StatusUnauthorized)
	wantStatus(t, "somebody else", other.Open(t, "/x"), http.StatusOK)
	doorcode(t, child, config, "export", ana).wantFailure(t, "export of who was forgotten", "nothing is kept of "+ana)
	doorcode(t, child, config, "forget", ana, "--yes").wantLines(t, "forget again", "Nothing was kept of "+ana)
	signedIn(t, child.Caddy, ana)
}

// Ruling 40: an operator ends the guard of somebody who has no browser left that could.
func TestRuling40AnOperatorEndsAGuard(t *testing.T) {
	child, config := startManaged(t, site(generous("try_address 15/1h")))
	doorcode(t, child, config, "unguard", ana).wantLines(t, "unguard of somebody who is not guarded", "The account of "+ana+" was not guarded.")
	signedIn(t, child.Caddy, ana)
	signedIn(t, child.Caddy, ana)
	link := ""
	harness.Eventually(t, "the mail about the second entry", func() bool {
		for _, mail := range child.Mailbox.Mails(t, ana) {
			if found := regexp.MustCompile(`/\.doorcode/no/b[A-Za-z]+`).FindString(mail.Text); found != "" {
				link = found
			}
		}
		return link != ""
	})
	reader := child.Browser(t)
	wantStatus(t, "the link", reader.Open(t, link), http.StatusOK)
	wantStatus(t, "its button", reader.Submit(t, "./"+link[strings.LastIndex(link, "/")+1:], nil), http.StatusOK)
	doorcode(t, child, config, "unguard", ana).wantLines(t, "unguard", "The account of "+ana+" is not guarded any more: "+filepath.Join(child.Folder, "doorcode.db")+".")
	doorcode(t, child, config, "unguard", ana).wantLines(t, "unguard again", "The account of "+ana+" was not guarded.")
	doorcode(t, child, config, "unguard", "nobody").wantFailure(t, "unguard of no address", "unguard takes an address")
}

func TestAnExportLetsNobodyIn(t *testing.T) {
	child, config := startManaged(t, site())
	b := child.Browser(t)
	b.SignIn(t, child.Caddy, "/", ana, true)
	doorcode(t, child, config, "export", ben).wantFailure(t, "export of nobody", "nothing is kept of "+ben)
	printed := doorcode(t, child, config, "export", ana)
	var answer struct {
		Exports []struct {
			Storage string
			Person  map[string]any
		}
	}
	if err := json.Unmarshal([]byte(printed.out), &answer); err != nil || len(answer.Exports) != 1 || len(answer.Exports[0].Person) == 0 {
		t.Fatalf("export: %v\n%s%s", err, printed.out, printed.err)
	}
	if !strings.Contains(printed.out, ana) || !strings.Contains(printed.out, "\n  ") {
		t.Errorf("the export names nobody, or is on one line:\n%s", printed.out)
	}
	for name, cookie := range b.Cookies(t) {
		if strings.Contains(printed.out, cookie) {
			t.Errorf("the cookie %s is in the export", name)
		}
	}

	path := filepath.Join(child.Folder, "ana.json")
	doorcode(t, child, config, "export", ana, "-o", path).wantLines(t, "export into a file", "Wrote ")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v, want one that nobody else can read", info, err)
	}
	content := read(t, path)
	if !strings.Contains(content, ana) {
		t.Errorf("the file names nobody:\n%s", content)
	}
	doorcode(t, child, config, "export", ana, "--output", path).wantFailure(t, "a file that is there", path+" exists already")
	if read(t, path) != content {
		t.Error("the file that was there has changed")
	}
}

// Which site is meant matters where the mail that tells the person of it would
// differ, or the records.
func TestLettingInNeedsOneGate(t *testing.T) {
	setSecrets(t)
	_, port := administered(t, twoStorages)
	letIn := func(words string) adminAnswer {
		return order(t, port, "/doorcode/let-in", `{"why":"lost her phone",`+words+`}`)
	}
	letIn(`"address":"ana@example.com"`).wantRefusal(t, "two storages", http.StatusConflict,
		"there are several gates; name the site that they want to get into, with --site: localhost:")
	letIn(`"address":"ana@example.com","site":"third.localhost"`).wantRefusal(t, "a third site", http.StatusNotFound, "no gate stands at 'third.localhost'")
	letIn(`"address":"eve@elsewhere.example","site":"localhost"`).wantRefusal(t, "somebody who is on no list", http.StatusConflict,
		"the address may not pass at localhost:")
	if a := letIn(`"address":"ana@example.com","site":"localhost"`); a.status != http.StatusOK {
		t.Errorf("one of two sites: %d %s", a.status, a.body)
	}

	alike := "\tpages {\n\t\tname Example\n\t}\n"
	both := func(first, second string) string {
		return "http://localhost:PORT {\n" + gate("*@example.com", first) + "\n}\nhttp://other.localhost:PORT {\n" + gate("ben@example.com", second) + "\n}\n"
	}
	for what, tt := range map[string]struct {
		config string
		status int
	}{
		"sites with names of their own": {both("", ""), http.StatusConflict},
		"sites of one name":             {both(alike, alike), http.StatusOK},
		"lines of one site":             {"http://localhost:PORT {\n" + gate("/a/* ana@example.com") + "\n" + gate("/b/* ben@example.com") + "\n}\n", http.StatusOK},
	} {
		c, port := administered(t, tt.config)
		for _, address := range []string{ana, ben} {
			if a := order(t, port, "/doorcode/let-in", `{"address":"`+address+`","why":"lost a phone"}`); a.status != tt.status {
				t.Errorf("%s, %s: %d %s", what, address, a.status, a.body)
			}
		}
		c.Load(t, adminAt(port, site()))
	}
}

func TestOrdersAboutPeopleAreReadStrictly(t *testing.T) {
	_, port := administered(t, site())
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"a person in the URL", "POST", "/doorcode/forget?address=ana@example.com", "", 400, "as JSON in the body, since every URL is logged"},
		{"forgetting by GET", "GET", "/doorcode/forget", "", 405, "/doorcode/forget takes POST, got GET"},
		{"forgetting nobody", "POST", "/doorcode/forget", "{}", 400, `forget takes {"address": "alice@example.com"}`},
		{"forgetting a domain", "POST", "/doorcode/forget", `{"address":"@example.com"}`, 400, "what it got is no address"},
		{"forgetting for a reason", "POST", "/doorcode/forget", `{"address":"ana@example.com","why":"she left"}`, 400, "this takes no 'why'"},
		{"unlocking for a while", "POST", "/doorcode/unlock", `{"address":"ana@example.com","for":"1h"}`, 400, "this takes no 'for'"},
		{"why of nobody", "POST", "/doorcode/why", "{}", 400, `why takes {"address": "alice@example.com"}`},
		{"sessions of nobody", "POST", "/doorcode/sessions", "{}", 400, `sessions takes {"address": "alice@example.com"}`},
		{"browsers of nobody", "POST", "/doorcode/browsers", "", 400, `browsers takes {"address": "alice@example.com"}`},
		{"revoking nobody's sessions", "POST", "/doorcode/sessions/revoke", "{}", 400, `sessions/revoke takes {"address": "alice@example.com"}`},
		{"revoking a session of nobody", "POST", "/doorcode/sessions/revoke", `{"session":"x"}`, 400, `sessions/revoke takes {"address": "alice@example.com"}`},
		{"revoking everybody's and one's", "POST", "/doorcode/sessions/revoke", `{"all":true,"address":"ana@example.com"}`, 400, "takes neither 'address' nor 'session'"},
		{"revoking one's with browsers", "POST", "/doorcode/sessions/revoke", `{"address":"ana@example.com","browsers":true}`, 400, "'browsers' belongs to 'all'"},
		{"a session that there is not", "POST", "/doorcode/sessions/revoke", `{"address":"ana@example.com","session":"x"}`, 404, "no such session"},
		{"a browser that there is not", "POST", "/doorcode/browsers/revoke", `{"address":"ana@example.com","browser":"x"}`, 404, "no such browser"},
		{"all browsers of everybody", "POST", "/doorcode/browsers/revoke", `{"all":true}`, 400, "this takes no 'all'"},
		{"unlocking a session", "POST", "/doorcode/unlock", `{"address":"ana@example.com","session":"x"}`, 400, "this takes no 'session'"},
		{"exporting nobody", "POST", "/doorcode/export", ``, 400, `export takes {"address": "alice@example.com"}`},
		{"letting in nobody", "POST", "/doorcode/let-in", `{"why":"lost her phone"}`, 400, "let-in takes an address"},
		{"letting in without a reason", "POST", "/doorcode/let-in", `{"address":"ana@example.com"}`, 400, "'why' needs 3 to 200 characters"},
		{"letting in for a day", "POST", "/doorcode/let-in", `{"address":"ana@example.com","why":"lost her phone","for":"24h"}`, 400, "'for' must be 1m to 1h, got 24h"},
		{"letting in for a number", "POST", "/doorcode/let-in", `{"address":"ana@example.com","why":"lost her phone","for":15}`, 400, "cannot unmarshal number"},
		{"a code of one's own", "POST", "/doorcode/let-in", `{"address":"ana@example.com","why":"lost her phone","code":"11112222"}`, 400, `unknown field "code"`},
	} {
		orderBy(t, tt.method, port, tt.path, tt.body).wantRefusal(t, tt.name, tt.status, tt.want)
	}
}

func TestCommandsAboutPeopleSayWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	for args, want := range map[string]string{
		"let-in":                                              "'caddy doorcode let-in' takes one address, such as alice@example.com",
		"let-in ana --why lost":                               "let-in takes an address such as alice@example.com, got 'ana'",
		"let-in " + ana:                                       "'why' needs 3 to 200 characters: the person is told, and it is logged",
		"let-in " + ana + " --why x":                          "'why' needs 3 to 200 characters",
		"let-in " + ana + " --why lost --for 2h":              "'for' must be 1m to 1h, got 2h",
		"let-in " + ana + " --why lost --for soon":            "'for' needs a duration such as 15m",
		"let-in " + ana + " --why lost --address 127.0.0.1:1": "no Caddy can be asked at 127.0.0.1:1",
		"let-in " + ana + " lost her phone":                   "takes one address",
		"forget":                                              "takes one address",
		"forget ana --yes":                                    "forget takes an address such as alice@example.com, got 'ana'",
		"forget " + ana:                                       "forget erases sessions, browsers, places, ways in, tokens and activity of " + ana + ", for good; add --yes if that is meant",
		"forget " + ana + " --yes --address 127.0.0.1:1":      "no Caddy can be asked at 127.0.0.1:1",
		"export":     "takes one address",
		"export ana": "export takes an address such as alice@example.com, got 'ana'",
		"export " + ana + " --address 127.0.0.1:1 -o /nowhere/file": "no Caddy can be asked at 127.0.0.1:1",
	} {
		r := caddyCommand(t, folder, append([]string{"doorcode"}, strings.Fields(args)...)...)
		r.wantFailure(t, args, want)
	}
}
