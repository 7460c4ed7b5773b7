// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule/doctor"
)

// A consultation is what the doctor is asked.
type consultation struct {
	remote
	urls     []string
	sendTo   string
	resolver string // address of a DNS server; empty: those of the system
	strict   bool
	loaded   *ward // the configuration; nil: it does not load
}

// consultTime bounds all of it.
const consultTime = 55 * time.Second

func doctorCommand() *cobra.Command {
	var c consultation
	cmd := &cobra.Command{
		Use:   "doctor [--url <url>] [--send-to <address>]",
		Short: "Looks for what is wrong with a configuration and around it, and says how to mend it",
		Long: "Loads a configuration as 'caddy validate' does, asks the Caddy that runs, and tries what the configuration\n" +
			"stands on: sites, mail servers, the DNS, storage, databases and the machine. It sends no mail but for --send-to,\n" +
			"and changes nothing: into a storage that other machines share it writes a record of its own, and removes it.\n\n" +
			"Each line is ok, warn, FAIL, or skip for what could not be looked at, with what to do about it below. Run it as\n" +
			"Caddy's user, which the files belong to: sudo -u caddy caddy doorcode doctor --config /etc/caddy/Caddyfile\n\n" +
			"The exit code is 0, 2 if something FAILs, and with --strict 1 if there are warnings. The checks are described in\n" +
			"docs/doctor.md.",
		Args:         flagsOnly,
		SilenceUsage: true,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := c.check(); err != nil {
			return err
		}
		code, err := c.examine(cmd.Context(), cmd.OutOrStdout())
		if err != nil {
			return err
		}
		cmd.SilenceErrors = true // an exit code is no error to be printed
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
	}
	flags := cmd.Flags()
	flags.StringVarP(&c.config, "config", "c", "", "configuration file (default: the Caddyfile in this folder)")
	flags.StringVarP(&c.adapter, "adapter", "a", "", "name of the config adapter")
	flags.StringVar(&c.address, "address", "", "address of the admin endpoint of the running Caddy (default: that of the configuration)")
	flags.StringArrayVar(&c.urls, "url", nil, "where people reach a site, with the path of a page that only people with a session may see; may be repeated (default: the sites of the running Caddy)")
	flags.StringVar(&c.sendTo, "send-to", "", "send a test mail to this address through each transport")
	flags.StringVar(&c.resolver, "resolver", "", "DNS server to ask, such as 9.9.9.9 (default: those of the system)")
	flags.BoolVar(&c.asJSON, "json", false, "print JSON")
	flags.BoolVar(&c.strict, "strict", false, "exit with 1 if there are warnings")
	return cmd
}

// check refuses flags that mean nothing.
func (c *consultation) check() error {
	for _, text := range c.urls {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("--url takes an address such as https://app.example.com, got '%s'", text)
		}
	}
	if c.sendTo != "" {
		if err := requireAddress("--send-to", c.sendTo); err != nil {
			return err
		}
	}
	if c.resolver == "" {
		return nil
	}
	if ip, err := netip.ParseAddr(c.resolver); err == nil {
		c.resolver = netip.AddrPortFrom(ip, 53).String()
	}
	if _, err := netip.ParseAddrPort(c.resolver); err != nil {
		return fmt.Errorf("--resolver takes the address of a DNS server such as 9.9.9.9, got '%s'", c.resolver)
	}
	return nil
}

// examine makes all checks and prints what they say.
func (c *consultation) examine(ctx context.Context, out io.Writer) (code int, err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, consultTime)
	defer cancel()
	facts, done := c.facts(ctx)
	defer func() { err = errors.Join(err, done()) }()
	report := doctor.Examine(ctx, facts)
	if c.asJSON {
		err = report.JSON(out)
	} else {
		err = report.Text(out)
	}
	return report.Exit(c.strict), err
}
