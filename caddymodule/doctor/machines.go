// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// machines looks whether all that answer under the name of a site are one door:
// they have the same keys, which they only have if they share storage and secret.
func machines(ctx context.Context, f *Facts, n *notes) {
	shared := false
	known := map[string]bool{}
	for _, s := range f.Stores {
		if s.Shared {
			shared = true
			f.sharedStore(ctx, s, known, n)
		}
		if r := f.Running.store(s.Name); r != nil {
			for _, k := range r.Keys {
				known[k.ID] = true
			}
		}
	}
	each(n, origins(f.URLs), func(origin string, n *notes) { f.keySets(ctx, origin, known, n) })
	if len(n.list) == 0 && !shared {
		n.ok("", "the storage is for one machine")
	}
}

// sharedStore looks into a store that machines share, as this one sees it.
func (f *Facts) sharedStore(ctx context.Context, s Store, known map[string]bool, n *notes) {
	records, err := s.Open(ctx)
	if err != nil {
		n.skip(s.Name, "it does not answer", "see 'storage'")
		return
	}
	defer records.Close() //nolint:errcheck // it was only read
	alive, err := records.Machines(ctx)
	if err != nil {
		n.skip(s.Name, "it does not answer", "see 'storage'")
		return
	}
	stored, err := records.Keys(ctx)
	switch {
	case errors.Is(err, ErrOtherSecret):
		n.fail(s.Name, "the keys in it were made under another 'secret' than that of this configuration, so this machine does not start", "give every machine the same secret; to begin anew under this one, change 'prefix' on all of them")
		return
	case err != nil:
		n.skip(s.Name, "its keys cannot be read: "+err.Error(), "see 'storage'")
		return
	}
	ids := idsOf(stored)
	for _, id := range ids {
		known[id] = true
	}
	if r := f.Running.store(s.Name); r != nil && len(r.Keys) > 0 && len(ids) > 0 && !slices.ContainsFunc(r.Keys, func(k Key) bool { return known[k.ID] }) {
		n.fail(s.Name, "the running Caddy has other keys than the storage", "it goes on with an older configuration: 'caddy reload' it")
		return
	}
	if f.Running != nil && f.Running.store(s.Name) == nil {
		n.fail(s.Name, "the running Caddy keeps its records elsewhere than this configuration says", "'caddy reload' it with this configuration, or give the doctor the one that it runs with")
		return
	}
	if len(ids) == 0 {
		n.ok(s.Name, "no machine has made keys in it yet")
		return
	}
	n.ok(s.Name, fmt.Sprintf("%s gave a sign of life in the last 10 seconds, and its %s can be opened with this secret", count(alive, "machine"), count(len(ids), "key")))
}

func idsOf(list []Key) (ids []string) {
	for _, k := range list {
		ids = append(ids, k.ID)
	}
	return ids
}

// visits is how often one address is asked for its keys: a load balancer leads each
// connection to the next machine.
const visits = 6

// keySets asks all machines behind an origin which keys they have.
func (f *Facts) keySets(ctx context.Context, origin string, known map[string]bool, n *notes) {
	u, err := url.Parse(origin)
	if err != nil {
		return
	}
	addresses, err := f.lookup(ctx, u.Hostname())
	if err != nil {
		return // 'reach' says so
	}
	if mailer.IsLoopback(u.Hostname()) {
		addresses = []netip.Addr{nowhere}
	}
	path := "/.doorcode/jwks.json"
	if s := f.siteAt(u); s != nil && s.Endpoints != "" {
		path = s.Endpoints + "/jwks.json"
	} else if s != nil && len(s.Guarded) > 0 {
		path = strings.TrimSuffix(s.Guarded[0], "/") + path
	}
	sets := map[string][]string{} // by address
	for _, ip := range addresses[:min(len(addresses), sideBySide)] {
		for range visits {
			if a, err := f.visit(ctx, origin, path, ip); err == nil && a.status == http.StatusOK {
				sets[ip.String()] = append(sets[ip.String()], keyIDs(a.body))
			}
		}
	}
	judgeSets(origin, sets, known, n)
}

// keyIDs are the names of the keys of a set (RFC 7517), as one text.
func keyIDs(body []byte) string {
	var set struct{ Keys []struct{ Kid string } }
	_ = json.Unmarshal(body, &set)
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k.Kid)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func judgeSets(origin string, sets map[string][]string, known map[string]bool, n *notes) {
	const fix = "give all of them the same 'storage redis' and the same 'secret'; the embedded storage is for one machine"
	var all []string
	for _, texts := range sets {
		all = append(all, texts...)
	}
	asked := len(all)
	slices.Sort(all)
	all = slices.Compact(all)
	switch {
	case len(all) == 0:
		return // 'reach' says so
	case len(all) > 1 && !overlap(all):
		n.fail(origin, fmt.Sprintf("what answers there are machines with different keys (%d sets), so that people are asked again whenever they come to another one", len(all)), fix)
	case len(known) > 0 && !slices.ContainsFunc(strings.Fields(strings.Join(all, " ")), func(id string) bool { return known[id] }):
		n.fail(origin, "what answers there has other keys than this machine", fix)
	default:
		n.ok(origin, fmt.Sprintf("one door: the same keys in %d answers from %s", asked, count(len(sets), "address")))
	}
}

// overlap reports whether each two sets share a key: one machine may know of a new
// key a second before another.
func overlap(sets []string) bool {
	for i, a := range sets {
		for _, b := range sets[i+1:] {
			other := strings.Fields(b)
			if !slices.ContainsFunc(strings.Fields(a), func(id string) bool { return slices.Contains(other, id) }) {
				return false
			}
		}
	}
	return true
}
