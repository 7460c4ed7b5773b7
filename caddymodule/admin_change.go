// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// A liftedLock is what kept an address from being tried and mailed, or would have
// soon.
type liftedLock struct {
	Storage string     `json:"storage"`
	Crowd   string     `json:"crowd"`           // whom it kept out
	Until   *time.Time `json:"until,omitempty"` // when the lock would have ended; empty: none was set yet
	Tries   int        `json:"tries"`           // wrong codes that are forgotten
	Mails   int        `json:"mails"`           // mails that are forgotten
}

// lifting describes one.
func lifting(storage string, k challenge.Lock) liftedLock {
	l := liftedLock{Storage: storage, Crowd: k.Crowd, Tries: k.Tries, Mails: k.Mails}
	if !k.Until.IsZero() {
		l.Until = new(k.Until.UTC())
	}
	return l
}

// An unlockAnswer is what was lifted; nothing where nothing was counted.
type unlockAnswer struct {
	Lifted []liftedLock `json:"lifted"`
}

// A restoredAnswer names the storages in which everything open was ended.
type restoredAnswer struct {
	Storages []string `json:"storages"`
}

// inEach does a thing in each storage that an order is about. It goes on after an
// error, and the error tells what was done all the same: a storage that is away
// must not keep the others from what the operator wants at once.
func inEach(o order, doing string, do func(l lodging) error) error {
	_, chosen, err := lodgingsOf(o)
	if err != nil {
		return err
	}
	var done, faults []string
	for _, l := range chosen {
		if err := do(l); err != nil {
			faults = append(faults, l.name()+": "+err.Error())
			continue
		}
		done = append(done, l.name())
	}
	switch {
	case len(faults) == 0:
		return nil
	case len(done) == 0:
		return refusal(http.StatusServiceUnavailable, "%s in %s; try again once the storage answers", doing, strings.Join(faults, "; "))
	}
	return refusal(http.StatusServiceUnavailable, "%s in %s; it is done in %s; try again once the storage answers",
		doing, strings.Join(faults, "; "), strings.Join(done, ", "))
}

func rotateKeys(ctx context.Context, o order) (any, error) {
	answer := rotateAnswer{keysAnswer: keysAnswer{[]keyStatus{}}}
	err := inEach(o, "rotating the keys", func(l lodging) error {
		before := l.pooled.house.KeyList(time.Now())
		keys, err := l.pooled.house.RotateKeys(ctx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			answer.Keys = append(answer.Keys, describeKey(l.name(), k))
		}
		if !hasNew(before, keys) {
			answer.UnderWay = append(answer.UnderWay, l.name())
		}
		l.ordered("rotation", "an operator had new keys made")
		return nil
	})
	return answer, err
}

// ordered writes into the audit log what an operator had done that happens by itself,
// too, so that its event does not tell by whom.
func (l lodging) ordered(event, said string) {
	l.gates[0].app.building.audit().Info(said, zap.String("event", event), zap.String("by", "operator"), zap.String("storage", l.name()))
}

// hasNew reports whether there are keys that there were not.
func hasNew(before, after []sessions.KeyInfo) bool {
	return slices.ContainsFunc(after, func(k sessions.KeyInfo) bool {
		return !slices.ContainsFunc(before, func(known sessions.KeyInfo) bool { return known.ID == k.ID })
	})
}

func endRestored(ctx context.Context, o order) (any, error) {
	answer := restoredAnswer{[]string{}}
	err := inEach(o, "ending what was restored", func(l lodging) error {
		if err := l.pooled.house.EndRestored(ctx); err != nil {
			return err
		}
		answer.Storages = append(answer.Storages, l.name())
		l.ordered("restored", "an operator had everything open ended")
		return nil
	})
	return answer, err
}

func unlock(ctx context.Context, o order) (any, error) {
	address, err := o.person("unlock")
	if err != nil {
		return nil, err
	}
	answer := unlockAnswer{[]liftedLock{}}
	err = inEach(o, "lifting locks", func(l lodging) error {
		unlocked, err := l.pooled.house.Unlock(ctx, address)
		if err != nil {
			return err
		}
		for _, lock := range unlocked.Locked {
			answer.Lifted = append(answer.Lifted, lifting(l.name(), lock))
		}
		return nil
	})
	return answer, err
}
