// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func whyCommand() *cobra.Command {
	cmd := jsonCommand(&cobra.Command{
		Use:   "why <address>",
		Short: "Tells what decides about an address, and what became of its mails",
		Long: "Tells everything that pages keep quiet about an address: which rule of the lists decides, what is locked, which codes\n" +
			"are under way or used up, what became of the last mails, when a code was entered last, and what the next visit would ask\n" +
			"for. No code is shown. Mails are those that this machine has sent since it started.\n\n" +
			"To try a request that has not come yet, with a place and a browser, use 'explain'.",
		Args: takes(oneAddress),
	}, func(c *remote, out io.Writer, args []string) error {
		if err := requireAddress("why", args[0]); err != nil {
			return err
		}
		return c.show(out, http.MethodPost, whyPath, order{Address: args[0]}, new(whySheet))
	})
	cmd.Flags().Lookup("site").Usage = "host of a site (default: all of them)"
	return cmd
}

// A whySheet is what decides about an address.
type whySheet struct{ whyAnswer }

func (w *whySheet) print(s *sheet) {
	s.line(w.Address)
	s.section("SITE", "MAY ENTER", "BY", "UNTIL", "GROUPS")
	for _, site := range w.Sites {
		s.line(site.Site, yesNo(site.Allowed), site.Rule, dated(site.Until), orElse(strings.Join(site.Groups, " "), "-"))
	}
	for _, site := range w.Sites {
		s.section()
		s.line("What comes next at " + site.Site + ":")
		for _, sentence := range site.Next {
			s.line("  " + sentence)
		}
	}
	for i := range w.Storages {
		if len(w.Storages) > 1 {
			s.section()
			s.line("In " + w.Storages[i].Storage + ":")
		}
		w.Storages[i].print(s)
	}
}

func (w *whyStanding) print(s *sheet) {
	s.section()
	if p := w.Person; p == nil {
		s.line("Nobody has ever entered, by a code or a passkey.")
	} else {
		s.line("Codes and passkeys were entered first " + dated(p.First) + ", last " + dated(p.Last) + "; a code from a mail last " + dated(p.Mailed) + ".")
		s.line(some(p.Sessions, "session lives", "sessions live") + ", " + some(p.Browsers, "browser is", "browsers are") +
			" remembered. The log calls the account " + p.Account + ".")
		p.printPasskeys(s)
	}
	for i, l := range w.Locks {
		if i == 0 {
			s.section("COUNTED OF", "LOCKED UNTIL", "WRONG CODES", "MAILS")
		}
		s.line(l.Crowd, dated(l.Until), strconv.Itoa(l.Tries), strconv.Itoa(l.Mails))
	}
	for i, c := range w.Pending {
		if i == 0 {
			s.section("CODE WITH LETTERS", "SITE", "ASKED FOR", "WORKS UNTIL", "MAILS", "TRIES LEFT")
		}
		s.line(c.Ref, orElse(c.Site, "-"), dated(c.Asked), moment(c.Ends), strconv.Itoa(c.Mails), strconv.Itoa(c.Tries))
	}
	for i, c := range w.UsedUp {
		if i == 0 {
			s.section()
		}
		s.line(c.usedUp())
	}
	w.printMails(s)
	for i, d := range w.Recent {
		if i == 0 {
			s.section("WHAT HAPPENED", "WHEN", "TIMES", "BROWSER", "PLACE", "NETWORK")
		}
		s.line(d.text(), moment(d.At), strconv.Itoa(d.Times), orElse(d.Browser, "-"), placed(d.City, d.Country), orElse(d.Network, "-"))
	}
}

// usedUp is a sentence about a code that was guessed at too often.
func (c *whyCode) usedUp() string {
	text := "The code with the letters " + c.Ref
	if c.Site != "" {
		text += " for " + c.Site
	}
	if c.Asked != nil {
		text += ", asked for " + dated(c.Asked) + ","
	}
	return text + " works no more: too many wrong codes were entered. A new one has to be asked for."
}

// printPasskeys writes a sentence about each passkey.
func (p *whyPerson) printPasskeys(s *sheet) {
	if len(p.Passkeys) == 0 {
		s.line("There is no passkey.")
	}
	for i, k := range p.Passkeys {
		text := "Passkey " + strconv.Itoa(i+1) + " of " + strconv.Itoa(len(p.Passkeys)) + " is for " + orElse(k.Site, "an unknown site")
		if k.Used == nil {
			text += ", and was never used"
		} else {
			text += ", and was used last " + dated(k.Used)
		}
		if k.State != passkeyCounts {
			text += "; it lets nobody in (" + k.State + ")"
		}
		s.line(text + ".")
	}
}

func (w *whyStanding) printMails(s *sheet) {
	if len(w.Mails) == 0 {
		s.section()
		s.line("This machine has sent no mail to the address since it started.")
		return
	}
	s.section("MAIL", "WHEN", "BECAME", "BY", "LETTERS", "TRIES", "WHY")
	for _, m := range w.Mails {
		s.line(m.Subject, moment(m.At), m.Outcome, orElse(m.Transport, "-"), orElse(m.Ref, "-"), strconv.Itoa(m.Try), orElse(m.Reason, "-"))
	}
}

// text is what happened, in the words of the log.
func (d *whyDeed) text() string {
	text := strings.ReplaceAll(d.What, "_", " ")
	if d.Change != "" {
		text += " " + d.Change
	}
	if d.Way != "" {
		text += " by " + d.Way
	}
	return text
}
