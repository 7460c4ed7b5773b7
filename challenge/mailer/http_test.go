// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

const apiToken = mailer.Password("tok-5f0c2d9e41")

// api is a mail API on this machine that answers as it is told and keeps what it got.
type api struct {
	*httptest.Server
	answer http.HandlerFunc
	got    []*http.Request
	bodies []string
}

func newAPI(t *testing.T, answer http.HandlerFunc) *api {
	t.Helper()
	a := &api{answer: answer}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading request: %v", err)
		}
		a.got, a.bodies = append(a.got, r), append(a.bodies, string(body))
		a.answer(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// open makes a transport of options, and ends its connections with the test.
func open(t *testing.T, o mailer.HTTPOptions) *mailer.HTTP {
	t.Helper()
	h, err := mailer.NewHTTP(o)
	if err != nil {
		t.Fatalf("NewHTTP: %v", err)
	}
	t.Cleanup(h.CloseIdleConnections)
	return h
}

const plainBody = `{"to": "{to}", "subject": "{subject}", "text": "{text}"}`

func TestAMailAPIIsToldTheMail(t *testing.T) {
	a := newAPI(t, says(http.StatusOK, `{"ok":true}`))
	h := open(t, mailer.HTTPOptions{
		URL: a.URL + "/send?key=1", Header: map[string]mailer.Password{"Authorization": "Bearer " + apiToken},
		Values: map[string]mailer.Password{"env.STREAM": `a"b`},
		Body: `{"from": "{from}", "to": ["{to}"], "subject": "{subject}", "both": "{from_name} <{from_mailbox}>", "text": "{text}", "html": "{html}",
			"reply": {"email": "{reply_to}"}, "id": "{id}", "list": "{header_list}", "object": "{headers}", "stream": "{env.STREAM}", "n": 1, "raw": "{raw}"}`,
	})
	m := render(t, letter())
	if err := h.Deliver(t.Context(), m); err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	r := a.got[0]
	if got := r.Header.Get("Authorization"); r.Method != "POST" || r.URL.RequestURI() != "/send?key=1" || got != "Bearer "+string(apiToken) {
		t.Errorf("request is %s %s with %q", r.Method, r.URL.RequestURI(), got)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %q", got)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(a.bodies[0]), &got); err != nil {
		t.Fatalf("body: %v\n%s", err, a.bodies[0])
	}
	want := map[string]any{
		"from": `"Example sign-in" <login@example.com>`, "to": []any{"ana@example.com"}, "subject": m.Subject, "text": m.Text, "html": m.HTML,
		"both": "Example sign-in <login@example.com>", "reply": map[string]any{"email": "help@example.com"}, "id": m.ID, "stream": `a"b`, "n": 1.0,
	}
	object, _ := got["object"].(map[string]any)
	list, _ := got["list"].([]any)
	if object["Auto-Submitted"] != "auto-generated" || len(object) != 4 || len(list) != 4 {
		t.Errorf("headers = %v and %v", object, list)
	}
	if raw, _ := got["raw"].(string); len(raw) < len(m.Raw) {
		t.Errorf("raw = %q", raw)
	}
	for _, name := range []string{"object", "list", "raw"} {
		delete(got, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestAMailAPIThatWantsAFormGetsOne(t *testing.T) {
	a := newAPI(t, says(http.StatusAccepted, ""))
	h := open(t, mailer.HTTPOptions{URL: a.URL, Method: "PUT", Body: "to={to}&text={text}&reply={reply_to}&tag=a%26b"})
	l := letter()
	l.Style.Support = ""
	m := render(t, l)
	if err := h.Deliver(t.Context(), m); err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	got, err := url.ParseQuery(a.bodies[0])
	want := url.Values{"to": {"ana@example.com"}, "text": {m.Text}, "tag": {"a&b"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("form (-want +got):\n%s%v", diff, err)
	}
	if got := a.got[0].Header.Get("Content-Type"); got != "application/x-www-form-urlencoded" || a.got[0].Method != "PUT" {
		t.Errorf("request is %s of %q", a.got[0].Method, got)
	}
}

func TestEachAnswerOfAMailAPIIsUnderstood(t *testing.T) {
	const keep, mailbox, permanent = 0, 1, 2
	postmark, resend, sendgrid := mailer.Postmark.Options(apiToken), mailer.Resend.Options(apiToken), mailer.SendGrid.Options(apiToken)
	plain := mailer.HTTPOptions{Body: plainBody}
	picky := mailer.HTTPOptions{Body: plainBody, OK: []int{250}, RetryOn: []int{418}}
	for name, tt := range map[string]struct {
		o      mailer.HTTPOptions
		status int
		body   string
		took   bool
		want   int
	}{
		"200 takes it":                            {plain, 200, "", true, 0},
		"202 takes it":                            {plain, 202, "", true, 0},
		"a redirect does not":                     {plain, 302, "", false, keep},
		"400 refuses the mail":                    {plain, 400, "no", false, mailbox | permanent},
		"so does 422":                             {plain, 422, "no", false, mailbox | permanent},
		"401 is the token":                        {plain, 401, "no", false, keep},
		"404 is the URL":                          {plain, 404, "", false, keep},
		"429 asks to wait":                        {plain, 429, "", false, keep},
		"500 is tried again":                      {plain, 500, "", false, keep},
		"a status that the operator calls right":  {picky, 250, "", true, 0},
		"a usual one that is not among them":      {picky, 200, "", false, permanent},
		"one to be tried again":                   {picky, 418, "", false, keep},
		"one that is not":                         {picky, 503, "", false, permanent},
		"Postmark: the mailbox is inactive":       {postmark, 422, `{"ErrorCode":406,"Message":"inactive"}`, false, mailbox | permanent},
		"Postmark: the sender is not confirmed":   {postmark, 422, `{"ErrorCode":400,"Message":"sender"}`, false, permanent},
		"Resend: the recipient is refused":        {resend, 422, "{\"name\":\"validation_error\",\"message\":\"Invalid `to` field\"}", false, mailbox | permanent},
		"Resend: the sender is refused":           {resend, 422, "{\"name\":\"validation_error\",\"message\":\"Invalid `from` field\"}", false, permanent},
		"SendGrid: the recipient is refused":      {sendgrid, 400, `{"errors":[{"field":"personalizations.0.to.0.email"}]}`, false, mailbox | permanent},
		"SendGrid: the sender is refused":         {sendgrid, 403, `{"errors":[{"field":"from.email"}]}`, false, keep},
		"SendGrid: something that is not JSON":    {sendgrid, 400, `<html>`, false, permanent},
		"an answer that blames nobody is no find": {postmark, 422, ``, false, permanent},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, says(tt.status, tt.body))
			tt.o.URL = a.URL
			err := open(t, tt.o).Deliver(t.Context(), render(t, letter()))
			if tt.took {
				if err != nil {
					t.Errorf("Deliver: %v", err)
				}
				return
			}
			var failure *mailer.DeliveryError
			if !errors.As(err, &failure) {
				t.Fatalf("Deliver = %v", err)
			}
			if failure.Mailbox != (tt.want&mailbox != 0) || failure.Permanent != (tt.want&permanent != 0) || !failure.Late {
				t.Errorf("failure = %+v", *failure)
			}
			if want := fmt.Sprintf("HTTP %d", tt.status); !strings.Contains(failure.Error(), want) {
				t.Errorf("failure says %q, want %q in it", failure, want)
			}
		})
	}
}

// A service may quote what it was asked with.
func TestWhatAMailAPISaysTellsNoSecrets(t *testing.T) {
	m := render(t, located(challenge.SignInCode))
	a := newAPI(t, nil)
	a.answer = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "Cannot POST %s: %s\r\n\x1b[31m%s %s", r.URL.RequestURI(), r.Header.Get("Authorization"), a.bodies[0], strings.Repeat("x", 1<<20))
	}
	h := open(t, mailer.HTTPOptions{
		URL: a.URL + "/v1/path-93b1c7/send?api_key=query-7d20e4", Body: `{"to": "{to}", "text": "{text}", "key": "{env.KEY}"}`,
		Header: map[string]mailer.Password{"Authorization": "Bearer " + apiToken}, Values: map[string]mailer.Password{"env.KEY": "key-8842aa"},
	})
	err := h.Deliver(t.Context(), m)
	said := fmt.Sprintf("%v %+v %#v", err, err, h)
	for _, leak := range []string{string(apiToken), "key-8842aa", "path-93b1c7", "query-7d20e4", secret, "Yk3nT0aGbRcQdSeUfVhWiX", "\x1b", "\n", "\r"} {
		if strings.Contains(said, leak) {
			t.Errorf("%q is in %q", leak, said)
		}
	}
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("error = %v", err)
	}
}

