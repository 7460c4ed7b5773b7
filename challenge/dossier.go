// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A dossier is everything that is kept of a person, for their own eyes. Nothing in it
// lets anybody in.
type dossier struct {
	Address  Email          `json:"address"`
	Written  time.Time      `json:"written"`
	First    *time.Time     `json:"first_code,omitempty"`
	Last     *time.Time     `json:"last_code,omitempty"`
	Mailed   *time.Time     `json:"last_mailed_code,omitempty"`
	Settings PersonSettings `json:"settings"`
	Guarded  *time.Time     `json:"guarded_until,omitempty"`
	Browsers []dossierItem  `json:"browsers"`
	Sessions []dossierItem  `json:"sessions"`
	Backup   *dossierItem   `json:"backup_codes,omitempty"`
	App      *dossierItem   `json:"authenticator_app,omitempty"`
	Second   *dossierItem   `json:"second_address,omitempty"`
	Passkeys []dossierItem  `json:"passkeys"`
	Tokens   []dossierItem  `json:"access_tokens"`
	Waiting  []dossierItem  `json:"waiting_changes"`
	Places   []dossierPlace `json:"places"`
	Activity []dossierRow   `json:"activity"`
}

// A dossierItem is a browser, a way in or a token.
type dossierItem struct {
	Name       string     `json:"name,omitempty"`
	Kind       string     `json:"kind,omitempty"`
	Address    string     `json:"address,omitempty"`
	Scope      string     `json:"scope,omitempty"`
	Remembered bool       `json:"remembered,omitempty"`
	Suspended  bool       `json:"suspended,omitempty"`
	Left       *int       `json:"left,omitempty"`
	City       string     `json:"city,omitempty"`
	Country    string     `json:"country,omitempty"`
	Network    string     `json:"network,omitempty"`
	Made       *time.Time `json:"made,omitempty"`
	Used       *time.Time `json:"used,omitempty"`
	Ends       *time.Time `json:"ends,omitempty"`
	Bound      *time.Time `json:"bound,omitempty"` // since when the browser proves a key of its machine
}

// A dossierPlace is an area or network in which the person signs in, or was seen, as
// coarse as it is kept.
type dossierPlace struct {
	Country   string     `json:"country,omitempty"`
	Latitude  *float64   `json:"latitude,omitempty"` // of the middle of an area
	Longitude *float64   `json:"longitude,omitempty"`
	Radius    int        `json:"radius_km,omitempty"`
	Network   string     `json:"network,omitempty"` // the number of its autonomous system
	Learned   *time.Time `json:"learned,omitempty"`
	Used      *time.Time `json:"used,omitempty"` // to a day, where it is an area or network
}

// A dossierRow is one thing that happened.
type dossierRow struct {
	At      time.Time    `json:"at"`
	Kind    ActivityKind `json:"kind"`
	Way     Way          `json:"way,omitempty"`
	Change  ChangeKind   `json:"change,omitempty"`
	Times   int          `json:"times"`
	Browser string       `json:"browser,omitempty"`
	City    string       `json:"city,omitempty"`
	Country string       `json:"country,omitempty"`
	Network string       `json:"network,omitempty"`
	Name    string       `json:"name,omitempty"`
}

// Export writes everything that is kept of the person as indented JSON, without
// anything that lets anybody in. From a browser that is new to its person it has to be
// asked for a day before: due is from when on, and then there is no file. Its errors
// are ErrNoPermit, ErrTooMany, ErrSuspended and ErrUnavailable.
func (g *Gate) Export(ctx context.Context, v *Visit, a *Admission, f *Flow) (file []byte, due time.Time, err error) {
	made, err := g.makeChange(ctx, v, a, f, proposal{kind: ExportData, fill: func(b *belongings, c *changed, _ time.Time) error {
		if b.waitedOut(ExportData) {
			c.Due = 0
		}
		return nil
	}})
	if err != nil || made.Due != 0 {
		return nil, made.due(), err
	}
	file, err = g.house.ExportPerson(ctx, a.Identity.Email)
	if err = g.logDone(ctx, v, a, err, Event{Name: DataExported, Change: ExportData}); err != nil {
		return nil, time.Time{}, err
	}
	return file, time.Time{}, nil
}

