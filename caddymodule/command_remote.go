// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// A remote is the running Caddy that a command asks, and how its answer is
// printed.
type remote struct {
	address, config, adapter string
	site                     string
	asJSON                   bool
}

// remoteCommand completes a command that asks a running Caddy.
func remoteCommand(cmd *cobra.Command, run func(c *remote, out io.Writer, args []string) error) *cobra.Command {
	return completed(cmd, new(remote), run)
}

// jsonCommand is a remoteCommand whose answer can be printed for machines.
func jsonCommand(cmd *cobra.Command, run func(c *remote, out io.Writer, args []string) error) *cobra.Command {
	c := new(remote)
	completed(cmd, c, run).Flags().BoolVar(&c.asJSON, "json", false, "print JSON")
	return cmd
}

func completed(cmd *cobra.Command, c *remote, run func(c *remote, out io.Writer, args []string) error) *cobra.Command {
	cmd.SilenceUsage = true
	if cmd.Args == nil {
		cmd.Args = flagsOnly
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(c, cmd.OutOrStdout(), args) }
	flags := cmd.Flags()
	flags.StringVar(&c.address, "address", "", "address of the admin endpoint of the running Caddy (default: that of --config, or "+caddy.DefaultAdminListen+")")
	flags.StringVarP(&c.config, "config", "c", "", "configuration file that says where the admin endpoint is")
	flags.StringVarP(&c.adapter, "adapter", "a", "", "name of the config adapter")
	flags.StringVar(&c.site, "site", "", "host of a site, where the sites keep their records in several storages (default: all of them)")
	return cmd
}

// whereToAsk finds the admin endpoint.
func (c *remote) whereToAsk() (string, error) {
	if c.address != "" || c.config == "" {
		return caddycmd.DetermineAdminAPIAddress(c.address, nil, "", "")
	}
	raw, file, _, err := caddycmd.LoadConfig(c.config, c.adapter)
	if err != nil {
		return "", err
	}
	var config struct {
		Admin caddy.AdminConfig `json:"admin"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		return "", fmt.Errorf("reading admin endpoint in %s: %w", file, err)
	}
	if config.Admin.Disabled {
		return "", fmt.Errorf("%s says 'admin off', so the Caddy that runs with it cannot be asked; write 'admin localhost:2019' or "+
			"'admin unix//run/caddy/admin.sock' and restart Caddy", file)
	}
	return caddycmd.DetermineAdminAPIAddress("", raw, file, c.adapter)
}

// ask sends a request to the running Caddy. The caller closes the body.
func (c *remote) ask(method, path string, o order) (io.ReadCloser, error) {
	address, err := c.whereToAsk()
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if o.Site = c.site; method == http.MethodPost {
		text, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	} else if o.Site != "" {
		path += "?site=" + url.QueryEscape(o.Site)
	}
	answer, err := caddycmd.AdminAPIRequest(address, method, path, nil, body)
	if err != nil {
		return nil, explainFault(address, err)
	}
	return answer.Body, nil
}

// answered is what Caddy's client says of an answer that is an error. It keeps
// no error that could be told from others in another way.
const answered = "caddy responded with error: HTTP "

// explainFault says what to do about an error of Caddy's client.
func explainFault(address string, err error) error {
	answer, ok := strings.CutPrefix(err.Error(), answered)
	if !ok {
		if refused, ok := strings.CutPrefix(err.Error(), "performing request: "); ok {
			return fmt.Errorf("no Caddy can be asked at %s: %s; start it, or say where its admin endpoint is with --config or --address "+
				"(a Caddy with 'admin off' has none)", address, refused)
		}
		return err
	}
	status, text, _ := strings.Cut(answer, ": ")
	var told struct {
		Error string `json:"error"`
	}
	switch {
	case json.Unmarshal([]byte(text), &told) == nil && told.Error != "":
		return errors.New(told.Error)
	case status == "404":
		return fmt.Errorf("the Caddy at %s has no Doorcode, or an older version that does not know this command; restart it with this one, %s", address, version())
	}
	return fmt.Errorf("what answers at %s is no Caddy with Doorcode: HTTP %s", address, status)
}

// printed is an answer that can be printed for people.
type printed interface{ print(s *sheet) }

// show asks, and prints the answer as JSON or for people. The answer is left in
// into.
func (c *remote) show(out io.Writer, method, path string, o order, into printed) error {
	body, err := c.ask(method, path, o)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // it has been read
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("reading answer of Caddy: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading answer of Caddy: %w", err)
	}
	if c.asJSON {
		// As it came: a newer version may say more than this one knows.
		var indented bytes.Buffer
		err := json.Indent(&indented, text, "", "  ")
		return errors.Join(err, flush(out, &indented))
	}
	s := newSheet(out)
	into.print(s)
	return errors.Join(s.err, s.Flush())
}

func flush(out io.Writer, text *bytes.Buffer) error {
	_, err := text.WriteTo(out)
	return err
}
