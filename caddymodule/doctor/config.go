// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// config says whether the configuration loads.
func config(_ context.Context, f *Facts, n *notes) {
	fix := f.unreadFix()
	switch {
	case fix != "":
		n.fail(f.Config, f.Fault.Error(), fix)
	case errors.Is(f.Fault, ErrNoGate):
		n.fail(f.Config, f.Fault.Error(), "the message says what to write; Caddy itself starts with this, and guards nothing")
	case f.Fault != nil && f.Late:
		n.fail(f.Config, f.Fault.Error(), "the message says what to write; 'caddy validate' does not show it, and Caddy would not start with this")
	case f.Fault != nil:
		n.fail(f.Config, f.Fault.Error(), "the message says what to write; 'caddy validate' shows the same, and a running Caddy goes on with what it has")
	default:
		n.ok(f.Config, fmt.Sprintf("loads, with %s", count(len(f.Sites), "gate")))
	}
}

// unreadFix is how to have the doctor find the file; empty where it was read.
func (f *Facts) unreadFix() string {
	switch {
	case errors.Is(f.Fault, ErrNoConfig):
		return "run the doctor in the folder of the Caddyfile, or name the file: caddy doorcode doctor --config /etc/caddy/Caddyfile"
	case errors.Is(f.Fault, ErrNoFile):
		return "give --config the file that Caddy runs with: it is often /etc/caddy/Caddyfile, and 'systemctl cat caddy' shows which it is"
	case errors.Is(f.Fault, ErrFolder):
		return "name the file in it, such as --config " + filepath.Join(f.Config, "Caddyfile")
	case errors.Is(f.Fault, ErrMayNotRead):
		return "run the doctor as Caddy's user: sudo -u caddy caddy doorcode doctor --config " + f.Config
	}
	return ""
}

// secrets looks for those that stand in the configuration, which the admin endpoint
// shows to everybody on this machine, and which Caddy saves.
func secrets(_ context.Context, f *Facts, n *notes) {
	for _, p := range f.Plain {
		n.fail(p.Subject, fmt.Sprintf("'%s' stands in the configuration in plain text; the admin endpoint and the saved configuration show it", p.Setting),
			fmt.Sprintf("put it into a file that Caddy's user alone can read and write '%s {file./path/to/file}', or {env.NAME}; "+
				"{$NAME} is no help, since it is replaced before the file is read; then change the secret itself", p.Setting))
	}
	switch {
	case len(f.Plain) > 0:
	case f.Unread:
		n.skip("", unloaded, mendFirst)
	default:
		n.ok("", "none stands in the configuration")
	}
}

// admin looks at where Caddy's admin endpoint listens: whoever reaches it may do
// anything.
func admin(_ context.Context, f *Facts, n *notes) {
	const fix = "write 'admin localhost:2019' or 'admin unix//run/caddy/admin.sock' into the global options, and restart Caddy"
	listen := f.Admin.Listen
	switch {
	case f.Unread:
		n.skip("", unloaded, mendFirst)
	case f.Admin.Off:
		n.ok("", "there is none ('admin off'); commands such as 'status' and 'unlock' cannot ask this Caddy")
	case listen == "" || strings.HasPrefix(listen, "unix"), strings.HasPrefix(listen, "fd"):
		n.ok(listen, "only this machine reaches it")
	default:
		host := listen
		if _, after, ok := strings.Cut(host, "/"); ok {
			host = after
		}
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if mailer.IsLoopback(host) {
			n.ok(listen, "only this machine reaches it")
			return
		}
		n.fail(listen, "the admin endpoint listens to others than this machine, and whoever reaches it may read every secret and take the door away", fix)
	}
}

// texts looks at what Doorcode says, and at what operators have changed of it.
func texts(_ context.Context, f *Facts, n *notes) {
	if err := words.Check(); err != nil {
		n.fail("texts of Doorcode", err.Error(), "this Doorcode was not built as its makers built it: build it again from a version that was released")
	} else {
		n.ok("texts of Doorcode", "complete in "+strings.Join(words.Languages(), " "))
	}
	for _, t := range f.Texts {
		switch {
		case t.Fault != nil:
			n.fail(t.Subject, t.Fault.Error(), "mend the file that is named, or take it away: what is missing there is taken from Doorcode")
		case len(t.Lacking) > 0:
			n.warn(t.Subject, "some texts are changed in one language, and not in "+strings.Join(t.Lacking, " "), "write them in these languages too, or limit 'languages' in the pages block")
		default:
			n.ok(t.Subject, "can be used")
		}
	}
}

// The contrasts of WCAG 2.2: of text (1.4.3), and of what shows where a button or a
// field is (1.4.11).
const (
	textContrast = 4.5
	edgeContrast = 3.0
)

// accent looks at the colour that operators chose. The pages darken or lighten one
// that cannot be read, so that they have another colour than is wished.
func accent(_ context.Context, f *Facts, n *notes) {
	chosen := false
	for i := range f.Sites {
		if s := &f.Sites[i]; s.Accent != "" {
			chosen = true
			judgeAccent(s, n)
		}
	}
	if !chosen {
		n.ok("", "the pages have Doorcode's own blue")
	}
}

