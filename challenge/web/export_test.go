// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

// The kinds whose answers are pages.
const KindPage, KindFormPost, KindForeignPost = kindPage, kindFormPost, kindForeignPost

var (
	KindOf       = kindOf
	PrefersHTML  = prefersHTML
	SafeBack     = safeBack
	ProblemTypes = problemTypes
	ReadFields   = readFields
	PackFields   = packFields
	UnpackFields = unpackFields
)

func (p problemType) Status() int   { return p.status }
func (p problemType) Title() string { return p.title }
