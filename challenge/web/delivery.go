// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

var stages = map[challenge.DeliveryStage]pages.Stage{
	challenge.DeliveryAccepted: pages.StageAccepted, challenge.DeliveryDelayed: pages.StageDelayed,
	challenge.DeliveryRefused: pages.StageRefused, challenge.DeliveryGivenUp: pages.StageGivenUp,
}

// deliveryOf is how far a mail came, as far as its page tells. That a transport is in
// trouble is told of all mails at once.
func deliveryOf(d challenge.Delivery) *pages.Delivery {
	return &pages.Delivery{Stage: stages[d.Stage], At: d.At}
}

// mailTold is the sentence about the mail. {time} in it is At, on the reader's clock.
type mailTold struct {
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// mailOf is what a waiting page is told of its mail, whose code works until a time; nil
// where there is nothing to tell, or the visitor may not know. That no mail goes out at all
// is told everybody, as a page does that is loaded anew.
func (d *Door) mailOf(r *http.Request, in *Arrival, f *challenge.Flow, ends time.Time) *mailTold {
	var page pages.Code
	at := ends
	if in.Earlier != nil && f.Change == nil {
		page = pages.Code{Address: string(f.Address), Known: true, Delivery: deliveryOf(d.gate.Delivery(f))}
		at = page.Delivery.At
	}
	if !page.Delivery.IsKnown() && d.gate.MailDown() {
		page, at = pages.Code{Trouble: pages.MailDown}, ends
	}
	text := in.site.pages.Delivered(d.words(r, in), page)
	if text == "" {
		return nil
	}
	return &mailTold{text, at.UTC().Truncate(time.Second)}
}
