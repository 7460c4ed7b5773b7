// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

const placeholder = "[secret]"

// redacted keeps what embeds it out of logs, errors and dumps.
type redacted struct{}

// String returns a placeholder.
func (redacted) String() string { return placeholder }

// GoString returns a placeholder.
func (redacted) GoString() string { return placeholder }

// Format writes a placeholder for every verb.
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, placeholder) }

// LogValue returns a placeholder.
func (redacted) LogValue() slog.Value { return slog.StringValue(placeholder) }

// MarshalJSON writes a placeholder.
func (redacted) MarshalJSON() ([]byte, error) { return json.Marshal(placeholder) }
