// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import (
	"strconv"
	"strings"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

const labelMail keyring.Label = "name of a mail"

// mailID names the last mail of a challenge, the same on every machine. It says nothing
// of the challenge, and the names of its mails begin alike.
func (h *House) mailID(c *pending) string {
	return cut(h.ring.MAC(labelMail, c.ID[:])).String() + "." + strconv.Itoa(c.Mails)
}

// checkTag is how the names of a challenge's mails begin.
func checkTag(mail string) string {
	tag, _, _ := strings.Cut(mail, ".")
	return tag
}

// Delivery is how far the mail of a flow's code came, where an earlier step has named
// the visitor: to anybody else it would tell whether the address is known. Zero where
// there is nothing to tell.
func (g *Gate) Delivery(f *Flow) Delivery {
	if f.Source == "" || f.Of != "" || f.Way != ByMail || f.Mail == "" {
		return Delivery{}
	}
	return g.house.delivery(f.Mail)
}

func (h *House) delivery(mail string) Delivery {
	r, ok := h.sender.(DeliveryReporter)
	if !ok {
		return Delivery{}
	}
	return r.Delivery(mail)
}

// waited is how long a person took who has entered a mailed code, from when a transport
// took the mail over, as far as this machine knows that; zero for every other code.
func (g *Gate) waited(did spending, now time.Time) time.Duration {
	if did.mail == "" {
		return 0
	}
	since := did.mailed
	if d := g.house.delivery(did.mail); d.Stage == DeliveryAccepted {
		since = d.At
	}
	return max(now.Sub(since), 1)
}
