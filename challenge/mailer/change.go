// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

// formOf is the form of a notice: that of its subject, in the words of what is
// to be changed, of what is left and of the mailbox that it goes to.
func formOf(n *challenge.Notice, lexicon *words.Lexicon) form {
	f := forms[n.Subject]
	f.before, f.after = slices.Clone(f.before), slices.Clone(f.after)
	switch n.Subject {
	case challenge.ChangeCode:
		f.allow(n.Change, lexicon)
	case challenge.BackupCodeUsed:
		if n.Count <= 0 {
			f.before[1] = "mail.backup_none"
		}
	case challenge.WaysChanged:
		f.tell(n, lexicon)
	}
	if n.Second && !proves(n) {
		f.before = append(f.before, "mail.second_mailbox")
		f.sentTo = "mail.second_sent_to"
		if n.Subject == challenge.WaysChanged && n.Change == challenge.RemoveSecond && n.Due.IsZero() {
			f.before[len(f.before)-1], f.sentTo = "mail.second_was", "mail.second_was_sent_to"
		}
	}
	return f
}

// proves reports whether a mail goes to an address that is no second one yet.
// Whose mailbox it is may never have heard of the site.
func proves(n *challenge.Notice) bool {
	return n.Subject == challenge.ChangeCode && n.Change == challenge.ProveSecond
}

// allow words the mail of a code by the change that it allows.
func (f *form) allow(kind challenge.ChangeKind, lexicon *words.Lexicon) {
	f.lead = named(lexicon, "mail.code_", kind, f.lead)
	f.after[0] = named(lexicon, "mail.not_you_", kind, f.after[0])
	if kind == challenge.ProveSecond {
		f.before = append(f.before, "mail.prove_wants")
		f.linked, f.unlinked, f.sentTo = "", "", "mail.prove_sent_to"
	}
}

// tell words a notice by the change that was made, or will be unless somebody
// cancels it.
func (f *form) tell(n *challenge.Notice, lexicon *words.Lexicon) {
	kind := n.Change
	if kind == challenge.ProveSecond {
		kind = challenge.SetSecond
	}
	title, lead := "mail.title_", "mail.made_"
	if !n.Due.IsZero() {
		title, lead = "mail.soon_", "mail.due_"
		f.subjects = []string{"mail.waits_subject", "mail.waits_subject_without_app"}
		f.lead, f.heading, f.sentTo = "mail.waits_lead", "mail.asked", "mail.waits_sent_to"
		f.after[0] = "mail.waits_was_you" // the link is for whoever it was not
		f.link, f.linked, f.unlinked = "mail.waits_cancel", "mail.waits_cancels", "mail.waits_sign_out"
	}
	f.subjects = slices.Insert(slices.Clone(f.subjects), 0, named(lexicon, title, kind, f.subjects[0]))
	f.lead = named(lexicon, lead, kind, f.lead)
	if also := named(lexicon, "mail.also_"+strings.TrimPrefix(lead, "mail."), kind, ""); also != "" {
		f.before = append(f.before, also)
	}
	if n.Account != "" && !n.Second && kind == challenge.SetSecond {
		f.before = append(f.before, "mail.second_is")
	}
	switch {
	case !n.Due.IsZero():
		f.before = append(f.before, "mail.waits_until")
	case kind == challenge.EraseData:
		f.linked, f.unlinked = "mail.changed_stays", "mail.new_tell" // the page of the person's browsers is empty
	case kind == challenge.RemoveApp, kind == challenge.RemoveSecond, kind == challenge.RemovePasskey, kind == challenge.StopPasskey, kind == challenge.ExportData:
		f.linked = "mail.changed_stays"
	}
}

// named is the key for a kind of change, or other where there is none.
func named(lexicon *words.Lexicon, prefix string, kind challenge.ChangeKind, other string) string {
	if key := prefix + string(kind); kind != challenge.ChangeNone && lexicon.Has(key) {
		return key
	}
	return other
}

// tellWhose says whose account the mail is about. Of another mailbox than that
// which it goes to it shows as much as a page would.
func (b *body) tellWhose(n *challenge.Notice) {
	account := cmp.Or(masked(n.Account), b.Text("mail.an_account", nil))
	b.Args["account"], b.Args["whose"] = account, n.Mailbox
	if n.Second {
		b.Args["whose"] = account
	}
}

// maskable has the first letter and the domain of an address, masked or not.
var maskable = regexp.MustCompile(`^([A-Za-z0-9!#$%&'*+/=?^_{|}~-])[^@\s]*@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}))$`)

// masked leaves the first letter and the domain of an address, and nothing of
// what is none. What comes masked stays as it is.
func masked(address string) string {
	found := maskable.FindStringSubmatch(plain(address, maxAddress))
	if found == nil {
		return ""
	}
	return plain(found[1]+"••@"+found[2], maxName)
}

// maxAddress is what RFC 5321 section 4.5.3.1.3 leaves for an address, in octets.
const maxAddress = 254

// point says where on the site the person's own pages are, and that there are
// ways in for the day that no mail comes.
func (b *body) point(n *challenge.Notice) {
	b.Args["home"] = home(b.Link, b.Args["host"].(string))
	if n.Urge && (n.Subject == challenge.SignInCode || n.Subject == challenge.ConfirmCode) {
		b.Urge = "mail.urge"
	}
}

// home is the address of a person's own pages as text. A mail has one link, and
// this is none: a page to sign in at is what forged mails link to. The gate's own
// link knows where its pages are, below which path and at which port.
func home(link, host string) string {
	_, page, _ := strings.Cut(link, "://")
	if end := strings.LastIndex(page, "/no/"); end >= 0 {
		return page[:end+1]
	}
	return host + "/.doorcode/"
}

// maxWhy bounds what an operator wrote, in characters.
const maxWhy = 200

// schemes are what readers of mail make a link of.
var schemes = regexp.MustCompile(`(?i)(?:[a-z][a-z0-9+.-]*:)?//+|\b(?:mailto|tel|javascript|data):|\bwww\.`)

// why is an operator's word as a fact, without anything to follow.
func (l Letter) why() string {
	if l.Notice.Subject != challenge.CodeReadOut {
		return ""
	}
	return plain(schemes.ReplaceAllLiteralString(plain(l.Notice.Why, 4*maxWhy), ""), maxWhy)
}
