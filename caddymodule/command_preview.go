// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/caddymodule/gallery"
	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

// A previewing is what preview is asked to do.
type previewing struct {
	config, adapter, site string
	out                   string
	gallery.Options
}

func previewCommand() *cobra.Command {
	var p previewing
	cmd := &cobra.Command{
		Use:   "preview [--out <folder>]",
		Short: "Writes every screen and mail into files, to look at",
		Long: "Writes every screen and every mail, in every language, light and dark, as HTML and as text, and an index.html that\n" +
			"shows them side by side. No server is needed, and the files load nothing. People, places and codes are made up.\n\n" +
			"With --config they look as those of a site do: with its name, colours, texts and templates.",
		Args:         flagsOnly,
		SilenceUsage: true,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.run(cmd.OutOrStdout()) }
	flags := cmd.Flags()
	flags.StringVarP(&p.out, "out", "o", "doorcode-preview", "the folder to write into, which is made")
	flags.StringVar(&p.Mail, "mail", "", "only mails of this name, such as code, new-sign-in or changed, and no screens")
	flags.StringArrayVar(&p.Languages, "lang", nil, "only this language, such as de; may be repeated")
	flags.BoolVar(&p.Dark, "dark", false, "only what is dark")
	flags.StringVarP(&p.config, "config", "c", "", "configuration file of the site (default: none, a site called Example)")
	flags.StringVarP(&p.adapter, "adapter", "a", "", "name of the config adapter")
	flags.StringVar(&p.site, "site", "", "host of the site, where the configuration has several")
	return cmd
}

func (p *previewing) run(out io.Writer) error {
	if err := gallery.Vacant(p.out); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if p.config == "" && p.site != "" {
		return errors.New("--site needs --config, the configuration that has the site")
	}
	if p.config != "" {
		if err := p.borrow(); err != nil {
			return err
		}
	}
	written, err := gallery.Write(p.out, p.Options)
	if err != nil {
		return err
	}
	index, err := filepath.Abs(filepath.Join(p.out, "index.html"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Wrote %s, as %d files. Open %s\n", written, written.Files, index)
	return err
}

// borrow takes the looks of a site. Nothing of the configuration is opened.
func (p *previewing) borrow() error {
	folder, err := os.MkdirTemp("", "doorcode-preview-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // of certificates that nobody uses
	app, err := provisionedApp(p.config, p.adapter, folder)
	if err != nil {
		return err
	}
	gates, err := app.gatesAt(p.site)
	if err != nil {
		return err
	}
	for _, e := range gates[1:] {
		if !app.soundAlike(gates[0], e) {
			return fmt.Errorf("the sites look different; name the one that is meant, with --site: %s", app.hostsOf(gates))
		}
	}
	e := gates[0]
	origins := app.building.originsOf(e)
	if len(origins) == 0 {
		return errors.New("the site has no address of its own; write 'origins' in its doorcode block")
	}
	p.Origin = origins[0]
	options := e.webOptions(nil, origins, "", nil)
	p.Look, p.Words = options.Look, options.Words
	if p.Look.Name == "" {
		p.Look.Name = hostOf(origins[0])
	}
	p.Style = e.firstStyle()
	return nil
}

// firstStyle is what the mails of the first transport look like.
func (e *entrance) firstStyle() mailer.Style {
	if m, ok := e.mails[0].(Mail); ok {
		return e.style(m.Sender())
	}
	return e.style(&Letter{from: "doorcode@localhost"})
}

// provisionedApp loads a configuration as provision does, and finds the gates in it.
func provisionedApp(config, adapter, folder string) (*App, error) {
	ctx, err := provision(question{config: config, adapter: adapter}, folder)
	if err != nil {
		return nil, err
	}
	module, err := ctx.AppIfConfigured("doorcode")
	app, ok := module.(*App)
	if err != nil || !ok || len(app.building.gates()) == 0 {
		return nil, errors.New("there is no doorcode in this configuration")
	}
	return app, nil
}

// gatesAt are the gates of a site; of all sites where none is named.
func (a *App) gatesAt(site string) (gates []*entrance, err error) {
	for _, e := range a.building.gates() {
		if site == "" || e.standsAt(site) {
			gates = append(gates, e)
		}
	}
	if len(gates) == 0 {
		return nil, fmt.Errorf("no gate stands at '%s'; there are gates at %s", site, strings.Join(a.hosts(), ", "))
	}
	return gates, nil
}
