// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// A Preset is a managed mail service whose API is known.
type Preset string

// The presets.
const (
	Postmark Preset = "postmark" // postmarkapp.com/developer/api/email-api
	Resend   Preset = "resend"   // resend.com/docs/api-reference/emails/send-email
	SendGrid Preset = "sendgrid" // twilio.com/docs/sendgrid/api-reference/mail-send
)

// Options are those of NewHTTP for a token. Opening and clicks are not tracked: a link
// that a service has rewritten leads elsewhere than the mail says.
func (p Preset) Options(token Password) HTTPOptions {
	bearer := map[string]Password{"Authorization": "Bearer " + token}
	switch p {
	case Postmark:
		return HTTPOptions{
			URL: "https://api.postmarkapp.com/email", Body: postmarkBody, Refused: refusedByPostmark,
			Header: map[string]Password{"X-Postmark-Server-Token": token}, Harmless: "/server",
		}
	case Resend:
		return HTTPOptions{
			URL: "https://api.resend.com/emails", Body: resendBody, Refused: refusedByResend, Header: bearer, Once: "Idempotency-Key",
			Harmless: "/domains",
		}
	case SendGrid:
		return HTTPOptions{
			URL: "https://api.sendgrid.com/v3/mail/send", Body: sendGridBody, Refused: refusedBySendGrid, Header: bearer, Harmless: "/v3/scopes",
		}
	default:
		return HTTPOptions{}
	}
}

const (
	postmarkBody = `{
		"From": "{from}", "To": "{to}", "ReplyTo": "{reply_to}", "Subject": "{subject}", "TextBody": "{text}", "HtmlBody": "{html}",
		"MessageStream": "outbound", "TrackOpens": false, "TrackLinks": "None", "Headers": "{header_list}"
	}`
	resendBody = `{
		"from": "{from}", "to": ["{to}"], "reply_to": "{reply_to}", "subject": "{subject}", "text": "{text}", "html": "{html}",
		"headers": "{headers}"
	}`
	sendGridBody = `{
		"personalizations": [{"to": [{"email": "{to}"}]}],
		"from": {"email": "{from_mailbox}", "name": "{from_name}"}, "reply_to": {"email": "{reply_to}"}, "subject": "{subject}",
		"content": [{"type": "text/plain", "value": "{text}"}, {"type": "text/html", "value": "{html}"}], "headers": "{headers}",
		"tracking_settings": {"click_tracking": {"enable": false}, "open_tracking": {"enable": false}}
	}`
)

// refusedByPostmark goes by the codes of its errors: 406 is a mailbox that bounced or
// complained before.
func refusedByPostmark(status int, body []byte) bool {
	var said struct{ ErrorCode int }
	return status == http.StatusUnprocessableEntity && json.Unmarshal(body, &said) == nil && said.ErrorCode == 406
}

// refusedByResend goes by the field that it names.
func refusedByResend(status int, body []byte) bool {
	var said struct{ Name, Message string }
	return status == http.StatusUnprocessableEntity && json.Unmarshal(body, &said) == nil &&
		said.Name == "validation_error" && strings.Contains(said.Message, "`to`")
}

// refusedBySendGrid goes by the field that it names.
func refusedBySendGrid(status int, body []byte) bool {
	var said struct{ Errors []struct{ Field string } }
	return status == http.StatusBadRequest && json.Unmarshal(body, &said) == nil &&
		slices.ContainsFunc(said.Errors, func(e struct{ Field string }) bool { return strings.HasPrefix(e.Field, "personalizations.") })
}

// ErrToken means a token that a mail service does not take.
var ErrToken = errors.New("the mail service refuses the token")

// Check reports whether the API answers, and takes the token where HTTPOptions.Harmless
// says how to ask. Where it doesn't, the token is kept back. Nothing is sent to anybody.
func (h *HTTP) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	method, path := http.MethodOptions, h.url.RequestURI()
	if h.o.Harmless != "" {
		method, path = http.MethodGet, h.o.Harmless
	}
	r, err := http.NewRequestWithContext(ctx, method, h.url.Scheme+"://"+h.url.Host+path, nil)
	if err != nil {
		return &DeliveryError{Step: "asking mail API", err: bare(err)}
	}
	r.Header.Set("User-Agent", "Doorcode")
	if h.o.Harmless != "" {
		for name, value := range h.o.Header {
			r.Header.Set(name, string(value))
		}
	}
	response, err := h.client.Do(r)
	if err != nil {
		return &DeliveryError{Step: "asking mail API", err: bare(err)}
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return &DeliveryError{Step: "reading answer of mail API", err: bare(err)}
	case h.o.Harmless != "" && refusesToken(response.StatusCode, string(body)):
		return fmt.Errorf("%w (HTTP %d)", ErrToken, response.StatusCode)
	}
	return nil
}

// refusesToken reads an answer. Resend refuses what a token may not do that can send,
// and nothing else.
func refusesToken(status int, body string) bool {
	return (status == http.StatusUnauthorized || status == http.StatusForbidden) && !strings.Contains(body, "restricted_api_key")
}
