// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge/sessions"
)

// FuzzCheck: what was not signed is not accepted, and a refusal says nothing.
func FuzzCheck(f *testing.F) {
	h := newHouse(f)
	i, genuine := h.issuer(""), map[string]bool{}
	for _, algorithm := range algorithms {
		token := h.sign(h.issuer(algorithm), h.session())
		genuine[token] = true
		f.Add(token)
		f.Add(token[:strings.LastIndexByte(token, '.')+1])
		payload := h.payload(h.session())
		f.Add(h.forge(algorithm, h.header(algorithm), with(payload, "exp", nil)))
		f.Add(h.forge(algorithm, with(h.header(algorithm), "alg", "none"), payload))
	}
	f.Add("..")
	f.Add(strings.Repeat(".", 3000))
	f.Fuzz(func(t *testing.T, token string) {
		s, err := i.Check(token, app, noon)
		if err == nil && !genuine[token] {
			t.Errorf("Check(%q) = %+v", token, s)
		}
		if err != nil && (!errors.Is(err, sessions.ErrInvalid) || s.ID != (sessions.ID{}) || s.Email != "") {
			t.Errorf("Check(%q) = %+v, %v, want ErrInvalid and no session", token, s, err)
		}
	})
}

// FuzzSignedClaims: whatever a key of ours has signed, Check does not panic,
// and what it accepts it could have signed itself.
func FuzzSignedClaims(f *testing.F) {
	h := newHouse(f)
	i := h.issuer(sessions.HS256)
	token := h.sign(i, h.session())
	payload, err := b64.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(payload))
	f.Add(strings.Replace(string(payload), `"exp":`, `"exp":1e400,"x":`, 1))
	f.Add(`{"sid":null}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, payload string) {
		in := *h
		in.tb = t
		s, err := i.Check(in.forge(sessions.HS256, in.header(sessions.HS256), payload), app, noon)
		if err != nil {
			return
		}
		if _, err := i.Sign(s); err != nil {
			t.Errorf("Sign(%+v) = %v", s, err)
		}
	})
}

// FuzzParseKeys: a set that parses needs nothing but missing keys to be good.
func FuzzParseKeys(f *testing.F) {
	f.Add(newHouse(f).stored)
	f.Add([]byte(`{"version":1,"keys":[]}`))
	f.Add([]byte(`{"version":1,"keys":[{"kid":"k","use":"session","alg":"HS256","private":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		_, err := sessions.ParseKeys(plain)
		if err != nil {
			if !errors.Is(err, sessions.ErrKeys) {
				t.Errorf("ParseKeys = %v, want ErrKeys", err)
			}
			return
		}
		full, _, err := sessions.Ensure(plain, sessions.EdDSA, noon)
		if errors.Is(err, sessions.ErrFull) {
			return
		}
		if err != nil {
			t.Fatalf("Ensure = %v", err)
		}
		if _, changed, err := sessions.Ensure(full, sessions.EdDSA, noon); changed || err != nil {
			t.Errorf("Ensure of its own result = changed: %t, %v", changed, err)
		}
	})
}

// FuzzRotate: whatever set parses still does after a turn, which is at rest then
// and leaves nothing that is over.
func FuzzRotate(f *testing.F) {
	set := ensured(f, nil, sessions.HS256, noon)
	rotated := turned(f, sessions.Replace, set, monthly, noon)
	f.Add(set, int64(30*day), int64(time.Hour), int64(day), noon.Unix(), false)
	f.Add(rotated, int64(30*day), int64(time.Hour), int64(day), noon.Add(30*day).Unix(), true)
	f.Add(rotated, int64(-1), int64(-1), int64(-1), int64(-1), true)
	f.Add(rotated, int64(1<<62), int64(1<<62), int64(1<<62), int64(253402300799), false)
	f.Add([]byte(`{"version":1,"keys":[{"kid":"k","use":"session","alg":"HS256","created":-9,"until":5,"KID":"x",`+
		`"private":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}`), int64(1), int64(0), int64(1), int64(1), true)
	// An end before its successor begins, and a time before all times of keys.
	f.Add(withField(f, rotated, 0, "until", noon.Unix()+10), int64(32), int64(0), int64(0), noon.Unix(), false)
	f.Add(withField(f, set, 0, "created", 0), int64(0), int64(0), int64(0), int64(-90), true)
	f.Fuzz(func(t *testing.T, plain []byte, every, ahead, session, at int64, replace bool) {
		do, now := turn(sessions.Rotate), time.Unix(at%(1<<36), 0) // to the year 4147
		if replace {
			do = sessions.Replace
		}
		r := sessions.Rotation{Every: time.Duration(every), Ahead: time.Duration(ahead), Session: time.Duration(session)}
		out, changed, err := do(plain, r, now)
		if err != nil {
			if !errors.Is(err, sessions.ErrKeys) && !errors.Is(err, sessions.ErrFull) || changed || out != nil {
				t.Errorf("turn = changed: %t, %v", changed, err)
			}
			return
		}
		if len(plain) == 0 {
			return
		}
		for _, k := range parsed(t, out).List(now) {
			if k.State == sessions.KeyRetired {
				t.Errorf("%s is over", k.ID)
			}
		}
		if _, changed, err := sessions.Rotate(out, r, now); changed || err != nil {
			t.Errorf("Rotate of its own result = changed: %t, %v", changed, err)
		}
	})
}

// FuzzMerge: a merged set can be read, and has the keys of both.
func FuzzMerge(f *testing.F) {
	set, other := ensured(f, nil, sessions.HS256, noon), ensured(f, nil, sessions.EdDSA, noon)
	f.Add(set, other)
	f.Add(turned(f, sessions.Replace, set, monthly, noon), set)
	f.Add([]byte{}, set)
	f.Fuzz(func(t *testing.T, ours, theirs []byte) {
		out, changed, err := sessions.Merge(ours, theirs)
		if err != nil {
			if !errors.Is(err, sessions.ErrKeys) && !errors.Is(err, sessions.ErrFull) || changed || out != nil {
				t.Errorf("Merge = changed: %t, %v", changed, err)
			}
			return
		}
		if len(out) == 0 {
			return
		}
		kept := map[string]sessions.KeyState{}
		for _, k := range parsed(t, out).List(noon) {
			kept[k.ID] = k.State
		}
		for _, set := range [][]byte{ours, theirs} {
			if len(set) == 0 {
				continue
			}
			for _, k := range parsed(t, set).List(noon) {
				if _, there := kept[k.ID]; !there {
					t.Errorf("%s is lost", k.ID)
				}
			}
		}
	})
}
