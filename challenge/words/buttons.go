// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package words

import (
	"slices"
	"strings"
)

// IsButton reports that the text of a key stands on a button, or on a link that
// looks like one, so that it has to be short in every language.
func IsButton(key string) bool {
	_, name, _ := strings.Cut(key, ".")
	return strings.HasSuffix(name, "_button") || strings.HasPrefix(name, "button") || slices.Contains(buttons, key)
}

// buttons are those keys of buttons that do not say so in their name.
var buttons = []string{
	"code.busy", "email.busy", "way.other", "way.backup", "code.new", "code.different", "code.again", "code.again_in",
	"code.change", "way.mail", "confirm.back", "way.app", "way.mail_first", "way.second",
	"refused.home", "stop.keep", "mail_down.again", "email.use", "email.keep", "stopped.undo", "send_form.discard",
	"no_access.ask", "no_access.switch", "unavailable.again", "signed_out.again", "not_sent.open", "not_sent.link",
	"language.back", "cookies.again",
	"account.pages", "account.cancel", "account.stay", "account.back", "account.sign_out", "account.forget_this", "account.rename",
	"account.forget", "account.cancel_change", "account.drop_cancel", "account.drop_this_cancel", "account.save",
	"account.make_codes", "account.export", "account.erase", "account.erasing_link", "account.everywhere", "account.change_settings",
	"account_tokens.revoke", "account_tokens.start", "account_tokens.saved", "account_tokens.copy", "account_tokens.copied",
	"account_ways.second_add", "account_ways.second_replace", "account_ways.second_remove", "account_ways.app_add",
	"account_ways.app_replace", "account_ways.app_remove", "account_ways.back", "account_ways.waiting_link",
	"account_ways.keep",
	"passkey.use", "passkey.add", "account_passkeys.add", "account_passkeys.remove", "account_passkeys.back", "account_passkeys.go_on",
	"account_codes.renew", "account_codes.back", "account_codes.try", "account_codes.saved", "account_codes.print",
	"account_codes.download", "account_codes.copy", "account_codes.copied", "account_codes.create",
	"activity.not_me", "activity.reported_browsers", "activity.reported_back", "activity.report_keep", "activity.download",
}
