// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

func TestTheSendersDomainIsJudged(t *testing.T) {
	key := doctor.DKIM{Domain: "example.com", Name: "s1._domainkey.example.com", Text: "v=DKIM1; k=ed25519; p=AAAA"}
	tests := map[string]struct {
		breaks func(h *house)
		want   wants
	}{
		"it is all there":           {func(*house) {}, wants{"sender", doctor.OK, "SPF: one record", ""}},
		"and has a policy":          {func(*house) {}, wants{"sender", doctor.OK, "DMARC: p=reject", ""}},
		"free mail":                 {func(h *house) { h.Mails[0].From = "app@gmail.com" }, wants{"sender", doctor.Warn, "free-mail", "domain of yours"}},
		"of another than the site":  {func(h *house) { h.Mails[0].Hosts = []string{"app.example.net"} }, wants{"sender", doctor.Warn, "not that of app.example.net", "send from example.net"}},
		"one above the site":        {func(h *house) { h.Mails[0].Hosts = []string{"app.example.com"} }, wants{"sender", doctor.OK, "that of the site", ""}},
		"no sender":                 {func(h *house) { h.Mails[0].From = "" }, wants{"sender", doctor.Fail, "no sender", "write 'from"}},
		"in no public DNS":          {func(h *house) { h.Mails[0].From = "a@box.local" }, wants{"sender", doctor.Skip, "box.local", "domain of yours"}},
		"the DNS is away":           {func(h *house) { h.world.down = true }, wants{"sender", doctor.Skip, "does not answer", "resolv.conf"}},
		"the chosen DNS is away":    {func(h *house) { h.world.down, h.Asked = true, "9.9.9.9:53" }, wants{"sender", doctor.Skip, "does not answer", "9.9.9.9:53"}},
		"no mailbox and no address": {noMailbox, wants{"sender", doctor.Fail, "neither an MX record", "add an MX"}},
		"no mailbox":                {func(h *house) { delete(h.world.mails, "example.com") }, wants{"sender", doctor.Warn, "no MX record", "add an MX"}},
		"no mail wanted":            {func(h *house) { h.world.mails["example.com"] = []string{"."} }, wants{"sender", doctor.Fail, "receives no mail", "add an MX"}},
		"no SPF":                    {spf(), wants{"sender", doctor.Fail, "SPF: there is no record", "add a TXT record"}},
		"two SPF":                   {spf("v=spf1 -all", "v=spf1 mx -all"), wants{"sender", doctor.Fail, "several SPF records", "mend the TXT record"}},
		"another text is no SPF":    {spf("v=spf10 -all"), wants{"sender", doctor.Fail, "SPF: there is no record", "add a"}},
		"SPF for everybody":         {spf("v=spf1 +all"), wants{"sender", doctor.Fail, "lets everybody send", "-all"}},
		"SPF for nobody":            {relayed("v=spf1 -all"), wants{"sender", doctor.Fail, "lets nobody send", "include"}},
		"SPF without an end":        {spf("v=spf1 mx"), wants{"sender", doctor.Warn, "other senders", "-all"}},
		"SPF with a typing error":   {spf("v=spf1 ipv4:1.2.3.4 -all"), wants{"sender", doctor.Fail, "'ipv4:1.2.3.4' means nothing", "mend"}},
		"SPF with a broken network": {spf("v=spf1 ip4:1.2.3 -all"), wants{"sender", doctor.Fail, "no network", "mend"}},
		"SPF of the relay":          {relayed("v=spf1 include:_spf.relay.example ~all"), wants{"sender", doctor.OK, "covers smtp.relay.example", ""}},
		"SPF by another one":        {relayed("v=spf1 redirect=_spf.relay.example"), wants{"sender", doctor.OK, "covers smtp.relay.example", ""}},
		"SPF without the relay":     {relayed("v=spf1 ip4:192.0.2.1 -all"), wants{"sender", doctor.OK, "are not in it", ""}},
		"SPF that includes nothing": {spf("v=spf1 include:gone.example -all"), wants{"sender", doctor.Fail, "gone.example: there is no SPF record", "must exist"}},
		"SPF that asks too much":    {deep(11), wants{"sender", doctor.Fail, "more than 10 look-ups", "mend"}},
		"SPF that asks just enough": {deep(9), wants{"sender", doctor.OK, "10 look-ups of at most 10", ""}},
		"SPF that includes itself":  {spf("v=spf1 include:example.com -all"), wants{"sender", doctor.Fail, "more than 10 look-ups", "mend"}},
		"SPF with macros":           {spf("v=spf1 exists:%{i}.spf.example.com a:%{d} -all"), wants{"sender", doctor.OK, "SPF: one record, with 2 look-ups", ""}},
		"SPF with modifiers":        {spf("v=spf1 a:mx.example.com/24 exp=why.example.com foo=bar -all"), wants{"sender", doctor.OK, "SPF: one record, with 1 look-up", ""}},
		"no DMARC":                  {func(h *house) { delete(h.world.texts, "_dmarc.example.com") }, wants{"sender", doctor.Fail, "DMARC: there is no record", "_dmarc.example.com"}},
		"two DMARC": {func(h *house) {
			h.world.texts["_dmarc.example.com"] = []string{"v=DMARC1; p=none", "v=DMARC1; p=reject"}
		}, wants{"sender", doctor.Fail, "several records", "leave one"}},
		"DMARC without a policy": {func(h *house) { h.world.texts["_dmarc.example.com"] = []string{"v=DMARC1; rua=mailto:a@example.com"} }, wants{"sender", doctor.Fail, "no policy", "p=none"}},
		"DMARC of the domain above": {func(h *house) {
			h.Mails[0].From = "a@mail.example.com"
			h.world.mails["mail.example.com"] = []string{"mx.example.com"}
			h.world.texts["mail.example.com"] = h.world.texts["example.com"]
		}, wants{"sender", doctor.OK, "DMARC: p=reject", ""}},
		"DKIM is the relay's":          {func(*house) {}, wants{"sender", doctor.OK, "left to the mail server", ""}},
		"DKIM without a record":        {func(h *house) { h.Mails[0].Signed = key }, wants{"sender", doctor.Fail, "no key at s1._domainkey", "p=AAAA"}},
		"DKIM with another key":        {dkim(key, "v=DKIM1; k=rsa; p=BBBB"), wants{"sender", doctor.Fail, "another one", "p=AAAA"}},
		"DKIM with the key":            {dkim(key, "v=DKIM1;k=ed25519; p=AA AA"), wants{"sender", doctor.OK, "is that of the signatures", ""}},
		"DKIM with a short key":        {dkim(doctor.DKIM{Domain: key.Domain, Name: key.Name, Text: key.Text, Weak: true}, key.Text), wants{"sender", doctor.Warn, "shorter than 2048 bits", "another selector"}},
		"DKIM for somebody else":       {dkim(doctor.DKIM{Domain: "example.net", Name: key.Name, Text: key.Text}, key.Text), wants{"sender", doctor.Fail, "alignment", "dkim example.com"}},
		"a mail server without a name": {func(h *house) { h.Addresses = []netip.Addr{netip.MustParseAddr("9.9.9.9")} }, wants{"sender", doctor.Warn, "9.9.9.9, which has no name", "PTR"}},
		"nothing leaves the machine":   {func(h *house) { h.Mails[0].Local = true }, wants{"sender", doctor.Skip, "", "mail smtp"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			test.breaks(h)
			test.want.in(t, h.look(t, "sender"))
		})
	}
}

