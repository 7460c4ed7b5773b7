// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import "time"

// sampleCode is screen [2] as a stranger meets it.
func sampleCode() Code {
	return Code{
		Endpoints: sampleEndpoints, Flow: sampleFlow, Address: "ana@example.com", Ref: "7KQ",
		Now: sampleNow, Expires: sampleNow.Add(10 * time.Minute), ResendIn: 24 * time.Second,
		Days: 30, Reason: ReasonNewBrowser, Offers: sampleOffers,
	}
}

// sampleKnown is screen [2] for somebody whom an earlier step knows.
func sampleKnown() Code {
	c := sampleCode()
	c.Known = true
	return c
}

func sampleCodeWith(change func(*Code)) Page {
	c := sampleCode()
	change(&c)
	return c
}

// doorSamples are the screens that ask for an address or a code.
func doorSamples() []Sample {
	later := sampleNow.Add(21 * time.Minute)
	email := Email{Endpoints: sampleEndpoints, Flow: sampleFlow, Now: sampleNow, RetryAt: later}
	with := func(change func(*Email)) Page { e := email; change(&e); return e }
	knownWith := func(change func(*Code)) Page { c := sampleKnown(); change(&c); return c }
	trouble := func(t Trouble) Page {
		return sampleCodeWith(func(c *Code) {
			c.Trouble, c.RetryAt, c.TriesLeft, c.Tries, c.Entered = t, later, 3, 5, 4
			if t >= WrongCode && t <= EarlierCode {
				c.Typed = "111111"
			}
		})
	}
	delivered := func(stage Stage) Page {
		return knownWith(func(c *Code) { c.Delivery = &Delivery{Stage: stage, At: sampleNow.Add(-2 * time.Minute)} })
	}
	return []Sample{
		{"1-email", email},
		{"1-email-prefilled", with(func(e *Email) { e.Address = "ana@example.com" })},
		{"1-email-missing", with(func(e *Email) { e.Trouble = EmailMissing })},
		{"1-email-malformed", with(func(e *Email) { e.Trouble, e.Address = EmailMalformed, "ana" })},
		{"1-email-suggestion", with(func(e *Email) {
			e.Trouble, e.Address, e.Better = EmailSuggestion, "ana@gmial.com", "ana@gmail.com"
		})},
		{"1-email-not-on-list", with(func(e *Email) { e.Trouble, e.Address = EmailNotOnList, "ana@example.com" })},
		{"1-email-network-mails", with(func(e *Email) { e.Trouble = EmailNetworkMails })},
		{"1-email-form-not-sent", with(func(e *Email) { e.FormNotSent, e.AnswersPost = true, true })},
		{"2-code", sampleCode()},
		{"2-code-known", sampleKnown()},
		{"2-code-known-often", knownWith(func(c *Code) { c.Often, c.Ticked, c.Reason = true, true, ReasonExpired })},
		{"2-code-letters", sampleCodeWith(func(c *Code) { c.Length, c.Alphabet, c.Reason = 8, "BCDFGHJKLMNPQRSTVWXZ", ReasonAlways })},
		{"2-code-never-remembered", sampleCodeWith(func(c *Code) { c.Remember, c.Reason = RememberNever, ReasonEnded })},
		{"2-code-form-not-sent", sampleCodeWith(func(c *Code) { c.FormNotSent, c.AnswersPost = true, true })},
		{"2-code-just-sent", knownWith(func(c *Code) { c.Notice = JustSent })},
		{"2e-missing", trouble(CodeMissing)},
		{"2e-wrong", trouble(WrongCode)},
		{"2e-label", trouble(LabelTyped)},
		{"2e-length", trouble(WrongLength)},
		{"2e-alphabet", trouble(WrongAlphabet)},
		{"2p-earlier", trouble(EarlierCode)},
		{"2x-expired", trouble(CodeExpired)},
		{"2x-lost", trouble(CodeLost)},
		{"2l-cancelled", trouble(CodeCancelled)},
		{"2L-locked", trouble(AddressLocked)},
		{"2L-locked-network", trouble(NetworkLocked)},
		{"2r-again", sampleCodeWith(func(c *Code) { c.Notice = SentAgain })},
		{"2r-new", sampleCodeWith(func(c *Code) { c.Notice = SentNew })},
		{"2r-too-early", sampleCodeWith(func(c *Code) { c.Notice = TooEarly })},
		{"2r-used-up", sampleCodeWith(func(c *Code) { c.Mails, c.MailsUsedUp = 3, true })},
		{"2t-address", trouble(AddressMails)},
		{"2t-network", trouble(NetworkMails)},
		{"2t-all", trouble(AllMails)},
		{"2m-down", trouble(MailDown)},
		{"2m-refused", delivered(StageRefused)},
		{"2-code-accepted", delivered(StageAccepted)},
		{"2d-delayed", delivered(StageDelayed)},
		{"2-code-given-up", delivered(StageGivenUp)},
		{"2-code-not-told-yet", delivered(StageUnknown)},
	}
}

