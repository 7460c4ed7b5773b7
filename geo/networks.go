// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package geo

import "slices"

// The lists below serve where no Anonymous-IP, ISP or Connection-Type database
// is given, as it seldom is: those cost money. They name large networks only,
// and none that is at once a home's or an office's: who is missing is judged by
// the other rules, who is listed wrongly is judged wrongly. They are sorted.

// hosting are autonomous systems of data centres, rented servers and content
// delivery, behind which the exits of many VPNs are too.
var hosting = [...]uint32{
	906,    // DMIT
	3214,   // xTom
	3223,   // Voxility
	4785,   // xTom
	7203,   // Leaseweb
	7506,   // GMO Internet
	8068,   // Microsoft
	8075,   // Microsoft
	8100,   // QuadraNet
	8560,   // IONOS
	8972,   // Host Europe
	9009,   // M247
	9123,   // Timeweb
	9312,   // xTom
	9370,   // Sakura Internet
	9371,   // Sakura Internet
	12586,  // GHOSTnet
	12876,  // Scaleway
	13213,  // UK-2
	13335,  // Cloudflare
	14061,  // DigitalOcean
	14576,  // Hosting Solution
	14618,  // Amazon
	15169,  // Google
	16276,  // OVH
	16509,  // Amazon
	16625,  // Akamai
	19148,  // Leaseweb
	19318,  // Interserver
	19994,  // Rackspace
	20454,  // Secured Servers
	20473,  // Vultr
	20860,  // iomart
	20940,  // Akamai
	21859,  // Zenlayer
	22612,  // Namecheap
	23470,  // ReliableSite
	24940,  // Hetzner
	24961,  // WIIT (myLoc)
	25697,  // UpCloud
	25820,  // IT7 Networks
	26347,  // DreamHost
	26496,  // GoDaddy
	27357,  // Rackspace
	28753,  // Leaseweb
	29066,  // velia.net
	29802,  // Hivelocity
	30081,  // CacheFly
	30633,  // Leaseweb
	31034,  // Aruba
	31898,  // Oracle Cloud
	32097,  // WholeSale Internet
	32244,  // Liquid Web
	32475,  // Internap (SingleHop)
	32613,  // Leaseweb
	33070,  // Rackspace
	33387,  // Nocix
	34788,  // Neue Medien Muennich
	35916,  // Multacom
	36183,  // Akamai
	36236,  // NetActuate
	36351,  // IBM Cloud
	36352,  // HostPapa (ColoCrossing)
	37963,  // Alibaba Cloud
	38365,  // Baidu
	39351,  // 31173 Services
	40021,  // Contabo
	40065,  // CNServers
	40676,  // Psychz
	42831,  // UK Dedicated Servers
	43350,  // NForce
	45090,  // Tencent Cloud
	45102,  // Alibaba Cloud
	46562,  // Performive
	46606,  // Unified Layer
	46844,  // Sharktech
	47583,  // Hostinger
	49505,  // Selectel
	49981,  // WorldStream
	50340,  // Selectel
	50673,  // Serverius
	51167,  // Contabo
	53667,  // FranTech
	53850,  // GorillaServers
	54113,  // Fastly
	55286,  // B2 Net Solutions
	55293,  // A2 Hosting
	55720,  // Gigabit Hosting
	55967,  // Baidu
	55990,  // Huawei Cloud
	57169,  // EDIS
	58061,  // Scalaxy
	59253,  // Leaseweb
	60068,  // Datacamp
	60404,  // The Infrastructure Group
	60558,  // phoenixNAP
	60781,  // Leaseweb
	61317,  // Hivelocity
	62240,  // Clouvider
	63949,  // Akamai (Linode)
	64267,  // Sprious
	132203, // Tencent Cloud
	135377, // UCloud
	136787, // PacketHub
	136907, // Huawei Cloud
	138915, // Kaopu Cloud
	141039, // PacketHub
	141995, // Contabo
	147049, // PacketHub
	197540, // netcup
	197695, // Reg.ru
	198610, // Beget
	200350, // Yandex Cloud
	202053, // UpCloud
	202425, // IP Volume
	206264, // Amarutu
	207137, // PacketHub
	210644, // Aeza
	212238, // Datacamp
	212317, // Hetzner
	213230, // Hetzner
	216246, // Aeza
	396982, // Google Cloud
	398101, // GoDaddy
}

// roaming are autonomous systems of satellites and of mobile carriers. What
// their addresses are registered to is a ground station or an exchange, far from
// the person and not always the same one.
var roaming = [...]uint32{
	800,    // OneWeb
	1358,   // Hughes
	5377,   // Marlink
	6167,   // Verizon Wireless
	6621,   // Hughes
	7155,   // Viasat
	8374,   // Polkomtel
	9605,   // NTT Docomo
	10030,  // Celcom
	12684,  // SES
	13280,  // Three Ireland
	14593,  // SpaceX Starlink
	15796,  // Salt Mobile
	16135,  // Turkcell
	16232,  // TIM mobile
	17924,  // SmarTone
	19422,  // Movistar Uruguay
	20057,  // AT&T Mobility
	20978,  // TT Mobil
	21928,  // T-Mobile US
	22085,  // Claro Brazil
	22351,  // Intelsat
	22394,  // Verizon Wireless
	23693,  // Telkomsel
	23720,  // Rakuten Mobile
	24158,  // Taiwan Mobile
	24378,  // dtac
	24389,  // Grameenphone
	24432,  // Robi
	24499,  // Telenor Pakistan
	25135,  // Vodafone UK
	25255,  // Drei Austria
	27277,  // SpaceX
	27831,  // Tigo Colombia
	28403,  // Telcel
	29286,  // Eutelsat (Skylogic)
	29975,  // Vodacom
	31515,  // Inmarsat
	33771,  // Safaricom
	34444,  // Eutelsat
	36873,  // Airtel Nigeria
	36926,  // Airtel Kenya
	37061,  // Safaricom
	37069,  // Orange Egypt
	37168,  // Cell C
	38266,  // Vodafone Idea
	38466,  // U Mobile
	39356,  // Avanti
	39603,  // Play
	40306,  // Viasat
	40311,  // Viasat
	42863,  // MEO mobile
	44034,  // Tre Sweden
	44244,  // Irancell
	45143,  // Singtel Mobile
	45245,  // Banglalink
	45271,  // Vodafone Idea
	45609,  // Airtel
	45669,  // Jazz
	51207,  // Free Mobile
	55836,  // Reliance Jio
	56040,  // China Mobile
	56041,  // China Mobile
	56042,  // China Mobile
	56044,  // China Mobile
	56045,  // China Mobile
	56046,  // China Mobile
	56047,  // China Mobile
	56048,  // China Mobile
	59257,  // Zong
	60339,  // Three UK
	60725,  // SES (O3b)
	63062,  // Hughes
	64294,  // Panasonic Avionics
	131445, // AIS
	132061, // TrueMove
	132199, // Globe mobile
	133612, // Vodafone Australia
	137872, // China Mobile Hong Kong
	138384, // Rakuten Mobile
	197207, // MCI Iran
	206067, // Three UK
}

func listed(list []uint32, asn uint32) bool {
	_, ok := slices.BinarySearch(list, asn)
	return ok
}