func TestSeveralTransportsOfOneSenderAreJudgedOnce(t *testing.T) {
	h := newHouse(t)
	h.Mails = append(h.Mails, h.Mails[0])
	seen := map[doctor.Finding]int{}
	for _, f := range h.look(t, "sender").Findings {
		if seen[f]++; seen[f] > 1 {
			t.Errorf("said %d times: %+v", seen[f], f)
		}
	}
	if len(seen) == 0 {
		t.Error("nothing is said")
	}
}

func noMailbox(h *house) {
	delete(h.world.mails, "example.com")
	delete(h.world.hosts, "example.com")
}

func spf(records ...string) func(h *house) {
	return func(h *house) { h.world.texts["example.com"] = records }
}

// relayed hands mail to a machine that is elsewhere.
func relayed(record string) func(h *house) {
	return func(h *house) {
		spf(record)(h)
		h.world.hosts["smtp.relay.example"] = []string{"198.51.100.25"}
		h.world.texts["_spf.relay.example"] = []string{"v=spf1 ip4:198.51.100.0/24 -all"}
		h.Mails[0].Address = "smtp.relay.example:465"
	}
}

// deep includes a chain of records.
func deep(n int) func(h *house) {
	return func(h *house) {
		spf("v=spf1 include:1.example -all")(h)
		for i := 1; i <= n; i++ {
			h.world.texts[fmt.Sprintf("%d.example", i)] = []string{fmt.Sprintf("v=spf1 include:%d.example -all", i+1)}
		}
		h.world.texts[fmt.Sprintf("%d.example", n+1)] = []string{"v=spf1 ip4:127.0.0.1 -all"}
	}
}

func dkim(key doctor.DKIM, record string) func(h *house) {
	return func(h *house) {
		h.Mails[0].Signed = key
		h.world.texts[key.Name] = []string{record}
	}
}
