// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"

	"go.uber.org/zap"

	"github.com/doorcode/caddy-doorcode/caddymodule/telemetry"
	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// audit is the logger of what people and operators did, and of what was decided.
func (b *building) audit() *zap.Logger { return b.logger.Named("audit") }

// outlet is where this configuration wants to be told of what its sites share.
func (b *building) outlet() telemetry.Outlet {
	return telemetry.Outlet{Logger: b.logger, Emitter: b.emitter, Keep: b.keeps()}
}

// keeps is how much of addresses is kept of what no single site is about: where sites
// differ, the least.
func (b *building) keeps() challenge.AuditIP {
	least := challenge.AuditFull
	for _, e := range b.gates() {
		switch mine := e.keeps(); {
		case mine == challenge.AuditHash:
			return mine
		case mine == challenge.AuditPrefix:
			least = mine
		}
	}
	return least
}

func (e *entrance) keeps() challenge.AuditIP { return challenge.AuditIP(e.settings.Audit.IP) }

// recorder takes what happens at the gate to where its operator looks.
func (e *entrance) recorder(pooled *pooledHouse) challenge.Recorder {
	return telemetry.NewRecorder(telemetry.RecorderOptions{
		Log: e.logger, Audit: e.app.building.audit(), Names: pooled.names, Keep: e.keeps,
		Emitter: func() *telemetry.Emitter { return e.app.building.emitter },
	})
}

// houseRecorder takes what happens in a house to where the newest of its operators
// looks.
func houseRecorder(p *pooledHouse, storage string) challenge.Recorder {
	return telemetry.NewRecorder(telemetry.RecorderOptions{
		Log: telemetry.FollowingLog(p.log, "doorcode"), Audit: telemetry.FollowingLog(p.log, "doorcode.audit"), Names: p.names,
		About: []zap.Field{zap.String("storage", storage)},
		Emitter: func() *telemetry.Emitter {
			outlet, _ := p.log.Value()
			return outlet.Emitter
		},
		Keep: func() challenge.AuditIP {
			outlet, _ := p.log.Value()
			return outlet.Keep
		},
	})
}

// mailHealth tells the newest operator when a transport begins to fail, and when it is
// well again.
func mailHealth(log *telemetry.Newest[telemetry.Outlet]) func(transport string, failing bool, reason string) {
	return func(transport string, failing bool, reason string) {
		if outlet, left := log.Value(); left {
			telemetry.MailHealth(outlet.Logger, outlet.Emitter, transport, failing, reason)
		}
	}
}

// namesBy are the names that stand for people and networks: the same as in the domain's
// own events and in people's activity.
func namesBy(ring *keyring.Ring) telemetry.Names {
	return telemetry.Names{
		Person:  func(e challenge.Email) string { return challenge.AccountName(ring, e) },
		Network: func(p netip.Prefix) string { return challenge.NetworkName(ring, p) },
	}
}

// tellLoaded tells the audit log which policy each gate of a configuration has.
func (b *building) tellLoaded() {
	for _, e := range b.gates() {
		b.audit().Info("loaded", zap.String("event", "loaded"), zap.String("gate", e.id), zap.Strings("origins", b.originsOf(e)),
			zap.String("policy", e.digest()), zap.String("version", version()))
	}
}

// digest is the SHA-256 of what the gate goes by, without secrets: gates with the same
// digest decide alike, as far as no list file differs.
func (e *entrance) digest() string {
	s := e.settings
	mail := make([]any, len(s.MailRaw))
	for i, raw := range s.MailRaw {
		mail[i] = withoutSecrets(raw)
	}
	storage := withoutSecrets(s.StorageRaw)
	s.MailRaw, s.StorageRaw, s.Secret = nil, nil, ""
	written, _ := json.Marshal([]any{s, mail, storage, e.rules.written})
	sum := sha256.Sum256(written)
	return hex.EncodeToString(sum[:])
}

// open settings of guest modules are those whose text is no secret. A hash of others
// could be searched for a password.
var openSettings = map[string]bool{
	"transport": true, "backend": true, "address": true, "tls": true, "from": true, "reply_to": true, "subject": true, "templates": true,
	"domain": true, "selector": true, "method": true, "prefix": true, "master": true, "path": true, "folder": true, "server_name": true,
}

// withoutSecrets is the configuration of a guest module without any text that may be
// secret.
func withoutSecrets(raw json.RawMessage) any {
	var module map[string]any
	if json.Unmarshal(raw, &module) != nil {
		return nil
	}
	return open(module, "")
}

func open(value any, under string) any {
	switch v := value.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for key, inner := range v {
			kept[key] = open(inner, key)
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, inner := range v {
			kept[i] = open(inner, under)
		}
		return kept
	case string:
		if !openSettings[under] {
			return hidden
		}
	}
	return value
}

// written is which requests the handler treats how, before the matchers are loaded and
// their text is gone.
func (h *Handler) written() json.RawMessage {
	raw, err := json.Marshal([]any{h.MatchRaw, h.PublicRaw, h.Answer, h.Sensitive, h.PageStatus})
	if err != nil {
		return nil
	}
	return raw
}