func TestAMailAPIThatIsAwayIsBlamedForItself(t *testing.T) {
	silent := newAPI(t, nil)
	released := make(chan struct{})
	silent.answer = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-released:
		}
	}
	defer close(released)
	breaks := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, address := range map[string]string{"silent": silent.URL, "breaks off": breaks.URL, "gone": gone.URL} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			err := open(t, mailer.HTTPOptions{URL: address + "/?key=hidden", Body: plainBody}).Deliver(ctx, render(t, letter()))
			var failure *mailer.DeliveryError
			if !errors.As(err, &failure) || failure.Mailbox || failure.Permanent || strings.Contains(err.Error(), "hidden") {
				t.Errorf("Deliver = %#v", err)
			}
		})
	}
}

// A redirect would take the token to another server.
func TestARedirectOfAMailAPIIsNotFollowed(t *testing.T) {
	other := newAPI(t, says(http.StatusOK, ""))
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	if err := open(t, mailer.HTTPOptions{URL: a.URL, Body: plainBody}).Deliver(t.Context(), render(t, letter())); err == nil || len(other.got) > 0 {
		t.Errorf("Deliver = %v; the other server got %d requests", err, len(other.got))
	}
}

// A probe goes the way of a mail, and says nothing of one, whatever is answered.
func TestAProbeOfAMailAPISendsNothing(t *testing.T) {
	a := newAPI(t, says(http.StatusNotFound, ""))
	h := open(t, mailer.HTTPOptions{URL: a.URL + "/send?key=1", Body: plainBody, Header: map[string]mailer.Password{"Authorization": "Bearer " + apiToken}})
	if err := h.Probe(t.Context(), render(t, letter())); err != nil {
		t.Fatalf("Probe = %v", err)
	}
	if r := a.got[0]; len(a.got) != 1 || r.Method != http.MethodHead || r.URL.RequestURI() != "/" || r.Header.Get("Authorization") != "" || a.bodies[0] != "" {
		t.Errorf("the server got %s %s with %v and %q", r.Method, r.URL.RequestURI(), r.Header, a.bodies[0])
	}
	a.Close()
	if err := h.Probe(t.Context(), render(t, letter())); err == nil {
		t.Error("Probe of a server that is gone succeeded")
	}
}

func TestAMailAPIThatCannotWorkIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		o    mailer.HTTPOptions
		want string
	}{
		"clear text":          {mailer.HTTPOptions{URL: "http://api.example.com/", Body: plainBody}, "write https://"},
		"no URL":              {mailer.HTTPOptions{URL: "api", Body: plainBody}, "write a URL such as"},
		"a user in the URL":   {mailer.HTTPOptions{URL: "https://a:b@example.com/", Body: plainBody}, "without a user name"},
		"a method":            {mailer.HTTPOptions{URL: "https://example.com/", Method: "GET", Body: plainBody}, "POST, PUT or PATCH"},
		"a field":             {mailer.HTTPOptions{URL: "https://example.com/", Body: plainBody, Header: map[string]mailer.Password{"X": "a\nb"}}, `"X" cannot be sent`},
		"a status":            {mailer.HTTPOptions{URL: "https://example.com/", Body: plainBody, OK: []int{99}}, "99 is no status"},
		"no body":             {mailer.HTTPOptions{URL: "https://example.com/"}, "there is no body"},
		"broken JSON":         {mailer.HTTPOptions{URL: "https://example.com/", Body: `{"to": "{to}", "text": "{text}"`}, "looks like JSON"},
		"a placeholder":       {mailer.HTTPOptions{URL: "https://example.com/", Body: `{"to": "{to}", "text": "{text}", "code": "{code}"}`}, "no placeholder {code}; there are from,"},
		"nobody to send it":   {mailer.HTTPOptions{URL: "https://example.com/", Body: `{"text": "{text}"}`}, "no {to} or {raw}"},
		"nothing to send":     {mailer.HTTPOptions{URL: "https://example.com/", Body: `to={to}`}, "no {text} or {html} or {raw}"},
		"a form that is none": {mailer.HTTPOptions{URL: "https://example.com/", Body: `to={to}&text={text}&%zz`}, "neither JSON nor a form"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := mailer.NewHTTP(tt.o)
			if !errors.Is(err, mailer.ErrMailAPI) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewHTTP = %v, want %q", err, tt.want)
			}
		})
	}
}

