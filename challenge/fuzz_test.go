// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/store/memstore"
)

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"ana@example.com", "Ana+x@BÜCHER.example", `"a@b"@c.de`, "a@b@c.de", "a@xn--bcher-kva.example", "a@exa\u00admple.com", "a@b.c\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		e, err := challenge.ParseEmail(typed)
		if err != nil {
			if e != "" {
				t.Fatalf("an address beside an error: %q", e)
			}
			return
		}
		if again, err := challenge.ParseEmail(string(e)); again != e || err != nil {
			t.Errorf("ParseEmail(%q) = %q, %v: not stable", e, again, err)
		}
		if c := e.Canonical(); c != c.Canonical() || c.Domain() != e.Domain() {
			t.Errorf("Canonical(%q) = %q: not stable", e, c)
		}
		if strings.Count(string(e), "@") != 1 || len(e) > 254 || strings.ToLower(string(e)) != string(e) || strings.ContainsAny(string(e), " ,;:<>()[]\"\\\r\n\x00") {
			t.Errorf("%q is no plain address", e)
		}
		for _, r := range string(e) {
			if r <= ' ' || r >= utf8.RuneSelf {
				t.Errorf("%q holds %q", e, r)
			}
		}
	})
}

// OTC-10: never panics, never accepts another length.
func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"123456", "Your code is 123-456!", "１２３４５６", "bcdf-ghjk", "\xff", "7KQ"} {
		f.Add(seed)
	}
	forms := []challenge.Form{{Length: 6, Alphabet: challenge.Digits}, {Length: 10, Alphabet: challenge.Digits}, {Length: 8, Alphabet: challenge.Letters}}
	f.Fuzz(func(t *testing.T, typed string) {
		for _, form := range forms {
			code, err := challenge.Normalize(typed, form)
			if (err == nil) != (len(code) == form.Length) || strings.Trim(code, string(form.Alphabet)) != "" {
				t.Errorf("Normalize(%q, %v) = %q, %v", typed, form, code, err)
			}
			if again, _ := challenge.Normalize(code, form); again != code {
				t.Errorf("Normalize(%q) = %q: not stable", code, again)
			}
		}
	})
}

func FuzzOpenFlow(f *testing.F) {
	w := newWorld(f)
	g := w.gate(challenge.GateOptions{})
	b := w.browser(g)
	b.mailed(ana)
	f.Add(g.SealFlow(b.flow))
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, value string) {
		flow, err := g.OpenFlow(value, b.visit())
		if (err == nil) != (flow != nil) {
			t.Fatalf("OpenFlow = %v, %v", flow, err)
		}
		if flow != nil && flow.Address != ana {
			t.Errorf("%q opened as %+v", value, flow)
		}
	})
}

// A link is what anybody can type.
func FuzzReportable(f *testing.F) {
	w := newWorld(f)
	g := w.gate(challenge.GateOptions{})
	w.linked(g).signIn(ana, true)
	first := w.mailbox.link(f, challenge.SignInCode)
	b := w.linked(g).signIn(ana, true)
	used := w.mailbox.link(f, challenge.SignInCode)
	b.mailed(ana)
	code, entry := w.mailbox.link(f, challenge.SignInCode), w.mailbox.link(f, challenge.NewSignIn)
	links := []string{first, used, code, entry}
	f.Add(used)
	f.Add("b" + used[1:])
	f.Add(code)
	f.Add(entry)
	f.Add("c" + entry[1:])
	f.Add("b\r\n")
	f.Fuzz(func(t *testing.T, id string) {
		r, err := b.reportable(id)
		if known := slices.Contains(links, id); known != (err == nil) || !known && !errors.Is(err, challenge.ErrNoReport) {
			t.Errorf("Reportable(%q) = %+v, %v", id, r, err)
		}
		if err != nil && r.Browser+r.Network != "" {
			t.Errorf("Reportable(%q) tells %+v beside an error", id, r)
		}
	})
}

