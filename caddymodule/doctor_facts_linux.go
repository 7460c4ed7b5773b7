// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"os"
	"syscall"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// networkFileSystems are those of Linux by their numbers (statfs(2)) whose files are
// elsewhere.
var networkFileSystems = map[uint32]string{
	0x6969: "nfs", 0xff534d42: "cifs", 0xfe534d42: "smb", 0x517b: "smb", 0x01021997: "9p", 0x65735546: "fuse", 0x5346414f: "afs", 0x00c36400: "ceph",
}

// fileSystem names what kind of file system a folder is on, empty for a local one.
func fileSystem(folder string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return ""
	}
	return networkFileSystems[uint32(s.Type)] //nolint:gosec // the numbers have 32 bits
}

// freeSpace is how many bytes this user may still write into a folder.
func freeSpace(folder string) (bytes uint64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil || s.Bsize <= 0 {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}

// ownDescriptors are those of this process.
func ownDescriptors() doctor.Descriptors {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return doctor.Descriptors{}
	}
	open, _ := os.ReadDir("/proc/self/fd") // unknown where there is no /proc
	return doctor.Descriptors{Limit: limit.Cur, Open: uint64(len(open))}
}
