// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"net/http"
	"time"

	"github.com/doorcode/caddy-doorcode/challenge"
	"github.com/doorcode/caddy-doorcode/challenge/pages"
	"github.com/doorcode/caddy-doorcode/challenge/words"
)

const (
	doReport = "report"

	queryCSV      = "csv"
	queryProblems = "problems" // nothing else is wanted
	queryAfter    = "after"    // a place, see challenge.ActivityQuery
	queryBefore   = "before"

	// csvRows is how many rows are read at a time for a file, and csvReads how often:
	// more than are kept.
	csvRows  = 500
	csvReads = 8
)

// activity tells what happened.
func (k *desk) activity() {
	if _, ok := k.account(); !ok { // whose clock it is
		return
	}
	query := k.query()
	switch {
	case query.Has(queryCSV):
		k.activityFile()
	default:
		k.listActivity(challenge.ActivityQuery{Problems: query.Has(queryProblems), After: query.Get(queryAfter), Before: query.Get(queryBefore)})
	}
}

func (k *desk) listActivity(q challenge.ActivityQuery) {
	part, err := k.door.gate.Activity(k.r.Context(), k.visit(), k.admission, q)
	if err != nil {
		k.failed(err)
		return
	}
	k.show(http.StatusOK, pages.AccountActivity{
		Frame: k.frame(), Deeds: deeds(part.Rows), Problems: q.Problems, Newer: part.Prev, Older: part.Next,
		Keep: k.door.gate.Policy().Audit.Keep,
	})
}

// deeds are rows as the pages want them.
func deeds(rows []challenge.ActivityRow) []pages.AccountDeed {
	all := make([]pages.AccountDeed, len(rows))
	for i, r := range rows {
		all[i] = pages.AccountDeed{
			ID: r.ID, At: r.At, Kind: string(r.Kind), Way: string(r.Way), Change: string(r.Change), Times: r.Times, Browser: r.Browser,
			Near:    words.Spot{City: r.City, Country: r.Country, Radius: r.Radius, Private: r.Private},
			Network: r.Network, Credit: r.Credit, Name: r.Name, Problem: r.Problem, Reportable: r.Reportable,
		}
	}
	return all
}

// activityFile answers with all that happened, as a file.
func (k *desk) activityFile() {
	var all []pages.AccountDeed
	q := challenge.ActivityQuery{Rows: csvRows}
	for range csvReads {
		part, err := k.door.gate.Activity(k.r.Context(), k.visit(), k.admission, q)
		if err != nil {
			k.failed(err)
			return
		}
		all = append(all, deeds(part.Rows)...)
		if q.After = part.Next; q.After == "" {
			break
		}
	}
	var file bytes.Buffer
	if err := k.in.site.pages.ActivityCSV(&file, k.door.words(k.r, k.in), k.frame().Zone, all); err != nil {
		k.failed(err)
		return
	}
	name := "doorcode-" + hostname(k.in.site.host) + "-activity-" + k.in.Now.UTC().Format(time.DateOnly) + ".csv"
	k.download(name, "text/csv; charset=utf-8; header=present", file.Bytes())
}

// askReport asks before a row is reported.
func (k *desk) askReport() {
	do, id := k.wanted()
	if do != doReport {
		k.gone()
		return
	}
	if _, ok := k.account(); !ok {
		return
	}
	of, err := k.door.gate.ReportableRow(k.r.Context(), k.visit(), k.admission, id)
	if err != nil {
		k.failed(err)
		return
	}
	k.show(http.StatusOK, pages.AccountReport{
		Frame: k.pressing(doReport, id), ID: id, Password: of.Named,
		Asked: pages.StopDetails{
			Browser: of.Browser, Network: of.Network, At: of.At, Credit: of.Credit,
			Near: words.Spot{City: of.City, Country: of.Country, Radius: of.Radius, Private: of.Private},
		},
	})
}

func (k *desk) postActivity() {
	switch k.action() {
	case doReport:
		k.report()
	case doAsk:
		k.askReport()
	default:
		k.gone()
	}
}

func (k *desk) report() {
	of, err := k.door.gate.ReportRow(k.r.Context(), k.visit(), k.admission, k.r.PostForm.Get(fieldID))
	if err != nil {
		k.failed(err)
		return
	}
	page := pages.AccountReported{Frame: k.frame(), Password: of.Named, Passkey: of.Passkey}
	if of.Blocked {
		page.Blocked = challenge.BlockedFor
	}
	if of.Blocked && of.Trusted {
		page.Undo = page.Frame.Endpoints + stopPrefix + of.Link
		page.Nonce = k.door.sealNonce(k.in, nonce{ID: of.Link, Kind: of.Kind, Undo: true})
	}
	k.show(http.StatusOK, page)
}
