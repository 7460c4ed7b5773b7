// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/doorcode/caddy-doorcode/challenge"
)

const oneAddress = "one address, such as alice@example.com"

func letInCommand() *cobra.Command {
	var asked order
	cmd := jsonCommand(&cobra.Command{
		Use:   `let-in <address> --why "<reason>"`,
		Short: "Prints a code that lets somebody in to whom no mail comes",
		Long: "Prints a code of eight digits that lets a person in once, instead of the code in a mail: to be read out over the\n" +
			"phone. They open the site, enter their address, and type it into the field for the mailed code.\n\n" +
			"Before you read it out, make sure that it is they: call back on a number that you had before. Whoever pretends to\n" +
			"be somebody else asks for exactly this.\n\n" +
			"The code counts at every site that keeps its records in the same storage and lists the address, on the limits of\n" +
			"mailed codes; 'unlock' lifts those. It remembers no browser, changes no ways in, opens no sensitive page and ends no\n" +
			"guard. A new one ends the one before. The person is mailed that it was made, and why.",
		Args: takes(oneAddress),
	}, func(c *remote, out io.Writer, args []string) error {
		if err := requireAddress("let-in", args[0]); err != nil {
			return err
		}
		asked.Address = args[0]
		if _, err := asked.letting(); err != nil {
			return err
		}
		return c.show(out, http.MethodPost, letInPath, asked, &letInSheet{address: args[0]})
	})
	flags := cmd.Flags()
	flags.StringVar(&asked.For, "for", "15m", "how long the code works, 1m to 1h")
	flags.StringVar(&asked.Why, "why", "", "the reason, 3 to 200 characters: the person is told, and it is logged")
	flags.Lookup("site").Usage = "host of the site that they want to get into, where there are several"
	return cmd
}

// A letInSheet prints the code, once.
type letInSheet struct {
	letInAnswer
	address string
}

func (l *letInSheet) print(s *sheet) {
	half := len(l.Code) / 2
	s.line()
	s.line("    " + l.Code[:half] + " " + l.Code[half:])
	s.line()
	left := time.Until(l.Until).Round(time.Minute)
	s.line("lets " + l.address + " in once at " + l.Site + ", until " + moment(l.Until) + " (" + brief(left) + ").")
	s.line()
	s.line("Before you read it out, make sure that it is they: call back on a number that you had before.")
	s.line("They open the site, enter their address, and type it in place of the code from the mail.")
	s.line("They are mailed that it was made, and why.")
}

func forgetCommand() *cobra.Command {
	var yes bool
	cmd := jsonCommand(&cobra.Command{
		Use:   "forget <address>",
		Short: "Erases what is kept of a person",
		Long: "Erases what is kept of an address, at once and on all machines: sessions end, remembered browsers, places, backup\n" +
			"codes, authenticator app, passkeys, second address, access tokens and activity go. It cannot be undone. What was counted\n" +
			"against the address stays, so that nobody gets rid of a lock in this way.\n\n" +
			"It does not touch your lists: while the address is on them, it may sign in as somebody new.",
		Args: takes(oneAddress),
	}, func(c *remote, out io.Writer, args []string) error {
		return c.show(out, http.MethodPost, forgetPath, order{Address: args[0]}, &forgetSheet{address: args[0]})
	})
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if err := requireAddress("forget", args[0]); err != nil || yes {
			return err
		}
		return confirmForget(cmd.InOrStdin(), cmd.ErrOrStderr(), args[0])
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// requireAddress refuses what no storage can have anything of.
func requireAddress(verb, text string) error {
	if _, err := challenge.ParseEmail(text); err != nil {
		return fmt.Errorf("%s takes an address such as alice@example.com, got '%s'", verb, text)
	}
	return nil
}

// confirmForget asks whoever sits at a terminal. Nobody else can have meant it
// without --yes.
func confirmForget(in io.Reader, out io.Writer, address string) error {
	const unasked = "forget erases sessions, browsers, places, ways in, tokens and activity of %s, for good; add --yes if that is meant"
	if file, ok := in.(*os.File); ok && !isTerminal(file) {
		return fmt.Errorf(unasked, address)
	}
	_, err := fmt.Fprintf(out, "This erases sessions, browsers, places, ways in, tokens and activity of %s, for good.\nEnter the address again to go on: ", address)
	if err != nil {
		return err
	}
	answer, err := bufio.NewReader(io.LimitReader(in, maxOrder)).ReadString('\n')
	if answer = strings.TrimSpace(answer); answer == "" && errors.Is(err, io.EOF) {
		fmt.Fprintln(out) // nobody has ended the line of the question
		return fmt.Errorf(unasked, address)
	}
	if !strings.EqualFold(answer, address) {
		return errors.New("that is another address; nothing was erased")
	}
	return nil
}

// isTerminal may take a device that is none for a terminal. What is read from such
// a one is no address.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// A forgetSheet says what is gone.
type forgetSheet struct {
	forgetAnswer
	address string
}

func (f *forgetSheet) print(s *sheet) {
	if len(f.Forgotten) == 0 {
		s.line("Nothing was kept of " + f.address + ".")
		return
	}
	s.line("What was kept of " + f.address + " is gone from " + strings.Join(f.Forgotten, ", ") + ", and their sessions are over.")
	s.line("Limits and locks of the address stay. While it is on your lists, it may sign in as somebody new.")
}

func exportCommand() *cobra.Command {
	var file string
	cmd := remoteCommand(&cobra.Command{
		Use:   "export <address>",
		Short: "Prints what is kept of a person, as JSON",
		Long: "Prints what is kept of an address, as JSON: for a person who asks what you know of them. Nothing in it lets anybody\n" +
			"in. With --output it goes into a new file that nobody else can read.",
		Args: takes(oneAddress),
	}, func(c *remote, out io.Writer, args []string) error {
		if err := requireAddress("export", args[0]); err != nil {
			return err
		}
		text, err := c.export(args[0])
		if err != nil || file == "" {
			return errors.Join(err, flush(out, text))
		}
		n, err := keepNew(file, text.WriteTo)
		if err == nil {
			_, err = fmt.Fprintf(out, "Wrote %d bytes to %s.\n", n, file)
		}
		return err
	})
	cmd.Flags().StringVarP(&file, "output", "o", "", "a file that does not exist yet (default: the standard output)")
	return cmd
}

// export asks what is kept of an address.
func (c *remote) export(address string) (*bytes.Buffer, error) {
	var answer exportSheet
	var raw bytes.Buffer
	c.asJSON = true
	if err := c.show(&raw, http.MethodPost, exportPath, order{Address: address}, &answer); err != nil {
		return new(bytes.Buffer), err
	}
	if len(answer.Exports) == 0 {
		return new(bytes.Buffer), fmt.Errorf("nothing is kept of %s", address)
	}
	return &raw, nil
}

// An exportSheet is an answer that is only ever printed as JSON.
type exportSheet struct{ exportAnswer }

func (e *exportSheet) print(*sheet) {}