// Whatever a mail says, the body stays the one that the operator wrote.
func TestML01NothingInAMailChangesTheBodyOfARequest(t *testing.T) {
	l := letter()
	l.Notice.App = `","bcc":["evil@example.net"],"x":"{html}`
	l.Style.From.Name = `"}],"bcc":"&to=evil@example.net`
	m := render(t, l)
	a := newAPI(t, says(http.StatusOK, ""))
	if err := open(t, mailer.HTTPOptions{URL: a.URL, Body: `{"from": "{from_name}", "to": "{to}", "subject": "{subject}", "text": "{text}"}`}).Deliver(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(a.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"from": m.FromName, "to": m.To, "subject": m.Subject, "text": m.Text}
	if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(m.Subject, "{html}") {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestPresetsWriteWhatTheirServiceReads(t *testing.T) {
	for preset, want := range map[mailer.Preset]struct{ header, value string }{
		mailer.Postmark: {"X-Postmark-Server-Token", string(apiToken)},
		mailer.Resend:   {"Authorization", "Bearer " + string(apiToken)},
		mailer.SendGrid: {"Authorization", "Bearer " + string(apiToken)},
	} {
		for _, textOnly := range []bool{false, true} {
			t.Run(fmt.Sprint(preset, " text only ", textOnly), func(t *testing.T) {
				a := newAPI(t, says(http.StatusAccepted, ""))
				o := preset.Options(apiToken)
				if !strings.HasPrefix(o.URL, "https://api.") {
					t.Errorf("URL = %s", o.URL)
				}
				o.URL = a.URL
				l := letter()
				l.Style.TextOnly = textOnly
				m := render(t, l)
				if err := open(t, o).Deliver(t.Context(), m); err != nil {
					t.Fatalf("Deliver: %v", err)
				}
				if got := a.got[0].Header.Get(want.header); got != want.value {
					t.Errorf("%s = %q", want.header, got)
				}
				if got := a.got[0].Header.Get("Idempotency-Key"); preset == mailer.Resend && got != m.ID {
					t.Errorf("Idempotency-Key = %q", got)
				}
				var body any
				if err := json.Unmarshal([]byte(a.bodies[0]), &body); err != nil {
					t.Fatal(err)
				}
				pretty, _ := json.MarshalIndent(body, "", "  ")
				name := "api-" + string(preset)
				if textOnly {
					name += "-text"
				}
				golden(t, name+".json", append(pretty, '\n'))
			})
		}
	}
}

// Whoever mends a token need not wait until the old one's failures are forgotten.
func TestAMailAPIWithAnotherTokenIsAnotherTransport(t *testing.T) {
	of := func(token, url string) string {
		o := mailer.Postmark.Options(mailer.Password(token))
		o.URL = url
		return open(t, o).Identity()
	}
	one := of("tok-1", "https://example.com/")
	if of("tok-1", "https://example.com/") != one || of("tok-2", "https://example.com/") == one || of("tok-1", "https://example.org/") == one {
		t.Error("transports are mistaken for each other")
	}
	if strings.Contains(one, "tok-1") {
		t.Errorf("the token is in %s", one)
	}
}

func FuzzBodyOfARequest(f *testing.F) {
	f.Add(plainBody, "ana", "x")
	f.Add("to={to}&text={text}", "a&b", "{text}")
	f.Add(`["{to}", "{headers}", "{text}"]`, `"`, "\u2028")
	f.Fuzz(func(t *testing.T, body, subject, text string) {
		h, err := mailer.NewHTTP(mailer.HTTPOptions{URL: "https://example.com/", Body: body})
		if err != nil {
			if !errors.Is(err, mailer.ErrMailAPI) {
				t.Errorf("NewHTTP(%q) = %v", body, err)
			}
			return
		}
		filled, kind := h.Fill(mailer.Message{To: "ana@example.com", Subject: subject, Text: text, HTML: text})
		if kind == "application/json" && !json.Valid(filled) {
			t.Errorf("%q became %q", body, filled)
		}
		if _, err := url.ParseQuery(string(filled)); kind != "application/json" && err != nil {
			t.Errorf("%q became %q", body, filled)
		}
	})
}
