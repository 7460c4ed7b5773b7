// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"slices"
	"strings"
)

// freeMail are domains at which anybody can have an address. A domain that is left
// out costs a warning, and nothing else.
var freeMail = strings.Fields(`
	126.com 163.com aim.com aol.com arcor.de bk.ru bluewin.ch btinternet.com centrum.cz daum.net duck.com
	email.com email.cz fastmail.com foxmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net
	googlemail.com hanmail.net hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it
	icloud.com inbox.ru interia.pl laposte.net libero.it list.ru live.com mac.com mail.com mail.de mail.ru
	mailbox.org me.com msn.com naver.com o2.pl onet.pl op.pl orange.fr outlook.com outlook.de outlook.es outlook.fr
	pm.me posteo.de proton.me protonmail.com qq.com rambler.ru rediffmail.com sapo.pt seznam.cz sfr.fr t-online.de
	tuta.io tutanota.com ukr.net virgilio.it wanadoo.fr web.de wp.pl xs4all.nl yahoo.co.in yahoo.co.jp yahoo.co.uk
	yahoo.com yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com yandex.ru yeah.net ymail.com ziggo.nl zoho.com`)

func isFreeMail(domain string) bool {
	return slices.Contains(freeMail, strings.ToLower(domain))
}
