// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/doorcode/caddy-doorcode/challenge/words"
)

func someLanguages(t testing.TB) *words.Catalogue {
	return open(t, map[string]string{
		"ar/a.json": `{}`, "de/a.json": `{}`, "en/a.json": `{}`, "ja/a.json": `{}`, "pt/a.json": `{}`, "zh-CN/a.json": `{}`,
	})
}

func TestChineseIsChosenByItsScript(t *testing.T) {
	c := someLanguages(t)
	for accept, want := range map[string]string{
		"zh":                         "zh-CN",
		"zh-CN":                      "zh-CN",
		"zh-Hans":                    "zh-CN",
		"zh-SG,en;q=0.5":             "zh-CN",
		"zh-TW":                      "en",
		"zh-TW,ja;q=0.5":             "ja",
		"zh-HK,de;q=0.5,zh-CN;q=0.4": "de",
		"zh-TW,zh;q=0.9,en;q=0.1":    "zh-CN",
		"yue":                        "en",
	} {
		if got := c.For(accept).Lang(); got != want {
			t.Errorf("For(%q) = %s, want %s", accept, got, want)
		}
	}
}

func TestOnlySomeLanguagesAreOffered(t *testing.T) {
	tests := []struct {
		name     string
		tags     []string
		fallback string
		offered  string
		accept   map[string]string
	}{
		{"all of them", nil, "", "en ar de ja pt zh-CN", map[string]string{"de": "de", "tlh": "en"}},
		{"all of them, German by default", nil, "de", "en ar de ja pt zh-CN", map[string]string{"ja": "ja", "ru": "de", "": "de", "en": "en", "ar": "ar", "pt": "pt"}},
		{"three, in the operator's order", []string{"ja", "en", "de"}, "", "ja en de", map[string]string{"ar": "en", "ja": "ja", "de": "de"}},
		{"no English", []string{"de", "pt"}, "", "de pt", map[string]string{"en": "de", "pt-BR": "pt"}},
		{"no English, Portuguese by default", []string{"de", "pt"}, "pt", "de pt", map[string]string{"en": "pt", "de": "de"}},
		{"twice the same, and in capitals", []string{"DE", "de", "zh-cn"}, "ZH-CN", "de zh-CN", map[string]string{"en": "zh-CN"}},
		{"one", []string{"ar"}, "", "ar", map[string]string{"de": "ar"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := someLanguages(t).Only(tt.tags, tt.fallback)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(c.Languages(), " "); got != tt.offered {
				t.Errorf("Languages = %s, want %s", got, tt.offered)
			}
			for accept, want := range tt.accept {
				if got := c.For(accept).Lang(); got != want {
					t.Errorf("For(%q) = %s, want %s", accept, got, want)
				}
			}
			for _, tag := range c.Languages() {
				if l, ok := c.In(tag); !ok || l.Lang() != tag {
					t.Errorf("In(%q) finds nothing", tag)
				}
			}
			if _, ok := c.In("tlh"); ok {
				t.Error("In finds a language that is not there")
			}
		})
	}
}

func TestOnlyRefusesALanguageThatIsNotThere(t *testing.T) {
	c := someLanguages(t)
	for _, tt := range []struct {
		tags     []string
		fallback string
	}{{[]string{"en", "tlh"}, ""}, {nil, "tlh"}, {[]string{"en"}, "de"}, {[]string{""}, ""}} {
		_, err := c.Only(tt.tags, tt.fallback)
		if !errors.Is(err, words.ErrUnknownLanguage) || !strings.Contains(err.Error(), "there are") {
			t.Errorf("Only(%q, %q) = %v, want ErrUnknownLanguage", tt.tags, tt.fallback, err)
		}
	}
}

func TestALanguageIsCalledAsInItself(t *testing.T) {
	for tag, want := range map[string]string{
		"en": "English", "de": "Deutsch", "pt": "português", "ar": "العربية", "zh-CN": "简体中文", "no language": "no language",
	} {
		if got := words.OwnName(tag); got != want {
			t.Errorf("OwnName(%q) = %q, want %q", tag, got, want)
		}
	}
	for tag, want := range map[string]string{"en": "ltr", "ar": "rtl", "he": "rtl", "zh-CN": "ltr", "no language": "ltr"} {
		if got := words.Dir(tag); got != want {
			t.Errorf("Dir(%q) = %q, want %q", tag, got, want)
		}
	}
}

// countingFS tells which files were read.
type countingFS struct {
	fstest.MapFS
	read *[]string
}

func (c countingFS) ReadFile(name string) ([]byte, error) {
	*c.read = append(*c.read, name)
	return fs.ReadFile(c.MapFS, name)
}

func TestALanguageIsReadOnce(t *testing.T) {
	var read []string
	c, err := words.Open(countingFS{fstest.MapFS{
		"en/a.json": {Data: []byte(`{"k": "a"}`)}, "de/a.json": {Data: []byte(`{"k": "b"}`)},
	}, &read})
	if err != nil {
		t.Fatal(err)
	}
	c.For("de").Text("k", nil)
	c.For("en").Text("k", nil)
	if want := []string{"en/a.json", "de/a.json"}; !slices.Equal(read, want) {
		t.Errorf("read %v, want %v", read, want)
	}
}

// TestAChoiceIsTheSameEachTime asks for more than is remembered, by turns.
func TestAChoiceIsTheSameEachTime(t *testing.T) {
	languages := words.Languages()
	for range 2 {
		for i := range 2000 {
			want := languages[i%len(languages)]
			accept := fmt.Sprintf("%s,x-%d;q=0.5", want, i)
			for range 2 {
				if got := words.For(accept).Lang(); got != want {
					t.Fatalf("For(%q) is %s", accept, got)
				}
			}
		}
	}
}
