// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/risk"
)

// Counters go on counting when a configuration is replaced. Each configuration
// has a registry of its own, to which the same counters are made known.
//
// Every series with labels of ours is made at once, since an alert that divides by one
// which is missing never fires.
var (
	checksTotal = counters("checks_total",
		"Checks by the reason for them. asked: a code was made, or a passkey wanted; opened: the page for it was shown; passed: a mailed code was entered; "+
			"other_way: something else let them in; expired, cancelled, abandoned, stopped: the code never was entered; "+
			"observed: the reason would have asked; refused: nobody is asked.", "reason", "result")
	codesTotal = counters("codes_total",
		"Codes that were entered, however they were had. old: of an earlier mail; repeat: the same wrong one once more; malformed: what cannot be a code.", "result")
	passkeysTotal = counters("passkeys_total",
		"Passkeys that were shown to come in. refused: unknown, of somebody who may not pass, too late, or not as it should be.", "result")
	limitedTotal = counters("limited_total",
		"Times that somebody was kept waiting by a limit.", "limit")
	lockoutsTotal = counter("lockouts_total",
		"Times that an address was kept out because of too many wrong codes.")
	reportsTotal = counter("reports_total",
		"Codes and entries of which a person said that they were not theirs.")
	streamsCutTotal = counter("streams_cut_total",
		"WebSockets and event streams that were cut because their session had ended.")
	verifySeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "time_to_verify_seconds",
		Help:    "From handing a mail over to the right code, as far as this machine knows when it was handed over.",
		Buckets: []float64{5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900},
	})
	mailTotal = counters("mail_total",
		"Tries to hand a mail over, by the kind of transport. deferred: it is tried again; failed: it never was handed over; bounced: the mailbox was refused for good.",
		"transport", "result")
	mailSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "mail_seconds",
		Help:    "How long a try to hand a mail over took, by the kind of transport.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	}, []string{"transport"})
	storeSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "store_seconds",
		Help:    "How long the storage took to answer.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	}, []string{"op", "backend"})
	storeErrorsTotal = counters("store_errors_total",
		"Times that the storage failed. What it answers about a record that is not there, or that was not to be changed, is no failure.", "op")
	lookupsTotal = counters("geoip_lookups_total",
		"Addresses that were looked up. private: of no public network; unknown: the databases name no country.", "result")
	devices = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "devices",
		Help: "Remembered browsers about which this machine decided in the last 24 hours, up to 100000.",
	}, browsers.count)
)

const namespace, subsystem = "caddy", "doorcode"

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

// The results of a check, beside those of the domain, see challenge.CheckResult.
const (
	checkAsked    = "asked"
	checkOpened   = "opened"
	checkPassed   = "passed"
	checkOther    = "other_way"
	checkObserved = "observed"
	checkRefused  = "refused" // for challenge.Keyless alone
)

// otherReasons are those for a check that package risk has no rule for.
var otherReasons = []challenge.Reason{challenge.NeedsPasskey, challenge.Unproved, challenge.Keyless}

// The results of showing a passkey.
const (
	passkeyRight   = "right"
	passkeyRefused = "refused"
)

// endings are how a check ends whose code was never accepted.
var endings = []challenge.CheckResult{challenge.CheckExpired, challenge.CheckCancelled, challenge.CheckAbandoned, challenge.CheckStopped}

// The results of entering a code.
const (
	codeRight     = "right"
	codeWrong     = "wrong"
	codeOld       = "old"
	codeRepeat    = "repeat"
	codeExpired   = "expired"
	codeMalformed = "malformed"
)

// The results of looking an address up.
const (
	lookupFound   = "found"
	lookupPrivate = "private"
	lookupUnknown = "unknown"
)

// limits are the words of all limits.
var limits = []challenge.Limit{
	challenge.LimitSendAddress, challenge.LimitStarts, challenge.LimitSendIP, challenge.LimitSendTotal, challenge.LimitTryAddress, challenge.LimitTryIP,
	challenge.LimitResend, challenge.LimitReported, challenge.LimitTestBackup, challenge.LimitTryApp, challenge.LimitTryPasskey,
}

func init() {
	checkResults := []string{checkAsked, checkOpened, checkPassed, checkOther, checkObserved}
	for _, result := range endings {
		checkResults = append(checkResults, string(result))
	}
	for _, reason := range append((^risk.Set(0)).Reasons(), otherReasons...) {
		for _, result := range checkResults {
			checksTotal.WithLabelValues(string(reason), result)
		}
	}
	checksTotal.WithLabelValues(string(challenge.Keyless), checkRefused)
	for _, result := range []string{passkeyRight, passkeyRefused} {
		passkeysTotal.WithLabelValues(result)
	}
	for _, result := range []string{codeRight, codeWrong, codeOld, codeRepeat, codeExpired, codeMalformed} {
		codesTotal.WithLabelValues(result)
	}
	for _, limit := range limits {
		limitedTotal.WithLabelValues(string(limit))
	}
	for _, result := range []string{lookupFound, lookupPrivate, lookupUnknown} {
		lookupsTotal.WithLabelValues(result)
	}
	ExpectMail("") // those that no transport was tried for
	for op := range storeOps {
		storeErrorsTotal.WithLabelValues(storeOp(op).String())
	}
}

// lasting are the measures of the process.
func lasting() []prometheus.Collector {
	return []prometheus.Collector{
		requests{},
		checksTotal, codesTotal, passkeysTotal, limitedTotal, lockoutsTotal, reportsTotal, streamsCutTotal, verifySeconds,
		mailTotal, mailSeconds, storeSeconds, storeErrorsTotal, lookupsTotal, devices,
	}
}

// register makes measures known to the registry of a configuration, which may know
// them already.
func register(registry *prometheus.Registry, collectors ...prometheus.Collector) error {
	for _, c := range collectors {
		var known prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &known) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}
