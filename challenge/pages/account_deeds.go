// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import "github.com/doorcode/caddy-doorcode/challenge/words"

// deeds are what can happen, with what is told more exactly behind a slash: the way
// in, or that it is about something with a name or about a change.
var deeds = map[string]string{
	"code_sent":        "activity.what_code_sent",
	"code_sent/second": "activity.what_code_sent_second",
	"code_sent/change": "activity.what_code_sent_change",
	"entered":          "activity.what_entered",
	"entered/backup":   "activity.what_entered_backup",
	"entered/app":      "activity.what_entered_app",
	"entered/second":   "activity.what_entered_second",
	"entered/passkey":  "activity.what_entered_passkey",
	"entered/let_in":   "activity.what_entered_let_in",
	"confirmed":        "activity.what_confirmed",
	"confirmed/change": "activity.what_confirmed_change",

	"confirmed/passkey":        "activity.what_confirmed_passkey",
	"confirmed/change/passkey": "activity.what_confirmed_change_passkey",

	"wrong":         "activity.what_wrong",
	"wrong/backup":  "activity.what_wrong_backup",
	"wrong/app":     "activity.what_wrong_app",
	"wrong/passkey": "activity.what_wrong_passkey",
	"cancelled":     "activity.what_cancelled",
	"locked":        "activity.what_locked",
	"stopped":       "activity.what_stopped",
	"unstopped":     "activity.what_unstopped",
	"remembered":    "activity.what_remembered",
	"renewed":       "activity.what_renewed",
	"signed_out":    "activity.what_signed_out",
	"ended":         "activity.what_ended",
	"ended/named":   "activity.what_ended_named",

	"ended_by_operator": "activity.what_ended_by_operator",

	"replayed":      "activity.what_replayed",
	"unproved":      "activity.what_unproved",
	"renamed":       "activity.what_renamed",
	"renamed/named": "activity.what_renamed_named",
	"changed":       "activity.what_changed",
	"changed/named": "activity.what_changed_named",
	"waits":         "activity.what_waits",
	"waits/named":   "activity.what_waits_named",
	"undone":        "activity.what_undone",
	"guarded":       "activity.what_guarded",
	"unguarded":     "activity.what_unguarded",
	"let_in":        "activity.what_let_in",
	"unlocked":      "activity.what_unlocked",
}

// changes are what can be changed.
var changes = map[string]string{
	"backup_codes":     "activity.change_backup_codes",
	"test_backup_code": "activity.change_test_backup_code",
	"add_app":          "activity.change_add_app",
	"remove_app":       "activity.change_remove_app",
	"set_second":       "activity.change_set_second",
	"prove_second":     "activity.change_prove_second",
	"remove_second":    "activity.change_remove_second",
	"add_passkey":      "activity.change_add_passkey",
	"remove_passkey":   "activity.change_remove_passkey",
	"rename_passkey":   "activity.change_rename_passkey",
	"stop_passkey":     "activity.change_stop_passkey",
	"add_token":        "activity.change_add_token",
	"remove_token":     "activity.change_remove_token",
	"export":           "activity.change_export",
	"erase":            "activity.change_erase",
	"settings":         "activity.change_settings",
}

// results are what things came to, where they were not just done.
var results = map[string]string{
	"code_sent":  "activity.result_sent",
	"entered":    "activity.result_in",
	"renewed":    "activity.result_in",
	"confirmed":  "activity.result_confirmed",
	"wrong":      "activity.result_refused",
	"cancelled":  "activity.result_ended",
	"locked":     "activity.result_locked",
	"signed_out": "activity.result_out",
	"ended":      "activity.result_out",

	"ended_by_operator": "activity.result_out",

	"replayed":   "activity.result_out",
	"unproved":   "activity.result_refused",
	"remembered": "activity.result_remembered",
	"waits":      "activity.result_waits",
	"undone":     "activity.result_cancelled",
	"guarded":    "activity.result_suspended",
}

// what happened, in words.
func (d AccountDeed) what(s scribe) message {
	args := words.Args{"name": isolated(d.Name), "change": d.changed(s)}
	more := "/" + d.Way
	switch {
	case d.Change != "" && d.Kind == "confirmed" && d.Way == "passkey":
		more = "/change/passkey"
	case d.Change != "" && (d.Kind == "confirmed" || d.Kind == "code_sent"):
		more = "/change"
	case d.Name != "":
		more = "/named"
	}
	key, known := deeds[d.Kind+more]
	if !known {
		key, known = deeds[d.Kind]
	}
	if !known { // a later version wrote it
		key = "activity.what_other"
	}
	return s.both(key, args)
}

func (d AccountDeed) changed(s scribe) string {
	if key, known := changes[d.Change]; known {
		return s.text(key, nil)
	}
	return s.text("activity.change_other", nil)
}

// result is what it came to, in words.
func (d AccountDeed) result(s scribe) string {
	if key, ok := results[d.Kind]; ok {
		return s.text(key, nil)
	}
	return s.text("activity.result_done", nil)
}
