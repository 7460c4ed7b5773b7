// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package challenge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
)

// A clock that was set back must not make a flow last longer than others do.
func TestOTC03AFlowCountsForItsTimeOnly(t *testing.T) {
	w := newWorld(t)
	b := w.browser(w.gate(challenge.GateOptions{}))
	b.mailed(ana)
	sealed := b.gate.SealFlow(b.flow)
	for _, tt := range []struct {
		name  string
		after time.Duration
		want  error
	}{
		{"as soon as it is made", 0, nil},
		{"at the end of its life", challenge.FlowLife, nil},
		{"after its life", challenge.FlowLife + time.Second, challenge.ErrNoFlow},
		{"on a machine whose clock is a minute late", -time.Minute, nil},
		{"before it was made", -time.Minute - time.Second, challenge.ErrNoFlow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := b.visit()
			v.Now = v.Now.Add(tt.after)
			if _, err := b.gate.OpenFlow(sealed, v); !errors.Is(err, tt.want) {
				t.Errorf("OpenFlow = %v, want %v", err, tt.want)
			}
		})
	}
}
