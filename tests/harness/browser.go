// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// A Browser keeps cookies and the page it is on, and says of itself what
// browsers say.
type Browser struct {
	Jar   *cookiejar.Jar
	From  string // client address
	Agent string
	Extra http.Header // sent with every request
	Base  string      // scheme and authority

	client *http.Client
	page   Page
}

// A Page is an answer.
type Page struct {
	Status int
	Header http.Header
	Body   string
	URL    *url.URL
}

// Browser opens a browser without cookies.
func (c *Caddy) Browser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := c.transport()
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{
		Jar: jar, From: "203.0.113.7", Base: "http://localhost:" + c.Port,
		Agent:  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
		client: &http.Client{Transport: transport, Jar: jar, Timeout: 20 * time.Second, CheckRedirect: stay},
	}
}

// SecureBrowser opens a browser on the https site of a host, once its
// certificate is there: Caddy makes it in the background.
func (c *Caddy) SecureBrowser(t testing.TB, host string) *Browser {
	t.Helper()
	Eventually(t, "certificate of "+host, func() bool {
		config := trusting.Clone()
		config.ServerName = host
		conn, err := tls.Dial("tcp", c.Address(), config)
		return err == nil && conn.Close() == nil
	})
	b := c.Browser(t)
	b.Base = "https://" + host + ":" + c.Port
	return b
}

// Move has the browser go to another machine of the same fleet from now on.
func (b *Browser) Move(to *Machine) *Browser {
	b.client.Transport = to.transport()
	return b
}

// Present makes the browser show a certificate of its own.
func (b *Browser) Present(certificate tls.Certificate) {
	transport := b.client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	b.client.Transport = transport
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Navigation is what browsers say of a click in the same site.
var Navigation = http.Header{
	"Accept":         {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
	"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-User": {"?1"},
}

// Scripted is what they say of an app's own fetch.
var Scripted = http.Header{
	"Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-origin"},
}

// Open goes to a path as a person does.
func (b *Browser) Open(t testing.TB, path string) Page {
	t.Helper()
	b.page = b.Do(t, http.MethodGet, path, nil, Navigation)
	for b.page.Status == http.StatusSeeOther {
		b.page = b.Do(t, http.MethodGet, b.page.Header.Get("Location"), nil, Navigation)
	}
	return b.page
}

// Fetch asks for a path as an app's script does.
func (b *Browser) Fetch(t testing.TB, path string) Page {
	t.Helper()
	return b.Do(t, http.MethodGet, path, nil, Scripted)
}

// Submit sends the form of the present page whose action ends with a word, with
// fields filled in, and goes where that leads.
func (b *Browser) Submit(t testing.TB, action string, fields url.Values) Page {
	t.Helper()
	sent := b.Post(t, action, fields, Navigation)
	if sent.Status == http.StatusSeeOther {
		return b.Open(t, sent.Header.Get("Location"))
	}
	b.page = sent
	return sent
}

// Post sends a form of the present page and stays on it.
func (b *Browser) Post(t testing.TB, action string, fields url.Values, header http.Header) Page {
	t.Helper()
	target, hidden, ok := b.page.form(action)
	if !ok {
		t.Fatalf("no form %q on the page:\n%s", action, b.page.Text())
	}
	for name, values := range fields {
		hidden[name] = values
	}
	at, err := b.page.URL.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return b.Do(t, http.MethodPost, at.String(), hidden, header)
}

// AJAX sends a form of the present page as its script does.
func (b *Browser) AJAX(t testing.TB, action string, fields url.Values) Page {
	t.Helper()
	return b.Post(t, action, fields, Scripted)
}

// Do sends one request and follows nothing.
func (b *Browser) Do(t testing.TB, method, path string, form url.Values, headers ...http.Header) Page {
	t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.Base + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.Base)
	}
	for _, header := range append(headers, b.Extra) {
		for name, values := range header {
			r.Header[name] = values
		}
	}
	r.Header.Set("User-Agent", b.Agent)
	if b.From != "" {
		r.Header.Set("X-Forwarded-For", b.From)
	}
	return b.Send(t, r)
}

