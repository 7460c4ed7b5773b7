// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// PageTexts looks at a folder with an operator's own templates of pages and texts.
// Languages are those that people may get; nil means all that are built in.
func PageTexts(name string, folder fs.FS, languages []string) Texts {
	_, err := pages.ReadTemplates(folder)
	return ownTexts(name, folder, languages, err)
}

// MailTexts looks at a folder with an operator's own templates of mails and texts.
func MailTexts(name string, folder fs.FS, languages []string) Texts {
	_, err := mailer.ParseTemplates(folder)
	return ownTexts(name, folder, languages, err)
}

// StyleTexts looks at an operator's own style.
func StyleTexts(name, css string) Texts {
	return Texts{Subject: name, Fault: pages.CheckCSS(css)}
}

func ownTexts(name string, folder fs.FS, languages []string, fault error) Texts {
	_, err := words.Custom(folder)
	t := Texts{Subject: name, Fault: errors.Join(fault, err)}
	if t.Fault == nil {
		t.Lacking = lacking(folder, languages)
	}
	return t
}

// lacking are the languages in which a text is not changed that is changed in another
// one.
func lacking(folder fs.FS, languages []string) (without []string) {
	if len(languages) == 0 {
		languages = words.Languages()
	}
	changed, all := map[string]map[string]bool{}, map[string]bool{}
	files, _ := fs.Glob(folder, "*/*.json") // the pattern is good
	for _, name := range files {
		raw, err := fs.ReadFile(folder, name)
		var texts map[string]json.RawMessage
		if err != nil || json.Unmarshal(raw, &texts) != nil {
			continue // said by words.Custom
		}
		tag := strings.ToLower(path.Dir(name))
		if changed[tag] == nil {
			changed[tag] = map[string]bool{}
		}
		for key := range texts {
			changed[tag][key], all[key] = true, true
		}
	}
	for _, tag := range languages {
		if len(changed[strings.ToLower(tag)]) < len(all) {
			without = append(without, tag)
		}
	}
	slices.Sort(without)
	return without
}
