// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package pages

import "strings"

// misspelt are domains that people type by mistake, and what they mean.
var misspelt = map[string]string{
	"gamil.com": "gmail.com", "gmai.com": "gmail.com", "gmail.co": "gmail.com", "gmail.cm": "gmail.com",
	"gmaill.com": "gmail.com", "gmal.com": "gmail.com", "gmali.com": "gmail.com", "gmial.com": "gmail.com",
	"gmil.com": "gmail.com", "gnail.com": "gmail.com", "gmsil.com": "gmail.com", "ggmail.com": "gmail.com",
	"googlemail.co": "googlemail.com", "googelmail.com": "googlemail.com",
	"hotmai.com": "hotmail.com", "hotmal.com": "hotmail.com", "hotmial.com": "hotmail.com",
	"hotmil.com": "hotmail.com", "hotnail.com": "hotmail.com", "hotmaill.com": "hotmail.com",
	"hotmail.co": "hotmail.com", "homtail.com": "hotmail.com", "hormail.com": "hotmail.com",
	"otmail.com": "hotmail.com",
	"outlok.com": "outlook.com", "outloo.com": "outlook.com", "outllok.com": "outlook.com",
	"outlook.co": "outlook.com", "oulook.com": "outlook.com", "ootlook.com": "outlook.com",
	"yaho.com": "yahoo.com", "yahooo.com": "yahoo.com", "yhoo.com": "yahoo.com", "yaoo.com": "yahoo.com",
	"yahoo.co": "yahoo.com", "yhaoo.com": "yahoo.com",
	"iclod.com": "icloud.com", "icoud.com": "icloud.com", "iclould.com": "icloud.com", "icloud.co": "icloud.com",
	"protonmal.com": "protonmail.com", "protonmai.com": "protonmail.com", "porton.me": "proton.me",
	"gmx.ed": "gmx.de", "gmx.dee": "gmx.de", "web.ed": "web.de", "t-onlne.de": "t-online.de",
	"live.co": "live.com", "aol.co": "aol.com", "msn.co": "msn.com",
}

// endings are what looks like a top-level domain and is none.
var endings = map[string]string{
	".con": ".com", ".cmo": ".com", ".ocm": ".com", ".comm": ".com", ".vom": ".com", ".xom": ".com",
	".cpm": ".com", ".coom": ".com", ".nte": ".net", ".ent": ".net", ".ogr": ".org", ".rog": ".org",
}

// Suggest tells the address that was probably meant, where the domain of the
// given one is a common slip. It knows a fixed list only, so that the answer
// tells nothing of who is allowed.
func Suggest(address string) (better string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "", false
	}
	typed := strings.ToLower(address[at+1:])
	domain := typed
	if dot := strings.LastIndexByte(domain, '.'); dot > 0 {
		if ending, wrong := endings[domain[dot:]]; wrong {
			domain = domain[:dot] + ending
		}
	}
	if meant, wrong := misspelt[domain]; wrong {
		domain = meant
	}
	return address[:at+1] + domain, domain != typed
}
