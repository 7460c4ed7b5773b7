// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // machines without a database of time zones have this one

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

const (
	fieldLanguage = "language"
	fieldZone     = "zone"
	fieldNews     = "news"
	fieldAlways   = "always"
	querySaved    = "saved"
	maxZone       = 64 // bytes of a zone's name
)

// settings shows what the person chose, or the way to a file of all that is kept of
// them, or to its end.
func (k *desk) settings() {
	a, ok := k.account()
	if !ok || k.asksForCode(challenge.ExportData, challenge.EraseData) {
		return
	}
	if _, ok := k.permitted(challenge.ExportData); ok {
		k.show(http.StatusOK, k.confirms(pages.AccountConfirm{Question: "account.take", Action: doConfirm, Coded: true}, string(challenge.ExportData)))
		return
	}
	if _, ok := k.permitted(challenge.EraseData); ok {
		k.show(http.StatusOK, k.confirms(pages.AccountConfirm{
			Question: "account.wipe", Name: string(a.Address), Action: doConfirm, Coded: true, Grave: true,
		}, string(challenge.EraseData)))
		return
	}
	p := pages.AccountSettings{Frame: k.frame(), Choices: k.choicesOf(a.Settings), Saved: k.query().Has(querySaved)}
	if due, id := waiting(a, challenge.EraseData); id != "" {
		p.Erasing = &pages.AccountWaiting{ID: id, What: pages.ChangeErase, Due: due}
	}
	k.show(http.StatusOK, p)
}

func (k *desk) choicesOf(s challenge.PersonSettings) pages.AccountChoices {
	c := pages.AccountChoices{Language: s.Language, News: !s.Quiet, Always: s.Always, Zone: s.Zone}
	for _, tag := range k.door.catalogue.Languages() {
		c.Languages = append(c.Languages, pages.AccountLanguage{Tag: tag, Name: words.OwnName(tag)})
	}
	return c
}

func (k *desk) postSettings() {
	kind := challenge.ChangeKind(k.r.PostForm.Get(fieldChange))
	own := kind == challenge.ExportData || kind == challenge.EraseData
	switch action := k.action(); {
	case action == doAsk:
		k.askSettings()
	case action == doSave:
		k.saveSettings()
	case action == doStart && own:
		k.startChange(challenge.Change{Kind: kind})
	case action == doConfirm && kind == challenge.ExportData:
		k.export()
	case action == doConfirm && kind == challenge.EraseData:
		k.erase()
	default:
		k.gone()
	}
}

// askSettings shows the page on which to choose.
func (k *desk) askSettings() {
	if do, _ := k.wanted(); do != doSave {
		k.gone()
		return
	}
	if a, ok := k.account(); ok {
		k.show(http.StatusOK, k.settingsForm(k.choicesOf(a.Settings)))
	}
}

func (k *desk) settingsForm(c pages.AccountChoices) pages.AccountSettingsForm {
	return pages.AccountSettingsForm{Frame: k.pressing(doSave, ""), Choices: c}
}

func (k *desk) saveSettings() {
	a, ok := k.account()
	if !ok {
		return
	}
	form, chosen := k.r.PostForm, a.Settings
	chosen.Quiet, chosen.Always = form.Get(fieldNews) == "", form.Get(fieldAlways) != ""
	if form.Has(fieldLanguage) { // with one language there is no choice
		chosen.Language = form.Get(fieldLanguage)
	}
	if chosen.Language != "" && !slices.Contains(k.door.catalogue.Languages(), chosen.Language) {
		chosen.Language = ""
	}
	typed := strings.TrimSpace(form.Get(fieldZone))
	zone, known := zoneOf(typed)
	if !known {
		chosen.Zone = strings.ToValidUTF8(typed[:min(len(typed), maxZone)], "")
		p := k.settingsForm(k.choicesOf(chosen))
		p.BadZone = true
		k.show(http.StatusUnprocessableEntity, p)
		return
	}
	chosen.Zone = zone
	if err := k.door.gate.SetSettings(k.r.Context(), k.visit(), k.admission, chosen); err != nil {
		k.failed(err)
		return
	}
	if form.Has(fieldLanguage) { // what was chosen in this browser before is not to win over it
		k.w.Header().Add("Set-Cookie", k.door.cookies.chosen(k.in, chosen.Language, k.door.catalogue))
	}
	k.to(k.name + "?" + querySaved)
}

// zoneOf reads the name of a time zone as people type it: with spaces, and in small
// letters where it is one of those that the field suggests. Nothing is a choice,
// too.
func zoneOf(typed string) (name string, ok bool) {
	if typed == "" {
		return "", true
	}
	name = strings.ReplaceAll(typed, " ", "_")
	for _, zone := range pages.Zones() {
		if strings.EqualFold(zone, name) {
			return zone, true
		}
	}
	if len(name) > maxZone || name == "Local" { // the machine's own, which is nobody's
		return "", false
	}
	_, err := time.LoadLocation(name)
	return name, err == nil
}

// export answers with a file of all that is kept of the person.
func (k *desk) export() {
	f, ok := k.needs(challenge.ExportData)
	if !ok {
		return
	}
	file, due, err := k.door.gate.Export(k.r.Context(), k.visit(), k.admission, f)
	if err != nil {
		k.failed(err)
		return
	}
	k.finish()
	if !due.IsZero() { // the overview says so
		k.to("")
		return
	}
	k.download("doorcode-"+hostname(k.in.site.host)+"-"+k.in.Now.UTC().Format(time.DateOnly)+".json", mediaJSON, file)
}

// download answers with a file, whose name is made of plain letters.
func (k *desk) download(name, media string, file []byte) {
	k.head().Set("Content-Disposition", `attachment; filename="`+safeName(name)+`"`)
	write(k.w, k.r, http.StatusOK, media, file)
}

// safeName leaves of a file's name what every system takes: a host may be an
// address with colons.
func safeName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			return c
		}
		return '-'
	}, name)
}

func (k *desk) erase() {
	f, ok := k.needs(challenge.EraseData)
	if !ok {
		return
	}
	if _, ok := k.account(); !ok { // before the session ends: the page tells a time by its person's clock
		return
	}
	due, err := k.door.gate.Erase(k.r.Context(), k.visit(), k.admission, f)
	if err != nil {
		k.failed(err)
		return
	}
	h := k.w.Header() // all sessions have ended, this one too
	h.Add("Set-Cookie", k.door.cookies.expire(k.in, sessionCookie))
	h.Add("Set-Cookie", k.door.cookies.expire(k.in, deviceCookie))
	k.finish()
	k.show(http.StatusOK, pages.AccountErasing{Frame: k.frame(), Due: due})
}
