// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/certmagic"
	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/challenge/mailer"
)

const demoListen = "localhost:8080"

func demoCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Runs a sample app behind a gate, with a mailbox in the browser",
		Long: "Runs Caddy with a sample app behind a gate. Mail lands in a page of its own, so that no mail\n" +
			"server is needed. Everything is kept in a temporary folder and gone when the demo ends.\n\n" +
			"Commands that ask a running Caddy, such as 'why', can be tried on it, at a socket that is open to the\n" +
			"user of the demo alone. It prints how. On Windows there is none.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: false,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return demo(ctx, listen, cmd.Flags().Changed("listen"), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", demoListen, "loopback address to listen on")
	return cmd
}

// demo runs until ctx ends, and leaves nothing behind.
func demo(ctx context.Context, listen string, chosen bool, out io.Writer) error {
	address, err := demoAddress(listen, chosen)
	if err != nil {
		return err
	}
	if address != listen {
		fmt.Fprintf(out, "%s is taken; using %s\n\n", listen, address)
	}
	folder, err := os.MkdirTemp("", "doorcode-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is a temporary folder
	if err := settle(folder); err != nil {
		return err
	}
	socket := demoSocket(folder)
	config, err := demoConfig(address, folder, socket)
	if err != nil {
		return err
	}
	if err := caddy.Load(config, true); err != nil {
		return err
	}
	if err := announceDemo(address, socket, out); err != nil {
		return errors.Join(err, caddy.Stop())
	}
	<-ctx.Done()
	fmt.Fprintln(out, "\nStopping.")
	return caddy.Stop()
}

// settle keeps everything that Caddy writes inside the folder.
func settle(folder string) error {
	caddy.DefaultStorage = &certmagic.FileStorage{Path: folder}
	return errors.Join(os.Setenv("XDG_DATA_HOME", folder), os.Setenv("XDG_CONFIG_HOME", folder))
}

// demoAddress is where the demo listens. It must be this machine: whoever can
// reach the demo can read its codes.
func demoAddress(listen string, chosen bool) (string, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("--listen takes a host and a port such as %s, got %q", demoListen, listen)
	}
	if !mailer.IsLoopback(host) {
		return "", fmt.Errorf("--listen takes a loopback address such as %s, because the demo shows every code to every visitor", demoListen)
	}
	if port, err := freePort(listen); err == nil {
		return net.JoinHostPort(host, port), nil
	} else if chosen {
		return "", fmt.Errorf("cannot listen on %s: %w", listen, err)
	}
	port, err := freePort(net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, port), nil
}

func freePort(address string) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	defer listener.Close() //nolint:errcheck // it was only a try
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// demoSocket is where commands ask the demo; empty where no socket can be had, as in a
// folder whose name is too long for one, or has what Caddy reads otherwise. It is no port:
// whoever reaches the admin endpoint of Caddy may do anything as its user, and the folder
// lets nobody else in.
func demoSocket(folder string) string {
	if runtime.GOOS == "windows" { // nobody has tried it
		return ""
	}
	path := filepath.Join(folder, "admin.sock")
	if strings.ContainsAny(path, "|{}\"` \t") {
		return ""
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return ""
	}
	_ = listener.Close() // it was only a try
	return "unix/" + path
}

const demoCaddyfile = `{
	admin ADMIN
	persist_config off
	auto_https off
	storage file_system FOLDER
	log {
		level ERROR
	}
}

http://ADDRESS {
	bind HOST
	doorcode {
		allow *
		tokens on
		passkeys KEYS
		mail demo
		storage embedded FOLDER/doorcode.db
		pages {
			name "Doorcode demo"
			support mailto:help@example.com
		}
	}
	header Content-Type "text/html; charset=utf-8"
	respond <<HTML
		<!doctype html>
		<html lang="en">
		<head><meta charset="utf-8"><title>Sample app</title>
		<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
		<link rel="icon" href="data:,">
		<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}code{font-size:1.05em}</style>
		</head>
		<body><h1>Hello {http.auth.user.id}</h1>
		<p>This is the app. It saw nobody before you entered the code, and it was told who you are:</p>
		<ul><li><code>Remote-User: {http.request.header.Remote-User}</code></li>
		<li><code>Remote-Email: {http.request.header.Remote-Email}</code></li>
		<li>verified at {http.doorcode.verified_at}</li></ul>
		<p><a href="/.doorcode/">Your account</a> · <a href="/.doorcode/signout">Sign out</a></p></body></html>
		HTML 200
}
`

func demoConfig(address, folder, socket string) ([]byte, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	keys := "on"
	if net.ParseIP(host) != nil { // browsers make none for it
		keys = "off"
	}
	text := strings.NewReplacer("ADDRESS", address, "HOST", host, "FOLDER", filepath.ToSlash(folder), "KEYS", keys, "ADMIN", orElse(socket, "off")).Replace(demoCaddyfile)
	return adaptOwn(text)
}

// adaptOwn adapts a Caddyfile that a command has written.
func adaptOwn(text string) (config []byte, err error) {
	adapter := caddyconfig.GetAdapter("caddyfile")
	if adapter == nil {
		return nil, errors.New("this Caddy was built without its Caddyfile adapter")
	}
	config, _, err = adapter.Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	return config, err
}

func announceDemo(address, socket string, out io.Writer) error {
	module, err := caddy.ActiveContext().AppIfConfigured("doorcode")
	if err != nil {
		return err
	}
	app, ok := module.(*App)
	if !ok || len(app.building.gates()) == 0 {
		return errors.New("demo has no gate")
	}
	d, err := app.building.gates()[0].open()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The app       http://%s/\nIts mailbox   http://%s%s\nYour account  http://%s/.doorcode/\n\n"+
		"Open the first two, sign in to the app with any address, and take the code from the mailbox.\n",
		address, address, d.inbox.Path(), address)
	if socket != "" {
		fmt.Fprintf(out, "What the pages keep quiet about an address, and what became of its mails, is told in another terminal by\n\n"+
			"    %s doorcode why --address %s ana@example.com\n\n", os.Args[0], socket)
	}
	fmt.Fprintln(out, "Ctrl-C ends the demo.")
	return nil
}
