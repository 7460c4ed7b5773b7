// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A sessionsAnswer is the sessions that live, of one person or of everybody.
type sessionsAnswer struct {
	Sessions []listedSession `json:"sessions"`
	// Unnamed is how many people have sessions whose address is not kept, since they
	// last entered a code under a version before. They are not listed.
	Unnamed int `json:"unnamed,omitempty"`
}

// A listedSession is one session, without anything that it could be used with.
type listedSession struct {
	Storage string    `json:"storage"`
	Address string    `json:"address"`
	ID      string    `json:"id"`      // shortened, as in the log
	Browser string    `json:"browser"` // see listedBrowser.ID
	Kind    string    `json:"kind,omitempty"`
	Began   time.Time `json:"began"`
	Ends    time.Time `json:"ends"`
	Country string    `json:"country,omitempty"`
	City    string    `json:"city,omitempty"`
	Network string    `json:"network,omitempty"`
}

// A browsersAnswer is the browsers of a person that are remembered, or signed in.
type browsersAnswer struct {
	Browsers []listedBrowser `json:"browsers"`
}

// A listedBrowser is one of them.
type listedBrowser struct {
	Storage    string    `json:"storage"`
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"` // given by the person
	Kind       string    `json:"kind,omitempty"`
	Remembered bool      `json:"remembered"`
	SignedIn   bool      `json:"signed_in"`
	Bound      bool      `json:"bound,omitempty"`     // has a key that its machine keeps
	Suspended  bool      `json:"suspended,omitempty"` // newer than a sign-in that was reported
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"` // the last entry
	Country    string    `json:"country,omitempty"`
	City       string    `json:"city,omitempty"`
	Network    string    `json:"network,omitempty"`
}

// A revokeAnswer is how much was ended in each storage.
type revokeAnswer struct {
	Ended []revoked `json:"ended"`
}

// revoked is what was ended in one storage.
type revoked struct {
	Storage  string `json:"storage"`
	People   int    `json:"people"`
	Sessions int    `json:"sessions"`
	Browsers int    `json:"browsers"` // that need a code again
	Passkeys int    `json:"passkeys"` // of the one person that stay, and let them in
}

// everySession lists the sessions of everybody.
func everySession(ctx context.Context, o order) (any, error) {
	answer := sessionsAnswer{Sessions: []listedSession{}}
	err := inEach(o, "listing sessions", func(l lodging) error {
		people, err := l.pooled.house.People(ctx)
		if err != nil {
			return err
		}
		for _, p := range people {
			switch {
			case p.Sessions == 0:
			case p.Address == "":
				answer.Unnamed++
			default:
				if err := answer.add(ctx, l, p.Address); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return answer, err
}

func sessionsOf(ctx context.Context, o order) (any, error) {
	address, err := o.person("sessions")
	if err != nil {
		return nil, err
	}
	answer := sessionsAnswer{Sessions: []listedSession{}}
	err = inEach(o, "listing sessions", func(l lodging) error { return answer.add(ctx, l, address) })
	return answer, err
}

func (a *sessionsAnswer) add(ctx context.Context, l lodging, of challenge.Email) error {
	sessions, err := l.pooled.house.SessionsOf(ctx, of)
	for _, s := range sessions {
		a.Sessions = append(a.Sessions, listedSession{
			Storage: l.name(), Address: string(of), ID: s.ID, Browser: s.Browser, Kind: s.Kind, Began: s.Began.UTC(), Ends: s.Ends.UTC(),
			Country: s.Country, City: s.City, Network: s.Network,
		})
	}
	return unlessNone(err)
}

// unlessNone is an error, but for that a person has nothing: another storage may know
// them.
func unlessNone(err error) error {
	if errors.Is(err, challenge.ErrNoSuch) {
		return nil
	}
	return err
}

func browsersOf(ctx context.Context, o order) (any, error) {
	address, err := o.person("browsers")
	if err != nil {
		return nil, err
	}
	answer := browsersAnswer{[]listedBrowser{}}
	err = inEach(o, "listing browsers", func(l lodging) error {
		browsers, err := l.pooled.house.BrowsersOf(ctx, address)
		for _, b := range browsers {
			answer.Browsers = append(answer.Browsers, listedBrowser{
				Storage: l.name(), ID: b.ID, Name: b.Name, Kind: b.Kind, Remembered: b.Remembered, SignedIn: b.SignedIn, Bound: b.Bound, Suspended: b.Suspended,
				First: b.First.UTC(), Last: b.Last.UTC(), Country: b.Country, City: b.City, Network: b.Network,
			})
		}
		return unlessNone(err)
	})
	return answer, err
}

func revokeSessions(ctx context.Context, o order) (any, error) {
	if o.All {
		if o.Address != "" || o.Session != "" {
			return nil, refusal(http.StatusBadRequest, "'all' ends the sessions of everybody, so it takes neither 'address' nor 'session'")
		}
		return evict(ctx, o, challenge.Eviction{Forget: o.Browsers})
	}
	if o.Browsers {
		return nil, refusal(http.StatusBadRequest, "'browsers' belongs to 'all': those of one person need a code in any case")
	}
	address, err := o.person("sessions/revoke")
	if err != nil {
		return nil, err
	}
	return evict(ctx, o, challenge.Eviction{Address: address, Session: o.Session})
}

func revokeBrowsers(ctx context.Context, o order) (any, error) {
	address, err := o.person("browsers/revoke")
	if err != nil {
		return nil, err
	}
	return evict(ctx, o, challenge.Eviction{Address: address, Browser: o.Browser})
}

// evict ends something wherever it is. A session or browser that is named is in one of
// the storages.
func evict(ctx context.Context, o order, what challenge.Eviction) (any, error) {
	answer, missing := revokeAnswer{[]revoked{}}, 0
	err := inEach(o, "signing out", func(l lodging) error {
		done, err := l.pooled.house.Evict(ctx, what)
		if errors.Is(err, challenge.ErrNoSuch) {
			missing++
			return nil
		}
		if err != nil {
			return err
		}
		stay := 0
		if what.Address != "" {
			if stay, err = l.countPasskeys(ctx, what.Address); err != nil {
				return err
			}
		}
		answer.Ended = append(answer.Ended, revoked{l.name(), done.People, done.Sessions, done.Browsers, stay})
		return nil
	})
	if err != nil || missing == 0 || len(answer.Ended) > 0 {
		return answer, err
	}
	switch {
	case what.Session != "":
		return nil, refusal(http.StatusNotFound, "the address has no such session; 'sessions list' shows those that it has")
	case what.Browser != "":
		return nil, refusal(http.StatusNotFound, "the address has no such browser; 'browsers list' shows those that it has")
	}
	return answer, nil
}
