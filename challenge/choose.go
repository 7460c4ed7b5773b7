// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge

import "context"

// maxChoice bounds how many cookies of one request are looked at.
const maxChoice = 32

// Choose picks the session cookie when a request brings several: the session
// that is valid wins, two different valid ones count as none, since one of them
// was planted from a sibling domain.
func (g *Gate) Choose(ctx context.Context, v Visit, values []string) string {
	return chosen(values, func(value string) (session string, ours bool) {
		v.Session = value
		live, _, err := g.live(ctx, &v)
		if err != nil {
			return "", false
		}
		return live.key, true
	})
}

// ChooseDevice picks the device cookie when a request brings several: one that
// opens wins over what a sibling domain planted, two different ones count as none.
func (g *Gate) ChooseDevice(v Visit, values []string) string {
	return chosen(values, func(value string) (same string, ours bool) {
		v.Device = value
		return value, g.house.claims(&v) != nil
	})
}

// ChoosePass picks the pass when a request brings several: one of ours wins, two
// different ones count as none.
func (g *Gate) ChoosePass(v Visit, values []string) string {
	return chosen(values, func(value string) (same string, ours bool) {
		v.Pass = value
		_, ours = g.house.passOf(&v)
		return value, ours
	})
}

// chosen is the first value that is ours, unless another of ours stands for something
// else. read says what a value stands for.
func chosen(values []string, read func(value string) (what string, ours bool)) string {
	first, stands := "", ""
	for _, value := range values[:min(len(values), maxChoice)] {
		what, ours := read(value)
		switch {
		case !ours || first != "" && what == stands:
		case first != "":
			return ""
		default:
			first, stands = value, what
		}
	}
	return first
}
