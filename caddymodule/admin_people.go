// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A letInAnswer holds a code, as no other answer does. Whoever asked for it reads
// it out.
type letInAnswer struct {
	Code  string    `json:"code"`
	Site  string    `json:"site"` // whose list has the address
	Until time.Time `json:"until"`
}

// A forgetAnswer names the storages in which something was kept of an address.
type forgetAnswer struct {
	Forgotten []string `json:"forgotten"`
}

// An unguardAnswer names the storages in which an account was guarded.
type unguardAnswer struct {
	Unguarded []string `json:"unguarded"`
}

// An exportAnswer is what is kept of an address, without anything that lets
// anybody in.
type exportAnswer struct {
	Exports []export `json:"exports"`
}

// An export is what one storage keeps of an address.
type export struct {
	Storage string          `json:"storage"`
	Person  json.RawMessage `json:"person"`
}

// Bounds of a letting in.
const (
	shortestLetIn           = time.Minute
	shortestWhy, longestWhy = 3, 200 // characters
)

// A letting is what an operator says of somebody who is to be let in.
type letting struct {
	to    challenge.Email
	lasts time.Duration
	why   string
}

// letting reads an order. Its errors do not repeat what it says: Caddy logs them.
func (o order) letting() (l letting, err error) {
	if l.to, err = challenge.ParseEmail(o.Address); err != nil {
		return letting{}, errors.New("let-in takes an address such as alice@example.com")
	}
	l.lasts = challenge.LetInUsual
	if o.For != "" {
		if l.lasts, err = caddy.ParseDuration(o.For); err != nil {
			return letting{}, errors.New("'for' needs a duration such as 15m")
		}
	}
	if l.lasts < shortestLetIn || l.lasts > challenge.LetInLongest {
		return letting{}, fmt.Errorf("'for' must be %s to %s, got %s", brief(shortestLetIn), brief(challenge.LetInLongest), brief(l.lasts))
	}
	l.why = strings.TrimSpace(o.Why)
	if n := utf8.RuneCountInString(l.why); n < shortestWhy || n > longestWhy {
		return letting{}, fmt.Errorf("'why' needs %d to %d characters: the person is told, and it is logged", shortestWhy, longestWhy)
	}
	if strings.ContainsFunc(l.why, unicode.IsControl) || !utf8.ValidString(l.why) {
		return letting{}, errors.New("'why' takes one line of text")
	}
	return l, nil
}

func letIn(ctx context.Context, o order) (any, error) {
	l, err := o.letting()
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "%w", err)
	}
	app, chosen, err := lodgingsOf(o)
	if err != nil {
		return nil, err
	}
	gates, err := app.oneVoice(chosen, o.Site)
	if err != nil {
		return nil, err
	}
	for _, e := range gates {
		d, err := e.open()
		if err != nil {
			return nil, refusal(http.StatusServiceUnavailable, "making the code: %w", err)
		}
		made, err := d.gate.LetIn(ctx, l.to, l.lasts, l.why)
		if errors.Is(err, challenge.ErrNotListed) {
			continue // another line of the site may list it
		}
		if err != nil {
			return nil, refusal(http.StatusServiceUnavailable, "making the code: %w; try again once the storage answers", err)
		}
		return letInAnswer{made.Code.Reveal(), hostOf(app.building.originsOf(e)[0]), made.Ends.UTC()}, nil
	}
	return nil, refusal(http.StatusConflict, "the address may not pass at %s: look for a slip in it, or put it on the list first", app.hostsOf(gates))
}

// oneVoice are the gates that an order is about, which must speak to the person in
// the same way: the mail that tells them comes from one of them.
func (a *App) oneVoice(chosen []lodging, site string) ([]*entrance, error) {
	var gates []*entrance
	for _, l := range chosen {
		for _, e := range l.gates {
			if site == "" || e.standsAt(site) {
				gates = append(gates, e)
			}
		}
	}
	if len(chosen) > 1 || slices.ContainsFunc(gates, func(e *entrance) bool { return !a.soundAlike(e, gates[0]) }) {
		return nil, refusal(http.StatusConflict, "there are several gates; name the site that they want to get into, with --site: %s", a.hostsOf(gates))
	}
	return gates, nil
}

// soundAlike reports whether two gates of one storage call themselves the same and
// mail in the same way.
func (a *App) soundAlike(e, other *entrance) bool {
	name, another := e.settings.Pages.Name, other.settings.Pages.Name
	if name == "" || another == "" { // then the host is the name
		name, another = a.building.originsOf(e)[0], a.building.originsOf(other)[0]
	}
	return name == another && slices.Equal(e.mailNames(), other.mailNames())
}

// hostsOf are where some gates stand, for a sentence.
func (a *App) hostsOf(gates []*entrance) string {
	var hosts []string
	for _, e := range gates {
		for _, origin := range a.building.originsOf(e) {
			hosts = append(hosts, hostOf(origin))
		}
	}
	slices.Sort(hosts)
	return strings.Join(slices.Compact(hosts), ", ")
}

func forget(ctx context.Context, o order) (any, error) {
	address, err := o.person("forget")
	if err != nil {
		return nil, err
	}
	answer := forgetAnswer{[]string{}}
	err = inEach(o, "forgetting", func(l lodging) error {
		found, err := l.pooled.house.Forget(ctx, address)
		if found {
			answer.Forgotten = append(answer.Forgotten, l.name())
		}
		return err
	})
	return answer, err
}

func unguard(ctx context.Context, o order) (any, error) {
	address, err := o.person("unguard")
	if err != nil {
		return nil, err
	}
	answer := unguardAnswer{[]string{}}
	err = inEach(o, "ending the guard", func(l lodging) error {
		was, err := l.pooled.house.Unguard(ctx, address)
		if was {
			answer.Unguarded = append(answer.Unguarded, l.name())
		}
		return err
	})
	return answer, err
}

func exportPerson(ctx context.Context, o order) (any, error) {
	address, err := o.person("export")
	if err != nil {
		return nil, err
	}
	answer := exportAnswer{[]export{}}
	err = inEach(o, "exporting", func(l lodging) error {
		person, err := l.pooled.house.ExportPerson(ctx, address)
		if err == nil && len(person) > 0 {
			answer.Exports = append(answer.Exports, export{l.name(), person})
			houseRecorder(l.pooled, l.name()).Record(ctx, challenge.Event{Name: challenge.DataExported, Address: address})
		}
		return err
	})
	return answer, err
}

// person is whose address an order holds. The error does not repeat it: Caddy logs
// errors.
func (o order) person(verb string) (challenge.Email, error) {
	address, err := challenge.ParseEmail(o.Address)
	if err != nil {
		return "", refusal(http.StatusBadRequest, "%s takes {\"address\": \"alice@example.com\"}; what it got is no address", verb)
	}
	return address, nil
}
