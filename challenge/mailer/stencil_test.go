// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"testing"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// TestEveryMailIsWhatItsTemplatesMakeOfIt also tells when a template has got something
// that its stencil does not understand, and mails take long again.
func TestEveryMailIsWhatItsTemplatesMakeOfIt(t *testing.T) {
	everyMail(t, func(t *testing.T, l mailer.Letter) {
		for _, app := range []string{l.Notice.App, `<b>"A" & 'B' + {C}`} {
			l.Notice.App, l.Style.App = app, app
			if printed, executed, fits, err := l.Both(); err != nil || !fits || printed != executed {
				t.Errorf("printed (fits: %v, %v): %q\nwant %q", fits, err, printed, executed)
			}
		}
	})
}
