// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages_test

import (
	"strings"
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/pages"
)

func TestTheFieldOfAnAppsCodeTakesWhatAPhoneOffers(t *testing.T) {
	page := pages.AccountApp{Frame: pages.SampleAtWays(), Trouble: pages.AppCodeWrong, Key: "JBSW", Offer: held}
	html := render(t, renderer(t, nil), page)
	field, _ := parse(t, html).byID("field")
	for name, want := range map[string]string{
		"name": "code", "inputmode": "numeric", "autocomplete": "one-time-code", "type": "text", "dir": "ltr", "value": "",
		"aria-invalid": "true", "autofocus": "autofocus",
	} {
		if field.attrs[name] != want {
			t.Errorf("%s is %q, want %q", name, field.attrs[name], want)
		}
	}
	if !strings.Contains(html, `name="offer" value="`+held+`"`) {
		t.Error("the form does not carry the offer")
	}
}

// The picture of a secret has its words beside it: whoever cannot see it, or reads
// with the phone itself, types the key.
func TestThePictureOfAnAppsSecretHasAnAlternative(t *testing.T) {
	html := render(t, renderer(t, nil), pages.AccountApp{Frame: pages.SampleAtWays(), Key: "JBSW Y3DP", PNG: []byte("\x89PNG"), Offer: held})
	images := parse(t, html).all("img")
	if len(images) != 1 || images[0].attrs["alt"] == "" || !strings.HasPrefix(images[0].attrs["src"], "data:image/png;base64,") {
		t.Errorf("images are %v", images)
	}
	if !strings.Contains(html, "JBSW Y3DP") {
		t.Error("the key is not written out")
	}
}
