// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package passkeys asks browsers for passkeys and checks what they answer, as Web
// Authentication Level 3 has it (https://www.w3.org/TR/webauthn-3/).
//
// It keeps nothing and knows no people: challenges, and which credential is whose, are
// for the caller to remember. Every passkey has to be discoverable, so that nobody need
// say who they are first, and has to verify its owner, so that it is worth more than
// holding the machine it is in. Attestation is neither asked for nor looked at: who made
// an authenticator says nothing about whose it is.
package passkeys