// deadSamples are [2t] where no code could be right.
func deadSamples() []Sample {
	dead := func(t Trouble) Page {
		return sampleCodeWith(func(c *Code) { c.Trouble, c.RetryAt, c.Dead = t, sampleNow.Add(21*time.Minute), true })
	}
	return []Sample{
		{"2t-address-dead", dead(AddressMails)},
		{"2t-network-dead", dead(NetworkMails)},
		{"2t-all-dead", dead(AllMails)},
	}
}

// waySamples are [3], [5], [11], and the code page of a change.
func waySamples() []Sample {
	at := func(way Way, changes ...func(*Code)) Page {
		c := sampleCode()
		c.Way = way
		for _, change := range changes {
			change(&c)
		}
		return c
	}
	trouble := func(t Trouble) func(*Code) {
		return func(c *Code) { c.Trouble, c.Entered, c.RetryAt = t, 4, sampleNow.Add(time.Hour) }
	}
	typed := func(text string) func(*Code) { return func(c *Code) { c.Typed = text } }
	holding := func(c *Code) { c.Held = sampleHeld }
	forPurpose := func(purpose Purpose) func(*Code) {
		return func(c *Code) { *c = sampleChange(purpose) }
	}
	to := func(way Way) func(*Code) { return func(c *Code) { c.Way = way } }
	return []Sample{
		{"1-email-signed-out", Email{Endpoints: sampleEndpoints, Flow: sampleFlow, SignedOut: true}},
		{"1-email-unproved", Email{Endpoints: sampleEndpoints, Flow: sampleFlow, Unproved: true}},
		{"2-code-unproved", at(WayMail, func(c *Code) { c.Reason = ReasonUnproved })},
		{"2-code-signed-out", at(WayMail, func(c *Code) { c.SignedOut = true })},
		{"2-code-ended-by-operator", at(WayMail, func(c *Code) { c.ByOperator = true })},
		{"2-code-no-other-way", at(WayMail, func(c *Code) { c.Offers = WayOffers{} })},
		{"3-backup", at(WayBackup)},
		{"3-backup-known", at(WayBackup, func(c *Code) { *c = sampleKnown(); c.Way = WayBackup })},
		{"3-backup-missing", at(WayBackup, trouble(CodeMissing))},
		{"3-backup-wrong", at(WayBackup, trouble(WrongCode), typed("ABCD-EFGH-JKMN-PQRS"))},
		{"3-backup-form", at(WayBackup, trouble(WrongLength), typed("ABCD"))},
		{"3-backup-held", at(WayBackup, trouble(WrongCode), holding)},
		{"3-backup-locked", at(WayBackup, trouble(AddressLocked))},
		{"5-choice", at(WayChoice)},
		{"5-choice-held", at(WayChoice, holding)},
		{"5-app", at(WayApp)},
		{"5-app-wrong", at(WayApp, trouble(WrongCode), typed("123456"))},
		{"5-app-missing", at(WayApp, trouble(CodeMissing))},
		{"5-app-length", at(WayApp, trouble(WrongLength), typed("1234"))},
		{"5-app-locked", at(WayApp, trouble(AppLocked))},
		{"5-app-confirm", at(WayApp, func(c *Code) { *c = sampleConfirm(); c.Way = WayApp })},
		{"5-second", at(WaySecond)},
		{"5-second-letters", at(WaySecond, func(c *Code) { c.Length, c.Alphabet = 8, "BCDFGHJKLMNPQRSTVWXZ" })},
		{"5-second-again", at(WaySecond, func(c *Code) { c.Notice = SentAgain })},
		{"for-backup-codes", sampleChange(PurposeBackupCodes)},
		{"for-backup-codes-wrong", at(WayMail, forPurpose(PurposeBackupCodes), trouble(WrongCode))},
		{"for-backup-codes-by-second", at(WayMail, forPurpose(PurposeBackupCodes), to(WaySecond))},
		{"for-app-by-backup", at(WayMail, forPurpose(PurposeApp), to(WayBackup))},
		{"for-app-choice", at(WayMail, forPurpose(PurposeApp), to(WayChoice))},
		{"for-app-replaced", at(WayMail, forPurpose(PurposeApp), func(c *Code) { c.Replaced = true })},
		{"for-proof", at(WayMail, forPurpose(PurposeProof), func(c *Code) { c.Offers = WayOffers{} })},
		{"for-something", sampleChange(PurposeSomethingNew)},
		{"for-erase-expired", at(WayMail, forPurpose(PurposeErase), trouble(CodeExpired))},
		{"for-erase-cancelled", at(WayMail, forPurpose(PurposeErase), trouble(CodeCancelled), func(c *Code) { c.Tries = 5 })},
	}
}
