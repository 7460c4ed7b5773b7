// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package gallery_test

import (
	"errors"
	"flag"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/caddymodule/gallery"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// write writes a gallery, and returns its files by name.
func write(t *testing.T, o gallery.Options) (map[string]string, gallery.Written) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "preview")
	written, err := gallery.Write(folder, o)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if written.Files != len(files) {
		t.Errorf("said to be %d files, are %d", written.Files, len(files))
	}
	return files, written
}

func sorted(files map[string]string) (names []string) {
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Acceptance 109: every screen and mail is there, and what is written loads nothing and
// runs nothing. That every language is there is shown with the command.
func TestEveryScreenAndMailHasItsFiles(t *testing.T) {
	files, written := write(t, gallery.Options{Languages: []string{"en"}})
	if len(pages.Samples()) != written.Screens || len(mailer.Samples()) != written.Mails {
		t.Errorf("wrote %s, of %d and %d", written, len(pages.Samples()), len(mailer.Samples()))
	}
	wantNames(t, files)
	wantStill(t, files)
}

// wantNames compares the names of the files with a golden.
func wantNames(t *testing.T, files map[string]string) {
	t.Helper()
	got := strings.Join(sorted(files), "\n") + "\n"
	golden := filepath.Join("testdata", "files.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("files differ; if that is meant, run with -update (-want +got):\n%s", diff)
	}
	folded := map[string]string{}
	for name := range files {
		if other, twice := folded[strings.ToLower(name)]; twice {
			t.Errorf("%s and %s are one file where capitals do not count", name, other)
		}
		folded[strings.ToLower(name)] = name
	}
}

var (
	loads     = regexp.MustCompile(`(?i)(?:src|action|poster|data)="([^"]*)"|<link[^>]*href="([^"]*)"|url\(([^)]*)\)|@import`)
	elsewhere = regexp.MustCompile(`(?i)^[a-z]+:|^//`)
)

// wantStill fails where a page may load or run something.
func wantStill(t *testing.T, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		quiet := strings.Contains(content, `http-equiv="Content-Security-Policy" content="default-src 'none';`)
		if isIndex := strings.HasSuffix(name, "index.html") || strings.HasPrefix(name, "all/"); quiet == isIndex {
			t.Errorf("%s may run what is in it: %v", name, !quiet)
		} else if isIndex && strings.Contains(content, "<iframe sandbox") {
			t.Errorf("%s has frames of a process each, with which browsers hardly open it", name)
		} else if isIndex && strings.Contains(content, "<script") {
			t.Errorf("%s has a script", name)
		}
		for _, m := range loads.FindAllStringSubmatch(content, -1) {
			if target := m[1] + m[2] + m[3]; elsewhere.MatchString(target) && !strings.HasPrefix(target, "data:") {
				t.Errorf("%s loads %s", name, target)
			}
		}
	}
}

var link = regexp.MustCompile(`(?:href|src)="([^"#]+\.(?:html|txt))"`)