// FuzzDecodeRecords puts text where each kind of record is. Nothing may panic,
// and nobody may get in by it.
func FuzzDecodeRecords(f *testing.F) {
	w := newWorld(f)
	g := w.gate(challenge.GateOptions{Networks: office})
	w.linked(g).signIn(ana, true)
	b := w.linked(g).signIn(ana, true)
	used := w.mailbox.link(f, challenge.SignInCode)
	guest := w.linked(g).at(desk)
	_ = guest.enter(wrong(guest.mailed(ana), 0), false)
	w.browser(g).mustReport(w.mailbox.link(f, challenge.SignInCode))
	b.mailed(ana)
	spoolIn(f, w.house.Spool(), w.letter("one"))
	links := []string{w.mailbox.link(f, challenge.SignInCode), w.mailbox.link(f, challenge.NewSignIn), used}
	for _, value := range dump(f, w) {
		f.Add(value)
	}
	f.Add(`{"pending":[{"shape":{"Length":0,"Alphabet":""}}],"own":{"locks":9000000000000000000,"tries":[9223372036854775807,1]}}`)
	f.Add(`{"office":{"until":-1},"spent":[{"m":"","t":9223372036854775807}],"pending":[{"stopped":"x"}],"starts":[{"office":true}]}`)
	f.Add(`{"entries":[{"id":"AAAAAAAAAAAAAAAAAAAAAA","c":"AAAAAAAAAAAAAAAAAAAAAA","f":"","b":""},{"f":"","b":""}]}`)
	f.Add(`{"devices":[{"gen":-1}],"sessions":[{"e":1}]}`)
	f.Add(`{"last":1,"evicted":{"s":9223372036854775807,"b":-1},"who":"AAAA","x":"AAAA","u":9223372036854775807}`)
	f.Add(`{"29000000":[-5,9223372036854775807]}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, value string) {
		store := memstore.New(memstore.Options{Now: w.clock.now})
		for key := range dump(t, w) {
			raw := value
			if key == "keys" {
				raw = dump(t, w)[key]
			}
			err := store.Update(context.Background(), key, func([]byte, time.Time) ([]byte, time.Duration, error) { return []byte(raw), 0, nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		mine := newWorldOn(t, w.clock, store)
		stranger := mine.browser(mine.gate(challenge.GateOptions{Networks: office}))
		stranger.flow = b.flow
		_ = stranger.enter("000000", true)
		_, _ = stranger.ask(ana)
		_, _ = stranger.resend()
		_, _ = stranger.gate.Progress(context.Background(), stranger.visit(), stranger.flow)
		_, _ = mine.browser(stranger.gate).at(desk).ask(ana)
		if v := stranger.open(); v.Decision == challenge.Pass {
			t.Errorf("%q lets a stranger in", value)
		}
		stranger.device = b.device
		stranger.open()
		for _, id := range links {
			_, _ = stranger.reportable(id)
			_, _ = stranger.report(id)
			_ = stranger.gate.Unreport(context.Background(), stranger.visit(), id)
		}
		if people, _ := mine.house.People(context.Background()); len(people) > 0 && people[0].Address != "" && people[0].Address != ana {
			t.Errorf("%q has somebody pass for %s", value, people[0].Address)
		}
		_, _ = stranger.gate.Standing(context.Background(), ana)
		_, _ = mine.house.Spool().Adopt(context.Background())
		_, _ = mine.house.Evict(context.Background(), challenge.Eviction{Address: ana})
		_, _ = mine.house.Evict(context.Background(), challenge.Eviction{Forget: true})
	})
}

func FuzzTokenSpec(f *testing.F) {
	f.Add(laptop.Detail())
	f.Add(`{"n":"a\u202e","p":"/a/..","d":30}`)
	f.Fuzz(func(t *testing.T, detail string) {
		spec, ok := challenge.ParseTokenSpec(detail)
		if !ok {
			return
		}
		if again, ok := challenge.ParseTokenSpec(spec.Detail()); !ok || again != spec {
			t.Errorf("%+v reads as %+v, %t", spec, again, ok)
		}
	})
}

// What people call their browsers, and what operators say, is one line of plain text.
func FuzzOneLine(f *testing.F) {
	for _, text := range []string{"", "my laptop", "a\r\nb\x00c\x1b[31m", "left\u202eright", "\xff\xfe", "é\u0301 \u200b x", strings.Repeat("ab ", 30)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := challenge.OneLine(text, 40)
		if !utf8.ValidString(line) || utf8.RuneCountInString(line) > 40 || line != strings.TrimSpace(line) {
			t.Errorf("%q is kept as %q", text, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Errorf("%q is kept with control characters: %q", text, line)
		}
		if again := challenge.OneLine(line, 40); again != line {
			t.Errorf("%q is kept as %q, and that as %q", text, line, again)
		}
	})
}

// What is typed is a mailed code, what an operator read out, or neither.
func FuzzReadTry(f *testing.F) {
	for _, typed := range []string{"", "123456", "12345678", "1234 5678", "１２３４５６７８", "BCDFGHJK", "123456789"} {
		f.Add(typed, uint8(0), true)
		f.Add(typed, uint8(2), true)
		f.Add(typed, uint8(2), false)
	}
	f.Fuzz(func(t *testing.T, typed string, length uint8, digits bool) {
		form := challenge.Form{Length: 6 + int(length%5), Alphabet: challenge.Letters}
		if digits {
			form.Alphabet = challenge.Digits
		}
		code, spoken, err := challenge.ReadTry(typed, form)
		if err != nil && code+spoken != "" {
			t.Errorf("%q: %q and %q with %v", typed, code, spoken, err)
		}
		if spoken != "" && (len(spoken) != 8 || strings.Trim(spoken, "0123456789") != "") {
			t.Errorf("%q is read as %q", typed, spoken)
		}
		if want, failed := challenge.Normalize(typed, form); failed == nil && code != want {
			t.Errorf("%q is read as %q, without an operator's code as %q", typed, code, want)
		}
	})
}
