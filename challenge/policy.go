// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// A Policy is what a gate demands. The zero value of a field is its default.
type Policy struct {
	Code    CodePolicy
	Limits  Limits
	Session SessionPolicy
	Devices DevicePolicy
	Ways    WaysPolicy
	Accept  Accept // which of them satisfy a check; default: all
	Audit   AuditPolicy
	// Risk says what is out of the ordinary, and what follows. Without any reason
	// to ask, new browsers, new places and travel do.
	Risk risk.Policy
	// Never asks nobody, but for sensitive pages. It is for gates behind an
	// earlier step.
	Never bool
	// Countries say from where people may come. Default: everywhere.
	Countries Countries
	// Reveal tells people that their address is not on the list.
	Reveal bool
	// OnStoreFailure says who passes without a session while the store does not
	// answer. Default: nobody.
	OnStoreFailure StoreFailure
}

// A StoreFailure says who passes without a session while the store does not
// answer, within the grace that sessions have then.
type StoreFailure uint8

// The store failures.
const (
	// DenyAll lets nobody pass.
	DenyAll StoreFailure = iota
	// AllowKnownBrowsers lets a remembered browser pass whose record this process
	// has seen, and of whose end it knows nothing, as it would have been let in
	// then. It never reaches pages that want a fresh code.
	AllowKnownBrowsers
)

// CodePolicy says what codes are like.
type CodePolicy struct {
	Form     Form          // default: 6 digits
	TTL      time.Duration // default: 10 minutes
	Attempts int           // default: 5
	Resend   time.Duration // wait between two mails of one challenge; default: 30 seconds
	Mails    int           // mails of one challenge; default: 3
}

// Limits bound guessing and mail. The rates for an address hold over all
// unknown browsers and networks together.
type Limits struct {
	SendAddress []Rate        // default: 6/1h 20/24h
	SendIP      []Rate        // default: 60/1h
	SendTotal   []Rate        // default: 200/1h 400/24h
	TryAddress  []Rate        // default: 15/1h 30/24h 100/30d
	TryIP       []Rate        // default: 60/1h
	Lockout     time.Duration // first lock, doubling to 24 hours; default: 15 minutes
}

// SessionPolicy says how long a session lasts.
type SessionPolicy struct {
	Lifetime time.Duration // absolute; default: 12 hours
	Idle     time.Duration // zero: no idle limit
	Max      int           // sessions of one address; default and cap: 100
	// DeviceBound says whether browsers are asked to bind themselves to a key.
	// Default: auto.
	DeviceBound DeviceBound
}

// A DeviceBound says what becomes of browsers that can make a key which never leaves
// their machine.
type DeviceBound string

// What can become of them.
const (
	// BoundAuto: whoever can is asked for one, and held to it.
	BoundAuto DeviceBound = "auto"
	// BoundOff: nobody is asked, and whoever has one need not prove it.
	BoundOff DeviceBound = "off"
	// BoundRequired: nobody stays in without one.
	BoundRequired DeviceBound = "required"
)

// Choice says whether browsers are remembered.
type Choice string

// The choices.
const (
	ChoiceAsk    Choice = "ask"
	ChoiceAlways Choice = "always"
	ChoiceNever  Choice = "never"
)

// DevicePolicy says how long a browser is remembered.
type DevicePolicy struct {
	Choice Choice        // default: ask
	Idle   time.Duration // since the last use; default: 30 days
	Most   time.Duration // since the last code; default: 180 days
	Max    int           // browsers of one address; default and cap: 20
}

// AuditPolicy says what people are shown of what happened to their account.
type AuditPolicy struct {
	Keep time.Duration // how long it is kept; default: 90 days
	IP   AuditIP       // default: prefix
}

// AuditIP says what is kept of a network address.
type AuditIP string

// What can be kept.
const (
	AuditPrefix AuditIP = "prefix" // IPv4 /24 or IPv6 /48
	AuditFull   AuditIP = "full"   // all of it
	AuditHash   AuditIP = "hash"   // a keyed hash of the prefix, which only tells networks apart
)

const (
	auditKeep   = 90 * day
	day         = 24 * time.Hour
	maxSessions = 100
	maxDevices  = 20
	maxLockout  = day
)

// withDefaults fills in what is not set.
func (p Policy) withDefaults() Policy {
	p.Code.Form.Length = orInt(p.Code.Form.Length, 6)
	if p.Code.Form.Alphabet == "" {
		p.Code.Form.Alphabet = Digits
	}
	p.Code.TTL = orDuration(p.Code.TTL, 10*time.Minute)
	p.Code.Attempts = orInt(p.Code.Attempts, 5)
	p.Code.Resend = orDuration(p.Code.Resend, 30*time.Second)
	p.Code.Mails = orInt(p.Code.Mails, 3)

	p.Limits.SendAddress = orRates(p.Limits.SendAddress, Rate{6, time.Hour}, Rate{20, day})
	p.Limits.SendIP = orRates(p.Limits.SendIP, Rate{60, time.Hour})
	p.Limits.SendTotal = orRates(p.Limits.SendTotal, Rate{200, time.Hour}, Rate{400, day})
	p.Limits.TryAddress = orRates(p.Limits.TryAddress, Rate{15, time.Hour}, Rate{30, day}, Rate{100, 30 * day})
	p.Limits.TryIP = orRates(p.Limits.TryIP, Rate{60, time.Hour})
	p.Limits.Lockout = orDuration(p.Limits.Lockout, 15*time.Minute)

	p.Session.Lifetime = orDuration(p.Session.Lifetime, 12*time.Hour)
	p.Session.Max = min(orInt(p.Session.Max, maxSessions), maxSessions)
	if p.Session.DeviceBound == "" {
		p.Session.DeviceBound = BoundAuto
	}
	if p.Risk.Ask == 0 && !p.Never {
		p.Risk.Ask = risk.SetOf(NewBrowser, NewPlace, Travel)
	}
	if p.Risk.Distance == 0 {
		p.Risk.Distance = 500
	}
	if p.Risk.Speed == 0 {
		p.Risk.Speed = 900
	}
	if p.Devices.Choice == ChoiceNever && (p.Risk.Ask &^ p.Risk.Observe).Has(NewBrowser) { // each browser is new each time
		p.Risk.Ask |= risk.SetOf(Always)
	}
	if p.Devices.Choice == "" {
		p.Devices.Choice = ChoiceAsk
	}
	p.Devices.Idle = orDuration(p.Devices.Idle, 30*day)
	p.Devices.Most = orDuration(p.Devices.Most, 180*day)
	p.Devices.Max = min(orInt(p.Devices.Max, maxDevices), maxDevices)
	p.Ways.BackupCodes = orInt(p.Ways.BackupCodes, 10)
	p.Ways.ProveMailbox = orDuration(p.Ways.ProveMailbox, 60*day)
	if p.Ways.Second == "" {
		p.Ways.Second = SecondAllowed
	}
	p.Audit.Keep = orDuration(p.Audit.Keep, auditKeep)
	if p.Audit.IP == "" {
		p.Audit.IP = AuditPrefix
	}
	return p
}

func orInt(n, standard int) int {
	if n == 0 {
		return standard
	}
	return n
}

func orDuration(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

func orRates(rates []Rate, standard ...Rate) []Rate {
	if len(rates) == 0 {
		return standard
	}
	return rates
}