func TestEveryLinkOfAnIndexLeadsToAFile(t *testing.T) {
	files, _ := write(t, gallery.Options{Languages: []string{"en", "de"}, Mail: "changed"})
	for name, content := range files {
		if !strings.HasSuffix(name, "index.html") && !strings.HasPrefix(name, "all/") {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(content, -1) {
			target := filepath.ToSlash(filepath.Join(filepath.Dir(name), m[1]))
			if _, ok := files[target]; !ok {
				t.Errorf("%s leads to %s, which is not there", name, target)
			}
		}
	}
	if page := files["de/mail/changed-erase.dark.html"]; !strings.Contains(page, `<html lang="de"`) {
		t.Errorf("a mail is in another language: %.80s", page)
	}
	if top := files["index.html"]; !strings.Contains(top, "de/index.html") || !strings.Contains(top, "all/mail-changed-erase.html") {
		t.Errorf("index leads not everywhere:\n%s", top)
	}
	if both := files["all/mail-changed-erase.html"]; !strings.Contains(both, "../de/mail/") || !strings.Contains(both, "../en/mail/") {
		t.Error("one mail is not shown in both languages")
	}
}

func TestAMailIsShownInTheThemeWhateverTheOnlookerHas(t *testing.T) {
	files, _ := write(t, gallery.Options{Languages: []string{"en"}, Mail: "code"})
	light, dark := files["en/mail/code.light.html"], files["en/mail/code.dark.html"]
	for _, mail := range []string{light, dark} {
		if strings.Contains(mail, "prefers-color-scheme") || strings.Contains(mail, "light dark") {
			t.Error("the theme is still that of the onlooker")
		}
	}
	if !strings.Contains(light, "@media (max-width:0)") || !strings.Contains(dark, "@media (min-width:0)") || !strings.Contains(dark, "color-scheme:dark") {
		t.Errorf("light and dark are mixed up:\n%s", dark)
	}
}

func TestAGalleryLooksAsTheSiteDoes(t *testing.T) {
	o := gallery.Options{
		Languages: []string{"de"}, Origin: "https://wiki.example.org",
		Look:  pages.LookOptions{Name: "Wiki", Accent: "800000", Theme: pages.ThemeDark},
		Style: mailer.Style{From: mail.Address{Address: "wiki@example.org"}, App: "Wiki", TextOnly: true},
	}
	o.Mail = "code"
	mails, _ := write(t, o)
	text := mails["de/mail/code.txt"]
	for _, want := range []string{"From: ", "<wiki@example.org>", "Wiki", "https://wiki.example.org/.doorcode/no/", "@wiki.example.org #482917"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail lacks %q:\n%s", want, text)
		}
	}
	if _, html := mails["de/mail/code.dark.html"]; html {
		t.Error("a mail of text only has an HTML part")
	}
	o.Mail = ""
	files, _ := write(t, o)
	if _, light := files["de/light/2-code.html"]; light || files["de/dark/2-code.html"] == "" {
		t.Error("a theme that nobody will see was written, or the other was not")
	}
	if page := files["de/dark/2-code.html"]; !strings.Contains(page, "Wiki</span>") {
		t.Error("the page has another name")
	}
}

func TestAGalleryIsOnlyWhatIsWanted(t *testing.T) {
	files, written := write(t, gallery.Options{Languages: []string{"en"}, Mail: "code", Dark: true})
	if written.Screens != 0 || written.Mails == 0 || !strings.HasSuffix(written.String(), " mails in 1 language") {
		t.Errorf("wrote %s", written)
	}
	for name := range files {
		if strings.Contains(name, "light") || strings.Contains(name, "new-sign-in") || strings.Contains(name, "2-code") {
			t.Errorf("wrote %s", name)
		}
	}
	for _, tt := range []struct {
		o    gallery.Options
		want error
	}{
		{gallery.Options{Languages: []string{"tlh"}}, gallery.ErrLanguage},
		{gallery.Options{Mail: "cod"}, gallery.ErrMail},
		{gallery.Options{Look: pages.LookOptions{Name: "x", Accent: "no colour"}}, pages.ErrAccent},
	} {
		folder := filepath.Join(t.TempDir(), "none")
		if _, err := gallery.Write(folder, tt.o); !errors.Is(err, tt.want) {
			t.Errorf("Write = %v, want %v", err, tt.want)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%v: something was written", tt.want)
		}
	}
}

func TestAFolderOfOtherFilesIsNotVacant(t *testing.T) {
	folder := t.TempDir()
	for _, f := range []string{folder, filepath.Join(folder, "new")} {
		if err := gallery.Vacant(f); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	if _, err := gallery.Write(folder, gallery.Options{Languages: []string{"en"}, Mail: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := gallery.Vacant(folder); err != nil {
		t.Errorf("one that was written before: %v", err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "index.html"), []byte("<h1>My site</h1>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := gallery.Vacant(other); err == nil {
		t.Error("a folder with somebody's site is vacant")
	}
}
