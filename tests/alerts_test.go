// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promtool judges alerts as Prometheus does.
func promtool(t *testing.T, arguments ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "promtool", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %q: %v\n%s\n(promtool is in Debian's package prometheus)", arguments, err, out)
	}
}

// Acceptance 111: Prometheus understands the alerts, and each fires for what it is there
// for, and not for what is close to it.
func TestTheAlertsFireAsTheySay(t *testing.T) {
	promtool(t, "check", "rules", "../alerts.yml")
	promtool(t, "test", "rules", "alerts_test.yml")
}

// alerts are the names of product.
var alerts = []string{
	"MailFailing", "MailSlow", "NobodyGetsIn", "GuessingAttack", "MailBomb", "StoreErrors", "GeoIPStale", "KeyNotRotated", "ReportedSignIns",
}

// Whoever is woken finds what to do, in the alert and at length.
func TestEachAlertIsTestedAndSaysWhatToDo(t *testing.T) {
	rules, tests, page := read(t, "../alerts.yml"), read(t, "alerts_test.yml"), read(t, "../docs/operating.md")
	var named []string
	for _, rule := range strings.Split(rules, "- alert: Doorcode")[1:] {
		name, body, _ := strings.Cut(rule, "\n")
		named = append(named, name)
		if !regexp.MustCompile(`severity: (page|ticket)\n`).MatchString(body) || !strings.Contains(body, "summary: \"") || !strings.Contains(body, "runbook: >-") {
			t.Errorf("%s has no severity, summary or runbook", name)
		}
		if anchor := "docs/operating.md#doorcode" + strings.ToLower(name) + "\n"; !strings.Contains(body, anchor) || !strings.Contains(page, "\n### Doorcode"+name+"\n") {
			t.Errorf("%s leads to no part of docs/operating.md, want %s", name, anchor)
		}
		quiet, loud := 0, 0
		for _, one := range strings.Split(tests, `- expr: ALERTS{alertname="Doorcode`+name+`"`)[1:] {
			if strings.Contains(strings.Join(strings.SplitN(one, "\n", 4)[:3], "\n"), "exp_samples: []") {
				quiet++
			} else {
				loud++
			}
		}
		if quiet == 0 || loud == 0 {
			t.Errorf("%s: %d tests in which it fires and %d in which it does not", name, loud, quiet)
		}
	}
	if !slices.Equal(named, alerts) {
		t.Errorf("there are the alerts %q, want %q", named, alerts)
	}
}

// An alert about a metric or a label that nobody makes would never fire.
func TestTheAlertsAreAboutWhatIsMeasured(t *testing.T) {
	page := scraped(t, charted(t, site(databases)+metricsSite))
	rules := read(t, "../alerts.yml")
	found := regexp.MustCompile(`caddy_doorcode_[a-z_]+`).FindAllString(rules, -1)
	for _, name := range found {
		if !regexp.MustCompile(`(?m)^` + name + `(_bucket)?[ {]`).MatchString(page) {
			t.Errorf("nobody measures %s", name)
		}
	}
	labels := regexp.MustCompile(`(result|limit)="([a-z_]+)"`).FindAllString(rules, -1)
	for _, label := range labels {
		if !strings.Contains(page, label) {
			t.Errorf("no series has %s", label)
		}
	}
	if len(found) < len(alerts) || len(labels) < 4 {
		t.Errorf("%d metrics and %d labels were found, so this test shows little", len(found), len(labels))
	}
}
