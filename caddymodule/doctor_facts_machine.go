// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// caddyPath is the module of Caddy.
const caddyPath = "github.com/caddyserver/caddy/v2"

// ownVersions are those of this program.
func ownVersions() doctor.Versions {
	v := doctor.Versions{Doorcode: version(), Go: runtime.Version(), Modules: map[string]string{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Path == caddyPath {
		v.Caddy = info.Main.Version
	}
	for _, dependency := range info.Deps {
		used := dependency
		if dependency.Replace != nil {
			used = dependency.Replace
		}
		if v.Modules[dependency.Path] = used.Version; dependency.Path == caddyPath {
			v.Caddy = used.Version
		}
	}
	return v
}

// ownAddresses are those at which others reach this machine.
func ownAddresses() (found []netip.Addr) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, address := range addresses {
		prefix, err := netip.ParsePrefix(address.String())
		if ip := prefix.Addr().Unmap(); err == nil && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
			found = append(found, ip)
		}
	}
	return found
}
