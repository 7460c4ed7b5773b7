// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/doorcode/caddy-doorcode/challenge/keyring"
)

// A Secret is what the configuration says of a secret: a placeholder such as
// `{env.X}` or `{file./run/secrets/x}`, which is read when the configuration is
// loaded, or the secret itself. Printing or logging it shows nothing. JSON
// holds it as it was written, because the configuration is handed on as JSON.
type Secret string

const hidden = "[secret]"

// String hides the secret.
func (Secret) String() string { return hidden }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return hidden }

// Format hides the secret from every verb, %x and %q among them.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides the secret from structured logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

const minSecret = 32 // bytes

// check refuses a root secret that is too short where its length shows.
func (s Secret) check() error {
	if s == "" || !s.literal() {
		return s.checkPlaceholders("secret")
	}
	err := checkSecretLength(string(s))
	if err != nil && strings.HasPrefix(string(s), "/") {
		return fmt.Errorf("%w; for a file write {file./path/file}", err)
	}
	if err == nil {
		err = checkGuess(string(s))
	}
	return err
}

// checkGuess refuses a root secret that only names one, which anybody can guess: a file,
// or a placeholder that was the value of a variable, since Caddy replaces none twice.
func checkGuess(clear string) error {
	if info, gone := os.Stat(clear); gone == nil && info.Mode().IsRegular() {
		return errors.New("'secret' is the name of a file, which anybody can guess; for what is in it write {file./path/file}")
	}
	for _, begins := range []string{"{env.", "{file.", "{$"} {
		if strings.HasPrefix(clear, begins) {
			return errors.New("'secret' is a placeholder within another, which is not replaced; write it into the configuration itself")
		}
	}
	return nil
}

func checkSecretLength(clear string) error {
	if len(clear) < minSecret {
		return fmt.Errorf("'secret' needs at least %d bytes, got %d", minSecret, len(clear))
	}
	return nil
}

// checkPlaceholders refuses a placeholder that is not closed, and what Caddy makes of
// `{file.name}` in a site: a part of the request's path, under control of the visitor.
func (s Secret) checkPlaceholders(word string) error {
	if err := checkClosed(string(s)); err != nil {
		return fmt.Errorf("'%s': %w", word, err)
	}
	if strings.Contains(string(s), "{http.request.") {
		return fmt.Errorf("'%s' cannot depend on a request; a file needs an absolute path, such as {file./run/secrets/%s}", word, word)
	}
	return nil
}

// literal reports whether the secret itself stands in the configuration, where
// the admin API shows it.
func (s Secret) literal() bool { return s != "" && !strings.Contains(string(s), "{") }

// open reads the secret. The error names the placeholder, never the value.
func (s Secret) open(repl *caddy.Replacer) (*clearText, error) {
	clear, err := expanded(repl, string(s))
	if err != nil {
		return nil, err
	}
	return &clearText{func() string { return clear }}, nil
}

// A clearText is an opened secret. It is kept in a function: fmt does not call
// the methods of unexported fields, but prints whatever it can reach, behind
// pointers too, and of a function it reaches the address alone.
type clearText struct{ reveal func() string }

// String hides the secret.
func (clearText) String() string { return hidden }

// Format hides the secret from every verb.
func (clearText) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// checkClosed refuses a brace that opens a placeholder without an end. Caddy takes it
// and all behind it as they stand: the name of a key file would be the key.
func checkClosed(text string) error {
	open := -1
	for i := range len(text) {
		switch {
		case i > 0 && text[i-1] == '\\': // Caddy's escape
		case text[i] == '{' && open < 0:
			open = i
		case text[i] == '}':
			open = -1
		}
	}
	if open < 0 {
		return nil
	}
	return errors.New(`a brace opens a placeholder that has no end; write } behind its name, or \{ for a brace that belongs to the value`)
}

// expanded replaces placeholders, of which none may be empty: a missing key file
// must never become an empty key.
func expanded(repl *caddy.Replacer, text string) (string, error) {
	if err := checkClosed(text); err != nil {
		return "", err
	}
	out, err := repl.ReplaceOrErr(text, true, true)
	if err == nil {
		return out, nil
	}
	name := placeholderIn(err.Error())
	switch {
	case strings.HasPrefix(name, "{env."):
		return "", fmt.Errorf("%s is not set", name)
	case strings.HasPrefix(name, "{file."):
		return "", fileFault(name)
	}
	// What stands between the braces may be part of a password: say nothing of it.
	return "", errors.New(`a brace in the value begins no known placeholder; write \{ for a brace that belongs to the value`)
}

// fileFault says why a file gives no secret. Caddy tells that in its log alone.
func fileFault(placeholder string) error {
	path := strings.TrimSuffix(strings.TrimPrefix(placeholder, "{file."), "}")
	about, err := tryFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing: there is no such file; write the secret into it", placeholder)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s is not readable: give the file to the user that Caddy runs as", placeholder)
	case err != nil:
		return fmt.Errorf("%s is not readable: %w", placeholder, err)
	case about.IsDir():
		return fmt.Errorf("%s is no file: write the secret into one", placeholder)
	}
	return fmt.Errorf("%s is empty: write the secret into the file", placeholder)
}

// tryFile looks whether a file can be opened, and what it is. A pipe is not opened: it
// would wait, or lose what is in it.
func tryFile(path string) (fs.FileInfo, error) {
	about, err := os.Stat(path)
	if err != nil || !about.Mode().IsRegular() {
		return about, err
	}
	opened, err := os.Open(path)
	if err == nil {
		_ = opened.Close()
	}
	return about, err
}

func placeholderIn(text string) string {
	start, end := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}')
	if start < 0 || end < start {
		return ""
	}
	return text[start : end+1]
}

// openSecret reads the root secret of the settings, nil if there is none.
func openSecret(s Settings, repl *caddy.Replacer) (*clearText, error) {
	if s.Secret == "" {
		return nil, nil
	}
	opened, err := s.Secret.open(repl)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	if err := errors.Join(checkSecretLength(opened.reveal()), checkGuess(opened.reveal())); err != nil {
		return nil, err
	}
	if _, err := keyring.ParseSecret(opened.reveal()); err != nil {
		return nil, fmt.Errorf("secret: %w; make one with 'caddy doorcode secret'", err)
	}
	return opened, nil
}

// Format hides the settings from fmt: the raw configuration of a mail transport
// may hold a password in clear text.
func (Settings) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[doorcode settings]")) }