// ExportPerson is Gate.Export for an operator. It returns nil where nothing is kept.
func (h *House) ExportPerson(ctx context.Context, e Email) ([]byte, error) {
	now := h.now()
	p, err := read[person](ctx, h.store, h.personKey(e))
	if err != nil {
		return nil, unavailable(err)
	}
	p.tidy(now)
	b, err := h.belongings(ctx, e, now)
	if err != nil {
		return nil, err
	}
	rows, err := h.allActivity(ctx, h.personID(e))
	if err != nil {
		return nil, unavailable(err)
	}
	if p.isNew() && len(rows) == 0 && b.lives(now) <= 0 {
		return nil, nil
	}
	d := dossier{
		Address: e, Written: now.UTC().Truncate(time.Second), First: when(p.First), Last: when(p.Last), Mailed: when(p.Mailed), Settings: p.Settings,
		Browsers: []dossierItem{}, Sessions: []dossierItem{}, Passkeys: []dossierItem{}, Tokens: []dossierItem{}, Waiting: []dossierItem{}, Places: placesIn(&p.Places), Activity: []dossierRow{},
	}
	for _, r := range rows {
		d.Activity = append(d.Activity, dossierRow{
			At: r.At.UTC(), Kind: r.Kind, Way: r.Way, Change: r.Change, Times: r.Times, Browser: r.Browser, City: r.City, Country: r.Country, Network: r.Network, Name: r.Name,
		})
	}
	if p.guarded(now) {
		d.Guarded = when(p.Guard.Until)
	}
	h.describeBrowsers(&d, &p)
	h.describeWays(&d, &b, e)
	return json.MarshalIndent(d, "", "  ")
}

// when is a time in a dossier; nil where there is none.
func when(unix int64) *time.Time {
	if unix == 0 {
		return nil
	}
	at := time.Unix(unix, 0).UTC()
	return &at
}

func placesIn(p *risk.Profile) []dossierPlace {
	list := []dossierPlace{}
	at := func(one dossierPlace, c risk.Cell) {
		if c != 0 {
			middle := c.Center()
			one.Latitude, one.Longitude = &middle.Latitude, &middle.Longitude
		}
		list = append(list, one)
	}
	for _, a := range p.Areas {
		at(dossierPlace{Country: a.Country, Radius: int(a.Radius), Network: system(a.ASN), Learned: when(a.First), Used: when(a.Day * int64(day/time.Second))}, a.Cell)
	}
	for _, n := range p.Networks {
		at(dossierPlace{Network: system(n.ASN), Learned: when(n.First), Used: when(n.Day * int64(day/time.Second))}, 0)
	}
	for _, s := range p.Sightings {
		at(dossierPlace{Radius: int(s.Radius), Used: when(s.At)}, s.Cell)
	}
	return list
}

func system(number uint32) string {
	if number == 0 {
		return ""
	}
	return "AS" + strconv.FormatUint(uint64(number), 10)
}

func (h *House) describeBrowsers(d *dossier, p *person) {
	for i := range p.Devices {
		r := &p.Devices[i]
		seen := h.seenAs(r.Seen, r.ID)
		d.Browsers = append(d.Browsers, dossierItem{
			Name: r.Name, Kind: seen.Kind, Remembered: !r.Ended, Suspended: p.suspends(r.Made, h.now()),
			City: seen.City, Country: seen.Country, Network: seen.Network, Made: when(r.Made), Used: when(r.Used), Bound: when(r.Bound.Held),
		})
	}
	for _, s := range p.Sessions {
		seen := h.seenAs(s.Seen, s.ID)
		d.Sessions = append(d.Sessions, dossierItem{
			Kind: seen.Kind, City: seen.City, Country: seen.Country, Network: seen.Network, Made: when(s.Made), Ends: when(s.Ends), Bound: when(s.Bound.Held),
		})
	}
}

func (h *House) describeWays(d *dossier, b *belongings, e Email) {
	if b.Backup != nil {
		left := len(b.Backup.Hashes)
		d.Backup = &dossierItem{Left: &left, Made: when(b.Backup.Made), Suspended: b.Backup.Suspended}
	}
	if b.App != nil {
		d.App = &dossierItem{Made: when(b.App.Made), Used: when(b.App.Used), Suspended: b.App.Suspended}
	}
	if b.Second != nil {
		d.Second = &dossierItem{Address: string(h.openSecond(e, b.Second)), Made: when(b.Second.Made), Suspended: b.Second.Suspended}
	}
	d.Passkeys = append(d.Passkeys, h.describePasskeys(b, e)...)
	for _, t := range slices.Backward(b.Tokens) {
		terms := h.terms(&t)
		scope := terms.Host + terms.Path
		if terms.ReadOnly {
			scope += " (read only)"
		}
		d.Tokens = append(d.Tokens, dossierItem{Name: terms.Name, Scope: scope, Made: when(t.Made), Used: when(t.Used), Ends: when(t.Ends), Suspended: t.Suspended})
	}
	for _, c := range b.Changes {
		if c.waits() {
			d.Waiting = append(d.Waiting, dossierItem{Kind: string(c.Kind), Made: when(c.At), Ends: when(c.Due)})
		}
	}
}
