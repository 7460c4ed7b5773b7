// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// GeoIP are the databases that say where visitors are.
type GeoIP struct {
	// The database files in MaxMind's format (mmdb): City, Country, ASN and
	// Anonymous, in any number; the first that knows something counts. Default:
	// none.
	Files []string `json:"files,omitempty"`

	// How often the files are looked at, 1s to 30d; one that has changed is read
	// again. Default: 5m.
	Refresh caddy.Duration `json:"refresh,omitempty"`
}

// Location says from when on two places are far apart.
type Location struct {
	// How far a place may be from the usual ones, in kilometres, 50 to 5000.
	// Default: 500.
	Distance int `json:"distance,omitempty"`

	// How fast somebody may have travelled, in kilometres an hour, 100 to 2000.
	// Default: 900.
	Speed int `json:"speed,omitempty"`
}

// Countries say from where people may pass. Only one of the lists may be set.
type Countries struct {
	// The countries from which people may pass, as ISO 3166-1 codes such as PT.
	// Private addresses and named networks pass too; public addresses that are in
	// no database do not. Default: all.
	Allow []string `json:"allow,omitempty"`

	// The countries from which people may not pass. Default: none.
	Deny []string `json:"deny,omitempty"`
}

func (g *GeoIP) check() error {
	if slices.Contains(g.Files, "") {
		return errors.New("'geoip' is empty")
	}
	return between("refresh", g.Refresh, time.Second, 30*day)
}

func (l *Location) check() error {
	return errors.Join(
		withinUnit("distance", l.Distance, 50, 5000, "km"),
		withinUnit("speed", l.Speed, 100, 2000, "kmh"),
	)
}

// withinUnit refuses a measure outside its bounds; zero is not set.
func withinUnit(word string, n, least, most int, unit string) error {
	if n != 0 && (n < least || n > most) {
		return fmt.Errorf("'%s' must be %d%s to %d%s, got %d%s", word, least, unit, most, unit, n, unit)
	}
	return nil
}

func (c *Countries) check() error {
	if len(c.Allow) > 0 && len(c.Deny) > 0 {
		return errors.New("'countries' holds either those that may pass or, after 'not', those that may not")
	}
	return checkCountryCodes("countries", slices.Concat(c.Allow, c.Deny))
}

func checkCountryCodes(word string, codes []string) error {
	for _, code := range codes {
		if err := checkCountryCode(word, code, code); err != nil {
			return err
		}
	}
	return nil
}

// checkCountryCode refuses what is no code; written is what stands in the configuration.
func checkCountryCode(word, code, written string) error {
	if instead, ok := mistaken[code]; ok {
		return fmt.Errorf("'%s' takes ISO 3166-1 codes; '%s' is written %s", word, written, instead)
	}
	if len(code) != 2 || !slices.Contains(strings.Fields(isoCodes), code) {
		return fmt.Errorf("'%s' takes ISO 3166-1 codes of countries such as PT or ES, got '%s'", word, written)
	}
	return nil
}

// mistaken are codes that people write for countries which have another one.
var mistaken = map[string]string{"EL": "GR", "UK": "GB"}

// isoCodes are the countries and territories of ISO 3166-1 alpha-2, and XK, by
// which databases call Kosovo. Any other code, be it a former one such as SU,
// would be a country that nobody is ever in.
const isoCodes = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ
BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ
DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY
HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY
MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ
NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ
TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ
VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`