func judgeAccent(s *Site, n *notes) {
	r, err := pages.New(pages.LookOptions{Name: "x", Accent: s.Accent, Theme: pages.Theme(s.Theme)})
	color, unread := pages.ParseColor(s.Accent)
	if err != nil || unread != nil {
		n.fail(s.name(), fmt.Sprintf("'accent %s' is no colour", s.Accent), "write six hexadecimal digits such as 0b5fff, or a name such as teal")
		return
	}
	used, adjusted := r.AdjustedAccent()
	if !adjusted {
		n.ok(s.name(), "accent "+s.Accent+" can be read")
		return
	}
	white := pages.Color{R: 255, G: 255, B: 255}
	contrast := pages.Contrast(color, white)
	fix := fmt.Sprintf("write 'accent %s', which is what the pages use, or another shade", strings.TrimPrefix(used.String(), "#"))
	text := fmt.Sprintf("accent %s is too faint to be read on the pages, which use %s instead", s.Accent, used)
	if s.Theme != string(pages.ThemeDark) {
		text = fmt.Sprintf("accent %s has a contrast of %.1f:1 to white, and text needs %.1f:1; the pages use %s instead", s.Accent, contrast, textContrast, used)
	}
	if s.Theme != string(pages.ThemeDark) && contrast < edgeContrast {
		n.fail(s.name(), text, fix)
		return
	}
	n.warn(s.name(), text, fix)
}

// people looks at who may pass.
func people(_ context.Context, f *Facts, n *notes) {
	for i := range f.Sites {
		s := &f.Sites[i]
		free := slices.DeleteFunc(slices.Clone(s.People.Domains), func(d string) bool { return !isFreeMail(d) })
		switch {
		case s.People.Nobody:
			n.fail(s.name(), "nobody may pass: the lists are empty, or 'deny' takes everybody away, or every end date is over",
				"give addresses after doorcode, in 'allow', or in the allow_file or people_file, which are read again by themselves")
		case s.People.Everybody:
			n.warn(s.name(), "'allow *' lets everybody pass who can receive mail; the door then tells who somebody is, and keeps nobody out",
				"name addresses or domains, unless the app itself decides what each person may do")
		case len(free) > 0:
			n.warn(s.name(), fmt.Sprintf("anybody can have an address at %s, so that '*@%s' lets everybody pass", strings.Join(free, ", "), free[0]),
				"list the addresses themselves, best in an allow_file")
		default:
			n.ok(s.name(), s.People.describe())
		}
	}
}

func (p People) describe() string {
	switch {
	case p.Count == 0 && len(p.Domains) == 0:
		return "whom the earlier step admits may pass"
	case len(p.Domains) == 0:
		return count(p.Count, "address") + " may pass"
	case p.Count == 0:
		return "*@" + strings.Join(p.Domains, " *@") + " may pass"
	}
	return fmt.Sprintf("%s and *@%s may pass", count(p.Count, "address"), strings.Join(p.Domains, " *@"))
}

// proxies looks for a proxy before Caddy that is not trusted to say where visitors
// are: all of them then share its address, its limits and its place.
func proxies(ctx context.Context, f *Facts, n *notes) {
	trusting := false
	for _, s := range f.Servers {
		trusting = trusting || s.Trusted
		switch {
		case s.HTTPS && !s.Secure && !s.Trusted:
			n.fail(s.label(), "the sites are https and this server speaks http, so a proxy stands before it; none is trusted, and every visitor looks like the proxy", trustFix(""))
		case s.Trusted && !s.Strict:
			n.warn(s.label(), "a trusted proxy may hand on lists of addresses, whose beginning a visitor can make up; such a visitor counts as somebody at an unknown place",
				"add 'trusted_proxies_strict' beside 'trusted_proxies'")
		case s.Trusted:
			n.ok(s.label(), "trusted proxies say where visitors are")
		}
	}
	if f.Running != nil {
		for _, peer := range f.Running.Forwarders {
			n.fail("running Caddy", fmt.Sprintf("%s forwards visitors and is not trusted, so every visitor looks like %s", peer, peer), trustFix(peer))
		}
	}
	if !trusting {
		f.relays(ctx, n)
	}
	switch {
	case slices.ContainsFunc(n.list, func(x Finding) bool { return x.Level != OK }), trusting:
	case f.Running != nil:
		n.ok("", "none is trusted, and no proxy of this network has forwarded anybody to the running Caddy")
	default:
		n.skip("", "only a running Caddy knows whether a proxy forwards visitors without being trusted", f.NotRunning)
	}
}

// relays looks for the marks that proxies leave on an answer.
func (f *Facts) relays(ctx context.Context, n *notes) {
	each(n, origins(f.URLs), func(origin string, n *notes) {
		a, err := f.visit(ctx, origin, "/.doorcode/ping", nowhere)
		if err != nil {
			return // 'reach' says so
		}
		if relay := a.relay(); relay != "" {
			n.fail(origin, "answers come through "+relay+", and no proxy is trusted, so every visitor looks like the proxy", trustFix("<its networks>"))
		}
	})
}

func trustFix(network string) string {
	if network == "" {
		network = "private_ranges"
	}
	return fmt.Sprintf("write 'servers { trusted_proxies static %s; trusted_proxies_strict }' into the global options, each on a line of its own, with the networks of that proxy alone", network)
}

func (s *Server) label() string {
	if len(s.Hosts) == 0 {
		return s.Name
	}
	return strings.Join(s.Hosts[:min(3, len(s.Hosts))], " ")
}

// count is a number of things.
func count(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "s"):
		return fmt.Sprintf("%d %ses", n, thing)
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
