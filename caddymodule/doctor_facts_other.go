// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package caddymodule

import "github.com/doorcode/caddy-doorcode/caddymodule/doctor"

// fileSystem is empty where nobody says on what kind of file system a folder is.
func fileSystem(string) string { return "" }

// freeSpace is unknown.
func freeSpace(string) (bytes uint64, known bool) { return 0, false }

// ownDescriptors are unknown.
func ownDescriptors() doctor.Descriptors { return doctor.Descriptors{} }