// Send sends a request as it is. Around a reload Caddy closes connections that
// it has read nothing from yet; like a browser, this sends again then.
func (b *Browser) Send(t testing.TB, r *http.Request) Page {
	t.Helper()
	response, err := b.client.Do(r)
	for try := 0; (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)) && try < 5; try++ {
		if r.GetBody != nil {
			r.Body, _ = r.GetBody() // of a string, which cannot fail
		}
		response, err = b.client.Do(r)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading answer: %v", err)
	}
	return Page{Status: response.StatusCode, Header: response.Header, Body: string(raw), URL: r.URL}
}

// Cookies are the cookies that the browser holds for the site.
func (b *Browser) Cookies(t testing.TB) map[string]string {
	t.Helper()
	u, err := url.Parse(b.Base)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]string{}
	for _, cookie := range b.Jar.Cookies(u) {
		held[cookie.Name] = cookie.Value
	}
	return held
}

// Drop forgets one cookie, as browsers do with those of a session when they
// are closed.
func (b *Browser) Drop(t testing.TB, name string) {
	t.Helper()
	u, err := url.Parse(b.Base)
	if err != nil {
		t.Fatal(err)
	}
	b.Jar.SetCookies(u, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1}})
}

// Visit puts the browser on a page that Do has fetched.
func (b *Browser) Visit(page Page) Page {
	b.page = page
	return page
}

// Page is where the browser is.
func (b *Browser) Page() Page { return b.page }

// SignIn goes through the whole check and ends on the page.
func (b *Browser) SignIn(t testing.TB, c *Caddy, path, address string, remember bool) Page {
	t.Helper()
	if page := b.Open(t, path); page.Status != http.StatusUnauthorized {
		t.Fatalf("status before the check = %d, want 401", page.Status)
	}
	before := len(c.Mailbox.Codes(t, address))
	b.Submit(t, "email", url.Values{"email": {address}})
	fields := url.Values{"code": {c.Mailbox.WaitCode(t, address, before+1).Code(t)}}
	if remember {
		fields.Set("remember", "on")
	}
	page := b.Submit(t, "verify", fields)
	if page.Status != http.StatusOK {
		t.Fatalf("status after the code = %d, want 200:\n%s", page.Status, page.Text())
	}
	return page
}

// Text is what a person reads on the page.
func (p Page) Text() string {
	root, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		return p.Body
	}
	var b strings.Builder
	collect(root, &b)
	return strings.Join(strings.Fields(b.String()), " ")
}

func collect(n *html.Node, b *strings.Builder) {
	if n.Type == html.ElementNode && (n.Data == "style" || n.Data == "script") {
		return
	}
	if n.Type == html.TextNode {
		b.WriteString(n.Data)
	}
	for child := range n.ChildNodes() {
		collect(child, b)
	}
}

// form finds a form by the end of its action, or of that of one of its buttons,
// with its hidden fields.
func (p Page) form(action string) (target string, hidden url.Values, ok bool) {
	root, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		return "", nil, false
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		if target, ok = targetOf(n, action); ok {
			return target, hiddenOf(n), true
		}
	}
	return "", nil, false
}

func targetOf(form *html.Node, action string) (target string, ok bool) {
	if target = attribute(form, "action"); strings.HasSuffix(target, action) {
		return target, true
	}
	for n := range form.Descendants() {
		if target = attribute(n, "formaction"); target != "" && strings.HasSuffix(target, action) {
			return target, true
		}
	}
	return "", false
}

func hiddenOf(form *html.Node) url.Values {
	hidden := url.Values{}
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && n.Data == "input" && attribute(n, "type") == "hidden" {
			hidden.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	return hidden
}

// Hidden is the sealed value of a form.
func (p Page) Hidden(t testing.TB, action string) string {
	t.Helper()
	_, hidden, ok := p.form(action)
	if !ok {
		t.Fatalf("no form %q on the page", action)
	}
	return hidden.Get("flow")
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
